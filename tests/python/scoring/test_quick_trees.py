"""Trees that run in a quicker form give what their stored graph gives."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from holdfast.contract import OnnxHeader
from holdfast.estimators._target import TARGETS
from holdfast.estimators._trees import TreeModel
from holdfast.scoring import OnnxModel
from holdfast.scoring._quick_trees import borders_of, quicken
from scoring_models import fit_trees, set_tree_attribute, tree_attribute, tree_model

WIDTH = 5


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return tree_model(fit_trees(WIDTH, max_iter=30, max_leaf_nodes=16)[0])


def rows_at_borders(model: onnx.ModelProto) -> np.ndarray:
    """Values that the trees ask for, their neighbours, and all that is special."""
    rng = np.random.default_rng(3)
    borders = borders_of(model, WIDTH)
    rows = rng.normal(size=(4_000, WIDTH)).astype(np.float32)
    for column, values in borders.items():
        drawn = rng.choice(values, len(rows))
        towards = rng.choice(np.float32([-np.inf, 0, np.inf]), len(rows))
        rows[:, column] = np.nextafter(drawn, np.where(towards == 0, drawn, towards))
    for value in (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -3.4e38):
        rows[rng.random(rows.shape) < 0.04] = value
    return np.concatenate([rows, np.full((1, WIDTH), np.nan, np.float32)])


def test_classifier_that_sends_missing_values_left(model):
    opened = OnnxModel.from_bytes(model.SerializeToString())
    assert any(tree_attribute(model, "nodes_missing_value_tracks_true").ints)
    assert opened._quick is not None
    rows = rows_at_borders(model)
    np.testing.assert_allclose(opened.predict(rows), opened._run(rows), rtol=0, atol=5e-7)


def test_regression_keeps_its_values():
    _, data = fit_trees(WIDTH)
    label = np.nan_to_num(data[:, 0], nan=3.0) * 1_000 + np.isnan(data[:, 1]) * 500
    trees = HistGradientBoostingRegressor(max_iter=20, max_leaf_nodes=8).fit(data, label)
    names = tuple(f"f{i}" for i in range(WIDTH))
    header = OnnxHeader("spend", "hist_gradient_boosting", "spend", names, "regression")
    blob = TreeModel(trees, target=TARGETS["regression"]).to_onnx(header)
    opened = OnnxModel.from_bytes(blob)
    assert opened._quick is not None
    rows = rows_at_borders(onnx.load_model_from_string(blob))
    # the same leaves in the same order: no bit differs
    np.testing.assert_array_equal(opened.predict(rows), opened._run(rows))


def test_stored_graph_stays_as_it_is(model):
    before = model.SerializeToString()
    assert quicken(model, WIDTH, "probabilities") is not None
    assert model.SerializeToString() == before


def test_other_comparisons_keep_their_question_for_missing_values(model):
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    modes = tree_attribute(changed, "nodes_modes")
    modes.strings[:] = [b"BRANCH_GTE" if m == b"BRANCH_LEQ" else m for m in modes.strings]
    opened = OnnxModel.from_bytes(changed.SerializeToString())
    rows = rows_at_borders(model)
    np.testing.assert_allclose(opened.predict(rows), opened._run(rows), rtol=0, atol=5e-7)


def test_threshold_that_is_no_number_is_left_to_the_graph(model):
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    values = list(tree_attribute(changed, "nodes_values").floats)
    tracks = tree_attribute(changed, "nodes_missing_value_tracks_true").ints
    values[next(i for i, track in enumerate(tracks) if track)] = float("nan")
    set_tree_attribute(changed, "nodes_values", values)
    rewritten = quicken(changed, WIDTH, "probabilities")
    assert rewritten is not None
    assert any(tree_attribute(rewritten.model, "nodes_missing_value_tracks_true").ints)
    opened = OnnxModel.from_bytes(changed.SerializeToString())
    rows = rows_at_borders(model)
    np.testing.assert_allclose(opened.predict(rows), opened._run(rows), rtol=0, atol=5e-7)


def test_two_scores_stay_a_classifier(model):
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    ids = tree_attribute(changed, "class_ids").ints
    ids[:] = [i % 2 for i in range(len(ids))]
    rewritten = quicken(changed, WIDTH, "probabilities")
    assert rewritten is not None
    assert "TreeEnsembleClassifier" in {node.op_type for node in rewritten.model.graph.node}


def test_nothing_to_gain():
    _, data = fit_trees(WIDTH)
    complete = np.nan_to_num(data)
    label = complete[:, 0] * 10
    whole = HistGradientBoostingRegressor(max_iter=5, max_leaf_nodes=8).fit(complete, label)
    names = tuple(f"f{i}" for i in range(WIDTH))
    header = OnnxHeader("spend", "hist_gradient_boosting", "spend", names, "regression")
    blob = TreeModel(whole, target=TARGETS["regression"]).to_onnx(header)
    graph = onnx.load_model_from_string(blob)
    tracks = tree_attribute(graph, "nodes_missing_value_tracks_true")
    tracks.ints[:] = [0] * len(tracks.ints)
    assert quicken(graph, WIDTH, "values") is None
    assert OnnxModel.from_bytes(graph.SerializeToString())._quick is None
