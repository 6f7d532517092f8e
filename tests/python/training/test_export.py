from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pytest

from holdfast.contract import OnnxHeader, check_parity, predict_onnx
from holdfast.estimators._algorithms import ALGORITHMS
from holdfast.estimators._base import Part
from holdfast.estimators._blend import BLEND, blend
from holdfast.estimators._linear import fit_linear
from holdfast.training import TrainingError

NAMES = ("days_since_order", "revenue_90d", "return_share", "order_count_90d")
HEADER = OnnxHeader("churn", "some_algorithm", "some algorithm", NAMES)


@pytest.fixture(scope="module")
def part() -> Part:
    random = np.random.default_rng(0)
    features = np.column_stack(
        [
            random.exponential(60, 800),
            random.normal(0, 500, 800),
            random.random(800),
            random.poisson(3, 800),
        ]
    ).astype(np.float32)
    features[random.random(features.shape) < 0.1] = np.nan
    features[:, 2] = random.random(800)
    score = np.nan_to_num(features[:, 0]) / 60 - 1 + (np.isnan(features[:, 1]) * 1.0)
    y = (random.random(800) < 1 / (1 + np.exp(-score))).astype(np.int64)
    return Part(features, y, NAMES)


@pytest.fixture(scope="module", params=[*sorted(ALGORITHMS), BLEND])
def model(request, part):
    linear = ALGORITHMS["logistic_regression"].fit(part, {}, 7)
    trees = ALGORITHMS["hist_gradient_boosting"].fit(part, {"max_iter": 40}, 7)
    models = {"logistic_regression": linear, "hist_gradient_boosting": trees}
    return blend(linear, trees) if request.param == BLEND else models[request.param]


def test_file_is_valid_and_says_what_it_is(model):
    file = onnx.load_from_string(model.to_onnx(HEADER))
    onnx.checker.check_model(file, full_check=True)
    said = {entry.key: entry.value for entry in file.metadata_props}
    assert said["holdfast.contract"] == "1"
    assert said["holdfast.task"] == "churn"
    assert said["holdfast.algorithm"] == "some_algorithm"
    assert said["holdfast.label"] == "some algorithm"
    assert json.loads(said["holdfast.feature_names"]) == list(NAMES)
    assert {entry.domain: entry.version for entry in file.opset_import}[""] == 18
    assert file.ir_version == 8


def test_outputs_have_the_agreed_names_and_types(model, part):
    session = onnxruntime.InferenceSession(model.to_onnx(HEADER))
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


def test_bytes_are_the_same_every_time(model):
    assert model.to_onnx(HEADER) == model.to_onnx(HEADER)


@pytest.mark.parametrize("fill", [np.nan, 0.0, -0.0, 1e-30, -1e30, 3.4e38])
def test_file_agrees_with_the_model_on_odd_values(model, part, fill: float):
    features = part.features.copy()
    features[::2, 1] = fill
    features[::3, 3] = fill
    given = predict_onnx(model.to_onnx(HEADER), features)
    assert check_parity("m", model.predict(features), given) <= 1e-6


def test_no_rows_give_no_predictions(model):
    assert predict_onnx(model.to_onnx(HEADER), np.empty((0, 4), np.float32)).shape == (0,)


def test_scaled_model_is_written_as_it_predicts(model, part):
    scaled = model.scaled(0.7, 0.5)
    given = predict_onnx(scaled.to_onnx(HEADER), part.features)
    assert check_parity("m", scaled.predict(part.features), given) <= 1e-6
    own = model.log_odds(part.features)
    expected = 0.5 * (model.base_value + 0.7 * (own - model.base_value))
    np.testing.assert_allclose(scaled.log_odds(part.features), expected, atol=1e-9)
    assert scaled.base_value == pytest.approx(0.5 * model.base_value)


def test_trees_branch_alike_on_the_float32_values_around_every_threshold(part):
    model = ALGORITHMS["hist_gradient_boosting"].fit(part, {"max_iter": 40}, 7)
    nodes = np.concatenate([tree.nodes for (tree,) in model.estimator._predictors])
    splits = nodes[nodes["is_leaf"] == 0]
    nearest = splits["num_threshold"].astype(np.float32)
    probes = []
    for towards in (None, -np.inf, np.inf):
        value = nearest if towards is None else np.nextafter(nearest, np.float32(towards))
        rows = np.zeros((len(splits), 4), np.float32)
        rows[np.arange(len(splits)), splits["feature_idx"]] = value
        probes.append(rows)
    features = np.concatenate(probes)
    given = predict_onnx(model.to_onnx(HEADER), features)
    assert check_parity("m", model.predict(features), given) <= 1e-6


def test_threshold_between_adjacent_float32_values_is_rounded_down():
    low = np.float32(1.0) + np.float32(2**-23)
    high = np.nextafter(low, np.float32(2))
    # The midpoint of these two rounds to the even one above, which then would go left.
    assert np.float32((np.float64(low) + np.float64(high)) / 2) == high
    features = np.repeat(np.array([[low], [high]]), 50, axis=0)
    y = np.repeat([0, 1], 50)
    model = ALGORITHMS["hist_gradient_boosting"].fit(Part(features, y, ("a",)), {"max_iter": 5}, 7)
    header = OnnxHeader("churn", "m", "m", ("a",))
    given = predict_onnx(model.to_onnx(header), features)
    assert given[0] < 0.5 < given[-1]
    check_parity("m", model.predict(features), given)


def test_tree_without_a_split_is_a_leaf_that_scores():
    random = np.random.default_rng(0)
    features = random.random((40, 1)).astype(np.float32)
    part = Part(features, np.tile([0, 1], 20), ("a",))
    model = ALGORITHMS["hist_gradient_boosting"].fit(part, {"max_iter": 3}, 7)
    model.estimator.set_params(min_samples_leaf=30).fit(part.features, part.y)
    assert all(len(tree.nodes) == 1 for (tree,) in model.estimator._predictors)
    given = predict_onnx(model.to_onnx(OnnxHeader("churn", "m", "m", ("a",))), features)
    np.testing.assert_allclose(given, 0.5, atol=1e-6)


def test_tree_nodes_carry_their_training_rows(part):
    model = ALGORITHMS["hist_gradient_boosting"].fit(part, {"max_iter": 40}, 7)
    file = onnx.load_from_string(model.to_onnx(HEADER))
    (ensemble,) = [n for n in file.graph.node if n.op_type == "TreeEnsembleClassifier"]
    values = {a.name: onnx.helper.get_attribute_value(a) for a in ensemble.attribute}
    cover = np.array(values["nodes_hitrates"])
    roots = np.array(values["nodes_nodeids"]) == 0
    assert (cover[roots] == 800).all()
    leaves = np.array(values["nodes_modes"]) == b"LEAF"
    assert cover[leaves].sum() == 800 * roots.sum()


def test_base_value_is_the_mean_log_odds_of_the_training_rows(model, part):
    file = onnx.load_from_string(model.to_onnx(HEADER))
    said = {entry.key: entry.value for entry in file.metadata_props}
    probability = model.predict(part.features)
    log_odds = np.log(probability / (1 - probability))
    assert float(said["holdfast.base_value"]) == pytest.approx(log_odds.mean(), abs=1e-5)


def test_linear_contributions_add_up_to_the_log_odds(part):
    model = fit_linear(part.features, part.y, part.names)
    blob = model.to_onnx(HEADER)
    session = onnxruntime.InferenceSession(blob)
    probes = part.features.copy()
    probes[0] = np.nan
    probabilities, terms = session.run(["probabilities", "contributions"], {"features": probes})
    assert terms.dtype == np.float32
    said = {e.key: e.value for e in onnx.load_from_string(blob).metadata_props}
    total = float(said["holdfast.base_value"]) + terms.astype(np.float64).sum(axis=1)
    np.testing.assert_allclose(1 / (1 + np.exp(-total)), probabilities[:, 1], atol=1e-6)
    np.testing.assert_allclose(terms, model.contributions(probes), atol=1e-5)


def test_linear_contributions_are_the_exact_values_against_the_training_mean(part):
    model = fit_linear(part.features, part.y, part.names)
    np.testing.assert_allclose(model.contributions(part.features).mean(axis=0), 0, atol=1e-9)


def test_linear_model_uses_what_missingness_tells(part):
    model = fit_linear(part.features, part.y, part.names)
    assert model.missing_coefficient[1] > 0.2
    # A share had no missing values in training, so there is no flag to weigh.
    assert model.missing_coefficient[2] == 0


def test_shares_and_narrow_features_stay_off_the_logarithm():
    features = np.array([[5, 5, 5, 0.5], [9, 9, 9, -1], [2, 2, 2, 1]], np.float32)
    names = ("orders", "share_of_web", "days_per_gap", "narrow")
    model = fit_linear(features, np.array([0, 1, 0]), names)
    assert model.signed_log.tolist() == [True, False, False, False]


def test_linear_model_takes_infinity_as_missing(part):
    blob = fit_linear(part.features, part.y, part.names).to_onnx(HEADER)
    rows = np.array([[np.inf, 1, 1, 1], [-np.inf, 1, 1, 1], [np.nan, 1, 1, 1]], np.float32)
    given = predict_onnx(blob, rows)
    assert given[0] == given[1] == given[2]


def test_difference_above_the_tolerance_is_refused():
    half = np.array([0.5])
    assert check_parity("m", half, half + 9e-7) == pytest.approx(9e-7)
    with pytest.raises(TrainingError, match="m differ by 2e-06"):
        check_parity("m", half, half + 2e-6)
    with pytest.raises(TrainingError, match="differ by nan"):
        check_parity("m", half, np.array([np.nan]))


def test_linear_model_holds_to_the_bounds_of_what_it_has_seen(part):
    model = fit_linear(part.features, part.y, part.names)
    rows = np.nan_to_num(part.features[:1])
    highest, beyond = rows.copy(), rows.copy()
    highest[0, 0] = np.nanmax(part.features[:, 0])
    beyond[0, 0] = 1e9
    assert model.log_odds(highest)[0] == pytest.approx(model.log_odds(beyond)[0])
    blob = model.to_onnx(HEADER)
    np.testing.assert_allclose(predict_onnx(blob, highest), predict_onnx(blob, beyond), atol=1e-6)


def test_what_moved_with_the_dates_is_left_to_the_dates():
    # the rate rises from month to month, and so does a feature that says nothing within a month
    random = np.random.default_rng(0)
    month = np.repeat(np.arange(8), 500)
    as_of = (np.datetime64("2025-01", "M") + month).astype("datetime64[us]")
    features = (month + random.normal(0, 2, 4000))[:, None].astype(np.float32)
    rate = 1 / (1 + np.exp(3.5 - month))
    y = (random.random(4000) < rate).astype(np.int64)
    alone = fit_linear(features, y, ("share",)).coefficient[0]
    dated = fit_linear(features, y, ("share",), as_of=as_of).coefficient[0]
    assert dated < 0.8 * alone
