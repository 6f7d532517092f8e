"""The calibration curve as an SVG."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from holdfast.models._plot import Bin, calibration_plot


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
