"""The six figures at the top, each beside that of the month before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.report import _words as words
from holdfast.report._tables import Row, Tables

__all__ = ["Figure", "headline", "lead"]

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


def headline(tables: Tables) -> list[Figure]:
    """Read the figures.

    Parameters
    ----------
    tables
        What a build made.

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
            meaning="customers at the end of the month who are not lost by the definition of churn",
            write=words.count,
            difference=_counted,
            missing=why or "no month is over yet",
        ),
        _monthly(
            months,
            "retention_rate",
            name="Retention rate",
            meaning="share of the customers at the start of the month who were not lost in it",
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
            write=words.money,
            difference=_of_money,
            missing=why or "no month is over yet",
        ),
        *_risk(tables),
    ]


def lead(tables: Tables) -> list[str]:
    """Say in two sentences what the figures say.

    Parameters
    ----------
    tables
        What a build made.

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
            f"Of the {words.count(last['customers_at_start'])} customers at the start of "
            f"{words.month(last['month'])}, {words.count(last['retained_customers'])} stayed "
            f"({words.share(last['retention_rate'])})."
        )
    now = _risk_now(tables)
    if now and now["customers"]:
        customers = now["high_customers"]
        verb = "is" if customers == 1 else "are"
        noun = "customer" if customers == 1 else "customers"
        sentences.append(
            f"{words.count(customers)} {noun} {verb} at high risk of leaving"
            + (
                f", and {words.money(now['value_at_risk'])} of a yearly revenue of "
                f"{words.money(now['revenue_365d'])} are expected to be lost if nothing is done."
                if now["value_at_risk"] is not None
                else "."
            )
        )
    return sentences


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
    difference: Callable[[float, float], str],
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


def _risk(tables: Tables) -> list[Figure]:
    """Make the two figures that the scores give."""
    now = _risk_now(tables)
    before = _risk_before(tables, now) if now else None
    texts = (
        (
            "Customers at high risk",
            "high_customers",
            "customers whose probability of leaving lies in the high band",
            words.count,
            _counted,
        ),
        (
            "Value at risk",
            "value_at_risk",
            "probability of leaving times the revenue of the last 365 days, summed over customers",
            words.money,
            _of_money,
        ),
    )
    figures = []
    for name, column, meaning, write, difference in texts:
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
                    before[column] if before else None,
                    f"than on {words.day(before['as_of_date'])}" if before else "",
                    difference,
                    False,
                    "no scores of a month before yet",
                ),
            )
        )
    return figures


def _risk_now(tables: Tables) -> Row | None:
    """Read what the latest scores add up to; None where the table is not there."""
    if not tables.has(
        "customer_retention", "as_of_date", "risk_band", "value_at_risk", "revenue_365d"
    ):
        return None
    return tables.row(
        """
        select
            max(as_of_date) as as_of_date,
            count(*) as customers,
            count(*) filter (where risk_band = 'high') as high_customers,
            sum(revenue_365d) as revenue_365d,
            sum(value_at_risk) as value_at_risk,
        from {customer_retention}
        where status in ('scored', 'scored_by_fallback')
        """
    )


def _risk_before(tables: Tables, now: Row) -> Row | None:
    """Read the same of the scores of about a month before, which only the warehouse keeps."""
    if not (
        now["as_of_date"]
        and tables.has("churn_scores", "as_of", "risk_band", "churn_probability")
        and tables.has("customer_features", "as_of", "revenue_365d")
    ):
        return None
    return tables.row(
        """
        with

        -- the date nearest to a month before, of those that are about a month away
        chosen as (

            select as_of
            from {churn_scores}
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
            sum(scores.churn_probability * greatest(features.revenue_365d, 0)) as value_at_risk,
        from {churn_scores} as scores
        inner join chosen on chosen.as_of = scores.as_of
        left join {customer_features} as features
            on features.customer_id = scores.customer_id
            and features.as_of = scores.as_of
        where scores.status in ('scored', 'scored_by_fallback')
        having count(*) > 0
        """,
        [now["as_of_date"]] * 3,
    )


def _changed(
    value: float | None,
    before: float | None,
    than: str,
    difference: Callable[[float, float], str],
    is_good_when_up: bool,
    missing: str,
) -> dict[str, Any]:
    """Tell how a figure changed, and whether that is good."""
    if value is None or before is None:
        return {"change": missing}
    told = difference(value, before)
    if told[0] not in "+-":
        return {"change": f"as {than.removeprefix('than ')}", "arrow": "="}
    is_up = told[0] == "+"
    return {
        "change": f"{told[1:]} {'more' if is_up else 'less'} {than}",
        "arrow": "▲" if is_up else "▼",
        "judgement": "good" if is_up == is_good_when_up else "bad",
    }


def _counted(value: float, before: float) -> str:
    return words.signed(value - before)


def _in_points(value: float, before: float) -> str:
    return words.points(value - before)


def _of_money(value: float, before: float) -> str:
    if not before:
        return words.signed(value - before, 2)
    return f"{words.signed(100 * (value / before - 1), 1)}%"


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
