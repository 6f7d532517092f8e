"""Who stays: gained and lost customers by month, cohorts, and the survival curve."""

from __future__ import annotations

import altair as alt

from holdfast.report import _words as words
from holdfast.report._chart import Section, Spec, count_axis, draw, legend, share_axis, spec
from holdfast.report._tables import Row, Tables

__all__ = ["retention"]

_MONTHS = 24
_COHORTS = 24
_MONTHS_SINCE = 24
_CURVE_POINTS = 180


def retention(tables: Tables) -> Section:
    """Read and draw who stays.

    Parameters
    ----------
    tables
        What a build made.

    Returns
    -------
    Section
        The charts `movement`, `rate`, `cohorts` and `survival`, as far as there are data.
    """
    found = Section()
    _add_months(tables, found)
    _add_cohorts(tables, found)
    _add_survival(tables, found)
    return found


def _add_months(tables: Tables, found: Section) -> None:
    """Add customers won and lost by month, and the retention rate."""
    columns = ("month", "new_customers", "reactivated_customers", "churned_customers")
    if not tables.has("retention_metrics", *columns, "retention_rate", "is_project_definition"):
        found.empty["movement"] = found.empty["rate"] = tables.absent("retention_metrics")
        return
    months = tables.rows(
        f"""
        select
            month,
            strftime(month, '%b ''%y') as label,
            new_customers,
            reactivated_customers,
            churned_customers,
            retention_rate,
        from {{retention_metrics}}
        where is_project_definition and is_complete
        order by month desc
        limit {_MONTHS}
        """  # noqa: S608 - a constant
    )
    known = [month for month in reversed(months) if month["retention_rate"] is not None]
    if len(known) < 2:
        found.empty["movement"] = found.empty["rate"] = (
            "Churn is known for fewer than two months so far. A customer counts as lost only when "
            "the churn horizon has passed, so this fills up with time."
        )
        return
    found.charts["movement"] = _movement(known)
    found.charts["rate"] = _rate(known)
    best = max(known, key=lambda month: float(month["retention_rate"]))
    worst = min(known, key=lambda month: float(month["retention_rate"]))
    found.notes["rate"] = (
        f"Best month: {words.month(best['month'])} with {words.share(best['retention_rate'])}; "
        f"worst: {words.month(worst['month'])} with {words.share(worst['retention_rate'])}."
    )
    gained = sum(month["new_customers"] + month["reactivated_customers"] for month in known)
    lost = sum(month["churned_customers"] for month in known)
    found.notes["movement"] = (
        f"Since {words.month(known[0]['month'])} {words.count(gained)} customers were won or "
        f"came back, and {words.count(lost)} were lost."
    )


def _movement(months: list[Row]) -> Spec:
    """Draw customers won above the line, and those lost below it."""
    kinds = (
        ("new_customers", "new", 1),
        ("reactivated_customers", "came back", 1),
        ("churned_customers", "lost", -1),
    )
    values = [
        {"month": month["label"], "kind": kind, "customers": value, "bar": sign * value}
        for month in months
        for column, kind, sign in kinds
        if (value := month[column]) is not None
    ]
    chart = (
        draw(values)
        .mark_bar(cornerRadius=1)
        .encode(
            x=_month_axis(months),
            y=alt.Y(
                "bar:Q",
                title="customers",
                axis=count_axis(6, is_mirrored=True),
            ),
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(
                    domain=[kind for _, kind, _ in kinds],
                    range=["@accent", "@accent-soft", "@bad"],
                ),
                legend=legend(),
            ),
            tooltip=[
                alt.Tooltip("month:N", title="month"),
                alt.Tooltip("kind:N", title="who"),
                alt.Tooltip("customers:Q", format=",", title="customers"),
            ],
        )
    )
    return spec(chart, description="Customers new, come back and lost, month by month", height=240)


def _rate(months: list[Row]) -> Spec:
    """Draw the retention rate."""
    values = [
        {"month": month["label"], "retention_rate": month["retention_rate"]} for month in months
    ]
    base = draw(values).encode(
        x=_month_axis(months),
        y=alt.Y(
            "retention_rate:Q",
            title="retention rate",
            axis=share_axis(month["retention_rate"] for month in months),
            scale=alt.Scale(zero=False, nice=True),
        ),
        tooltip=[
            alt.Tooltip("month:N", title="month"),
            alt.Tooltip("retention_rate:Q", format=".1%", title="retention rate"),
        ],
    )
    chart = base.mark_line(color="@accent", strokeWidth=2) + base.mark_point(
        color="@accent", filled=True, size=40, opacity=1
    )
    return spec(chart, description="Retention rate, month by month", height=240)


def _month_axis(months: list[Row]) -> alt.X:
    """Put months side by side, as many named as there is room for."""
    return alt.X(
        "month:O",
        sort=[month["label"] for month in months],
        title=None,
        axis=alt.Axis(
            labelAngle=0, labelOverlap="greedy", labelSeparation=12, labelBound=True, grid=False
        ),
    )


def _add_cohorts(tables: Tables, found: Section) -> None:
    """Add the heat map of cohorts."""
    columns = ("segment_by", "cohort_month", "months_since", "customers", "retention_rate")
    if not tables.has("retention_cohorts", *columns, "retained_customers"):
        found.empty["cohorts"] = tables.absent("retention_cohorts")
        return
    cells = tables.rows(
        f"""
        with

        cohorts as (

            select distinct cohort_month
            from {{retention_cohorts}}
            where segment_by = 'all'
            order by cohort_month desc
            limit {_COHORTS}

        )

        select
            strftime(cohort_month, '%b %Y') as cohort,
            months_since,
            customers,
            retained_customers,
            retention_rate,
        from {{retention_cohorts}}
        where
            segment_by = 'all'
            and months_since between 1 and {_MONTHS_SINCE}
            and retention_rate is not null
            and cohort_month in (select cohort_month from cohorts)
        order by cohort_month, months_since
        """  # noqa: S608 - constants
    )
    if not cells:
        found.empty["cohorts"] = (
            "No month after the first purchases is over yet. The map fills up month by month."
        )
        return
    found.charts["cohorts"] = _heat_map(cells)
    found.notes["cohorts"] = (
        "Each row holds the customers who first bought in that month. Each cell shows the share of "
        "them who bought again that number of months later. The first row may include customers "
        "who had bought before the data begin."
    )


def _heat_map(cells: list[Row]) -> Spec:
    """Draw cohorts by months since, the share retained as colour, and in figures where it fits."""
    cohorts = list(dict.fromkeys(cell["cohort"] for cell in cells))
    highest = max(cell["retention_rate"] for cell in cells) or 1.0
    base = draw(cells).encode(
        x=alt.X(
            "months_since:O",
            title="months since the first purchase",
            axis=alt.Axis(labelAngle=0, labelOverlap=True, grid=False),
        ),
        y=alt.Y("cohort:O", sort=cohorts, title=None, axis=alt.Axis(grid=False)),
        tooltip=[
            alt.Tooltip("cohort:N", title="first bought in"),
            alt.Tooltip("months_since:Q", title="months later"),
            alt.Tooltip("retention_rate:Q", format=".1%", title="bought again"),
            alt.Tooltip("retained_customers:Q", format=",", title="customers"),
            alt.Tooltip("customers:Q", format=",", title="of"),
        ],
    )
    tiles = base.mark_rect(stroke="@card", strokeWidth=1).encode(
        color=alt.Color(
            "retention_rate:Q",
            scale=alt.Scale(domain=[0, highest], range=["@heat-low", "@heat-middle", "@heat-high"]),
            legend=None,
        )
    )
    figures = base.mark_text(fontSize=10.5).encode(
        text=alt.Text("retention_rate:Q", format=".0%"),
        color=alt.condition(
            f"datum.retention_rate > heat_turn * {highest:.6f}",
            alt.value("@heat-text-high"),
            alt.value("@heat-text-low"),
        ),
        opacity=alt.OpacityValue(alt.expr("width < 560 ? 0 : 1")),
    )
    # where figures turn from dark to light, or the reverse, differs between the two looks
    turn = alt.param(name="heat_turn", value="@heat-turn")
    return spec(
        (tiles + figures).add_params(turn),
        description="Share of each month's new customers who bought again, by months since",
        height=max(80, 22 * len(cohorts)),
    )


def _add_survival(tables: Tables, found: Section) -> None:
    """Add the survival curve."""
    columns = ("is_project_definition", "segment_by", "days", "survival", "survival_lower")
    if not tables.has("retention_curves", *columns, "survival_upper", "customers_at_risk"):
        found.empty["survival"] = tables.absent("retention_curves")
        return
    curve = tables.rows(
        f"""
        with

        curve as (

            select
                *,
                max(days) over () as last_day,
            from {{retention_curves}}
            where
                is_project_definition
                and segment_by = 'all'
                and customers_at_risk > 0

        )

        select days, survival, survival_lower, survival_upper, customers_at_risk
        from curve
        where
            days % greatest(cast(ceil(last_day / {_CURVE_POINTS}) as integer), 1) = 0
            or days = last_day
        order by days
        """  # noqa: S608 - a constant
    )
    if len(curve) < 2:
        found.empty["survival"] = "No customer has been observed for a whole day yet."
        return
    found.charts["survival"] = _survival(curve)
    # the curve that is drawn may leave out the day itself
    half = tables.row(
        """
        select min(days) as days
        from {retention_curves}
        where is_project_definition and segment_by = 'all' and survival <= 0.5
        """
    )
    if half and half["days"] is not None:
        told = f"Half of the customers were lost within {words.count(half['days'])} days."
    else:
        last = curve[-1]
        told = f"After {words.count(last['days'])} days {words.share(last['survival'])} remain."
    found.notes["survival"] = (
        f"{told} The band is the 95% confidence interval. A customer who comes back still counts "
        "as lost here."
    )


def _survival(curve: list[Row]) -> Spec:
    """Draw the Kaplan-Meier curve with its band."""
    base = draw(curve).encode(
        x=alt.X(
            "days:Q",
            title="days since becoming a customer",
            scale=alt.Scale(nice=False),
            axis=count_axis(8),
        )
    )
    y = alt.Y(
        "survival:Q",
        title="still customers",
        axis=alt.Axis(format=".0%"),
        scale=alt.Scale(domain=[0, 1]),
    )
    band = base.mark_area(color="@accent", opacity=0.2, interpolate="step-after").encode(
        y=alt.Y("survival_lower:Q", title="still customers"), y2="survival_upper:Q"
    )
    line = base.mark_line(color="@accent", strokeWidth=2, interpolate="step-after").encode(y=y)
    # a wide and invisible point, so that the curve tells its figures wherever it is touched
    touch = base.mark_point(size=200, opacity=0, filled=True).encode(
        y=y,
        tooltip=[
            alt.Tooltip("days:Q", format=",", title="days"),
            alt.Tooltip("survival:Q", format=".1%", title="still customers"),
            alt.Tooltip("survival_lower:Q", format=".1%", title="at least"),
            alt.Tooltip("survival_upper:Q", format=".1%", title="at most"),
            alt.Tooltip("customers_at_risk:Q", format=",", title="customers observed"),
        ],
    )
    return spec(
        band + line + touch,
        description="Share of customers still there, by days since they began, with its interval",
        height=300,
    )
