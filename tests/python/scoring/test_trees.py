from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from holdfast.contract import TreeFormatError
from holdfast.scoring import _trees
from holdfast.scoring._trees import TreeExplainer
from scoring_models import fit_trees, tree_attribute, tree_model


def ensemble(model):
    return next(n for n in model.graph.node if n.op_type.startswith("TreeEnsemble"))


def expectation(node, known, row):
    """Path-dependent expectation of a tree: unknown features follow the training rows."""
    if node["mode"] == "LEAF":
        return node["value"]
    left, right = node["left"], node["right"]
    if node["feature"] in known:
        x = row[node["feature"]]
        goes_left = node["missing_left"] if np.isnan(x) else x <= node["threshold"]
        return expectation(left if goes_left else right, known, row)
    return (
        left["cover"] * expectation(left, known, row)
        + right["cover"] * expectation(right, known, row)
    ) / node["cover"]


def shapley(trees, row):
    """Shapley values from their definition, over every subset of the features."""
    width = len(row)
    value = {
        subset: sum(expectation(tree, subset, row) for tree in trees)
        for size in range(width + 1)
        for subset in combinations(range(width), size)
    }
    result = np.zeros(width)
    for i in range(width):
        for subset, base in value.items():
            if i not in subset:
                size = len(subset)
                weight = factorial(size) * factorial(width - size - 1) / factorial(width)
                result[i] += weight * (value[tuple(sorted((*subset, i)))] - base)
    return result


def sklearn_trees(classifier):
    """The trees of a classifier, with the thresholds that the ONNX model has."""

    def build(nodes, index):
        node = nodes[index]
        if node["is_leaf"]:
            return {"mode": "LEAF", "cover": node["count"], "value": node["value"]}
        return {
            "mode": "SPLIT",
            "cover": node["count"],
            "feature": node["feature_idx"],
            "threshold": node["num_threshold"],
            "missing_left": bool(node["missing_go_to_left"]),
            "left": build(nodes, node["left"]),
            "right": build(nodes, node["right"]),
        }

    return [build(predictor.nodes, 0) for (predictor,) in classifier._predictors]


def to_onnx_node(trees, **changes):
    """A TreeEnsembleRegressor of hand-made trees."""
    node_names = (
        *("treeids", "nodeids", "featureids", "modes", "values", "hitrates"),
        *("truenodeids", "falsenodeids", "missing_value_tracks_true"),
    )
    a = {f"nodes_{name}": [] for name in node_names}
    a |= {f"target_{name}": [] for name in ("treeids", "nodeids", "ids", "weights")}

    def add(tree, node, counter):
        number = counter[0]
        counter[0] += 1
        row = len(a["nodes_modes"])
        leaf = node["mode"] == "LEAF"
        for key, value in (
            ("treeids", tree),
            ("nodeids", number),
            ("featureids", 0 if leaf else node["feature"]),
            ("modes", "LEAF" if leaf else "BRANCH_LEQ"),
            ("values", 0.0 if leaf else node["threshold"]),
            ("hitrates", float(node["cover"])),
            ("truenodeids", 0),
            ("falsenodeids", 0),
            ("missing_value_tracks_true", 0 if leaf else int(node["missing_left"])),
        ):
            a[f"nodes_{key}"].append(value)
        if leaf:
            for key, value in (
                ("treeids", tree),
                ("nodeids", number),
                ("ids", 0),
                ("weights", node["value"]),
            ):
                a[f"target_{key}"].append(value)
        else:
            a["nodes_truenodeids"][row] = add(tree, node["left"], counter)
            a["nodes_falsenodeids"][row] = add(tree, node["right"], counter)
        return number

    for number, tree in enumerate(trees):
        add(number, tree, [0])
    a.update(changes)
    return helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1, **a
    )


def chain(width):
    """A tree that tests one feature after the other, so its last leaf needs them all."""
    node = {"mode": "LEAF", "cover": 3, "value": 2.5}
    for feature in reversed(range(width)):
        leaf = {"mode": "LEAF", "cover": feature + 1, "value": float(np.sin(feature))}
        node = {
            "mode": "SPLIT",
            "cover": node["cover"] + leaf["cover"],
            "feature": feature,
            "threshold": 0.25,
            "missing_left": feature % 2 == 0,
            "left": node if feature % 3 else leaf,
            "right": leaf if feature % 3 else node,
        }
    return node


def mixed_rows(width, count=40, seed=5):
    values = np.array([np.nan, np.inf, -np.inf, -1, 0.25, 0.5, 2], np.float32)
    return np.random.default_rng(seed).choice(values, size=(count, width))


@pytest.mark.parametrize("parameters", [{"max_depth": 3}, {"max_leaf_nodes": 20}])
def test_contributions_of_a_fitted_model_equal_the_definition(parameters):
    classifier, rows = fit_trees(width=6, max_iter=5, seed=2, **parameters)
    rows = np.concatenate([rows[:12], mixed_rows(6, 8)])
    trees = sklearn_trees(classifier)
    actual = TreeExplainer.from_node(ensemble(tree_model(classifier)), 6).contributions(rows)
    expected = [shapley(trees, row) for row in rows]
    np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_value_equal_to_a_float32_threshold_goes_left():
    split = {
        "mode": "SPLIT",
        "cover": 4,
        "feature": 0,
        "threshold": float(np.float32(0.1)),
        "missing_left": False,
        "left": {"mode": "LEAF", "cover": 1, "value": 1.0},
        "right": {"mode": "LEAF", "cover": 3, "value": 0.0},
    }
    explainer = TreeExplainer.from_node(to_onnx_node([split]), 1)
    at = np.float32(0.1)
    rows = np.array([[at], [np.nextafter(at, np.float32(1))], [np.nan]], np.float32)
    np.testing.assert_allclose(explainer.contributions(rows), [[0.75], [-0.25], [-0.25]])


@pytest.mark.parametrize("bits", [1, 2, 8])
def test_the_size_of_tables_does_not_change_the_result(bits, monkeypatch):
    classifier, rows = fit_trees(width=5, max_leaf_nodes=12)
    node = ensemble(tree_model(classifier))
    expected = TreeExplainer.from_node(node, 5).contributions(rows)
    monkeypatch.setattr(_trees, "_TABLE_BITS", bits)
    monkeypatch.setattr(_trees, "_DEEP_TABLE_BITS", bits)
    actual = TreeExplainer.from_node(node, 5).contributions(rows)
    np.testing.assert_allclose(actual, expected, atol=1e-6)


@pytest.mark.parametrize("table_bits", [0, 12])
def test_leaf_deeper_than_a_table_equals_the_definition(table_bits, monkeypatch):
    monkeypatch.setattr(_trees, "_DEEP_TABLE_BITS", table_bits)
    tree = chain(10)
    rows = mixed_rows(10, 6)
    actual = TreeExplainer.from_node(to_onnx_node([tree]), 10).contributions(rows)
    np.testing.assert_allclose(actual, [shapley([tree], row) for row in rows], atol=1e-6)


def test_very_deep_leaf_still_adds_up():
    tree = chain(40)
    rows = mixed_rows(40)
    explainer = TreeExplainer.from_node(to_onnx_node([tree]), 40)
    expected = [
        expectation(tree, tuple(range(40)), row) - expectation(tree, (), row) for row in rows
    ]
    np.testing.assert_allclose(explainer.contributions(rows).sum(axis=1), expected, atol=1e-5)


def test_tree_of_one_leaf_contributes_nothing():
    tree = {"mode": "LEAF", "cover": 9, "value": 1.5}
    explainer = TreeExplainer.from_node(to_onnx_node([tree, tree]), 3)
    np.testing.assert_array_equal(explainer.contributions(mixed_rows(3)), 0)


def test_blocks_of_rows_give_what_single_rows_give(monkeypatch):
    classifier, rows = fit_trees(width=4)
    explainer = TreeExplainer.from_node(ensemble(tree_model(classifier)), 4)
    monkeypatch.setattr(_trees, "_MOST_ROWS", 64)
    blocks = explainer.contributions(rows[:150])
    single = np.concatenate([explainer.contributions(rows[i : i + 1]) for i in range(150)])
    np.testing.assert_array_equal(blocks, single)


@st.composite
def random_trees(draw, width=4, depth=4):
    """A tree whose paths repeat features and thresholds, with any missing-value routing."""

    def grow(level):
        if level == 0 or draw(st.integers(0, 3)) == 0:
            value = draw(st.floats(-3, 3, width=32))
            return {"mode": "LEAF", "cover": draw(st.integers(1, 50)), "value": value}
        left, right = grow(level - 1), grow(level - 1)
        return {
            "mode": "SPLIT",
            "cover": left["cover"] + right["cover"],
            "feature": draw(st.integers(0, width - 1)),
            "threshold": draw(st.sampled_from([-1.0, 0.25, 0.5, float("inf")])),
            "missing_left": draw(st.booleans()),
            "left": left,
            "right": right,
        }

    return grow(depth)


@settings(max_examples=40, deadline=None)
@given(st.lists(random_trees(), min_size=1, max_size=2), st.integers(0, 1000))
def test_contributions_of_any_trees_equal_the_definition(trees, seed):
    rows = mixed_rows(4, 5, seed)
    actual = TreeExplainer.from_node(to_onnx_node(trees), 4).contributions(rows)
    np.testing.assert_allclose(actual, [shapley(trees, row) for row in rows], atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes_modes": ["BRANCH_LT", "LEAF", "LEAF"]}, "test by BRANCH_LT"),
        ({"nodes_hitrates": [1.0, 1.0, 1.0]}, "row counts"),
        ({"nodes_hitrates": [5.0, 5.0, 0.0]}, "row counts"),
        ({"nodes_featureids": [7, 0, 0]}, "does not have"),
        ({"nodes_truenodeids": [0, 0, 0]}, "two parents"),
        ({"nodes_falsenodeids": [9, 0, 0]}, "missing"),
        ({"nodes_nodeids": [0, 1, 1]}, "same id"),
        ({"nodes_values": [0.25]}, "differ in length"),
        ({"target_weights": [1.0]}, "differ in length"),
        ({"target_ids": [0, 1]}, "more than one score"),
        ({"aggregate_function": "AVERAGE"}, "not summed"),
    ],
)
def test_malformed_trees_are_refused(changes, message):
    with pytest.raises(TreeFormatError, match=message):
        TreeExplainer.from_node(to_onnx_node([chain(1)], **changes), 1)


def test_trees_without_row_counts_are_refused():
    classifier, _ = fit_trees(width=3, max_iter=2)
    model = tree_model(classifier)
    ensemble(model).attribute.remove(tree_attribute(model, "nodes_hitrates"))
    with pytest.raises(TreeFormatError, match="row counts"):
        TreeExplainer.from_node(ensemble(model), 3)


def test_a_threshold_that_is_no_number_is_not_explained():
    with pytest.raises(TreeFormatError, match="NaN"):
        TreeExplainer.from_node(to_onnx_node([chain(1)], nodes_values=[float("nan"), 0.0, 0.0]), 1)
