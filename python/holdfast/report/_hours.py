"""At which hours of the week customers are active, and whether the recommended hour pays."""

from __future__ import annotations

from dataclasses import dataclass, field

import altair as alt

from holdfast.report import _words as words
from holdfast.report._chart import Section, Spec, draw, spec
from holdfast.report._evaluations import evaluations
from holdfast.report._tables import Row, Tables

__all__ = ["Hours", "hours"]

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# hours are told in the finest of these steps at which most customers are in no small group
_BLOCKS = (1, 2, 3, 4, 6)
_ENOUGH = 0.8


@dataclass
class Hours(Section):
    """What is shown: the chart `hours`.

    Attributes
    ----------
    is_there
        Whether the tables have contact times at all.
    lead
        Sentences on them.
    """

    is_there: bool = False
    lead: list[str] = field(default_factory=list)


def hours(tables: Tables, least: int) -> Hours:
    """Read and draw when customers are active.

    Parameters
    ----------
    tables
        What a build made.
    least
        How many customers a group must have to be told apart.

    Returns
    -------
    Hours
        Empty where the tables have no contact times.
    """
    found = Hours()
    if tables.has("contact_timing", "channel", "is_fallback", "best_hour"):
        found.is_there = True
        _add_map(tables, found, least)
        _add_own(tables, found)
    return found


def _add_map(tables: Tables, found: Hours, least: int) -> None:
    """Add the activity of all customers by weekday and hour."""
    if not tables.has("activity_hours", "weekday", "hour"):
        found.empty["hours"] = tables.absent("activity_hours")
        return
    rows = tables.rows(
        """
        select
            weekday,
            hour,
            count(*) as activity,
            approx_count_distinct(customer_id) as customers,
        from {activity_hours}
        where hour is not null
        group by weekday, hour
        """
    )
    if not rows:
        found.empty["hours"] = (
            "There are no hours in the data: orders and visits have dates without times."
        )
        return
    cells = next(
        (
            cells
            for cells in (_in_blocks(rows, size) for size in _BLOCKS)
            if _told(cells, least) >= _ENOUGH
        ),
        None,
    )
    if cells is None:
        found.empty["hours"] = "There are too few customers for a map of their hours."
        return
    total = sum(cell["activity"] for cell in cells)
    for cell in cells:
        # what few customers do is not told
        cell["share"] = cell["activity"] / total if cell["customers"] >= least else 0.0
    found.charts["hours"] = _hours_map(cells)
    best = max(cells, key=lambda cell: (cell["share"], -cell["weekday"], -cell["hour"]))
    found.lead.append(f"Customers are most active on {best['day']}, {best['hours']}.")
    found.notes["hours"] = (
        "Hours in which customers ordered, visited or clicked, by their own clock: the stronger "
        f"the colour, the more of them.{_lift(tables)}"
    )


def _add_own(tables: Tables, found: Hours) -> None:
    """Say for how many customers the recommended hour is their own."""
    counts = tables.row(
        """
        select
            count(*) as customers,
            count(*) filter (where not is_fallback and best_hour is not null) as own,
        from {contact_timing}
        where channel = 'any'
        """
    )
    if counts and counts["own"]:
        found.lead.append(
            f"For {words.count(counts['own'])} of {words.counted(counts['customers'], 'customer')} "
            "the recommended hour rests on their own activity."
        )


def _lift(tables: Tables) -> str:
    """Say whether messages that went out at the recommended hour were clicked more."""
    measured = {
        (row["metric"], row["segment"]): row
        for row in evaluations(tables, "contact_timing")
        if row["stage"] == "in_use"
    }
    lift = measured.get(("click_lift", None))
    at, other = (
        measured.get(("click_rate", f"send: {which} hour")) for which in ("recommended", "other")
    )
    if not (lift and at and other) or lift["lower"] is None or lift["upper"] is None:
        return ""
    sure = "" if lift["lower"] > 0 or lift["upper"] < 0 else ", so it may be chance"
    return (
        f" Past messages that went out at the recommended hour were clicked in "
        f"{words.share(at['value'])} of cases, those at other hours in "
        f"{words.share(other['value'])}: a difference of {words.points(lift['value'])} (95% "
        f"interval {words.signed(100 * lift['lower'], 1)} to "
        f"{words.signed(100 * lift['upper'], 1)}){sure}."
    )


def _in_blocks(rows: list[Row], size: int) -> list[Row]:
    """Add up activity by weekday and block of hours; blocks without any are there, too."""
    cells = {
        (day, hour): {
            "weekday": day,
            "day": _DAYS[day - 1],
            "hour": hour,
            "hours": f"{hour:02d}:00 to {hour + size:02d}:00",
            "activity": 0,
            "customers": 0,
        }
        for day in range(1, 8)
        for hour in range(0, 24, size)
    }
    for row in rows:
        cell = cells[row["weekday"], row["hour"] // size * size]
        cell["activity"] += row["activity"]
        # the same customers may be active in several hours: so many are there at least
        cell["customers"] = max(cell["customers"], row["customers"])
    return list(cells.values())


def _told(cells: list[Row], least: int) -> float:
    """Give the share of the activity that is in cells which may be told."""
    told = sum(cell["activity"] for cell in cells if cell["customers"] >= least)
    return float(told / sum(cell["activity"] for cell in cells))


def _hours_map(cells: list[Row]) -> Spec:
    """Draw weekdays by hours, the share of the activity as colour."""
    highest = max(cell["share"] for cell in cells)
    chart = (
        draw(cells)
        .mark_rect(stroke="@card", strokeWidth=1)
        .encode(
            x=alt.X(
                "hour:O",
                title="hour of the day",
                axis=alt.Axis(labelAngle=0, labelOverlap=True, grid=False),
            ),
            y=alt.Y(
                "day:O",
                sort=list(_DAYS),
                title=None,
                axis=alt.Axis(grid=False, labelExpr="slice(datum.label, 0, 3)"),
            ),
            color=alt.Color(
                "share:Q",
                scale=alt.Scale(
                    domain=[0, highest], range=["@heat-low", "@heat-middle", "@heat-high"]
                ),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("day:N", title="day"),
                alt.Tooltip("hours:N", title="hours"),
                alt.Tooltip("share:Q", format=".1%", title="share of the activity"),
            ],
        )
    )
    return spec(
        chart, description="Activity of customers by weekday and hour of the day", height=200
    )
