"""Tree ensembles are read once, for whoever explains, rewrites or compiles them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from holdfast.contract import TreeFormatError, as_regressor, read_ensemble, read_ensemble_node
from scoring_models import fit_trees, tree_attribute, tree_model

OPERATOR = "TreeEnsembleRegressor"


def two_leaves(**changes: Any) -> dict[str, Any]:
    """A tree of one test and two leaves, and one of a leaf alone."""
    return {
        "nodes_treeids": [0, 0, 0, 1],
        "nodes_nodeids": [0, 1, 2, 0],
        "nodes_featureids": [1, 9, 9, 9],
        "nodes_modes": [b"BRANCH_LEQ", b"LEAF", b"LEAF", b"LEAF"],
        "nodes_values": [0.5, 0.0, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0, 0],
        "nodes_falsenodeids": [2, 0, 0, 0],
        "target_treeids": [0, 0, 1, 1],
        "target_nodeids": [1, 2, 0, 0],
        "target_ids": [0, 0, 0, 0],
        "target_weights": [1.0, 2.0, 3.0, 4.0],
        **changes,
    }


def test_trees_are_read_into_columns() -> None:
    found = read_ensemble(OPERATOR, two_leaves(base_values=[0.25]), 2)
    assert found.roots.tolist() == [0, 3]
    assert (found.true.tolist(), found.false.tolist()) == ([1, -1, -1, -1], [2, -1, -1, -1])
    assert found.is_inner.tolist() == [True, False, False, False]
    assert found.base_values == (0.25,)
    # what several entries add to one leaf is summed
    assert found.leaf_values([0])[:, 0].tolist() == [0.0, 1.0, 2.0, 7.0]


def test_what_is_left_out_means_no_rows_and_no_way_for_missing_values() -> None:
    found = read_ensemble(OPERATOR, two_leaves(), 2)
    assert not found.missing_true.any()
    assert not found.cover.any()
    assert found.base_values == ()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"nodes_values_as_tensor": np.zeros(4)}, "double precision"),
        ({"aggregate_function": b"MAX"}, "not summed"),
        ({"nodes_values": [0.5]}, "differ in length"),
        ({"nodes_missing_value_tracks_true": [1]}, "differ in length"),
        ({"target_ids": [0]}, "leaves' attributes differ"),
        ({"nodes_nodeids": [0, 1, 1, 0]}, "same id"),
        ({"nodes_featureids": [2, 0, 0, 0]}, "does not have"),
        ({"nodes_featureids": [-1, 0, 0, 0]}, "does not have"),
        ({"nodes_truenodeids": [7, 0, 0, 0]}, "missing"),
        ({"nodes_truenodeids": [0, 0, 0, 0]}, "two parents"),
        ({"nodes_truenodeids": [2, 0, 0, 0]}, "two parents"),
    ],
)
def test_what_makes_no_trees_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(TreeFormatError, match=told):
        read_ensemble(OPERATOR, two_leaves(**changes), 2)


@pytest.mark.parametrize("name", ["nodes_truenodeids", "target_weights"])
def test_a_missing_attribute_is_named(name: str) -> None:
    attributes = two_leaves()
    del attributes[name]
    with pytest.raises(TreeFormatError, match=name):
        read_ensemble(OPERATOR, attributes, 2)


def test_trees_too_deep_to_follow_are_refused() -> None:
    depth = 500
    rows = 2 * depth + 1
    inner = np.arange(rows) % 2 == 0
    inner[-1] = False
    chain = {
        "nodes_treeids": [0] * rows,
        "nodes_nodeids": list(range(rows)),
        "nodes_featureids": [0] * rows,
        "nodes_modes": [b"BRANCH_LEQ" if each else b"LEAF" for each in inner],
        "nodes_values": [0.0] * rows,
        "nodes_truenodeids": [row + 1 if inner[row] else 0 for row in range(rows)],
        "nodes_falsenodeids": [row + 2 if inner[row] else 0 for row in range(rows)],
    }
    with pytest.raises(TreeFormatError, match="deeper than 400"):
        read_ensemble(OPERATOR, two_leaves(**chain), 2)


def test_an_output_that_nobody_asked_for_is_refused() -> None:
    found = read_ensemble(OPERATOR, two_leaves(target_ids=[0, 1, 0, 0]), 2)
    with pytest.raises(TreeFormatError, match="the output 1"):
        found.leaf_values([0])


def test_a_classifier_as_a_regressor_has_the_same_trees() -> None:
    model = tree_model(fit_trees(max_iter=3)[0])
    (node,) = (each for each in model.graph.node if each.op_type == "TreeEnsembleClassifier")
    before = node.SerializeToString()
    one, other = (
        read_ensemble_node(each, 5) for each in (node, as_regressor(node, "features", "score"))
    )
    assert node.SerializeToString() == before
    np.testing.assert_array_equal(one.threshold, other.threshold)
    np.testing.assert_array_equal(one.true, other.true)
    ids = np.unique(one.output).tolist()
    np.testing.assert_array_equal(one.leaf_values(ids), other.leaf_values([0]))
    assert len(one.mode) == len(tree_attribute(model, "nodes_modes").strings)
