"""What an offer changes: what is claimed, what is refused, and what the file says."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from holdfast.contract import OnnxHeader, predict_onnx
from holdfast.errors import TrainingError
from holdfast.estimators import OFFER_FEATURE, TARGETS, Part, fit_uplift
from holdfast.estimators._uplift import fit_uplift_task
from holdfast.sql import SqlModel

NAMES = ("days_since_order", OFFER_FEATURE, "visits", "tier")


def trial(
    heterogeneity: float, average: float = 0.05, count: int = 6000, seed: int = 5
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    """Draw a trial whose effect follows the first feature as strongly as is asked."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 4)).astype(np.float32)
    treated = (random.random(count) < 0.6).astype(np.int64)
    chance = 0.3 + 0.05 * np.tanh(x[:, 1])
    chance = chance + treated * (average + heterogeneity * np.tanh(x[:, 0]))
    return x, treated, (random.random(count) < chance).astype(np.float64)


def test_an_effect_that_differs_is_found_and_ranked() -> None:
    x, treated, y = trial(0.25)
    model = fit_uplift(x, treated, y)
    assert model.effect_kind == "individual"
    assert np.corrcoef(model.uplift(x), x[:, 0])[0, 1] > 0.8
    low, high = model.uplift_interval(x)
    assert ((low < model.uplift(x)) & (model.uplift(x) < high)).all()
    assert model.hyperparameters["drivers"][0]["feature"] == "x1"


def test_where_nothing_differs_everybody_has_the_average() -> None:
    x, treated, y = trial(0.0, average=0.1)
    model = fit_uplift(x, treated, y)
    assert model.effect_kind == "average"
    assert np.ptp(model.uplift(x)) == 0.0
    assert 0.05 < model.uplift(x)[0] < 0.15


def test_an_average_that_may_be_zero_is_not_claimed() -> None:
    x, treated, y = trial(0.0, average=0.0)
    model = fit_uplift(x, treated, y, cost=0.01)
    assert not model.uplift(x).any()
    assert not model.treats(x, cost=0.01, gain=1.0).any()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda z, y: (np.ones_like(z), y), "had an offer and 0 had none"),
        (lambda z, y: (np.where(np.arange(len(z)) < 5, 0, 1), y), "and 5 had none"),
        (lambda z, y: (z, np.zeros_like(y)), "the outcome is 0 in every row"),
        (lambda z, y: (z, np.where(y == 1.0, np.nan, y)), "0 or above in every row"),
        (lambda z, y: (z + 0.5, y), "whole numbers"),
        (lambda z, y: (z[:-1], y), "one row each"),
    ],
)
def test_rows_that_say_nothing_of_an_effect_are_refused(change, says) -> None:  # type: ignore[no-untyped-def]
    x, treated, y = trial(0.2, count=600)
    with pytest.raises(TrainingError, match=says):
        fit_uplift(x, *change(treated, y))


def of_offers(amounts: bool) -> Part:
    """Make sends of three offers, with features that are missing, in steps or never vary."""
    random = np.random.default_rng(11)
    count = 6000
    days = random.exponential(40, count)
    tier = random.integers(1, 5, count)
    offer = random.choice([0, 17, 40_001, 9], count, p=[0.4, 0.2, 0.2, 0.2])
    strength = np.select([offer == 17, offer == 9], [1.6, 0.5], 0.0) * (days < 30)
    chance = 1 / (1 + np.exp(1.0 + days / 60 - 0.2 * tier - strength))
    buys = random.random(count) < chance
    y = np.where(buys, np.exp(random.normal(3, 0.6, count)), 0.0) if amounts else buys
    features = np.column_stack([days, offer, random.poisson(3, count), tier]).astype(np.float32)
    features[random.random(count) < 0.1, 2] = np.nan
    days_of = np.datetime64("2026-01-01", "us") + random.integers(0, 4, count) * np.timedelta64(
        30, "D"
    )
    customer = random.integers(0, 2500, count).astype(np.uint64)
    return Part(
        features, y.astype(np.float64), NAMES, days_of, customer, target=TARGETS["regression"]
    )


@pytest.mark.parametrize("amounts", [False, True])
@pytest.mark.parametrize("learner", [None, "dr_learner", "s_learner"])
def test_file_and_sql_give_what_the_model_gives(amounts: bool, learner: str | None) -> None:
    part = of_offers(amounts)
    model = fit_uplift_task(part, {"learner": learner} if learner else {}, seed=7)
    header = OnnxHeader("offer_retention", "uplift", "uplift", NAMES, "regression")
    blob = model.to_onnx(header)
    assert blob == model.to_onnx(header)
    rows = part.features[:400].copy()
    # an offer that was never sent, no code, values beyond training, and what is no number
    rows[:4, 1] = [123, 0, np.nan, 17]
    rows[4, 0], rows[5, 3], rows[6, 2] = 1e9, np.nan, np.inf
    expected = model.predict(rows)
    scale = np.abs(expected).max()
    assert np.abs(predict_onnx(blob, rows) - expected).max() < 1e-6 * max(1.0, scale)
    finite = np.where(np.isinf(rows), np.nan, rows)
    table = pa.table({name: finite[:, index] for index, name in enumerate(NAMES)})
    with duckdb.connect() as connection:
        connection.register("sends", table)
        sql = SqlModel.from_bytes(blob).expression()
        given = connection.sql(f"select {sql} as value from sends").fetchnumpy()["value"]
    assert np.abs(np.asarray(given) - model.predict(finite)).max() < 2e-6 * max(1.0, scale)


def test_the_same_rows_give_the_same_file() -> None:
    header = OnnxHeader("offer_retention", "uplift", "uplift", NAMES, "regression")
    first, second = (fit_uplift_task(of_offers(False), {}, 7).to_onnx(header) for _ in range(2))
    assert first == second
