"""The calibration curve as an inline SVG, without any library or network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Bin", "calibration_plot"]

_SIZE = 320
_MARGIN = 44


@dataclass(frozen=True)
class Bin:
    """A group of rows: mean prediction, what was observed and its interval, rows, gain.

    Observed is the share with the event, or the mean of the values; gain is the share of it all
    in this group and those before.
    """

    predicted: float
    observed: float
    lower: float | None
    upper: float | None
    row_count: int
    gain: float | None = None


def calibration_plot(bins: Sequence[Bin], *, is_share: bool = True) -> str:
    """Draw what was observed against what was predicted, with intervals and the diagonal.

    Parameters
    ----------
    bins
        The groups; none gives an empty frame.
    is_share
        Whether predictions are probabilities; else they are values on a scale of their own.

    Returns
    -------
    str
        An `svg` element.

    Examples
    --------
    >>> calibration_plot([Bin(0.2, 0.25, 0.1, 0.4, 100)]).count("<circle")
    1
    """
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0] if is_share else _ticks(bins)
    low, high = ticks[0], ticks[-1]
    unit = ", %" if is_share else ""

    def share(value: float) -> float:
        return (value - low) / (high - low)

    def said(value: float) -> str:
        return f"{value:.1%}" if is_share else f"{value:,.2f}"

    label = "share against predicted probability" if is_share else "mean against predicted value"
    parts = [
        f'<svg viewBox="0 0 {_SIZE} {_SIZE}" width="{_SIZE}" height="{_SIZE}" role="img" '
        f'aria-label="Calibration: observed {label}">',
        f'<rect class="frame" x="{_x(0):.1f}" y="{_y(1):.1f}" width="{_x(1) - _x(0):.1f}" '
        f'height="{_y(0) - _y(1):.1f}"/>',
        f'<line class="diagonal" x1="{_x(0):.1f}" y1="{_y(0):.1f}" x2="{_x(1):.1f}" '
        f'y2="{_y(1):.1f}"/>',
    ]
    for tick in ticks:
        name = f"{100 * tick:.0f}" if is_share else _short(tick)
        parts.append(
            f'<text x="{_x(share(tick)):.1f}" y="{_y(0) + 16:.1f}" text-anchor="middle">'
            f"{name}</text>"
        )
        parts.append(
            f'<text x="{_x(0) - 6:.1f}" y="{_y(share(tick)) + 4:.1f}" text-anchor="end">'
            f"{name}</text>"
        )
    parts.append(
        f'<text x="{_x(0.5):.1f}" y="{_SIZE - 6}" text-anchor="middle">predicted{unit}</text>'
    )
    parts.append(
        f'<text transform="translate(11 {_y(0.5):.1f}) rotate(-90)" text-anchor="middle">'
        f"observed{unit}</text>"
    )
    for group in bins:
        x = _x(share(group.predicted))
        if group.lower is not None and group.upper is not None:
            parts.append(
                f'<line class="interval" x1="{x:.1f}" y1="{_y(share(group.lower)):.1f}" '
                f'x2="{x:.1f}" y2="{_y(share(group.upper)):.1f}"/>'
            )
        parts.append(
            f'<circle cx="{x:.1f}" cy="{_y(share(group.observed)):.1f}" r="4">'
            f"<title>predicted {said(group.predicted)}, observed {said(group.observed)}, "
            f"{group.row_count:,} rows</title></circle>"
        )
    parts.append("</svg>")
    return "\n".join(parts)


def _ticks(bins: Sequence[Bin]) -> list[float]:
    """Give round values, three to seven of them, between which all that is drawn lies."""
    drawn = [0.0]
    for group in bins:
        drawn += [group.predicted, group.observed]
        drawn += [end for end in (group.lower, group.upper) if end is not None]
    low, high = min(drawn), max(drawn)
    if high == low:
        return [low, low + 1.0]
    rough = (high - low) / 4.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * place for place in range(first, last + 1)]


def _short(value: float) -> str:
    """Write a round value so short that it stands beside the frame."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        # four digits have room
        if abs(value) >= max(size, 1e4):
            return f"{value / size:.10g}{unit}"
    return f"{value:.10g}"


def _x(share: float) -> float:
    """Give the horizontal place of a share."""
    return _MARGIN + min(max(share, 0.0), 1.0) * (_SIZE - _MARGIN - 10)


def _y(share: float) -> float:
    """Give the vertical place of a share."""
    return _SIZE - _MARGIN - min(max(share, 0.0), 1.0) * (_SIZE - _MARGIN - 10)
