"""Whether times how much: what is fitted, what the file says, and what is explained."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from holdfast.contract import OnnxHeader, predict_onnx
from holdfast.errors import TrainingError
from holdfast.estimators import ALGORITHMS_BY_TARGET, TARGETS, Fold, Part, has_two_parts
from holdfast.estimators._two_part import TwoPartModel, fit_two_part, tune_two_part
from holdfast.scoring import OnnxModel
from holdfast.sql import SqlModel

NAMES = ("days_since_order", "revenue_90d", "return_share", "order_count_90d")
HEADER = OnnxHeader("spend", "two_part", "two part", NAMES, "regression")


@pytest.fixture(scope="module")
def part() -> Part:
    """Make customers of whom the silent rarely buy, and the rich buy much."""
    random = np.random.default_rng(3)
    count = 3000
    features = np.column_stack(
        [
            random.exponential(60, count),
            np.exp(random.normal(4, 1, count)),
            random.random(count),
            random.poisson(3, count),
        ]
    ).astype(np.float32)
    buys = random.random(count) < 1 / (1 + np.exp(features[:, 0] / 40 - 1))
    amount = features[:, 1] ** 0.8 * np.exp(random.normal(0, 0.7, count))
    features[random.random(features.shape) < 0.1] = np.nan
    y = np.where(buys, amount, 0.0).astype(np.float64)
    return Part(features, y, NAMES, target=TARGETS["regression"])


@pytest.fixture(scope="module")
def model(part: Part) -> TwoPartModel:
    return fit_two_part(part, {}, 7)


def odd(part: Part, fill: float) -> np.ndarray:
    """Give rows of which some hold an odd value."""
    features = part.features[:600].copy()
    features[::2, 1] = fill
    features[::3, 3] = fill
    return features


def test_the_total_is_right_and_nothing_is_below_zero(model: TwoPartModel, part: Part) -> None:
    given = model.predict(part.features)
    assert given.sum() == pytest.approx(part.y.sum())
    assert given.min() > 0


def test_skewed_amounts_are_told_better_than_by_squared_error(
    model: TwoPartModel, part: Part
) -> None:
    linear = ALGORITHMS_BY_TARGET["regression"]["linear_regression"].fit(part, {}, 7)
    errors = [np.abs(each.predict(part.features) - part.y).mean() for each in (model, linear)]
    assert errors[0] < 0.9 * errors[1]


@pytest.mark.parametrize("fill", [np.nan, 0.0, -1e30, 3.4e38, np.inf])
def test_file_sql_and_model_agree_on_odd_values(
    model: TwoPartModel, part: Part, fill: float
) -> None:
    features = odd(part, fill)
    blob = model.to_onnx(HEADER)
    expected = model.predict(features)
    given = predict_onnx(blob, features)
    np.testing.assert_allclose(given, expected, rtol=1e-6)
    with duckdb.connect() as connection:
        columns = {name: features[:, place] for place, name in enumerate(NAMES)}
        connection.register("given", pa.table({"row": np.arange(len(features)), **columns}))
        expression = SqlModel.from_bytes(blob).expression()
        found = connection.execute(f"select {expression} from given order by row").fetchnumpy()
    (values,) = found.values()
    np.testing.assert_allclose(np.asarray(values), given, rtol=1e-6)


@pytest.mark.parametrize("fill", [np.nan, 0.0, -1e30, 3.4e38])
def test_contributions_add_up_to_the_value(model: TwoPartModel, part: Part, fill: float) -> None:
    features = odd(part, fill)
    opened = OnnxModel.from_bytes(model.to_onnx(HEADER))
    told = opened.contributions(features).astype(np.float64)
    total = opened.base_value + told.sum(axis=1)
    np.testing.assert_allclose(total, opened.predict(features), rtol=1e-4)
    assert opened.base_value == pytest.approx(model.base_value)


def test_a_chance_that_rounds_to_zero_is_explained(model: TwoPartModel, part: Part) -> None:
    # a silence in the data can tell all who bought from all who did not
    sure = replace(model, chance=model.chance.scaled(2000.0))
    opened = OnnxModel.from_bytes(sure.to_onnx(HEADER))
    assert (opened.predict(part.features) == 0.0).any()
    told = opened.contributions(part.features).astype(np.float64)
    total = opened.base_value + told.sum(axis=1)
    np.testing.assert_allclose(total, opened.predict(part.features), rtol=1e-3, atol=1e-3)


def test_a_customer_like_the_mean_has_no_contributions(part: Part) -> None:
    # both parts say the same of everybody: every difference is zero, and so is every quotient's
    model = fit_two_part(replace(part, y=np.full(len(part.y), 5.0)), {}, 7)
    opened = OnnxModel.from_bytes(model.to_onnx(HEADER))
    assert opened.contributions(part.features[:9]) == pytest.approx(0.0, abs=1e-9)
    assert opened.predict(part.features[:9]) == pytest.approx(5.0)


def test_more_silence_lowers_and_more_revenue_raises_the_value(
    model: TwoPartModel, part: Part
) -> None:
    told = OnnxModel.from_bytes(model.to_onnx(HEADER)).contributions(part.features)
    known = np.isfinite(part.features).all(axis=1)
    for place, sign in ((0, -1), (1, 1)):
        correlation = np.corrcoef(part.features[known, place], told[known, place])[0, 1]
        assert sign * correlation > 0.3


def test_bytes_are_the_same_every_time(model: TwoPartModel) -> None:
    assert model.to_onnx(HEADER) == model.to_onnx(HEADER)


@pytest.mark.parametrize("buyers", [0, 1, 15])
def test_of_few_amounts_only_the_mean_is_learned(part: Part, buyers: int) -> None:
    y = np.zeros(len(part.y))
    y[:buyers] = 40.0
    model = fit_two_part(replace(part, y=y), {}, 7)
    assert model.predict(part.features).sum() == pytest.approx(y.sum(), abs=0.2)
    assert not model.amount.coefficient.any()


def test_a_feature_that_no_buyer_has_says_nothing_of_amounts(part: Part) -> None:
    features = part.features.copy()
    features[part.y > 0, 1] = np.nan
    model = fit_two_part(replace(part, features=features), {}, 7)
    assert model.amount.coefficient[1] == 0
    assert np.isfinite(model.predict(part.features)).all()


def test_values_below_zero_are_refused(part: Part) -> None:
    with pytest.raises(TrainingError, match="the lowest is -3"):
        fit_two_part(replace(part, y=np.where(part.y > 0, part.y, -3.0)), {}, 7)


def test_a_label_has_two_parts_if_it_is_zero_or_above() -> None:
    assert has_two_parts(np.array([0.0, 2.0]))
    assert not has_two_parts(np.array([1.0, 2.0]))
    assert not has_two_parts(np.array([0.0, -2.0, 2.0]))
    assert not has_two_parts(np.array([0.0, 0.0]))


def test_tuning_gives_the_values_of_the_rows_held_out(part: Part) -> None:
    halves = [
        replace(part, features=part.features[rows], y=part.y[rows])
        for rows in (slice(None, 2000), slice(2000, None))
    ]
    tuned, (given,) = tune_two_part([Fold(*halves)], 7, {"C": 0.03})
    assert tuned == {name: {"C": 0.03, "l1_ratio": 0.0} for name in ("chance", "amount")}
    again = fit_two_part(halves[0], tuned, 7).predict(halves[1].features)
    np.testing.assert_array_equal(given, again)
    free, _ = tune_two_part([Fold(*halves)], 7)
    assert all(chosen["l1_ratio"] == 0.0 and "C" in chosen for chosen in free.values())


def test_tuning_makes_do_without_amounts(part: Part) -> None:
    none = replace(part, y=np.zeros(len(part.y)))
    tuned, (given,) = tune_two_part([Fold(none, none)], 7)
    assert tuned == {"chance": {}, "amount": {}}
    assert given.max() < 1e-3
