"""What all charts have in common; their colours stand in assets/style.css.

A colour that begins with ``@`` is the name of a CSS variable: the page puts in its value, which
differs between the light and the dark look.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt

from holdfast.report._tables import Row

__all__ = [
    "RISK_BANDS",
    "Section",
    "Spec",
    "amount_axis",
    "bars_height",
    "count_axis",
    "draw",
    "labelled_bars",
    "legend",
    "risk_colour",
    "share_axis",
    "spec",
]

Spec = dict[str, Any]

RISK_BANDS = ("high", "medium", "low")


@dataclass
class Section:
    """What a section of the page shows: charts by name, and a sentence on each in `notes`.

    A chart that is missing has a sentence in `empty` that says why.
    """

    charts: dict[str, Spec] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    empty: dict[str, str] = field(default_factory=dict)


def spec(chart: alt.Chart | alt.LayerChart, *, description: str, height: int) -> Spec:
    """Give the Vega-Lite specification of a chart as wide as its place on the page.

    Parameters
    ----------
    chart
        The chart.
    description
        What it shows, for people who cannot see it.
    height
        In pixels.

    Returns
    -------
    dict
        The specification, without looks: the page adds those.
    """
    found: Spec = chart.properties(
        width="container", height=height, description=description
    ).to_dict()
    found.pop("config", None)
    return found


def draw(rows: Sequence[Row]) -> alt.Chart:
    """Begin a chart of these rows.

    Parameters
    ----------
    rows
        Rows whose values JSON knows.

    Returns
    -------
    altair.Chart
        A chart without marks.
    """
    return alt.Chart(alt.InlineData(values=list(rows)))


def legend(columns: int | alt.ExprRef = 0) -> alt.Legend:
    """Give a legend without a title above the chart, in one row unless told otherwise."""
    return alt.Legend(title=None, orient="top", direction="horizontal", columns=columns, offset=6)


def risk_colour(bands: Sequence[str] = RISK_BANDS) -> alt.Color:
    """Colour by risk band; what is no band of risk is grey."""
    colours = [f"@{band}" if band in RISK_BANDS else "@baseline" for band in bands]
    return alt.Color(
        "risk_band:N", scale=alt.Scale(domain=list(bands), range=colours), legend=legend()
    )


def count_axis(ticks: int = 5, *, is_mirrored: bool = False) -> alt.Axis:
    """Give an axis of whole numbers, of which none stands there twice.

    Parameters
    ----------
    ticks
        About how many ticks.
    is_mirrored
        Whether what lies below zero is counted, too, downwards.

    Returns
    -------
    altair.Axis
    """
    value = "abs(datum.value)" if is_mirrored else "datum.value"
    # Vega's least step between ticks does not hold for few of them: halves stay without a label
    label = f"datum.value % 1 === 0 ? format({value}, ',.0f') : ''"
    return alt.Axis(labelExpr=label, tickMinStep=1, tickCount=ticks)


def amount_axis(values: Iterable[float | None], ticks: int = 5) -> alt.Axis:
    """Give an axis of amounts with as many decimals as tell its ticks apart.

    Parameters
    ----------
    values
        What is drawn along it, from zero.
    ticks
        About how many ticks.

    Returns
    -------
    altair.Axis
        Large amounts are written short, such as 2.5M.
    """
    highest = max((abs(value) for value in values if value is not None), default=0.0)
    if highest >= 1_000_000:
        short = "replace(format(datum.value, '.3~s'), 'G', 'B')"
        return alt.Axis(labelExpr=short, tickCount=ticks)
    # below this, a step between ticks is less than one
    if highest < 2 * ticks:
        return alt.Axis(format=",.2f", tickMinStep=0.01, tickCount=ticks)
    return alt.Axis(format=",.0f", tickMinStep=1, tickCount=ticks)


def share_axis(values: Iterable[float | None], ticks: int = 5) -> alt.Axis:
    """Give an axis of percentages with as many decimals as tell its ticks apart.

    Parameters
    ----------
    values
        The shares that are drawn along it, which need not begin at zero.
    ticks
        About how many ticks.

    Returns
    -------
    altair.Axis
    """
    known = [value for value in values if value is not None]
    reach = max(known) - min(known) if known else 1.0
    digits = 0 if reach >= 0.01 * ticks else 1 if reach >= 0.001 * ticks else 2
    return alt.Axis(format=f".{digits}%", tickMinStep=round(0.01 * 0.1**digits, 6), tickCount=ticks)


def labelled_bars(
    rows: Sequence[Row],
    *,
    x: alt.X,
    name: str,
    detail: str,
    tooltip: Sequence[alt.Tooltip],
    colour: alt.Color | None = None,
) -> alt.LayerChart:
    """Draw bars, each below a line of text and one of small print, which fit a phone, too.

    Parameters
    ----------
    rows
        A bar each, in their order.
    x
        How long the bars are.
    name, detail
        The fields of the two lines.
    tooltip
        What a bar tells when it is touched.
    colour
        How bars are coloured; all alike when None.

    Returns
    -------
    altair.LayerChart
        To be drawn as high as `bars_height` says.
    """
    numbered = [{**row, "bar": place} for place, row in enumerate(rows)]
    base = draw(numbered).encode(
        y=alt.Y("bar:O", axis=None, scale=alt.Scale(padding=0)), tooltip=list(tooltip)
    )
    bars = base.mark_bar(color="@accent", height=8, yOffset=13, cornerRadius=1).encode(x=x)
    if colour is not None:
        bars = bars.encode(color=colour)
    names, details = (
        base.mark_text(
            align="left",
            baseline="middle",
            color=colour,
            fontSize=size,
            yOffset=offset,
            limit=alt.expr("width"),
        ).encode(x=alt.value(0), text=f"{field}:N")
        for field, colour, size, offset in ((name, "@ink", 12.5, -14), (detail, "@soft", 11, 1))
    )
    chart: alt.LayerChart = bars + names + details
    return chart


def bars_height(rows: Sequence[Row]) -> int:
    """Give the height in pixels of a chart of labelled bars."""
    return 48 * len(rows)
