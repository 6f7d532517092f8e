"""Leaves that are looked up are those that ONNX Runtime walks down to."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from holdfast.contract import OnnxHeader, TreeFormatError, open_session
from holdfast.estimators import TreeModel
from holdfast.scoring import OnnxModel, _tree_scores
from holdfast.scoring._tree_scores import TreeScores

WIDTH = 5


def make_blob(**shape: int) -> tuple[bytes, np.ndarray]:
    """Fit trees; give the file, and rows with missing and infinite values."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(3000, WIDTH)).astype(np.float32).round(1)
    odds = np.sin(3 * features[:, 0]) * features[:, 1] + features[:, 2] * features[:, 3]
    features[rng.random(features.shape) < 0.1] = np.nan
    y = (odds + 0.3 * rng.logistic(size=len(odds)) > 0).astype(int)
    trees = HistGradientBoostingClassifier(max_iter=20, early_stopping=False, **shape)
    trees.fit(features, y)
    header = OnnxHeader("churn", "hist_gradient_boosting", "test", tuple("abcde"))
    features[rng.random(features.shape) < 0.02] = np.inf
    features[rng.random(features.shape) < 0.02] = -np.inf
    return TreeModel(trees).to_onnx(header), features


def trees_of(model: OnnxModel) -> TreeScores:
    """Read the trees of a model."""
    (node,) = (each for each in model.graph.node if each.op_type.startswith("TreeEnsemble"))
    return TreeScores.from_node(node, WIDTH)


@pytest.mark.parametrize(
    "shape",
    [
        {"max_depth": 1},
        {"max_depth": 3, "max_leaf_nodes": 8},
        {"max_depth": 4, "max_leaf_nodes": 16},
        {"max_leaf_nodes": 31, "min_samples_leaf": 5},
    ],
)
def test_scores_are_those_of_onnx_runtime(shape: dict[str, int]) -> None:
    blob, features = make_blob(**shape)
    model = OnnxModel.from_bytes(blob)
    scores = trees_of(model).predict(features).astype(np.float64)
    given = open_session(blob).run(["probabilities"], {"features": features})[0][:, 1]
    assert np.abs(1 / (1 + np.exp(-scores)) - given).max() < 1e-6
    assert np.abs(model.predict(features) - given).max() < 1e-6


def test_a_row_scores_alone_as_among_others() -> None:
    blob, features = make_blob(max_leaf_nodes=31, min_samples_leaf=5)
    model = OnnxModel.from_bytes(blob)
    together = model.predict(features[:100])
    assert together.tolist() == [float(model.predict(row[None, :])[0]) for row in features[:100]]


def test_trees_that_fall_into_too_many_pieces_are_left_to_onnx_runtime(monkeypatch) -> None:
    blob, features = make_blob(max_leaf_nodes=31, min_samples_leaf=5)
    model = OnnxModel.from_bytes(blob)
    expected = model.predict(features)
    monkeypatch.setattr(_tree_scores, "_MOST_PIECES_PER_TREE", 1)
    with pytest.raises(TreeFormatError, match="too large"):
        trees_of(model)
    assert np.abs(OnnxModel.from_bytes(blob).predict(features) - expected).max() < 1e-6
