from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from holdfast.contract import OnnxHeader
from holdfast.estimators._linear import fit_linear
from holdfast.scoring import OnnxModel
from scoring_models import linear_model

NAMES = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def blob() -> bytes:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(2_000, len(NAMES))).astype(np.float32)
    features[:, 1] = np.exp(3 * features[:, 1])
    features[:, 2] *= 100
    features[rng.random(features.shape) < 0.1] = np.nan
    outcome = (np.nan_to_num(features[:, 0]) + rng.normal(size=2_000) > 0).astype(np.int64)
    return fit_linear(features, outcome, NAMES).to_onnx(
        OnnxHeader("churn", "logistic_regression", "test", NAMES)
    )


def test_closed_form_gives_what_onnx_runtime_gives(blob):
    model = OnnxModel.from_bytes(blob)
    assert model._quick is not None
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(5_001, len(NAMES))) * 10.0 ** rng.integers(-40, 38, (5_001, 1))
    for value in (np.nan, np.inf, -np.inf, 0.0, 1e-45, 3.4e38):
        rows[rng.random(rows.shape) < 0.05] = value
    rows = np.concatenate([rows, np.full((1, len(NAMES)), np.nan)]).astype(np.float32)
    np.testing.assert_allclose(model.predict(rows), model._run(rows), rtol=0, atol=1e-6)


@pytest.mark.parametrize("change", ["operator", "order", "constant"])
def test_graph_that_computes_something_else_is_left_to_onnx_runtime(blob, change):
    graph = onnx.load_model_from_string(blob)
    nodes = {node.op_type: node for node in graph.graph.node}
    if change == "operator":
        nodes["Div"].op_type = "Mul"
    elif change == "order":
        nodes["Max"].op_type = "Min"
    else:
        base = next(t for t in graph.graph.initializer if t.name == "base_value")
        graph.graph.initializer.append(
            numpy_helper.from_array(numpy_helper.to_array(base) + 0.5, "another_base_value")
        )
        for node in graph.graph.node:
            node.input[:] = [x.replace("base_value", "another_base_value") for x in node.input]
    model = OnnxModel.from_bytes(graph.SerializeToString())
    assert model._quick is None


def test_other_linear_models_are_left_to_onnx_runtime():
    model = OnnxModel.from_bytes(linear_model([0.5, -1.0]).SerializeToString())
    assert model._quick is None
    assert model.predict([[1.0, 1.0]]) == pytest.approx(1 / (1 + np.exp(0.75)))
