"""A model learns from as many rows as are enough, and from more where an outcome is rare."""

from __future__ import annotations

import numpy as np

from holdfast.estimators import CLASSIFICATION, _enough
from holdfast.estimators._enough import enough_rows
from holdfast.estimators._target import REGRESSION


def picked(y: np.ndarray, target=CLASSIFICATION) -> np.ndarray:
    return np.arange(len(y))[enough_rows(y, target)]


def test_all_rows_are_taken_while_they_are_not_more_than_enough(monkeypatch) -> None:
    monkeypatch.setattr(_enough, "_ENOUGH_ROWS", 100)
    monkeypatch.setattr(_enough, "_ENOUGH_EVENTS", 10)
    assert len(picked(np.tile([0, 1], 50))) == 100


def test_rows_are_spread_evenly_so_that_each_date_keeps_its_share(monkeypatch) -> None:
    monkeypatch.setattr(_enough, "_ENOUGH_ROWS", 100)
    monkeypatch.setattr(_enough, "_ENOUGH_EVENTS", 10)
    dates = np.repeat(np.arange(5), 33)
    rows = picked(np.tile([0, 1, 1], 55))
    assert len(rows) == len(np.unique(rows)) == 100
    assert np.bincount(dates[rows]).tolist() == [20] * 5


def test_of_a_rare_outcome_more_rows_are_taken_in_the_same_proportion(monkeypatch) -> None:
    monkeypatch.setattr(_enough, "_ENOUGH_ROWS", 100)
    monkeypatch.setattr(_enough, "_ENOUGH_EVENTS", 10)
    rare = (np.random.default_rng(1).random(10_000) < 0.02).astype(int)
    for y in (rare, 1 - rare):
        rows = picked(y)
        assert abs(len(rows) - 10 / rare.mean()) <= 1
        assert abs(y[rows].mean() - y.mean()) < 0.02
    assert len(picked(np.zeros(1000, int))) == 100
    assert len(picked(rare.astype(float), REGRESSION)) == 100
