"""A blend is one file, whose log-odds and contributions are the means of its parts'."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import duckdb
import numpy as np
import onnx
import pyarrow as pa
import pytest

from holdfast.contract import OnnxHeader, check_parity, predict_onnx
from holdfast.estimators._algorithms import ALGORITHMS
from holdfast.estimators._base import Fold, Part
from holdfast.estimators._bgnbd_share import BgNbdShare, choose_weight, fit_bgnbd_share
from holdfast.estimators._blend import BlendedModel, blend
from holdfast.estimators._linear import LinearModel
from holdfast.estimators._trees import TreeModel
from holdfast.scoring import OnnxModel
from holdfast.sql import SqlModel

NAMES = ("days_since_order", "revenue_90d", "orders_lifetime", "first_order_age_days")
HEADER = OnnxHeader("churn", "blend", "blend", NAMES)


@pytest.fixture(scope="module")
def rows() -> Part:
    random = np.random.default_rng(3)
    features = np.column_stack(
        [
            random.exponential(60, 900),
            random.normal(0, 500, 900),
            1 + random.poisson(3, 900),
            np.zeros(900),
        ]
    ).astype(np.float32)
    features[:, 3] = features[:, 0] + (features[:, 2] > 1) * random.exponential(200, 900)
    features[random.random(900) < 0.15, 1] = np.nan
    score = features[:, 0] / 60 - 1 - 0.3 * features[:, 2] + np.isnan(features[:, 1])
    y = (random.random(900) < 1 / (1 + np.exp(-score))).astype(np.int64)
    as_of = np.datetime64("2025-01-01", "us") + np.arange(900) % 3 * np.timedelta64(31, "D")
    return Part(features, y, NAMES, as_of, np.arange(900, dtype=np.uint64))


@pytest.fixture(scope="module")
def parts(rows: Part) -> tuple[LinearModel, TreeModel]:
    linear = ALGORITHMS["logistic_regression"].fit(rows, {}, 7)
    trees = ALGORITHMS["hist_gradient_boosting"].fit(rows, {"max_iter": 60}, 7)
    assert isinstance(linear, LinearModel)
    assert isinstance(trees, TreeModel)
    return linear, trees


@pytest.fixture(
    scope="module",
    params=[(1.0, 0.0), (0.8, 0.0), (0.8, 0.25)],
    ids=["raw", "calibrated", "calibrated with bg_nbd"],
)
def blended(request, parts, rows) -> BlendedModel:
    slope, weight = request.param
    bgnbd = fit_bgnbd_share(rows, 90, weight) if weight else None
    return blend(*parts, bgnbd).scaled(slope)


def test_log_odds_are_the_mean_of_both(parts, rows):
    linear, trees = parts
    expected = (linear.log_odds(rows.features) + trees.log_odds(rows.features)) / 2
    np.testing.assert_allclose(blend(*parts).log_odds(rows.features), expected, atol=1e-12)


def test_file_agrees_with_the_model_on_odd_values(blended, rows):
    features = rows.features.copy()
    features[::5, 0] = np.inf
    features[1::5] = np.nan
    features[2::5, 2] = -3.4e38
    given = predict_onnx(blended.to_onnx(HEADER), features)
    assert check_parity("blend", blended.predict(features), given) <= 1e-6


def test_compiled_sql_agrees_with_the_file_on_odd_values(blended, rows):
    features = rows.features[:300].copy()
    features[::5, 0] = np.inf
    features[1::5] = np.nan
    features[2::5, 2] = -3.4e38
    blob = blended.to_onnx(HEADER)
    compiled = SqlModel.from_bytes(blob)
    columns = {name: features[:, j] for j, name in enumerate(NAMES)}
    with duckdb.connect() as connection:
        connection.register("odd", pa.table({"i": np.arange(300), **columns}))
        for sql in (
            f"select {compiled.expression()} from odd order by i",
            f"select p from ({compiled.query('odd', keys=['i'], output='p')}) order by i",
        ):
            given = np.ravel(connection.execute(sql).fetchall())
            np.testing.assert_allclose(given, predict_onnx(blob, features), atol=1e-6)


def test_contributions_add_up_to_the_log_odds_of_every_row(blended, rows):
    model = OnnxModel.from_bytes(blended.to_onnx(HEADER))
    probability = model.predict(rows.features).astype(np.float64)
    total = model.base_value + model.contributions(rows.features).sum(axis=1, dtype=np.float64)
    np.testing.assert_allclose(total, np.log(probability / (1 - probability)), atol=2e-5)


def test_contributions_are_the_weighed_sum_of_those_of_the_parts(blended, parts, rows):
    factor, share = blended.trees.factor, blended.trees.weight
    linear, trees = (OnnxModel.from_bytes(part.to_onnx(HEADER)) for part in parts)
    expected = (
        factor * share * (linear.contributions(rows.features) + trees.contributions(rows.features))
    )
    if blended.bgnbd is not None:
        expected = expected + shapley_by_permutations(blended.bgnbd, rows.features)
    given = OnnxModel.from_bytes(blended.to_onnx(HEADER)).contributions(rows.features)
    np.testing.assert_allclose(given, expected, atol=2e-5)


def shapley_by_permutations(part: BgNbdShare, features: np.ndarray) -> np.ndarray:
    """Give the mean gain of each feature over all orders in which a row's values come in."""
    total = np.zeros(features.shape)
    orders = list(permutations(range(3)))
    for order in orders:
        mixed = features.copy()
        mixed[:, list(part.columns)] = part.reference
        before = part.log_odds(mixed)
        for place in order:
            column = part.columns[place]
            mixed[:, column] = features[:, column]
            after = part.log_odds(mixed)
            total[:, column] += (after - before) / len(orders)
            before = after
    return total


def test_weight_of_bg_nbd_is_the_one_that_did_best_on_held_out_rows(rows):
    fold = Fold(rows, rows)
    own = fit_bgnbd_share(rows, 90, 1.0).log_odds(rows.features)
    noise = np.random.default_rng(0).normal(0, 3, len(rows.y))
    weight, given = choose_weight([fold], [noise], 90)
    assert weight == pytest.approx(1 / 3)
    np.testing.assert_allclose(given[0], noise * (1 - weight) + own * weight)


def test_bg_nbd_keeps_a_small_weight_where_folds_gain_nothing(rows):
    fold, sure = Fold(rows, rows), np.where(rows.y == 1, 8.0, -8.0)
    own = fit_bgnbd_share(rows, 90, 1.0).log_odds(rows.features)
    weight, given = choose_weight([fold], [sure], 90)
    assert weight == 0.2
    np.testing.assert_allclose(given[0], sure * 0.8 + own * 0.2)


def test_a_fold_that_bg_nbd_cannot_be_fitted_on_has_no_say(rows):
    other = replace(rows, names=("a", "b", "c", "d"))
    fold, without = Fold(rows, rows), Fold(other, other)
    sure = np.where(rows.y == 1, 8.0, -8.0)
    weight, given = choose_weight([fold, without], [sure, sure], 90)
    assert weight == 0.2
    np.testing.assert_array_equal(given[1], sure)
    assert choose_weight([without], [sure], 90)[0] == 0.0


def test_missing_values_are_explained(blended):
    model = OnnxModel.from_bytes(blended.to_onnx(HEADER))
    nothing = np.full((1, 4), np.nan, np.float32)
    probability = float(model.predict(nothing)[0])
    total = model.base_value + float(model.contributions(nothing).sum())
    assert total == pytest.approx(np.log(probability / (1 - probability)), abs=1e-5)


def test_wrong_base_value_is_refused_when_explaining(blended):
    from holdfast.scoring import ModelError

    file = onnx.load_from_string(blended.to_onnx(HEADER))
    for entry in file.metadata_props:
        if entry.key == "holdfast.base_value":
            entry.value = "0.4321"
    with pytest.raises(ModelError, match="base value plus contributions"):
        OnnxModel.from_bytes(file.SerializeToString()).contributions(np.zeros((1, 4), np.float32))


def test_hyperparameters_name_both_parts_and_their_weights(blended):
    chosen = blended.hyperparameters
    weights = chosen["weights"]
    assert weights["logistic_regression"] == weights["hist_gradient_boosting"]
    assert sum(weights.values()) == pytest.approx(1)
    assert (weights["bg_nbd"] > 0) == ("bg_nbd" in chosen)
    assert chosen["hist_gradient_boosting"]["max_leaf_nodes"] == 8
    assert chosen["logistic_regression"]["C"] > 0
