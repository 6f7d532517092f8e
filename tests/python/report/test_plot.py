"""The calibration curve as an SVG."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from holdfast.report._plot import Bin, calibration_plot


def test_groups_on_the_diagonal_are_drawn_on_it() -> None:
    svg = calibration_plot([Bin(share, share, None, None, 10) for share in (0.0, 0.4, 1.0)])
    ElementTree.fromstring(svg)
    diagonal = re.search(r'class="diagonal" x1="(.+?)" y1="(.+?)"\s+x2="(.+?)"\s+y2="(.+?)"', svg)
    assert diagonal is not None
    x1, y1, x2, y2 = map(float, diagonal.groups())
    circles = [(float(x), float(y)) for x, y in re.findall(r'<circle cx="(.+?)" cy="(.+?)"', svg)]
    assert len(circles) == 3
    for x, y in circles:
        assert abs((y - y1) / (y2 - y1) - (x - x1) / (x2 - x1)) < 1e-2


def test_an_interval_reaches_from_its_lower_to_its_upper_end() -> None:
    with_interval = calibration_plot([Bin(0.5, 0.6, 0.5, 0.7, 10)])
    assert with_interval.count('class="interval"') == 1
    assert calibration_plot([Bin(0.5, 0.6, None, None, 10)]).count('class="interval"') == 0


def test_values_have_round_ticks_that_hold_all_that_is_drawn() -> None:
    svg = calibration_plot(
        [Bin(-30.0, -12.0, -40.0, 20.0, 10), Bin(61.5, 1_870.0, 1_500.0, 2_240.0, 10)],
        is_share=False,
    )
    ElementTree.fromstring(svg)
    ticks = re.findall(r'text-anchor="end">(.+?)</text>', svg)
    assert ticks == ["-1000", "0", "1000", "2000", "3000"]
    ends = re.findall(r'class="interval" x1=".+?" y1="(.+?)" x2=".+?" y2="(.+?)"', svg)
    frame = re.search(r'class="frame" x=".+?" y="(.+?)" width=".+?"\s+height="(.+?)"', svg)
    assert frame is not None
    top, height = map(float, frame.groups())
    for end in (float(value) for pair in ends for value in pair):
        # inside, not cut off at the edge
        assert top < end < top + height
    assert "predicted 61.50, observed 1,870.00, 10 rows" in svg
    assert "%" not in svg


def test_values_that_are_all_the_same_or_huge_are_drawn() -> None:
    ElementTree.fromstring(calibration_plot([Bin(0.0, 0.0, None, None, 1)], is_share=False))
    ElementTree.fromstring(calibration_plot([], is_share=False))
    huge = calibration_plot([Bin(8e6, 3e6, None, None, 1)], is_share=False)
    assert re.findall(r'text-anchor="end">(.+?)</text>', huge) == ["0", "2M", "4M", "6M", "8M"]
