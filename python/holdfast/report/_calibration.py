"""What was predicted against what came true: the chart of the report and of model cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt

from holdfast.report._chart import Spec, amount_axis, draw, legend, spec
from holdfast.report._tables import Row

__all__ = ["calibration_chart", "diagonal"]


def calibration_chart(
    rows: Sequence[Row],
    *,
    looks: Mapping[str, tuple[str, str]],
    titles: tuple[str, str],
    description: str,
    is_share: bool = True,
) -> Spec:
    """Draw what was observed against what was predicted, with intervals and the diagonal.

    Parameters
    ----------
    rows
        Groups of rows, each with `model`, `predicted`, `observed`, `observed_lower`,
        `observed_upper` and `row_count`.
    looks
        The colour and the shape of each model; there is a legend where there are several.
    titles
        What is predicted, and what was observed.
    description
        What the chart shows, for people who cannot see it.
    is_share
        Whether predictions are probabilities; else they are values on a scale of their own.

    Returns
    -------
    dict
        The specification.
    """
    ends = ("predicted", "observed", "observed_lower", "observed_upper")
    values = [row[end] for row in rows for end in ends if row[end] is not None]
    low, high = (0.0, 1.0) if is_share else (min([0.0, *values]), max([0.0, *values]))
    axis = alt.Axis(format=".0%", tickCount=5) if is_share else amount_axis(values)
    scale = alt.Scale(domain=[low, high], nice=not is_share)
    written = ".1%" if is_share else ",.2f"
    predicted, observed = titles
    colours, shapes = (
        alt.Scale(domain=list(looks), range=[look[place] for look in looks.values()])
        for place in (0, 1)
    )
    key = legend() if len(looks) > 1 else None
    base = draw(rows).encode(
        x=alt.X("predicted:Q", title=predicted, axis=axis, scale=scale),
        color=alt.Color("model:N", scale=colours, legend=key),
    )
    intervals = base.mark_rule(strokeWidth=1.5, opacity=0.7).encode(
        y=alt.Y("observed_lower:Q", title=observed), y2="observed_upper:Q"
    )
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(
        y=alt.Y("observed:Q", title=observed, axis=axis, scale=scale),
        shape=alt.Shape("model:N", scale=shapes, legend=key),
        tooltip=[
            alt.Tooltip("model:N", title="model"),
            alt.Tooltip("predicted:Q", format=written, title="predicted"),
            alt.Tooltip("observed:Q", format=written, title="observed"),
            alt.Tooltip("observed_lower:Q", format=written, title="at least"),
            alt.Tooltip("observed_upper:Q", format=written, title="at most"),
            alt.Tooltip("row_count:Q", format=",", title="observations"),
        ],
    )
    return spec(diagonal(low, high) + intervals + dots, description=description, height=320)


def diagonal(low: float = 0.0, high: float = 1.0) -> alt.Chart:
    """Draw the dashed line from corner to corner.

    Parameters
    ----------
    low, high
        The ends of both axes.

    Returns
    -------
    altair.Chart
        The line.
    """
    chart: alt.Chart = (
        draw([{"x": low, "y": low}, {"x": high, "y": high}])
        .mark_line(color="@soft", strokeDash=[4, 4], strokeWidth=1)
        .encode(x="x:Q", y="y:Q")
    )
    return chart
