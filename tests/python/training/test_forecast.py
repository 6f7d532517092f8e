"""What held-out dates say of a forecast's level, and of how far off it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from holdfast.estimators import TARGETS, Fold, Part
from holdfast.training._forecast import forecast_notes

MONTHS = np.arange("2025-01", "2026-01", dtype="datetime64[M]").astype("datetime64[us]")


def held_out(observed: list[float], rows: int = 200) -> list[Fold]:
    """Make a fold a month, of customers who bring about so much each."""
    random = np.random.default_rng(1)
    folds = []
    for month, mean in zip(MONTHS, observed, strict=False):
        y = random.exponential(mean, rows)
        y = y * (mean * rows / y.sum()) if mean else np.zeros(rows)
        as_of = np.full(rows, month)
        part = Part(np.zeros((rows, 1), np.float32), y, ("a",), as_of, target=TARGETS["regression"])
        folds.append(Fold(part, part))
    return folds


def notes(observed: list[float], predicted: list[float]) -> dict[str, Any]:
    folds = held_out(observed)
    given = [np.full(200, mean) for mean in predicted[: len(observed)]]
    return forecast_notes(folds, given, gap_days=90)


def test_a_lasting_error_is_corrected_by_the_last_horizon() -> None:
    found = notes([12.0] * 9, [10.0] * 9)
    assert found["level"] == pytest.approx(1.2)
    assert len(found["horizons"]) == 9
    last = found["horizons"][-1]
    assert last["as_of"].startswith("2025-09-01")
    assert (last["observed"], last["predicted"]) == (pytest.approx(2400), pytest.approx(2000))


def test_an_error_of_the_season_is_not() -> None:
    # too low in one quarter and too high in the next: what the last one says would make it worse
    found = notes([12.0] * 3 + [8.0] * 3 + [12.0] * 3, [10.0] * 9)
    assert found["level"] == 1.0


def test_without_an_earlier_horizon_nothing_is_corrected() -> None:
    assert notes([12.0] * 2, [10.0] * 2)["level"] == 1.0
    assert notes([0.0] * 9, [10.0] * 9)["level"] == 1.0


def test_a_level_is_bounded() -> None:
    assert notes([90.0] * 9, [10.0] * 9)["level"] == 2.0


def test_intervals_hold_four_of_five() -> None:
    found = notes([10.0] * 12, [10.0] * 12)
    (first, *_) = found["interval"]
    assert first["from"] == 0.0
    y = np.random.default_rng(5).exponential(1.0, 100_000)
    held = np.mean(
        [np.mean((bin["lower"] <= y) & (y <= bin["upper"])) for bin in found["interval"]]
    )
    assert held == pytest.approx(0.8, abs=0.03)


def test_where_many_bring_nothing_the_interval_begins_at_zero() -> None:
    (fold,) = held_out([10.0], rows=1000)
    y = fold.held_out.y.copy()
    y[::2] = 0.0
    part = replace(fold.held_out, y=y)
    found = forecast_notes([Fold(part, part)], [np.linspace(5.0, 10.0, 1000)], gap_days=90)
    predicted = np.linspace(5.0, 10.0, 1000)
    # bounds are those of a model at the right level
    predicted *= y.sum() / predicted.sum()
    edges = [bin["from"] for bin in found["interval"]]
    place = np.searchsorted(edges, predicted, side="right") - 1
    upper = predicted * np.array([bin["upper"] for bin in found["interval"]])[place]
    assert {bin["lower"] for bin in found["interval"]} == {0.0}
    assert np.mean(y <= upper) == pytest.approx(0.8, abs=0.02)


def test_an_error_of_the_level_does_not_move_the_bounds() -> None:
    folds, right = held_out([10.0] * 12), np.linspace(5.0, 15.0, 200)
    found = [
        forecast_notes(folds, [right * (low if month < 6 else 1.0) for month in range(12)], 90)
        for low in (1.0, 0.5)
    ]
    plain, corrected = (
        [(bin["from"], bin["lower"], bin["upper"]) for bin in each["interval"]] for each in found
    )
    np.testing.assert_allclose(corrected, plain, rtol=1e-9)


def test_few_rows_give_no_interval() -> None:
    folds = held_out([10.0], rows=30)
    assert forecast_notes(folds, [np.full(30, 10.0)], gap_days=90)["interval"] == []
