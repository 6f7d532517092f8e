"""Axes: no label stands there twice, however small or large what is drawn."""

from __future__ import annotations

import re

import altair as alt
import pytest

from holdfast.report._chart import amount_axis, count_axis, draw, share_axis, spec

vl_convert = pytest.importorskip("vl_convert")


def labels(axis: alt.Axis, values: list[float], *, zero: bool) -> list[str]:
    """Draw points along an axis as Vega does, and give the texts of its labels."""
    x = alt.X("value:Q", axis=axis, title=None, scale=alt.Scale(zero=zero, nice=True))
    chart = draw([{"value": value} for value in values]).mark_point().encode(x=x)
    drawn = spec(chart, description="points", height=100)
    svg = vl_convert.vegalite_to_svg({**drawn, "width": 400})
    found = re.search(r"role-axis-label.*?</g>\s*<g", svg, re.DOTALL)
    assert found is not None
    return [text for text in re.findall(r">([^<>]*)</text>", found[0]) if text]


@pytest.mark.parametrize("highest", [1, 2, 3, 5, 17, 240, 12_345])
def test_counts_are_whole_and_stand_there_once(highest: int) -> None:
    found = labels(count_axis(), [0, highest], zero=True)
    assert len(found) >= 2
    assert len(found) == len(set(found))
    assert all(re.fullmatch(r"[0-9,]+", text) for text in found)


@pytest.mark.parametrize(
    "highest", [0.04, 0.9, 1.0, 3.2, 7.5, 12.0, 99.0, 2_500.0, 1_250_000.0, 3.4e9, 7e12]
)
def test_amounts_stand_there_once(highest: float) -> None:
    found = labels(amount_axis([0.0, highest, None]), [0, highest], zero=True)
    assert len(found) >= 2
    assert len(found) == len(set(found))
    # people say billion, not giga
    assert not any("G" in text for text in found)


@pytest.mark.parametrize(
    "ends", [(0.882, 0.889), (0.8884, 0.8889), (0.5, 0.94), (0.0, 1.0), (0.9, 0.93)]
)
def test_shares_stand_there_once(ends: tuple[float, float]) -> None:
    found = labels(share_axis(ends), list(ends), zero=False)
    assert len(found) >= 2
    assert len(found) == len(set(found))
    assert all(text.endswith("%") for text in found)
