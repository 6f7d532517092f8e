"""Who may leave, and why: value at risk by segment, drivers, and the list of customers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import altair as alt

from holdfast.report import _words as words
from holdfast.report._chart import RISK_BANDS, Section, draw, risk_colour, spec
from holdfast.report._tables import Row, Tables

__all__ = ["LISTED", "Risk", "risk"]

LISTED = 1000
_DRIVERS = 8
_ROW_HEIGHT = 44
_NO_SCORES = (
    "No customer has a score: there is no model yet (too little mature history to train one and to "
    "test it), or nobody is active. `dbt build` says what is missing."
)


@dataclass
class Risk(Section):
    """What the section shows: charts and sentences by name, and the rows of the list."""

    customers: list[dict[str, Any]] = field(default_factory=list)


def risk(tables: Tables) -> Risk:
    """Read and draw who may leave, and why.

    Parameters
    ----------
    tables
        What a build made.

    Returns
    -------
    Risk
        The charts `segments` and `drivers`, and the list.
    """
    found = Risk()
    _add_segments(tables, found)
    _add_drivers(tables, found)
    _add_customers(tables, found)
    return found


def _add_segments(tables: Tables, found: Risk) -> None:
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
        where risk_band in ('high', 'medium', 'low')
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
    for row in rows:
        row["place"] = RISK_BANDS.index(row["risk_band"])
    chart = (
        draw(rows)
        .mark_bar(cornerRadius=1)
        .encode(
            x=alt.X("sum(value_at_risk):Q", title="value at risk", axis=alt.Axis(tickCount=5)),
            y=alt.Y("segment:N", sort=order, title=None, axis=alt.Axis(labelLimit=150, grid=False)),
            color=risk_colour(),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("segment:N", title="segment"),
                alt.Tooltip("risk_band:N", title="risk"),
                alt.Tooltip("customers:Q", format=",", title="customers"),
                alt.Tooltip("value_at_risk:Q", format=",.0f", title="value at risk"),
            ],
        )
    )
    found.charts["segments"] = spec(
        chart,
        description="Value at risk by segment of customers and by risk band",
        height=_ROW_HEIGHT * len(order),
    )
    whole = sum(totals.values())
    if whole > 0:
        found.notes["segments"] = (
            f"{order[0]} hold{'' if order[0].endswith('s') else 's'} "
            f"{words.share(totals[order[0]] / whole, 0)} of the value at risk."
        )


def _add_drivers(tables: Tables, found: Risk) -> None:
    """Add what raises the risk of those at high and medium risk."""
    columns = ("driver_label", "risk_band", "customers", "attributed_value_at_risk", "example")
    if not tables.has("churn_drivers", *columns, "contribution"):
        found.empty["drivers"] = tables.absent("churn_drivers")
        return
    rows = tables.rows(
        f"""
        select
            driver_label as driver,
            sum(customers) as customers,
            sum(attributed_value_at_risk) as value_at_risk,
            arg_max(example, contribution) as example,
        from {{churn_drivers}}
        where risk_band in ('high', 'medium')
        group by driver_label
        order by value_at_risk desc nulls last, customers desc, driver
        limit {_DRIVERS}
        """  # noqa: S608 - a constant
    )
    if not rows:
        found.empty["drivers"] = (
            "No customer is at high or medium risk, or no customer has a score yet."
        )
        return
    for row in rows:
        noun = "customer" if row["customers"] == 1 else "customers"
        row["about"] = f"{row['driver']}, {words.count(row['customers'])} {noun}"
        row["example"] = row["example"] or row["driver"]
    base = draw(rows).encode(
        y=alt.Y(
            "driver:N", sort=[row["driver"] for row in rows], axis=None, scale=alt.Scale(padding=0)
        ),
        tooltip=[
            alt.Tooltip("driver:N", title="driver"),
            alt.Tooltip("example:N", title="for example"),
            alt.Tooltip("customers:Q", format=",", title="customers"),
            alt.Tooltip("value_at_risk:Q", format=",.0f", title="value at risk"),
        ],
    )
    bars = base.mark_bar(color="@accent", height=8, yOffset=13, cornerRadius=1).encode(
        x=alt.X("value_at_risk:Q", title="value at risk that hangs on it")
    )
    examples, names = (
        base.mark_text(
            align="left",
            baseline="middle",
            color=colour,
            fontSize=size,
            yOffset=offset,
            limit=alt.expr("width"),
        ).encode(x=alt.value(0), text=f"{field}:N")
        for field, colour, size, offset in (
            ("example", "@ink", 12.5, -14),
            ("about", "@soft", 11, 1),
        )
    )
    found.charts["drivers"] = spec(
        bars + examples + names,
        description="The strongest drivers of risk by the value at risk that hangs on each",
        height=48 * len(rows),
    )
    found.notes["drivers"] = (
        "What raises the scores of customers at high or medium risk, each in the words of the "
        "customer where it is strongest. A driver is a sign of leaving, no proof of its cause."
    )


def _add_customers(tables: Tables, found: Risk) -> None:
    """Add the customers at high and medium risk, those with most value at risk first."""
    if not tables.has("customer_retention", "customer_id", "risk_band", "churn_probability"):
        found.empty["customers"] = (
            "Customers cannot be listed: customer_retention is not there, or its ids are marked as "
            "personal data."
        )
        return
    optional = ("segment", "value_at_risk", "revenue_365d", "days_since_order")
    columns = [
        name if tables.has("customer_retention", name) else f"null as {name}" for name in optional
    ]
    reasons = [
        f"cast({name} as varchar)"
        for name in ("reason_1", "reason_2", "reason_3")
        if tables.has("customer_retention", name)
    ]
    found.customers = tables.rows(
        f"""
        select
            cast(customer_id as varchar) as id,
            risk_band as band,
            round(churn_probability, 4) as probability,
            {", ".join(columns)},
            list_filter(
                cast([{", ".join(reasons)}] as varchar[]), lambda reason: reason is not null
            ) as reasons,
        from {{customer_retention}}
        where risk_band in ('high', 'medium')
        order by value_at_risk desc nulls last, churn_probability desc, customer_id
        limit {LISTED}
        """  # noqa: S608 - names of columns that are known
    )
    if found.customers:
        return
    scored: Row | None = tables.row(
        "select count(*) as customers from {customer_retention} where risk_band is not null"
    )
    found.empty["customers"] = (
        "No customer is at high or medium risk." if scored and scored["customers"] else _NO_SCORES
    )
