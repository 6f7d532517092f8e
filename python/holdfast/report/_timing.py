"""When to talk: who is overdue, what runs out, what has happened, and the best hours."""

from __future__ import annotations

from dataclasses import dataclass, field

import altair as alt

from holdfast.report import _words as words
from holdfast.report._chart import Section, Spec, count_axis, draw, spec
from holdfast.report._lists import Column, CustomerList, may_list
from holdfast.report._tables import Row, Tables

__all__ = ["AHEAD", "LISTED", "Timing", "timing"]

LISTED = 500
# how far ahead reminders are listed, in days
AHEAD = 14
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_OTHER = "other"
_OCCASIONS = {
    "first_order_follow_up": "follow up on the first order",
    "overdue": "overdue for the next order",
    "at_risk": "slipping, or subscription cancelled",
    "win_back": "win back the lapsed",
    "browse_without_cart": "viewed, but put nothing into the cart",
    "cart_without_order": "cart left without an order",
    "price_drop": "lower price of a viewed product",
    "back_in_stock": "viewed product back in stock",
    "renewal": "renewal ahead",
    "anniversary": "anniversary of the first order",
}
# hours are told in the finest of these steps at which most customers are in no small group
_BLOCKS = (1, 2, 3, 4, 6)
_ENOUGH = 0.8
# customers are grouped by how long they have been overdue, each group up to and with its end
_ENDS = (7, 30, 90)


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


def timing(tables: Tables, least: int) -> Timing:
    """Read and draw when to talk to customers.

    Parameters
    ----------
    tables
        What a build made.
    least
        How many customers a group must have to be told apart.

    Returns
    -------
    Timing
        Empty where the tables have none of it.
    """
    found = Timing()
    _add_overdue(tables, found, least)
    _add_due(tables, found)
    _add_triggers(tables, found, least)
    _add_hours(tables, found, least)
    return found


def _add_overdue(tables: Tables, found: Timing, least: int) -> None:
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
        found.empty["overdue"] = "There are too few of them to draw."
    _list_overdue(tables, found, total)


def _groups(rows: list[Row], least: int) -> list[Row]:
    """Group customers by days overdue; groups of few are joined, and there is none if all are few.

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
        groups.append({"name": name if len(cut) > 1 else "1 day or more", "customers": customers})
    return [group for group in groups if group["customers"] >= least]


def _list_overdue(tables: Tables, found: Timing, total: int) -> None:
    """List who is overdue, the longest first."""
    if not may_list(tables, "next_purchase"):
        return
    columns = [
        column
        for column in (
            Column("id", "Customer", "text", ("customer_id",)),
            Column("days", "Days overdue", "count", ("overdue_days",)),
            Column("alive", "Still a customer", "share", ("p_alive",)),
            Column("gap", "Usual gap, days", "count", ("usual_gap_days",)),
            Column("since", "Days since last order", "count", ("days_since_order",)),
            Column("message", "What to know", "told", ("message",), is_sortable=False),
        )
        if column.key == "id" or tables.has("next_purchase", column.csv[0])
    ]
    chosen = {"id": "cast(customer_id as varchar)", "alive": "round(p_alive, 4)"}
    listed = found.customers
    listed.columns = tuple(columns)
    listed.rows = tables.rows(
        f"""
        select {", ".join(f"{chosen.get(c.key, c.csv[0])} as {c.key}" for c in columns)}
        from {{next_purchase}}
        where state = 'overdue' and overdue_days > 0
        order by overdue_days desc, customer_id
        limit {LISTED}
        """  # noqa: S608 - names of columns that are known
    )
    found.notes["customers"] = (
        "Customers who have been silent for much longer than their usual gap between orders, the "
        f"longest overdue first{_cut(total)}."
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
        "id": "cast(due.customer_id as varchar)",
        "last": "cast(due.last_bought_at as date)",
        "out": "cast(due.runs_out_at as date)",
        "remind": "cast(due.remind_at as date)",
    }
    found.due.columns = tuple(shown)
    found.due.filters = (("status", "Status"), ("product", "Product"))
    soon = f"""
        due.status in ('due', 'overdue', 'upcoming')
        and due.remind_at < (
            select max(as_of_date) + interval {AHEAD} day
            from {{customer_retention}}
        )
    """  # noqa: S608 - a constant
    found.due.rows = tables.rows(
        f"""
        select {", ".join(f"{chosen.get(c.key, 'due.' + c.csv[0])} as {c.key}" for c in shown)}
        from {{replenishment_due}} as due
        where {soon}
        order by due.remind_at, due.customer_id, due.product_id
        limit {LISTED}
        """  # noqa: S608 - names of columns that are known
    )
    counts = tables.row(
        f"select count(*) as reminders from {{replenishment_due}} as due where {soon}"  # noqa: S608
    )
    found.reminders = counts["reminders"] if counts else 0
    if not found.reminders:
        found.empty["due"] = f"No reminder falls due in the next {AHEAD} days."
        return
    found.notes["due"] = (
        f"Reminders that fall due by {AHEAD} days from now, the earliest first"
        f"{_cut(found.reminders)}."
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
        row["name"] = _OCCASIONS.get(row["kind"], words.plain_name(row["kind"]))
    if not found.triggers:
        found.empty["triggers"] = "No occasion is open for enough customers to tell."
        return
    if first:
        found.notes["triggers"] = (
            "A customer may have several occasions at once. The first choice is the one with the "
            "highest priority."
        )


def _add_hours(tables: Tables, found: Timing, least: int) -> None:
    """Add for how many customers which hour of the week is the best one."""
    columns = ("channel", "status", "is_fallback", "best_weekday_number", "best_hour")
    if not tables.has("contact_timing", *columns):
        return
    found.is_there = True
    rows = tables.rows(
        """
        select
            best_weekday_number as weekday,
            best_hour as hour,
            count(*) as customers,
        from {contact_timing}
        where
            channel = 'any'
            and not is_fallback
            and best_weekday_number is not null
            and best_hour is not null
        group by best_weekday_number, best_hour
        order by best_weekday_number, best_hour
        """
    )
    if not rows:
        dates_only = tables.row(
            "select 1 as found from {contact_timing} where status = 'no_hours_in_the_data' limit 1"
        )
        found.empty["hours"] = (
            "There are no hours in the data: orders and visits have dates without times."
            if dates_only
            else "No customer has been active often enough to have a best time of their own."
        )
        return
    block = next(
        (size for size in _BLOCKS if _told(_in_blocks(rows, size), least) >= _ENOUGH), None
    )
    if block is None:
        found.empty["hours"] = "There are too few customers for a map of their hours."
        return
    cells = _in_blocks(rows, block)
    for cell in cells:
        cell["customers"] = cell["customers"] if cell["customers"] >= least else 0
        cell["day"] = _DAYS[cell["weekday"] - 1]
        cell["hours"] = f"{cell['hour']:02d}:00 to {cell['hour'] + block:02d}:00"
    found.charts["hours"] = _hours_map(cells, block)
    best = max(cells, key=lambda cell: (cell["customers"], -cell["weekday"], -cell["hour"]))
    total = sum(row["customers"] for row in rows)
    found.lead.append(
        f"{words.counted(total, 'customer')} {'has' if total == 1 else 'have'} a best time of "
        f"their own, most often {best['day']}, {best['hours']}."
    )


def _in_blocks(rows: list[Row], size: int) -> list[Row]:
    """Add up customers by weekday and block of hours; blocks without any are there, too."""
    cells = {(day, hour): 0 for day in range(1, 8) for hour in range(0, 24, size)}
    for row in rows:
        cells[row["weekday"], row["hour"] // size * size] += row["customers"]
    return [
        {"weekday": day, "hour": hour, "customers": customers}
        for (day, hour), customers in cells.items()
    ]


def _told(cells: list[Row], least: int) -> float:
    """Give the share of customers that are in cells which may be told."""
    told = sum(cell["customers"] for cell in cells if cell["customers"] >= least)
    total = sum(cell["customers"] for cell in cells)
    return float(told / total)


def _hours_map(cells: list[Row], block: int) -> Spec:
    """Draw weekdays by hours, the number of customers as colour."""
    highest = max(cell["customers"] for cell in cells)
    chart = (
        draw(cells)
        .mark_rect(stroke="@card", strokeWidth=1)
        .encode(
            x=alt.X(
                "hour:O",
                title="hour of the day" + (f", in steps of {block}" if block > 1 else ""),
                axis=alt.Axis(labelAngle=0, labelOverlap=True, grid=False),
            ),
            y=alt.Y(
                "day:O",
                sort=list(_DAYS),
                title=None,
                axis=alt.Axis(grid=False, labelExpr="slice(datum.label, 0, 3)"),
            ),
            color=alt.Color(
                "customers:Q",
                scale=alt.Scale(
                    domain=[0, highest], range=["@heat-low", "@heat-middle", "@heat-high"]
                ),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("day:N", title="day"),
                alt.Tooltip("hours:N", title="from"),
                alt.Tooltip("customers:Q", format=",", title="customers"),
            ],
        )
    )
    return spec(
        chart, description="Customers by the weekday and hour that suits them best", height=200
    )
