"""A shop of a few customers, as a build of this version or of an earlier one would leave it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.report import write_report
from holdfast.warehouse.project import Project
from holdfast.warehouse.quoting import text


@dataclass(frozen=True)
class Customer:
    """A row of customer_retention; value at risk is the probability times the revenue."""

    id: int | str
    state: str = "on_rhythm"
    band: str | None = "high"
    probability: float | None = 0.8
    revenue: float = 100
    back: float | None = None
    action: str | None = None
    segment: str = "Champions"
    reason: str | None = "Last order 40 days ago"
    trigger: str | None = None
    weekday: str | None = None
    hour: int | None = None
    offer: str | None = None


def customers(rows: Iterable[Customer], *, without: Iterable[str] = ()) -> str:
    """Give the statement that makes customer_retention of these customers.

    `without` names columns that an earlier version did not have.
    """
    values = ", ".join(
        "("
        + ", ".join(
            "null" if value is None else text(value) if isinstance(value, str) else str(value)
            for value in vars(row).values()
        )
        + ")"
        for row in rows
    )
    exclude = ", ".join(without)
    return f"""
        create table customer_retention as
        select *{f" exclude ({exclude})" if exclude else ""}
        from (
            select
                id as customer_id, date '2026-07-01' as as_of_date,
                timestamp '2026-06-30 10:00:00' as last_order_at,
                timestamp '2026-07-01 08:00:00' as scored_at,
                'scored' as status, state as lifecycle_state,
                state not in ('lapsed', 'never_ordered') as is_keepable,
                timestamp '2026-06-01' as state_entered_at,
                timestamp '2026-07-05' as expected_next_order_at,
                30 as days_since_order,
                cast(probability as double) as churn_probability,
                cast(band as varchar) as risk_band,
                segment,
                cast(if(band is not null, probability * revenue, null) as decimal(38, 4))
                    as value_at_risk,
                0.75e0 as p_alive, cast(revenue as double) as expected_spend_365d,
                cast(revenue as decimal(38, 4)) as revenue_365d,
                cast(1000 as decimal(38, 4)) as revenue,
                50.0e0 as average_order_value,
                cast(back as double) as return_probability,
                cast(reason as varchar) as reason_1, null as reason_2, null as reason_3,
                cast(action as varchar) as suggested_action,
                cast(trigger as varchar) as trigger,
                cast(weekday as varchar) as best_weekday, cast(hour as integer) as send_at_hour,
                cast(offer as varchar) as recommended_product,
            from (values {values}) as made (
                id, state, band, probability, revenue, back, action, segment, reason,
                trigger, weekday, hour, offer
            )
        )
    """


# columns that tell who can be kept, which versions before them did not have
STATES = ("lifecycle_state", "is_keepable")


def page_of(project: Project, folder: Path) -> str:
    """Write the report and give its HTML."""
    write_report(project, folder / "report.html")
    return (folder / "report.html").read_text(encoding="utf-8")


def data_of(html: str) -> dict[str, Any]:
    """Give the data that the page's script reads."""
    found = re.search(r'<script type="application/json" id="report-data">(.*?)</script>', html)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    for listed in data["lists"].values():
        # rows come without keys, and of texts that recur with the place in a list
        listed["rows"] = [
            {
                key: listed["texts"][key][cell] if key in listed["texts"] else cell
                for key, cell in zip(listed["keys"], row, strict=True)
            }
            for row in listed["rows"]
        ]
    return data


def listed_in(html: str, name: str = "customers") -> list[dict[str, Any]]:
    """Give the rows of a list, by default those of the customers at risk."""
    rows: list[dict[str, Any]] = data_of(html)["lists"][name]["rows"]
    return rows


# what further systems make of customers 1 to `customers`, those of test_systems.py
WORTH = """
    create table customer_value as
    select
        id as customer_id,
        0.9e0 as p_alive,
        2.0e0 as expected_orders_90d, 8.0e0 as expected_orders_365d,
        10e0 * id as expected_spend_90d, 40e0 * id as expected_spend_365d,
        20e0 * id as expected_spend_365d_lower, 60e0 * id as expected_spend_365d_upper,
        cast(null as double) as expected_margin_365d,
        140e0 * id as total_value,
    from range(1, {customers} + 1) as made (id)
"""
NEXT = """
    create table next_purchase as
    select
        id as customer_id,
        if(id % 2 = 0, 'overdue', 'on_rhythm') as state,
        timestamp '2026-07-09' as expected_next_order_at,
        if(id % 2 = 0, id, 0) as overdue_days,
        14.2e0 as usual_gap_days, 14 + id as days_since_order,
        'Overdue, says the shop' as message,
    from range(1, {customers} + 1) as made (id)
"""
HOURS = """
    create table contact_timing as
    select id as customer_id, 'any' as channel, false as is_fallback, 18 + id % 2 as best_hour,
    from range(1, {customers} + 1) as made (id)
    union all
    select 1, 'email', false, 3
"""
ACTIVE = """
    create table activity_hours as
    select
        id as customer_id, if(id % 4 = 0, 2, 5) as weekday, 18 + id % 2 as hour,
    from range(1, {customers} + 1) as made (id)
"""
DUE = """
    create table replenishment_due as
    select
        id as customer_id, 'c' as product_id, 'Coffee' as product_name,
        timestamp '2026-06-01' as last_bought_at, 30.4e0 as cycle_days,
        timestamp '2026-07-01' + to_days(id) as runs_out_at,
        timestamp '2026-06-28' + to_days(id) as remind_at,
        if(id = 2, 'out_of_stock', 'due') as status, 'Bought 4 times' as reason,
    from range(1, {customers} + 1) as made (id)
"""
TRIGGERS = """
    create table lifecycle_triggers as
    select
        id as customer_id, if(id > 3, 'overdue', 'anniversary') as trigger,
        id <> 5 as is_open, id % 2 = 0 as is_first_choice,
    from range(1, {customers} + 1) as made (id)
"""
SUGGESTED = """
    create table product_recommendations as
    select
        id as customer_id, list, rank, rank as product_id, 'Product ' || rank as product_name,
        1e0 / rank as score, 'Bought ' || rank || ' times' as reason, 'personal' as status,
    from range(1, {customers} + 1) as made (id), range(1, 6) as ranks (rank),
        (values ('top'), ('repeat')) as lists (list)
"""
PAIRS = """
    create table product_affinity as
    select * from (
        values
            ('a', 'Ham', 'b', 'Eggs', 40, 0.5e0, 3.0e0, 2.0e0),
            ('b', 'Eggs', 'a', 'Ham', 40, 0.25e0, 3.0e0, 2.0e0),
            ('c', 'Tea', 'd', 'Milk', 30, 0.75e0, 2.5e0, 2.25e0),
            ('e', 'Rare', 'f', 'Rarer', 3, 0.99e0, 99.0e0, 50.0e0)
    ) as made (
        product_id, product_name, with_product_id, with_product_name, customers, confidence,
        adjusted_lift, adjusted_lift_lower
    )
"""
PAYBACK = """
    create table acquisition_payback as
    select *, status in ('paid_back', 'not_yet') as is_complete
    from (
        values
            ('search', 'paid_back', 100, 1000.0, 3000.0, 3),
            ('search', 'not_yet', 50, 2000.0, 1500.0, null),
            ('search', 'no_cost', 80, null, 900.0, null),
            ('fair', 'paid_back', 4, 400.0, 500.0, 1),
            ('flyer', 'paid_back', 7, 70.0, 440.0, 2)
    ) as made (channel, status, acquired_customers, spend, cohort_margin, months_to_payback)
"""


def systems(count: int) -> list[str]:
    """Give the statements that make the tables of further systems for customers 1 to `count`."""
    tables = (WORTH, NEXT, HOURS, ACTIVE, DUE, TRIGGERS, SUGGESTED, PAIRS, PAYBACK)
    return [table.format(customers=count) for table in tables]


# what a build decides for customers 1 to `customers`, those of test_review.py and test_waiting.py
DECIDED = """
    create table decisions as
    select
        'd' || id as decision_id, id as customer_id, date '2026-07-01' as as_of_date,
        'offers' as system,
        case id % 6 when 5 then 'approved' when 0 then 'vetoed' else 'needs_review' end as status,
        if(id % 2 = 0, 'tenth', 'free') as action, 'email' as channel,
        if(id % 2 = 0, 'Ten off', null) as offer_name,
        cast(id as double) as expected_profit, id - 0.5e0 as expected_profit_lower,
        if(id = 1, null, id + 0.5e0) as expected_profit_upper, 'Likely to stay with it' as reason,
        'crm' as owner, null::varchar as contradiction,
        if(id = 11, 'no_consent', null) as held_because,
        timestamp '2026-07-01' as due_at, timestamp '2026-07-15 12:00:00' as expires_at,
    from range(1, {customers} + 1) as made (id)
"""
APPROVED = """
    create table approval_problems as
    select
        id as approval_number, 'd' || (990 + id) as decision_id, null::integer as customer_id,
        'approve' as verdict, 'Ann' as decided_by, timestamp '2026-06-30 10:00:00' as decided_at,
        'unknown_decision' as problem, 'No decision has this id. Copy it from `decisions`.' as told,
    from range(1, 3) as made (id)
"""


def decided(count: int) -> list[str]:
    """Give the statements that make what was decided about customers 1 to `count`."""
    return [DECIDED.format(customers=count), APPROVED]
