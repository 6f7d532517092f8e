"""How trees are written."""

from __future__ import annotations

import numpy as np
import onnx

from holdfast.contract import OnnxHeader, check_parity, predict_onnx
from holdfast.estimators._algorithms import ALGORITHMS
from holdfast.estimators._base import Part


def test_trees_branch_alike_on_the_float32_values_around_every_threshold(part, header):
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
    given = predict_onnx(model.to_onnx(header), features)
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


def test_tree_nodes_carry_their_training_rows(part, header):
    model = ALGORITHMS["hist_gradient_boosting"].fit(part, {"max_iter": 40}, 7)
    file = onnx.load_from_string(model.to_onnx(header))
    (ensemble,) = [n for n in file.graph.node if n.op_type == "TreeEnsembleClassifier"]
    values = {a.name: onnx.helper.get_attribute_value(a) for a in ensemble.attribute}
    cover = np.array(values["nodes_hitrates"])
    roots = np.array(values["nodes_nodeids"]) == 0
    assert (cover[roots] == 800).all()
    leaves = np.array(values["nodes_modes"]) == b"LEAF"
    assert cover[leaves].sum() == 800 * roots.sum()
