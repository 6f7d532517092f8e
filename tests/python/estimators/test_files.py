"""What holds for the file of every estimator."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pytest

from holdfast.contract import check_parity, predict_onnx
from holdfast.estimators._algorithms import ALGORITHMS
from holdfast.estimators._blend import BLEND, blend


@pytest.fixture(scope="module", params=[*sorted(ALGORITHMS), BLEND])
def model(request, part):
    linear = ALGORITHMS["logistic_regression"].fit(part, {}, 7)
    trees = ALGORITHMS["hist_gradient_boosting"].fit(part, {"max_iter": 40}, 7)
    models = {"logistic_regression": linear, "hist_gradient_boosting": trees}
    return blend(linear, trees) if request.param == BLEND else models[request.param]


def test_file_is_valid_and_says_what_it_is(model, header):
    file = onnx.load_from_string(model.to_onnx(header))
    onnx.checker.check_model(file, full_check=True)
    said = {entry.key: entry.value for entry in file.metadata_props}
    assert said["holdfast.contract"] == "1"
    assert said["holdfast.task"] == "churn"
    assert said["holdfast.algorithm"] == "some_algorithm"
    assert said["holdfast.label"] == "some algorithm"
    assert json.loads(said["holdfast.feature_names"]) == list(header.feature_names)
    assert {entry.domain: entry.version for entry in file.opset_import}[""] == 18
    assert file.ir_version == 8


def test_outputs_have_the_agreed_names_and_types(model, part, header):
    session = onnxruntime.InferenceSession(model.to_onnx(header))
    (given,) = session.get_inputs()
    assert (given.name, given.type, given.shape[1]) == ("features", "tensor(float)", 4)
    outputs = dict(
        zip(
            [output.name for output in session.get_outputs()],
            session.run(None, {"features": part.features}),
            strict=True,
        )
    )
    assert outputs["label"].dtype == np.int64
    assert outputs["label"].shape == (800,)
    assert outputs["probabilities"].dtype == np.float32
    assert outputs["probabilities"].shape == (800, 2)
    np.testing.assert_array_equal(outputs["label"], outputs["probabilities"][:, 1] > 0.5)


def test_bytes_are_the_same_every_time(model, header):
    assert model.to_onnx(header) == model.to_onnx(header)


@pytest.mark.parametrize("fill", [np.nan, 0.0, -0.0, 1e-30, -1e30, 3.4e38])
def test_file_agrees_with_the_model_on_odd_values(model, part, fill: float, header):
    features = part.features.copy()
    features[::2, 1] = fill
    features[::3, 3] = fill
    given = predict_onnx(model.to_onnx(header), features)
    assert check_parity("m", model.predict(features), given) <= 1e-6


def test_no_rows_give_no_predictions(model, header):
    assert predict_onnx(model.to_onnx(header), np.empty((0, 4), np.float32)).shape == (0,)


def test_scaled_model_is_written_as_it_predicts(model, part, header):
    scaled = model.scaled(0.7, 0.5)
    given = predict_onnx(scaled.to_onnx(header), part.features)
    assert check_parity("m", scaled.predict(part.features), given) <= 1e-6
    own = model.log_odds(part.features)
    expected = 0.5 * (model.base_value + 0.7 * (own - model.base_value))
    np.testing.assert_allclose(scaled.log_odds(part.features), expected, atol=1e-9)
    assert scaled.base_value == pytest.approx(0.5 * model.base_value)


def test_base_value_is_the_mean_log_odds_of_the_training_rows(model, part, header):
    file = onnx.load_from_string(model.to_onnx(header))
    said = {entry.key: entry.value for entry in file.metadata_props}
    probability = model.predict(part.features)
    log_odds = np.log(probability / (1 - probability))
    assert float(said["holdfast.base_value"]) == pytest.approx(log_odds.mean(), abs=1e-5)
