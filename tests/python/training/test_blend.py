"""A blend is one file, whose log-odds and contributions are the means of its parts'."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from holdfast.scoring import OnnxModel
from holdfast.training._blend import BlendedModel, blend
from holdfast.training._estimators import ALGORITHMS, Part
from holdfast.training._export import OnnxHeader, check_parity, predict_onnx
from holdfast.training._linear import LinearModel
from holdfast.training._trees import TreeModel

NAMES = ("days_since_order", "revenue_90d", "order_count_90d", "return_share")
HEADER = OnnxHeader("churn", "blend", "blend", NAMES)


@pytest.fixture(scope="module")
def rows() -> Part:
    random = np.random.default_rng(3)
    features = np.column_stack(
        [
            random.exponential(60, 900),
            random.normal(0, 500, 900),
            random.poisson(3, 900),
            random.random(900),
        ]
    ).astype(np.float32)
    features[random.random(900) < 0.15, 1] = np.nan
    score = features[:, 0] / 60 - 1 - 0.3 * features[:, 2] + np.isnan(features[:, 1])
    y = (random.random(900) < 1 / (1 + np.exp(-score))).astype(np.int64)
    return Part(features, y, NAMES)


@pytest.fixture(scope="module")
def parts(rows: Part) -> tuple[LinearModel, TreeModel]:
    linear = ALGORITHMS["logistic_regression"].fit(rows, {}, 7)
    trees = ALGORITHMS["hist_gradient_boosting"].fit(rows, {"max_iter": 60}, 7)
    assert isinstance(linear, LinearModel)
    assert isinstance(trees, TreeModel)
    return linear, trees


@pytest.fixture(scope="module", params=[1.0, 0.8], ids=["raw", "calibrated"])
def blended(request, parts) -> BlendedModel:
    return blend(*parts).scaled(request.param)


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


def test_contributions_add_up_to_the_log_odds_of_every_row(blended, rows):
    model = OnnxModel.from_bytes(blended.to_onnx(HEADER))
    probability = model.predict(rows.features).astype(np.float64)
    total = model.base_value + model.contributions(rows.features).sum(axis=1, dtype=np.float64)
    np.testing.assert_allclose(total, np.log(probability / (1 - probability)), atol=2e-5)


def test_contributions_are_the_weighed_sum_of_those_of_the_parts(blended, parts, rows):
    factor = blended.trees.factor
    linear, trees = (OnnxModel.from_bytes(part.to_onnx(HEADER)) for part in parts)
    expected = (
        factor * (linear.contributions(rows.features) + trees.contributions(rows.features)) / 2
    )
    given = OnnxModel.from_bytes(blended.to_onnx(HEADER)).contributions(rows.features)
    np.testing.assert_allclose(given, expected, atol=2e-5)


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
    assert chosen["weights"] == {"logistic_regression": 0.5, "hist_gradient_boosting": 0.5}
    assert chosen["hist_gradient_boosting"]["max_leaf_nodes"] == 8
    assert chosen["logistic_regression"]["C"] > 0
