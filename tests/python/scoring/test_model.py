from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from holdfast.scoring import ModelError, OnnxModel
from scoring_models import (
    fit_trees,
    linear_model,
    set_metadata,
    set_tree_attribute,
    tree_attribute,
    tree_model,
)


def open_model(model: onnx.ModelProto) -> OnnxModel:
    return OnnxModel.from_bytes(model.SerializeToString())


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, np.float64)))


@pytest.fixture(scope="module")
def trees():
    return fit_trees()


def test_linear_prediction_equals_numpy():
    weights = [0.5, -1.25, 2.0]
    rows = np.random.default_rng(1).normal(size=(200, 3)).astype(np.float32)
    rows[::7, 1] = np.nan
    expected = sigmoid(-0.25 + np.nan_to_num(rows.astype(np.float64)) @ weights)
    actual = open_model(linear_model(weights)).predict(rows)
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_tree_prediction_equals_scikit_learn_on_missing_infinite_and_threshold_values(trees):
    classifier, rows = trees
    model = tree_model(classifier)
    edges = np.unique(tree_attribute(model, "nodes_values").floats).astype(np.float32)
    special = np.concatenate(
        [
            edges,
            np.nextafter(edges, np.float32(np.inf)),
            np.nextafter(edges, np.float32(-np.inf)),
            np.array([np.nan, np.inf, -np.inf, 0, 3e38, -3e38], np.float32),
        ]
    )
    rng = np.random.default_rng(3)
    rows = np.concatenate([rows[:300], rng.choice(special, size=(2000, rows.shape[1]))])
    expected = classifier.predict_proba(rows)[:, 1]
    np.testing.assert_allclose(open_model(model).predict(rows), expected, atol=1e-6)


def test_no_rows_give_no_results(trees):
    for model in (open_model(linear_model([1.0, 2.0])), open_model(tree_model(trees[0]))):
        width = len(model.feature_names)
        empty = np.empty((0, width), np.float32)
        assert model.predict(empty).shape == (0,)
        assert model.contributions(empty).shape == (0, width)


def test_properties_come_from_the_metadata():
    model = open_model(
        linear_model([1.0, 2.0], feature_names='["Umsatz €", "a\\"b"]', base_value="-0.25")
    )
    assert model.feature_names == ("Umsatz €", 'a"b')
    assert (model.algorithm, model.task, model.base_value) == (
        "logistic_regression",
        "churn",
        -0.25,
    )


def test_linear_contributions_are_those_of_the_graph():
    model = open_model(linear_model([0.5, -2.0]))
    actual = model.contributions([[2.0, 1.0], [np.nan, -3.0]])
    np.testing.assert_allclose(actual, [[1.0, -2.0], [0.0, 6.0]], atol=1e-6)


def test_tree_contributions_add_up_to_the_log_odds(trees):
    classifier, rows = trees
    model = open_model(tree_model(classifier))
    total = model.base_value + model.contributions(rows).sum(axis=1)
    np.testing.assert_allclose(total, classifier._raw_predict(rows)[:, 0], atol=1e-4)
    np.testing.assert_allclose(sigmoid(total), model.predict(rows), atol=1e-5)


def test_double_precision_input_is_rounded_to_float32():
    model = open_model(linear_model([1.0]))
    assert model.predict([[1e300]]) == np.float32(1.0)
    assert model.predict(np.array([[0.1]])) == model.predict(np.array([[0.1]], np.float32))


def test_another_width_is_refused_with_the_names():
    with pytest.raises(ModelError, match=r"2 columns \(f0, f1\), got shape \(1, 3\)"):
        open_model(linear_model([1.0, 2.0])).predict(np.zeros((1, 3)))


@pytest.mark.parametrize("method", ["predict", "contributions"])
def test_infinite_value_that_leaves_no_result_is_an_error_that_names_the_feature(method):
    model = open_model(linear_model([0.0, 1.0]))
    with pytest.raises(ModelError, match=r"1 row\(s\).*infinite f0"):
        getattr(model, method)([[1.0, 1.0], [np.inf, 1.0]])


@pytest.mark.parametrize("factor", [50.0, -1.0])
def test_what_is_no_probability_is_refused(trees, factor):
    """A graph that was altered with its hash must not score customers by 3,300 %."""
    model = tree_model(trees[0])
    for node in model.graph.node:
        node.output[:] = [f"{n}_before" if n == "probabilities" else n for n in node.output]
        node.input[:] = [f"{n}_before" if n == "probabilities" else n for n in node.input]
    constant = numpy_helper.from_array(np.array([factor], np.float32), "factor")
    model.graph.initializer.append(constant)
    model.graph.node.append(
        helper.make_node("Mul", ["probabilities_before", "factor"], ["probabilities"])
    )
    opened = open_model(model)
    with pytest.raises(ModelError, match=r"which is not a probability\. Restore"):
        opened.predict(trees[1][:50])


def test_changed_bytes_score_or_are_a_model_error(trees):
    """Whoever changes the file can change the hash, too; the message must stay ours."""
    blob = tree_model(trees[0]).SerializeToString()
    chance = np.random.default_rng(5)
    refused = 0
    for _ in range(300):
        changed = bytearray(blob)
        changed[chance.integers(len(blob))] ^= 1 << int(chance.integers(8))
        try:
            opened = OnnxModel.from_bytes(bytes(changed))
            opened.predict(np.zeros((3, len(opened.feature_names)), np.float32))
        except ModelError:
            refused += 1
    assert refused > 50


def test_wrong_base_value_is_refused_when_explaining(trees):
    model = tree_model(trees[0])
    set_metadata(model, base_value="0.0")
    opened = open_model(model)
    opened.predict(trees[1][:5])
    with pytest.raises(ModelError, match=r"base_value.*wrong"):
        opened.contributions(trees[1][:5])


def test_trees_without_row_counts_predict_but_do_not_explain(trees):
    model = tree_model(trees[0])
    count = len(tree_attribute(model, "nodes_hitrates").floats)
    set_tree_attribute(model, "nodes_hitrates", [1.0] * count)
    opened = open_model(model)
    opened.predict(trees[1][:5])
    with pytest.raises(ModelError, match="row counts"):
        opened.contributions(trees[1][:5])
