from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.training._dataset import Dataset
from holdfast.training._screen import Screened, screen, single_auroc

NAN = np.nan


def dataset(y: np.ndarray, **columns: np.ndarray) -> Dataset:
    count = len(y)
    return Dataset(
        tuple(columns),
        np.column_stack(list(columns.values())).astype(np.float32),
        y.astype(np.int64),
        np.zeros(count, "datetime64[us]"),
        np.arange(count, dtype=np.uint64),
    )


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(4)


@pytest.fixture
def y(random: np.random.Generator) -> np.ndarray:
    return (random.random(2000) < 0.3).astype(np.int64)


def test_constant_missing_and_doubled_features_are_named(caplog, y, random):
    honest = random.normal(size=len(y))
    holed = np.where(random.random(len(y)) < 0.2, NAN, honest)
    data = dataset(
        y,
        a=honest,
        constant=np.ones(len(y)),
        empty=np.full(len(y), NAN),
        b=holed,
        copy_of_a=honest,
        copy_of_b=holed,
        again=honest,
    )
    with caplog.at_level(logging.INFO):
        found = screen(data)
    assert found.usable == ("a", "b")
    assert found.dropped == {
        "constant": ["constant"],
        "missing": ["empty"],
        "calendar": [],
        "duplicated": ["copy_of_a", "copy_of_b", "again"],
        "leaking": [],
    }
    assert "copy_of_a (the same as a), copy_of_b (the same as b), again (the same as a)" in (
        caplog.text
    )


def test_of_equal_features_the_one_that_is_needed_stays(y, random):
    honest = random.normal(size=len(y))
    data = dataset(y, a=honest, other=-honest, needed=honest)
    assert screen(data, needed=["needed"]).usable == ("other", "needed")


def leaks(y: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
    noise = random.random(len(y))
    return {
        "up": y + 0.9 * noise,
        "down": 5.0 - 1e6 * y,
        "missing_for_events": np.where(y == 1, NAN, noise),
        "missing_for_others": np.where(y == 0, NAN, noise),
        # the few events with a value are below the others, the rest is missing
        "low_or_missing": np.where(y == 1, np.where(noise < 0.5, -1.0 - noise, NAN), noise),
        "high_or_missing": np.where(y == 1, np.where(noise < 0.5, 2.0 + noise, NAN), noise),
    }


@pytest.mark.parametrize("name", ["up", "down", "low_or_missing", "high_or_missing"])
def test_feature_that_tells_the_outcome_alone_is_left_out_loudly(caplog, y, random, name):
    data = dataset(y, honest=random.normal(size=len(y)), **{name: leaks(y, random)[name]})
    with caplog.at_level(logging.WARNING):
        found = screen(data)
    assert found == Screened(("honest",), {**empty(), "leaking": [name]})
    (record,) = caplog.records
    assert f"Feature {name} is a probable leak" in record.getMessage()
    assert "trusted_features" in record.getMessage()


@pytest.mark.parametrize("name", ["missing_for_events", "missing_for_others"])
def test_being_missing_can_leak_too(y, random, name):
    data = dataset(y, honest=random.normal(size=len(y)), **{name: leaks(y, random)[name]})
    assert screen(data).dropped["leaking"] == [name]


def empty() -> dict[str, list[str]]:
    kinds = ("constant", "missing", "calendar", "duplicated", "leaking")
    return {kind: [] for kind in kinds}


def test_trusted_and_merely_good_features_stay(caplog, y, random):
    flipped = np.where(random.random(len(y)) < 0.03, 1 - y, y)
    data = dataset(y, good=flipped + 0.5 * random.random(len(y)), known=y + random.random(len(y)))
    with caplog.at_level(logging.WARNING):
        found = screen(data, trusted=["known"])
    assert found == Screened(("good", "known"), empty())
    assert not caplog.records


def test_leak_is_found_among_very_many_rows(random):
    y = np.tile([0, 0, 0, 1], 60_000)
    data = dataset(y, honest=random.normal(size=len(y)), leak=y + 0.5 * random.random(len(y)))
    assert screen(data).dropped["leaking"] == ["leak"]


@given(
    rows=st.lists(
        st.tuples(st.sampled_from([NAN, -1.0, 0.0, 1.0, 2.0]), st.integers(0, 1)),
        min_size=2,
        max_size=12,
    ).filter(lambda rows: {outcome for _, outcome in rows} == {0, 1})
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_single_auroc_is_that_of_the_best_reading(rows):
    from sklearn.metrics import roc_auc_score

    values, y = (np.array(column) for column in zip(*rows, strict=True))
    missing = np.isnan(values)
    readings = [
        sign * np.where(missing, gone, values) for sign in (1, -1) for gone in (-9.0, 9.0)
    ] + [missing, ~missing]
    best = max(roc_auc_score(y, reading) for reading in readings)
    assert single_auroc(values.astype(np.float32), y) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize(("days", "usable"), [(364, False), (365, True)])
def test_season_takes_part_once_the_dates_span_a_year(days: int, usable: bool):
    from holdfast.training._screen import out_of_season

    as_of = np.array(["2024-01-01", "2024-01-01"], "datetime64[us]")
    as_of[1] += np.timedelta64(days, "D")
    left_out = out_of_season(("calendar_month_sin", "days_since_order"), as_of)
    assert left_out == ([] if usable else ["calendar_month_sin"])
