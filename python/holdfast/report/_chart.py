"""What all charts have in common; their colours stand in assets/style.css.

A colour that begins with ``@`` is the name of a CSS variable: the page puts in its value, which
differs between the light and the dark look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt

from holdfast.report._tables import Row

__all__ = ["RISK_BANDS", "Section", "Spec", "draw", "legend", "risk_colour", "spec"]

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


def legend(columns: int = 0) -> alt.Legend:
    """Give a legend without a title above the chart, in one row unless told otherwise."""
    return alt.Legend(title=None, orient="top", direction="horizontal", columns=columns, offset=6)


def risk_colour() -> alt.Color:
    """Colour by risk band."""
    return alt.Color(
        "risk_band:N",
        scale=alt.Scale(domain=list(RISK_BANDS), range=[f"@{band}" for band in RISK_BANDS]),
        legend=legend(),
    )
