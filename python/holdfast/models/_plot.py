"""The calibration curve as an inline SVG, without any library or network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Bin", "calibration_plot"]

_SIZE = 320
_MARGIN = 44


@dataclass(frozen=True)
class Bin:
    """A group of rows: mean prediction, share with the event and its interval, rows."""

    predicted: float
    observed: float
    lower: float | None
    upper: float | None
    row_count: int


def calibration_plot(bins: Sequence[Bin]) -> str:
    """Draw predicted against observed shares, with intervals and the diagonal.

    Parameters
    ----------
    bins
        The groups; none gives an empty frame.

    Returns
    -------
    str
        An `svg` element.

    Examples
    --------
    >>> calibration_plot([Bin(0.2, 0.25, 0.1, 0.4, 100)]).count("<circle")
    1
    """
    parts = [
        f'<svg viewBox="0 0 {_SIZE} {_SIZE}" width="{_SIZE}" height="{_SIZE}" role="img" '
        'aria-label="Calibration: observed share against predicted probability">',
        f'<rect class="frame" x="{_x(0):.1f}" y="{_y(1):.1f}" width="{_x(1) - _x(0):.1f}" '
        f'height="{_y(0) - _y(1):.1f}"/>',
        f'<line class="diagonal" x1="{_x(0):.1f}" y1="{_y(0):.1f}" x2="{_x(1):.1f}" '
        f'y2="{_y(1):.1f}"/>',
    ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(
            f'<text x="{_x(share):.1f}" y="{_y(0) + 16:.1f}" text-anchor="middle">'
            f"{100 * share:.0f}</text>"
        )
        parts.append(
            f'<text x="{_x(0) - 6:.1f}" y="{_y(share) + 4:.1f}" text-anchor="end">'
            f"{100 * share:.0f}</text>"
        )
    parts.append(
        f'<text x="{_x(0.5):.1f}" y="{_SIZE - 6}" text-anchor="middle">predicted, %</text>'
    )
    parts.append(
        f'<text transform="translate(11 {_y(0.5):.1f}) rotate(-90)" text-anchor="middle">'
        "observed, %</text>"
    )
    for group in bins:
        x = _x(group.predicted)
        if group.lower is not None and group.upper is not None:
            parts.append(
                f'<line class="interval" x1="{x:.1f}" y1="{_y(group.lower):.1f}" x2="{x:.1f}" '
                f'y2="{_y(group.upper):.1f}"/>'
            )
        parts.append(
            f'<circle cx="{x:.1f}" cy="{_y(group.observed):.1f}" r="4">'
            f"<title>predicted {group.predicted:.1%}, observed {group.observed:.1%}, "
            f"{group.row_count:,} rows</title></circle>"
        )
    parts.append("</svg>")
    return "\n".join(parts)


def _x(share: float) -> float:
    """Give the horizontal place of a share."""
    return _MARGIN + min(max(share, 0.0), 1.0) * (_SIZE - _MARGIN - 10)


def _y(share: float) -> float:
    """Give the vertical place of a share."""
    return _SIZE - _MARGIN - min(max(share, 0.0), 1.0) * (_SIZE - _MARGIN - 10)
