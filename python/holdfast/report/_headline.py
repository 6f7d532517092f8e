"""The six figures at the top, each compared with the month before, and what they sum up to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.report import _words as words
from holdfast.report._money import Money
from holdfast.report._population import population
from holdfast.report._tables import Row, Tables
from holdfast.report._terms import terms

__all__ = ["Figure", "assumption", "headline", "lead"]

# the difference with its sign, and the words for more and for less of it
_Difference = Callable[[float, float], tuple[str, str, str]]

_MONTHS_DRAWN = 13
_METRICS = (
    "month",
    "is_project_definition",
    "is_complete",
    "customers_at_start",
    "active_customers",
    "retained_customers",
    "retention_rate",
    "churn_rate",
    "revenue_per_customer",
)


@dataclass(frozen=True)
class Figure:
    """A figure, how it changed, and what it is.

    Attributes
    ----------
    name, value, when, meaning
        Texts.
    change
        How it differs from the month before; why that is not known otherwise.
    judgement
        good or bad for the shop; neutral where it is neither, or unknown.
    arrow
        An arrow up or down, or nothing.
    line
        The points of its line over the last months, for an SVG polyline of 100 by 28.
    """

    name: str
    value: str
    when: str
    meaning: str
    change: str
    judgement: str = "neutral"
    arrow: str = ""
    line: str = ""


def headline(tables: Tables, money: Money) -> list[Figure]:
    """Read the figures.

    Parameters
    ----------
    tables
        What a build made.
    money
        The currency.

    Returns
    -------
    list of Figure
        Six of them; those that are not known have a dash and say why.
    """
    months = _months(tables)
    why = "" if tables.has("retention_metrics", *_METRICS) else _NO_MART
    return [
        _monthly(
            months,
            "active_customers",
            name="Active customers",
            meaning="customers at the end of the month who were not lost",
            write=words.count,
            difference=_counted,
            missing=why or "no month is over yet",
        ),
        _monthly(
            months,
            "retention_rate",
            name="Retention rate",
            meaning="share of the customers at the start of the month who stayed",
            write=words.share,
            difference=_in_points,
            missing=why or _NOT_MATURE,
        ),
        _monthly(
            months,
            "churn_rate",
            name="Churn rate",
            meaning="share of the customers at the start of the month who were lost in it",
            write=words.share,
            difference=_in_points,
            missing=why or _NOT_MATURE,
            is_good_when_up=False,
        ),
        _monthly(
            months,
            "revenue_per_customer",
            name="Revenue per customer",
            meaning="net revenue of the month per customer who bought in it",
            write=money.write,
            difference=_of_money,
            missing=why or "no month is over yet",
        ),
        *_risk(tables, money),
    ]


def lead(tables: Tables, money: Money) -> list[str]:
    """Sum the figures up in a few sentences: who stayed, who may leave, what is at stake.

    Parameters
    ----------
    tables
        What a build made.
    money
        The currency.

    Returns
    -------
    list of str
        The sentences that can be said.
    """
    sentences = []
    known = [month for month in _months(tables) if month["retention_rate"] is not None]
    if known:
        last = known[-1]
        sentences.append(
            f"Of the {words.counted(last['customers_at_start'], 'customer')} at the start of "
            f"{words.month(last['month'])}, {words.count(last['retained_customers'])} stayed "
            f"({words.share(last['retention_rate'])})."
        )
    now = _risk_now(tables)
    if not now or not now["customers"]:
        return sentences
    high = now["high_customers"]
    who = words.counted(now["customers"], "scored customer")
    can = " who can still be kept" if population(tables).is_told else ""
    sentences.append(
        f"Of {who}{can}, {words.count(high) if high else 'none'} "
        f"{'is' if high <= 1 else 'are'} at high risk of leaving."
    )
    if now["value_at_risk"] is not None and now["expected_spend"]:
        sentences.append(
            f"At stake is {money.write(now['value_at_risk'])} of the "
            f"{money.write(now['expected_spend'])} that they are expected to spend in the next 365 "
            "days."
        )
    return sentences


def assumption(tables: Tables) -> str:
    """Say whose spend is at stake, of which period, and by what probability.

    Parameters
    ----------
    tables
        What a build made.

    Returns
    -------
    str
        A sentence; nothing where no customer has a score.
    """
    now = _risk_now(tables)
    if not now or now["value_at_risk"] is None:
        return ""
    whose = "who can still be kept" if population(tables).is_told else "with a score"
    return (
        f"What is at stake counts customers {whose}: what each one is expected to spend in the "
        f"next 365 days, times the model\u2019s probability of {terms(tables).leaving}. The "
        "expectation already allows for customers who leave, so this is the part of it that rests "
        "on customers who may, if nothing is done."
    )


def _months(tables: Tables) -> list[Row]:
    """Read the months that are over, by the project's definition of churn."""
    if not tables.has("retention_metrics", *_METRICS):
        return []
    return tables.rows(
        f"""
        select {", ".join(_METRICS)}
        from {{retention_metrics}}
        where is_project_definition and is_complete
        order by month
        """  # noqa: S608 - constant names
    )


def _monthly(
    months: Sequence[Row],
    column: str,
    *,
    name: str,
    meaning: str,
    write: Callable[[float | None], str],
    difference: _Difference,
    missing: str,
    is_good_when_up: bool = True,
) -> Figure:
    """Make the figure of a column of retention_metrics."""
    known = [(each["month"], each[column]) for each in months if each[column] is not None]
    if not known:
        return Figure(name, words.NONE, "", meaning, missing)
    month, value = known[-1]
    before = known[-2] if len(known) > 1 else None
    return Figure(
        name=name,
        value=write(value),
        when=words.month(month),
        meaning=meaning,
        line=_line([each for _, each in known[-_MONTHS_DRAWN:]]),
        **_changed(
            value,
            before[1] if before else None,
            f"than in {words.month(before[0])}" if before else "",
            difference,
            is_good_when_up,
            "nothing to compare it with yet",
        ),
    )


def _risk(tables: Tables, money: Money) -> list[Figure]:
    """Make the two figures that the scores give."""
    now = _risk_now(tables)
    before = _risk_before(tables, now) if now else None
    who = "customers who can still be kept" if population(tables).is_told else "customers"
    texts: tuple[tuple[str, str, str, Callable[[float | None], str], _Difference, str], ...] = (
        (
            "Customers at high risk",
            "high_customers",
            f"{who} whose probability of leaving is in the high band",
            words.count,
            _counted,
            "no scores of a month before yet",
        ),
        (
            "Value at risk",
            "value_at_risk",
            f"probability of leaving times the spend expected in the next 365 days, over {who}",
            money.write,
            _of_money,
            "what was expected a month before is not kept",
        ),
    )
    figures = []
    for name, column, meaning, write, difference, incomparable in texts:
        if not now or not now["customers"]:
            missing = "no customer has a score: there is no model yet, or nobody is active"
            figures.append(
                Figure(name, words.NONE, "", meaning, missing if now is not None else _NO_MART)
            )
            continue
        figures.append(
            Figure(
                name=name,
                value=write(now[column]),
                when=words.day(now["as_of_date"]),
                meaning=meaning,
                **_changed(
                    now[column],
                    before.get(column) if before else None,
                    f"than on {words.day(before['as_of_date'])}" if before else "",
                    difference,
                    False,
                    incomparable,
                ),
            )
        )
    return figures


def _risk_now(tables: Tables) -> Row | None:
    """Add up the latest scores of those who can be kept; None where the table is not there."""
    if not tables.has(
        "customer_retention", "as_of_date", "risk_band", "value_at_risk", "expected_spend_365d"
    ):
        return None
    return tables.row(
        f"""
        select
            max(as_of_date) as as_of_date,
            count(*) as customers,
            count(*) filter (where risk_band = 'high') as high_customers,
            sum(expected_spend_365d) as expected_spend,
            sum(value_at_risk) as value_at_risk,
        from {{customer_retention}}
        where status in ('scored', 'scored_by_fallback') and {population(tables).keepable}
        """  # noqa: S608 - a constant
    )


def _risk_before(tables: Tables, now: Row) -> Row | None:
    """Read the same of the scores of about a month before, which only the warehouse keeps."""
    if not (
        now["as_of_date"] and tables.has("churn_scores", "as_of", "risk_band", "churn_probability")
    ):
        return None
    keepable, parameters = "true", [now["as_of_date"]] * 3
    if population(tables).is_told:
        # who could be kept then is known from the history of states alone
        columns = ("customer_id", "churn_definition", "is_keepable", "entered_at", "left_at")
        if not tables.has("customer_lifecycle", *columns):
            return None
        keepable = """
            exists (
                select 1
                from {customer_lifecycle} as lifecycle
                where
                    lifecycle.customer_id = scores.customer_id
                    and lifecycle.churn_definition = ?
                    and lifecycle.is_keepable
                    and lifecycle.entered_at < scores.as_of
                    and (lifecycle.left_at is null or lifecycle.left_at > scores.as_of)
            )
        """
        parameters.append(terms(tables).name)
    return tables.row(
        f"""
        with

        -- the date nearest to a month before, of those that are about a month away
        chosen as (

            select as_of
            from {{churn_scores}}
            where
                as_of >= cast(? as date) - interval 45 days
                and as_of <= cast(? as date) - interval 20 days
            group by as_of
            order by abs(epoch(as_of) - epoch(cast(? as date) - interval 1 month)), as_of
            limit 1

        )

        select
            cast(max(scores.as_of) as date) as as_of_date,
            count(*) as customers,
            count(*) filter (where scores.risk_band = 'high') as high_customers,
        from {{churn_scores}} as scores
        inner join chosen on chosen.as_of = scores.as_of
        where scores.status in ('scored', 'scored_by_fallback') and {keepable}
        having count(*) > 0
        """,  # noqa: S608 - constants
        parameters,
    )


def _changed(
    value: float | None,
    before: float | None,
    than: str,
    difference: _Difference,
    is_good_when_up: bool,
    missing: str,
) -> dict[str, Any]:
    """Tell how a figure changed, and whether that is good."""
    if value is None or before is None:
        return {"change": missing}
    told, more, less = difference(value, before)
    if told[0] not in "+-":
        return {"change": f"the same as {than.removeprefix('than ')}", "arrow": "="}
    is_up = told[0] == "+"
    return {
        "change": f"{told[1:]} {more if is_up else less} {than}",
        "arrow": "▲" if is_up else "▼",
        "judgement": "good" if is_up == is_good_when_up else "bad",
    }


def _counted(value: float, before: float) -> tuple[str, str, str]:
    return words.signed(value - before), "more", "fewer"


def _in_points(value: float, before: float) -> tuple[str, str, str]:
    return words.points(value - before), "higher", "lower"


def _of_money(value: float, before: float) -> tuple[str, str, str]:
    change = f"{words.signed(100 * (value / before - 1), 1)}%" if before > 0 else ""
    return change or words.signed(value - before, 2), "higher", "lower"


def _line(values: Sequence[float]) -> str:
    """Give the points of a line of 100 by 28, with a margin of 3."""
    if len(values) < 3:
        return ""
    low, high = min(values), max(values)
    reach = (high - low) or 1.0
    step = 94 / (len(values) - 1)
    return " ".join(
        f"{3 + i * step:.1f},{25 - 22 * (value - low) / reach:.1f}"
        for i, value in enumerate(values)
    )


_NO_MART = "the table behind it is not there; run `dbt build`"
_NOT_MATURE = "no month's churn is known yet: the data must be older than the churn horizon"
