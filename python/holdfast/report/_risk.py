"""Who may leave, and why: value at risk by segment, drivers, and the list of customers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import altair as alt

from holdfast.report import _words as words
from holdfast.report._chart import (
    RISK_BANDS,
    Section,
    amount_axis,
    bars_height,
    draw,
    labelled_bars,
    risk_colour,
    spec,
)
from holdfast.report._lists import Column, CustomerList, reasons_expression
from holdfast.report._money import Money
from holdfast.report._population import Population, population
from holdfast.report._tables import Row, Tables

__all__ = ["LISTED", "Risk", "risk"]

LISTED = 1000
_DRIVERS = 8
_ROW_HEIGHT = 44
# what groups of few customers are merged into
_OTHER = "other"
_REASONS = ("reason_1", "reason_2", "reason_3")
# fields to filter the list by, with their titles
_FILTERS = (
    ("band", "Risk"),
    ("state", "State"),
    ("segment", "Segment"),
    ("action", "What to do next"),
)


@dataclass(frozen=True)
class _More:
    """What a column of the list tells besides, in small print: a field, and what it is read from.

    `name` is what a CSV file calls it.
    """

    told_with: str
    field: str
    name: str
    columns: tuple[str, ...]
    expression: str
    table: str = "customer_retention"


_MORE = (
    _More(
        "state",
        "overdue",
        "overdue_days",
        ("overdue_days",),
        "(select overdue_days from {next_purchase} as next "
        "where next.customer_id = customers.customer_id)",
        table="next_purchase",
    ),
    _More("action", "occasion", "trigger", ("trigger",), "trigger"),
    _More(
        "action",
        "time",
        "best_time",
        ("best_weekday", "send_at_hour"),
        # what is not known is left out, and an empty text is nothing
        "nullif(concat_ws(' ', best_weekday[:3], printf('%02d:00', send_at_hour)), '')",
    ),
    _More(
        "action",
        "offer",
        "recommended_product",
        ("recommended_product",),
        "recommended_product",
    ),
)
_NO_SCORES = (
    "No customer has a score. Either there is no model yet (too little mature history to train and "
    "test one), or nobody is active. `dbt build` says what is missing."
)


@dataclass
class Risk(Section):
    """What the section shows: charts and sentences by name, and the list."""

    customers: CustomerList = field(default_factory=lambda: CustomerList("customers"))


def risk(tables: Tables, money: Money) -> Risk:
    """Read and draw who may leave, and why.

    Parameters
    ----------
    tables
        What a build made.
    money
        The currency.

    Returns
    -------
    Risk
        The charts `segments` and `drivers`, and the list.
    """
    found = Risk()
    _add_segments(tables, money, found)
    _add_drivers(tables, money, found)
    _add_customers(tables, money, found)
    return found


def _add_segments(tables: Tables, money: Money, found: Risk) -> None:
    """Add value at risk by segment and risk band."""
    if not tables.has("churn_overview", "segment", "risk_band", "customers", "value_at_risk"):
        found.empty["segments"] = tables.absent("churn_overview")
        return
    rows = tables.rows(
        """
        select
            segment,
            risk_band,
            sum(customers) as customers,
            sum(value_at_risk) as value_at_risk,
        from {churn_overview}
        where risk_band in ('high', 'medium', 'low', 'other')
        group by segment, risk_band
        order by segment, risk_band
        """
    )
    totals: dict[str, float] = {}
    for row in rows:
        totals[row["segment"]] = totals.get(row["segment"], 0.0) + (row["value_at_risk"] or 0.0)
    if not rows:
        found.empty["segments"] = _NO_SCORES
        return
    order = sorted(totals, key=lambda segment: (-totals[segment], segment))
    title = money.titled("value at risk")
    bands = [band for band in (*RISK_BANDS, _OTHER) if any(r["risk_band"] == band for r in rows)]
    for row in rows:
        row["place"] = bands.index(row["risk_band"])
    chart = (
        draw(rows)
        .mark_bar(cornerRadius=1)
        .encode(
            x=alt.X("sum(value_at_risk):Q", title=title, axis=amount_axis(totals.values())),
            y=alt.Y("segment:N", sort=order, title=None, axis=alt.Axis(labelLimit=150, grid=False)),
            color=risk_colour(bands),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("segment:N", title="segment"),
                alt.Tooltip("risk_band:N", title="risk"),
                alt.Tooltip("customers:Q", format=",", title="customers"),
                alt.Tooltip("value_at_risk:Q", format=",.0f", title=title),
            ],
        )
    )
    found.charts["segments"] = spec(
        chart,
        description="Value at risk by segment of customers and by risk band",
        height=_ROW_HEIGHT * len(order),
    )
    whole = sum(totals.values())
    named = next((segment for segment in order if segment != _OTHER), None)
    if whole > 0 and named is not None:
        found.notes["segments"] = (
            f"The segment {named} holds {words.share(totals[named] / whole, 0)} of the value at "
            "risk."
        )


def _add_drivers(tables: Tables, money: Money, found: Risk) -> None:
    """Add what raises the risk of those at high and medium risk."""
    columns = ("driver_label", "risk_band", "customers", "attributed_value_at_risk", "example")
    if not tables.has("churn_drivers", *columns, "contribution"):
        found.empty["drivers"] = tables.absent("churn_drivers")
        return
    # drivers of few customers are merged, and say nothing together
    named = "driver <> 'other'" if tables.has("churn_drivers", "driver") else "true"
    rows = tables.rows(
        f"""
        select
            driver_label as driver,
            sum(customers) as customers,
            sum(attributed_value_at_risk) as value_at_risk,
            arg_max(example, contribution) as example,
        from {{churn_drivers}}
        where risk_band in ('high', 'medium') and {named}
        group by driver_label
        order by value_at_risk desc nulls last, customers desc, driver
        limit {_DRIVERS}
        """  # noqa: S608 - a constant
    )
    if not rows:
        found.empty["drivers"] = (
            "There are no reasons to show: no customer is at high or medium risk, or the scores "
            "come from a simple rule that gives no reasons."
        )
        return
    for row in rows:
        about = words.counted(row["customers"], "customer")
        row["about"] = f"{about}, for example: {row['example']}" if row["example"] else about
    title = money.titled("value at risk attributed")
    chart = labelled_bars(
        rows,
        x=alt.X(
            "value_at_risk:Q",
            title=title,
            axis=amount_axis(row["value_at_risk"] for row in rows),
        ),
        name="driver",
        detail="about",
        tooltip=[
            alt.Tooltip("driver:N", title="driver"),
            alt.Tooltip("example:N", title="for example"),
            alt.Tooltip("customers:Q", format=",", title="customers"),
            alt.Tooltip("value_at_risk:Q", format=",.0f", title=title),
        ],
    )
    found.charts["drivers"] = spec(
        chart,
        description="The strongest drivers of risk by the value at risk attributed to each",
        height=bars_height(rows),
    )
    found.notes["drivers"] = (
        "What raises the scores of customers at high or medium risk, with the example where it is "
        "strongest. A driver is a sign that a customer may leave. It is not proof of the cause."
    )


def _add_customers(tables: Tables, money: Money, found: Risk) -> None:
    """Add the customers at high and medium risk, those with most value at risk first."""
    if not tables.has("customer_retention", "customer_id", "risk_band", "churn_probability"):
        found.empty["customers"] = (
            "Customers cannot be listed: the table customer_retention is missing, or its ids are "
            "marked as personal data."
        )
        return
    who = population(tables)
    columns = [column for column in _columns(money) if _is_there(tables, who, column)]
    chosen = {
        "id": "cast(customer_id as varchar)",
        "band": "risk_band",
        "probability": "round(churn_probability, 4)",
        "state": who.state,
        "reasons": reasons_expression(
            [name for name in _REASONS if tables.has("customer_retention", name)]
        ),
        "expected": (
            "cast(expected_next_order_at as date)"
            if tables.has("customer_retention", "expected_next_order_at")
            else "null"
        ),
        "action": "suggested_action",
        "expected_spend_365d": "round(expected_spend_365d, 2)",
    }
    keys = dict.fromkeys(("id", "band", *(column.key for column in columns)))
    if "state" in keys:
        keys["expected"] = None
    for more in _MORE:
        if more.told_with in keys and tables.has(more.table, "customer_id", *more.columns):
            keys[more.field] = None
            chosen[more.field] = more.expression
            columns = [_telling(column, more) for column in columns]
    found.customers.filters = tuple(
        (key, title) for key, title in _FILTERS if key == "band" or key in keys
    )
    found.customers.rows = tables.rows(
        f"""
        select {", ".join(f"{chosen.get(key, key)} as {key}" for key in keys)}
        from {{customer_retention}} as customers
        where risk_band in ('high', 'medium') and {who.keepable}
        order by
            {"value_at_risk desc nulls last," if "value_at_risk" in keys else ""}
            churn_probability desc,
            customer_id
        limit {LISTED}
        """  # noqa: S608 - names of columns that are known
    )
    # a simple rule gives no reasons, and without reasons there is no suggestion
    found.customers.columns = tuple(
        column
        for column in columns
        if column.key not in ("reasons", "action")
        or any(row[key] for row in found.customers.rows for key in (column.key, *column.more))
    )
    found.notes["customers"] = who.note
    if found.customers.rows:
        return
    scored: Row | None = tables.row(
        "select count(*) as customers from {customer_retention} where risk_band is not null"
    )
    found.empty["customers"] = (
        "No customer who can still be kept is at high or medium risk."
        if scored and scored["customers"]
        else _NO_SCORES
    )


def _columns(money: Money) -> tuple[Column, ...]:
    """Give the columns of the list."""
    return (
        Column("id", "Customer", "text", ("customer_id",)),
        Column(
            "state",
            "State",
            "state",
            ("lifecycle_state", "expected_next_order_at"),
            more=("expected",),
        ),
        Column(
            "probability",
            "Risk of leaving",
            "risk",
            ("churn_probability", "risk_band"),
            more=("band",),
        ),
        Column("value_at_risk", money.titled("Value at risk"), "amount", ("value_at_risk",)),
        Column("revenue_365d", money.titled("Revenue, 365 days"), "amount", ("revenue_365d",)),
        Column(
            "expected_spend_365d",
            money.titled("Expected spend, 365 days"),
            "amount",
            ("expected_spend_365d",),
        ),
        Column("segment", "Segment", "text", ("segment",)),
        Column("reasons", "Why", "reasons", _REASONS, is_sortable=False),
        Column("action", "What to do next", "action", ("suggested_action",)),
    )


def _telling(column: Column, more: _More) -> Column:
    """Have a column tell more, if it is the one that does."""
    if column.key != more.told_with:
        return column
    return replace(column, csv=(*column.csv, more.name), more=(*column.more, more.field))


def _is_there(tables: Tables, who: Population, column: Column) -> bool:
    """Tell whether the tables have what a column of the list shows."""
    if column.key == "state":
        return who.has_states
    if column.key == "reasons":
        return True
    return tables.has("customer_retention", column.csv[0])
