"""When to talk: who is overdue, what runs out, and what has happened."""

from __future__ import annotations

from dataclasses import dataclass, field

import altair as alt

from holdfast.report import _words as words
from holdfast.report._chart import Section, count_axis, draw, spec
from holdfast.report._hours import hours
from holdfast.report._lists import Column, CustomerList, may_list
from holdfast.report._money import Money
from holdfast.report._tables import Row, Tables

__all__ = ["AHEAD", "LISTED", "OCCASIONS", "Timing", "timing"]

LISTED = 500
# how far ahead and back reminders are listed, in days
AHEAD = 14
_TODAY = "(select max(as_of_date) from {customer_retention})"
_SOON = (
    f"remind_at >= {_TODAY} - interval {AHEAD} day and remind_at < {_TODAY} + interval {AHEAD} day"
)
_OTHER = "other"
# the triggers of macros/timing, in words
OCCASIONS = {
    "first_order_follow_up": "follow up on the first order",
    "overdue": "order later than usual",
    "at_risk": "slipping, or subscription cancelled",
    "win_back": "win back the lapsed",
    "browse_without_cart": "viewed, but put nothing into the cart",
    "cart_without_order": "cart left without an order",
    "price_drop": "lower price of a viewed product",
    "back_in_stock": "viewed product back in stock",
    "renewal": "renewal ahead",
    "anniversary": "anniversary of the first order",
}
_NEXT, _KNOWN = "next_purchase", "customer_retention"
# customers are grouped by how long they have been overdue, each group up to and with its end
_ENDS = (7, 14, 30, 45, 60, 90, 180)


def _overdue_list() -> CustomerList:
    return CustomerList(
        "overdue",
        noun="overdue customer",
        sort="days",
        per_page=10,
        least=("days", "Days overdue, at least"),
        total=None,
    )


def _due_list() -> CustomerList:
    return CustomerList(
        "replenish",
        noun="reminder",
        sort="remind",
        per_page=10,
        least=None,
        total=None,
        is_downward=False,
    )


@dataclass
class Timing(Section):
    """What the section shows: the charts `overdue` and `hours`, two lists, and a table.

    Attributes
    ----------
    is_there
        Whether the tables have any of it.
    lead
        The first sentences.
    customers
        Who is overdue.
    due
        What runs out in the next days.
    reminders
        How many of them there are, more perhaps than are listed.
    triggers
        How many customers each kind of trigger is open for.
    """

    is_there: bool = False
    lead: list[str] = field(default_factory=list)
    customers: CustomerList = field(default_factory=_overdue_list)
    due: CustomerList = field(default_factory=_due_list)
    reminders: int = 0
    triggers: list[Row] = field(default_factory=list)


def timing(tables: Tables, money: Money, least: int) -> Timing:
    """Read and draw when to talk to customers.

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
    Timing
        Empty where the tables have none of it.
    """
    found = Timing()
    _add_overdue(tables, money, found, least)
    _add_due(tables, found)
    _add_triggers(tables, found, least)
    when = hours(tables, least)
    found.is_there |= when.is_there
    found.lead += when.lead
    found.charts |= when.charts
    found.notes |= when.notes
    found.empty |= when.empty
    return found


def _add_overdue(tables: Tables, money: Money, found: Timing, least: int) -> None:
    """Add how many customers are overdue, by how much, and who they are."""
    if not tables.has("next_purchase", "state", "overdue_days"):
        return
    found.is_there = True
    rows = tables.rows(
        """
        select
            overdue_days as days,
            count(*) as customers,
        from {next_purchase}
        where state = 'overdue' and overdue_days > 0
        group by overdue_days
        order by overdue_days
        """
    )
    total = sum(row["customers"] for row in rows)
    if not total:
        found.empty["overdue"] = "No customer is overdue."
        found.lead.append("No customer is overdue for their next order.")
        return
    found.lead.append(
        f"{words.counted(total, 'customer')} {'is' if total == 1 else 'are'} overdue for their "
        "next order."
    )
    if groups := _groups(rows, least):
        found.charts["overdue"] = spec(
            draw(groups)
            .mark_bar(color="@medium", cornerRadius=1)
            .encode(
                x=alt.X("customers:Q", title="customers", axis=count_axis()),
                y=alt.Y(
                    "name:N",
                    sort=[group["name"] for group in groups],
                    title=None,
                    axis=alt.Axis(grid=False),
                ),
                tooltip=[
                    alt.Tooltip("name:N", title="overdue by"),
                    alt.Tooltip("customers:Q", format=",", title="customers"),
                ],
            ),
            description="Overdue customers by how long they have been overdue",
            height=max(120, 50 * len(groups)),
        )
    else:
        found.empty["overdue"] = "There are too few of them to tell groups apart."
    _list_overdue(tables, money, found, total)


def _groups(rows: list[Row], least: int) -> list[Row]:
    """Group customers by days overdue; groups of few are joined, and a single one is none.

    A row has the number of days and of customers.
    """
    cut = [0]
    for end in _ENDS:
        # both what lies before the cut and what lies behind it has to be large enough
        before, behind = (
            sum(row["customers"] for row in rows if low < row["days"] <= high)
            for low, high in ((cut[-1], end), (end, float("inf")))
        )
        if min(before, behind) >= least:
            cut.append(end)
    groups = []
    for low, high in zip(cut, (*cut[1:], None), strict=True):
        customers = sum(
            row["customers"]
            for row in rows
            if row["days"] > low and (high is None or row["days"] <= high)
        )
        name = f"more than {low} days" if high is None else f"{low + 1} to {high} days"
        groups.append({"name": name, "customers": customers})
    # a single bar would say no more than the sentence above it
    return groups if len(groups) > 1 else []


def _list_overdue(tables: Tables, money: Money, found: Timing, total: int) -> None:
    """List who is overdue, those first who are expected to spend most."""
    if not may_list(tables, "next_purchase"):
        return
    columns = []
    fields = {}
    for column, table, expression in (
        (Column("id", "Customer", "text", ("customer_id",)), _NEXT, "cast({} as varchar)"),
        (Column("days", "Days overdue", "count", ("overdue_days",)), _NEXT, "{}"),
        (Column("since", "Days since last order", "count", ("days_since_order",)), _NEXT, "{}"),
        (Column("gap", "Usual gap, days", "count", ("usual_gap_days",)), _NEXT, "{}"),
        (
            Column("expected", "Next order expected", "date", ("expected_next_order_at",)),
            _NEXT,
            "cast({} as date)",
        ),
        (Column("alive", "Still a customer", "share", ("p_alive",)), _KNOWN, "round({}, 4)"),
        (
            Column(
                "spend",
                money.titled("Expected spend, 365 days"),
                "amount",
                ("expected_spend_365d",),
            ),
            _KNOWN,
            "round({}, 2)",
        ),
    ):
        [name] = column.csv
        if tables.has(table, name):
            columns.append(column)
            fields[column.key] = expression.format(f"{table}.{name}")
    listed = found.customers
    by_spend = "spend" in fields
    listed.rows = tables.rows(
        f"""
        select {", ".join(f"{expression} as {key}" for key, expression in fields.items())}
        from {{{_NEXT}}} as {_NEXT}
        left join {{{_KNOWN}}} as {_KNOWN} on {_KNOWN}.customer_id = {_NEXT}.customer_id
        where {_NEXT}.state = 'overdue' and {_NEXT}.overdue_days > 0
        order by
            {"spend desc nulls last," if by_spend else ""}
            days desc,
            {_NEXT}.customer_id
        limit {LISTED}
        """  # noqa: S608 - names of columns that are known
    )
    listed.columns = tuple(columns)
    if by_spend:
        listed.sort = "spend"
    found.notes["customers"] = (
        "Customers who have been silent for much longer than their usual gap between orders, the "
        f"{'highest expected spend' if by_spend else 'longest overdue'} first{_cut(total)}."
    )


def _add_due(tables: Tables, found: Timing) -> None:
    """List which products run out for whom in the next days."""
    columns = ("product_id", "runs_out_at", "remind_at", "status")
    if not tables.has("replenishment_due", *columns):
        return
    found.is_there = True
    if not may_list(tables, "replenishment_due"):
        found.empty["due"] = "Reminders cannot be listed: customer ids are marked as personal data."
        return
    shown = [
        column
        for column in (
            Column("id", "Customer", "text", ("customer_id",)),
            Column("product", "Product", "text", ("product_name",)),
            Column("last", "Last bought", "date", ("last_bought_at",)),
            Column("cycle", "Usual cycle, days", "count", ("cycle_days",)),
            Column("out", "Runs out", "date", ("runs_out_at",)),
            Column("remind", "Remind on", "date", ("remind_at",)),
            Column("status", "Status", "text", ("status",)),
            Column("reason", "Why", "told", ("reason",), is_sortable=False),
        )
        if tables.has("replenishment_due", column.csv[0])
    ]
    chosen = {
        "id": "cast(customer_id as varchar)",
        "last": "cast(last_bought_at as date)",
        "out": "cast(runs_out_at as date)",
        "remind": "cast(remind_at as date)",
    }
    found.due.columns = tuple(shown)
    found.due.filters = (("status", "Status"), ("product", "Product"))
    counts = tables.row(
        f"""
        select
            count(*) filter (where {_SOON}) as soon,
            count(*) filter (where remind_at < {_TODAY} - interval {AHEAD} day) as earlier,
        from {{replenishment_due}}
        where status in ('due', 'overdue', 'upcoming')
        """  # noqa: S608 - constants
    )
    found.reminders = counts["soon"] if counts else 0
    found.due.rows = tables.rows(
        f"""
        select {", ".join(f"{chosen.get(c.key, c.csv[0])} as {c.key}" for c in shown)}
        from {{replenishment_due}}
        where status in ('due', 'overdue', 'upcoming') and {_SOON}
        order by remind_at, customer_id, product_id
        limit {LISTED}
        """  # noqa: S608 - names of columns that are known
    )
    if not found.reminders:
        found.empty["due"] = f"No reminder falls due in the next {AHEAD} days."
        return
    found.notes["due"] = (
        f"Reminders that fell due in the last {AHEAD} days or will in the next {AHEAD}, the "
        f"earliest first{_cut(found.reminders)}. A customer who has bought the product since, or "
        "another one in its place, gets none."
    )
    if counts and counts["earlier"]:
        found.notes["due"] += (
            f" Not listed: {words.count(counts['earlier'])} products that ran out earlier."
        )


def _cut(total: int) -> str:
    """Say that a list is not whole, where it is not."""
    return f": {LISTED} of {words.count(total)}" if total > LISTED else ""


def _add_triggers(tables: Tables, found: Timing, least: int) -> None:
    """Count for how many customers each kind of trigger is open."""
    # who they are is only counted, so personal ids do no harm here
    if not tables.has("lifecycle_triggers", "trigger", "is_open"):
        return
    found.is_there = True
    first = tables.has("lifecycle_triggers", "is_first_choice")
    found.triggers = tables.rows(
        f"""
        with

        kinds as (

            select
                trigger,
                count(distinct customer_id) as customers,
                {"count(distinct customer_id) filter (where is_first_choice)" if first else "null"}
                    as first_choice,
            from {{lifecycle_triggers}}
            where is_open
            group by trigger

        )

        -- kinds of few customers are told together, and if these are still few, not at all
        select
            kind,
            sum(customers) as customers,
            sum(first_choice) as first_choice,
        from (
            select
                if(customers < $least, '{_OTHER}', trigger) as kind,
                customers,
                first_choice,
            from kinds
        ) as told
        group by kind
        having sum(told.customers) >= $least
        order by kind = '{_OTHER}', customers desc, kind
        """,  # noqa: S608 - constants
        {"least": least},
    )
    for row in found.triggers:
        row["name"] = OCCASIONS.get(row["kind"], words.plain_name(row["kind"]))
    if not found.triggers:
        found.empty["triggers"] = "No occasion is open for enough customers to tell."
        return
    if first:
        found.notes["triggers"] = (
            "A customer may have several occasions at once. The first choice is the one with the "
            "highest priority."
        )
