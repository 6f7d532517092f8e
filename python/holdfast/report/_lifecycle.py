"""How customers move between the states of their life: the flow of a month, and all months."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import altair as alt

from holdfast.report import _words as words
from holdfast.report._chart import Section, count_axis, draw, legend, spec
from holdfast.report._population import STATES, state_name
from holdfast.report._tables import Row, Tables
from holdfast.report._terms import terms

__all__ = ["Lifecycle", "lifecycle"]

_MONTHS = 12
# what the moves of few customers are merged into
_RARE = "other"
# colours of the page for each state; states of one kind have one colour, and texts beside them
_COLOURS = {
    "start": "soft",
    "never_ordered": "baseline",
    "new": "accent-soft",
    "on_rhythm": "accent",
    "running": "accent",
    "slipping": "medium",
    "cancelled_running_out": "medium",
    "lapsed": "bad",
}
_OLD = (
    "These tables were built without lifecycle states. Run `dbt build`, then write the report "
    "again."
)


@dataclass
class Lifecycle(Section):
    """What the section shows: the chart `states`, the moves of each month in `flow`.

    `states` says of each state how many customers are in it, and how stays in it ended.
    """

    flow: dict[str, Any] = field(default_factory=dict)
    states: list[Row] = field(default_factory=list)


def lifecycle(tables: Tables) -> Lifecycle:
    """Read and draw how customers move between states.

    Parameters
    ----------
    tables
        What a build made.

    Returns
    -------
    Lifecycle
        The flow and the chart, as far as there are data.
    """
    found = Lifecycle()
    _add_flow(tables, found)
    _add_states(tables, found)
    _add_stays(tables, found)
    return found


def _add_flow(tables: Tables, found: Lifecycle) -> None:
    """Add who moved from which state to which, in each of the last months and in all of them."""
    columns = ("month", "is_project_definition", "is_complete", "from_state", "to_state")
    if not tables.has("lifecycle_transitions", *columns, "customers"):
        found.empty["flow"] = _OLD
        return
    rows = tables.rows(
        f"""
        with

        moves as (

            select
                month,
                from_state,
                to_state,
                customers,
            from {{lifecycle_transitions}}
            where is_project_definition and is_complete

        ),

        months as (

            select distinct month
            from moves
            order by month desc
            limit {_MONTHS}

        )

        select
            month,
            from_state,
            to_state,
            customers,
        from moves
        where month in (select month from months)
        order by month, customers desc, from_state, to_state
        """  # noqa: S608 - a constant
    )
    rare = [row for row in rows if row["from_state"] == _RARE]
    rows = [row for row in rows if row["from_state"] != _RARE]
    if not rows:
        found.empty["flow"] = (
            "No month is over yet in which enough customers moved from one state to another."
        )
        return
    moves: dict[str, list[list[Any]]] = defaultdict(list)
    together: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        move = (row["from_state"], row["to_state"])
        moves[row["month"]].append([*move, int(row["customers"])])
        together[move] += int(row["customers"])
    months = sorted(moves)
    periods = [{"key": month, "name": words.month(month)} for month in reversed(months)]
    if len(months) > 1:
        moves["all"] = [[*move, customers] for move, customers in together.items()]
        periods.append({"key": "all", "name": f"{len(months)} months together"})
    present = {state for row in rows for state in (row["from_state"], row["to_state"])}
    others = {row["month"]: int(row["customers"]) for row in rare}
    found.flow = {
        "periods": periods,
        "states": [
            {"key": state, "name": state_name(state), "colour": _COLOURS.get(state, "soft")}
            for state in _in_order(present)
        ],
        "moves": moves,
        # each a few customers only, who are not told apart
        "rare": {**others, "all": sum(others.values())},
    }
    found.notes["flow"] = (
        "On the left the state that customers came from, on the right the one they moved to. The "
        "thicker a band, the more customers; its colour is that of the state it leads to."
    )


def _add_states(tables: Tables, found: Lifecycle) -> None:
    """Add how many customers were in which state at the end of each month."""
    columns = ("customer_id", "churn_definition", "state", "entered_at", "left_at")
    if not tables.has("customer_lifecycle", *columns):
        found.empty["states"] = tables.absent("customer_lifecycle") if tables.is_published else _OLD
        return
    changes = tables.rows(
        """
        with

        changes as (

            select date_trunc('month', entered_at) as month, state, count(*) as customers
            from {customer_lifecycle}
            where churn_definition = $definition
            group by all

            union all

            select date_trunc('month', left_at) as month, state, -count(*) as customers
            from {customer_lifecycle}
            where churn_definition = $definition and left_at is not null
            group by all

        )

        select cast(month as date) as month, state, sum(customers) as customers
        from changes
        where state <> 'never_ordered'
        group by month, state
        order by month
        """,
        {"definition": terms(tables).name},
    )
    rows = _sizes(changes)
    if not rows:
        found.empty["states"] = "No customer has a state yet."
        return
    order = _in_order({row["state"] for row in rows})
    for row in rows:
        row["place"] = order.index(row["state"])
        row["state"] = state_name(row["state"])
        row["label"] = words.month(row["month"])
    names = [state_name(state) for state in order]
    chart = (
        draw(rows)
        .mark_bar(cornerRadius=1)
        .encode(
            x=alt.X(
                "month:O",
                title=None,
                axis=alt.Axis(
                    labelExpr="timeFormat(toDate(datum.value), '%b \\'%y')",
                    labelAngle=0,
                    labelOverlap="greedy",
                    labelSeparation=12,
                    labelBound=True,
                    grid=False,
                ),
            ),
            y=alt.Y("customers:Q", title="customers", axis=count_axis()),
            color=alt.Color(
                "state:N",
                scale=alt.Scale(
                    domain=names, range=[f"@{_COLOURS.get(state, 'soft')}" for state in order]
                ),
                legend=legend(columns=alt.expr("width < 420 ? 2 : 4")),
            ),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("label:N", title="month"),
                alt.Tooltip("state:N", title="state"),
                alt.Tooltip("customers:Q", format=",", title="customers"),
            ],
        )
    )
    found.charts["states"] = spec(
        chart, description="Customers by state at the end of each month", height=300
    )
    if tables.has("lifecycle_overview"):
        # the table below the chart says it
        return
    now = {row["state"]: row["customers"] for row in rows if row["month"] == rows[-1]["month"]}
    found.notes["states"] = (
        "Now: "
        + ", ".join(f"{words.count(now[name])} {name}" for name in names if name in now)
        + "."
    )


def _add_stays(tables: Tables, found: Lifecycle) -> None:
    """Add how long customers stay in each state, and how often they buy again."""
    columns = ("is_project_definition", "position", "state", "customers", "median_days_in_state")
    ends = ("median_days_of_ended_stays", "bought_again_share")
    if not tables.has("lifecycle_overview", *columns, *ends):
        return
    found.states = tables.rows(
        f"""
        select state, customers, median_days_in_state, {", ".join(ends)}
        from {{lifecycle_overview}}
        where is_project_definition
        order by position
        """  # noqa: S608 - constant names
    )
    for row in found.states:
        row["state"] = state_name(row["state"])


def _sizes(changes: list[Row]) -> list[Row]:
    """Add changes up to how many customers are in a state at the end of each of the last months."""
    months = sorted({row["month"] for row in changes})
    by_month: dict[str, list[Row]] = defaultdict(list)
    for row in changes:
        by_month[row["month"]].append(row)
    size: dict[str, int] = defaultdict(int)
    rows = []
    for month in months:
        for row in by_month[month]:
            size[row["state"]] += int(row["customers"])
        rows.append([{"month": month, "state": s, "customers": n} for s, n in size.items() if n])
    return [row for month in rows[-2 * _MONTHS :] for row in month]


def _in_order(states: set[str]) -> list[str]:
    """Order states by the life of a customer; ones that are not known come last."""
    return [s for s in STATES if s in states] + sorted(states.difference(STATES))
