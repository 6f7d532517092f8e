"""What customers are worth: expected spend, where it comes from, who of the best may leave."""

from __future__ import annotations

from dataclasses import dataclass, field

import altair as alt

from holdfast.report import _words as words
from holdfast.report._chart import Section, draw, share_axis, spec
from holdfast.report._evaluations import evaluations
from holdfast.report._lists import may_list
from holdfast.report._money import Money
from holdfast.report._population import population
from holdfast.report._tables import Row, Tables

__all__ = ["Value", "value"]

_TENTHS = 10
_BEST = 10
# what groups of few customers are merged into
_OTHER = "other"
_PREDICTED = {"value_spend": "spend", "value_orders": "orders"}
_STAGES = ("in_use", "candidate", "baseline")
_METRICS = ("total_error", "total_error_raw", "mae", "gini", "coverage")
# what is expected, by the end of the names of its columns
_HORIZONS = (("90d", "the next 90 days"), ("365d", "the next 365 days"))


@dataclass
class Value(Section):
    """What the section shows: the chart `concentration`, and tables.

    Attributes
    ----------
    is_there
        Whether the tables have it at all.
    lead
        The first sentences.
    models
        The models that competed, each with its figures on held-out dates.
    best
        The most valuable of the customers at risk.
    payback
        What customers cost by channel, and whether they have paid for it.
    """

    is_there: bool = False
    lead: list[str] = field(default_factory=list)
    models: list[Row] = field(default_factory=list)
    best: list[Row] = field(default_factory=list)
    payback: list[Row] = field(default_factory=list)


def value(tables: Tables, money: Money, least: int) -> Value:
    """Read and draw what customers are worth.

    Parameters
    ----------
    tables
        What a build made.
    money
        The currency.
    least
        How many customers a group must have to be told apart.

    Returns
    -------
    Value
        Empty where the tables have no expected spend.
    """
    found = Value()
    if not tables.has("customer_value", "expected_spend_90d", "expected_spend_365d"):
        return found
    found.is_there = True
    _add_totals(tables, money, found)
    _add_concentration(tables, found, least)
    _add_competition(tables, money, found)
    _add_best(tables, money, found)
    _add_payback(tables, money, found, least)
    return found


def _add_totals(tables: Tables, money: Money, found: Value) -> None:
    """Say what all customers together are expected to spend.

    Their intervals are not added up: the ends of a sum lie much closer than the sums of ends.
    """
    has_margin = tables.has("customer_value", "expected_margin_365d")
    has_orders = tables.has("customer_value", "expected_orders_90d", "expected_orders_365d")
    orders = ", sum(expected_orders_90d) as orders_90d, sum(expected_orders_365d) as orders_365d"
    row = tables.row(
        f"""
        select
            count(expected_spend_365d) as customers,
            sum(expected_spend_90d) as spend_90d,
            sum(expected_spend_365d) as spend_365d
            {orders if has_orders else ""}
            {", sum(expected_margin_365d) as margin" if has_margin else ""}
            {", count(expected_margin_365d) as with_margin" if has_margin else ""}
        from {{customer_value}}
        """  # noqa: S608 - constant names
    )
    if row is None or not row["customers"]:
        found.empty["concentration"] = "No customer has an expected spend yet."
        return
    told = f"{words.counted(row['customers'], 'customer')} " + (
        "is" if row["customers"] == 1 else "are"
    )
    amounts = " and ".join(
        f"{money.write(row[f'spend_{end}'])} in {period}" for end, period in _HORIZONS
    )
    found.lead.append(f"{told} expected to spend {amounts}.")
    if has_orders:
        counts = " and ".join(words.count(row[f"orders_{end}"]) for end, _ in _HORIZONS)
        found.lead.append(f"That is about {counts} orders.")
    # of some customers only, it would stand beside the spend of all
    if row.get("margin") is not None and row["with_margin"] == row["customers"]:
        found.lead.append(f"The margin in it is {money.write(row['margin'])} over the year.")


def _add_concentration(tables: Tables, found: Value, least: int) -> None:
    """Add the share of the expected spend that each tenth of the customers brings."""
    rows = tables.rows(
        f"""
        with

        ranked as (

            select
                expected_spend_365d as spend,
                ntile({_TENTHS}) over (order by expected_spend_365d desc) as tenth,
            from {{customer_value}}
            where expected_spend_365d is not null

        )

        select
            tenth,
            count(*) as customers,
            sum(spend) as spend,
            sum(sum(spend)) over () as whole,
        from ranked
        group by tenth
        order by tenth
        """  # noqa: S608 - a constant
    )
    if "concentration" in found.empty:
        return
    if len(rows) < _TENTHS or min(row["customers"] for row in rows) < least:
        found.empty["concentration"] = "There are too few customers to divide them into tenths."
        return
    if not rows[0]["whole"] or rows[0]["whole"] <= 0:
        found.empty["concentration"] = "No customer is expected to spend anything."
        return
    for row in rows:
        row["share"] = row["spend"] / row["whole"]
        row["name"] = "top" if row["tenth"] == 1 else f"{row['tenth']}"
    chart = (
        draw(rows)
        .mark_bar(color="@accent", cornerRadius=1)
        .encode(
            x=alt.X(
                "name:O",
                sort=[row["name"] for row in rows],
                title="tenths of customers, by expected spend",
                axis=alt.Axis(labelAngle=0, grid=False),
            ),
            y=alt.Y(
                "share:Q",
                title="share of expected spend",
                axis=share_axis([0, *(row["share"] for row in rows)]),
            ),
            tooltip=[
                alt.Tooltip("tenth:O", title="tenth"),
                alt.Tooltip("customers:Q", format=",", title="customers"),
                alt.Tooltip("share:Q", format=".1%", title="share of the spend"),
                alt.Tooltip("spend:Q", format=",.0f", title="expected spend, 365 days"),
            ],
        )
    )
    found.charts["concentration"] = spec(
        chart,
        description="Share of the expected spend of a year by tenths of the customers",
        height=380,
    )
    found.lead.append(
        f"The tenth of customers with the highest expected spend brings "
        f"{words.share(rows[0]['share'], 0)} of the year."
    )


def _add_competition(tables: Tables, money: Money, found: Value) -> None:
    """Add which models competed, which is in use, and how far off each was on held-out dates."""
    models: dict[tuple[str, str], Row] = {}
    for row in evaluations(tables, *_PREDICTED):
        if row["segment"] is None:
            key = row["task"], row["algorithm"]
            model = models.setdefault(key, dict.fromkeys(_METRICS) | row)
            # of which interval, the heading says
            model[row["metric"].removesuffix("_80")] = row["value"]
    found.models = sorted(
        models.values(),
        key=lambda row: (
            list(_PREDICTED).index(row["task"]),
            _STAGES.index(row["stage"]),
            row["mae"] or 0.0,
        ),
    )
    for row in found.models:
        row["name"] = words.plain_name(row["algorithm"])
        row["what"] = _PREDICTED[row["task"]]
        write = money.write if row["task"] == "value_spend" else words.number
        row["error"] = write(row["mae"])
    used = {row["task"]: row for row in found.models if row["stage"] == "in_use"}
    spend = used.get("value_spend")
    if spend is None or spend["total_error"] is None:
        return
    told = (
        f"On held-out dates ({words.count(spend['row_count'])} observations) the model in use, "
        f"{spend['name']}, expected {_off(spend['total_error'])} in 90 days than was spent"
    )
    if spend["total_error_raw"] not in (None, spend["total_error"]):
        told += f" ({_off(spend['total_error_raw'])} before recalibration)"
    found.notes["models"] = f"{told}."


def _off(error: float) -> str:
    """Say by how much a total was too high or too low."""
    return f"{words.share(abs(error))} {'more' if error > 0 else 'less'}"


def _add_best(tables: Tables, money: Money, found: Value) -> None:
    """Add who of the customers at risk is expected to spend most, each with their own interval."""
    if not (
        may_list(tables, "customer_value")
        and tables.has("customer_retention", "risk_band", "churn_probability")
    ):
        return
    # the interval is that of a customer, so it stands beside a customer
    ends = ("expected_spend_365d_lower", "expected_spend_365d_upper")
    has_ends = tables.has("customer_value", *ends)
    has_total = tables.has("customer_value", "total_value")
    has_segment = tables.has("customer_retention", "segment")
    found.best = tables.rows(
        f"""
        with

        at_risk as (

            select
                customer_id,
                risk_band,
                churn_probability,
                {"segment" if has_segment else "cast(null as varchar) as segment"},
            from {{customer_retention}}
            where risk_band in ('high', 'medium') and {population(tables).keepable}

        )

        select
            cast(at_risk.customer_id as varchar) as id,
            at_risk.segment,
            at_risk.risk_band as band,
            at_risk.churn_probability as probability,
            worth.expected_spend_365d as spend,
            {"worth." + ends[0] if has_ends else "null"} as lower,
            {"worth." + ends[1] if has_ends else "null"} as upper,
            {"worth.total_value" if has_total else "null"} as total,
        from at_risk
        inner join {{customer_value}} as worth on worth.customer_id = at_risk.customer_id
        where worth.expected_spend_365d > 0
        order by worth.expected_spend_365d desc, at_risk.customer_id
        limit {_BEST}
        """  # noqa: S608 - constant names
    )
    if not found.best:
        found.empty["best"] = (
            "No customer who can still be kept is both at high or medium risk and expected to "
            "spend anything."
        )
        return
    for row in found.best:
        row["range"] = _range(row["lower"], row["upper"])
    together = money.write(sum(row["spend"] for row in found.best))
    who = "This customer is" if len(found.best) == 1 else f"These {len(found.best)} customers are"
    found.notes["best"] = f"{who} expected to spend {together} in the next 365 days." + (
        " In brackets: the 80% interval of each." if has_ends else ""
    )


def _range(lower: float | None, upper: float | None) -> str:
    """Write an interval of amounts, both ends with as many decimals."""
    if lower is None or upper is None:
        return ""
    digits = 2 if upper < 100 else 0
    return f"{words.number(lower, digits)} to {words.number(upper, digits)}"


def _add_payback(tables: Tables, money: Money, found: Value, least: int) -> None:
    """Add what a customer costs by channel, and how soon that comes back."""
    columns = ("status", "channel", "acquired_customers", "spend", "cohort_margin")
    if not tables.has("acquisition_payback", *columns, "months_to_payback", "is_complete"):
        return
    found.payback = tables.rows(
        """
        with

        cohorts as (

            select
                channel,
                acquired_customers,
                spend,
                cohort_margin,
                status = 'paid_back' as is_paid_back,
                -- what is not paid back yet takes longer than what is
                if(status = 'paid_back', months_to_payback, 'infinity'::double) as months,
                sum(acquired_customers) over (partition by channel) as channel_customers,
            from {acquisition_payback}
            where status in ('paid_back', 'not_yet') and is_complete and acquired_customers > 0

        ),

        -- channels of few customers are told together, and if these are still few, not at all
        told as (

            select
                * exclude (channel),
                if(channel_customers < $least, $other, channel) as channel,
            from cohorts

        )

        select
            channel,
            sum(acquired_customers) as customers,
            sum(spend) as spend,
            sum(spend) / cast(sum(acquired_customers) as double) as cost,
            sum(cohort_margin) / nullif(cast(sum(spend) as double), 0) as returned,
            count(*) as cohorts,
            count(*) filter (where is_paid_back) as paid_cohorts,
            quantile_disc(months, 0.5) as months_to_payback,
        from told
        group by channel
        having sum(acquired_customers) >= $least
        order by spend desc, channel
        """,
        {"least": least, "other": _OTHER},
    )
    named = [row for row in found.payback if row["returned"] and row["channel"] != _OTHER]
    if not named:
        return
    best = max(named, key=lambda row: (row["returned"], row["channel"]))
    found.notes["payback"] = (
        f"Most has come back from {best['channel']}: {best['returned']:.1f} times what was spent, "
        f"at {money.write(best['cost'])} a customer. Returned is the margin so far where the "
        "cost of goods is known, else the revenue. A row counts the months that are over and have "
        "costs; the last column says after how many months half of them had paid back."
    )
