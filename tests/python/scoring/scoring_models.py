"""Small ONNX models of contract 1, written here so that scoring is tested without training."""

from __future__ import annotations

import hashlib
import json
import warnings
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import HistGradientBoostingClassifier


def set_metadata(model: onnx.ModelProto, **values: str) -> None:
    """Write ``holdfast.<key>`` properties, replacing those that are there."""
    found = {entry.key: entry.value for entry in model.metadata_props}
    found.update({f"holdfast.{key}": value for key, value in values.items()})
    del model.metadata_props[:]
    helper.set_model_props(model, found)


def linear_model(
    weights: list[float], bias: float = -0.25, *, log: bool = False, **metadata: str
) -> onnx.ModelProto:
    """Logistic regression: mean imputation by 0, optional signed log, weights, sigmoid."""
    width = len(weights)
    nodes = [helper.make_node("IsNaN", ["features"], ["missing"])]
    nodes.append(helper.make_node("Where", ["missing", "zero", "features"], ["filled"]))
    if log:
        nodes += [
            helper.make_node("Sign", ["filled"], ["sign"]),
            helper.make_node("Abs", ["filled"], ["abs"]),
            helper.make_node("Add", ["abs", "one"], ["abs1"]),
            helper.make_node("Log", ["abs1"], ["logs"]),
            helper.make_node("Mul", ["sign", "logs"], ["x"]),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["filled"], ["x"]))
    nodes += [
        helper.make_node("Mul", ["x", "weights"], ["contributions"]),
        helper.make_node("ReduceSum", ["contributions", "axis"], ["sum"], keepdims=1),
        helper.make_node("Add", ["sum", "bias"], ["score"]),
        helper.make_node("Sigmoid", ["score"], ["p1"]),
        helper.make_node("Sub", ["one", "p1"], ["p0"]),
        helper.make_node("Concat", ["p0", "p1"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    constants = {
        "zero": np.zeros(1, np.float32),
        "one": np.ones(1, np.float32),
        "weights": np.array([weights], np.float32),
        "bias": np.array([bias], np.float32),
        "axis": np.array([1], np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, width])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
            helper.make_tensor_value_info("contributions", TensorProto.FLOAT, [None, width]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8, producer_name="test"
    )
    values = {
        "contract": "1",
        "task": "churn",
        "algorithm": "logistic_regression",
        "feature_names": json.dumps([f"f{i}" for i in range(width)]),
        "base_value": repr(float(np.float32(bias))),
        "label": "logistic regression",
    }
    set_metadata(model, **{**values, **metadata})
    return model


def tree_attribute(model: onnx.ModelProto, name: str) -> onnx.AttributeProto:
    """Return an attribute of the model's tree ensemble."""
    node = next(n for n in model.graph.node if n.op_type.startswith("TreeEnsemble"))
    return next(attribute for attribute in node.attribute if attribute.name == name)


def set_tree_attribute(model: onnx.ModelProto, name: str, values: list[float]) -> None:
    """Replace the numbers of an attribute of the model's tree ensemble."""
    attribute = tree_attribute(model, name)
    assert len(attribute.floats) == len(values)
    attribute.floats[:] = values


def tree_model(classifier: HistGradientBoostingClassifier) -> onnx.ModelProto:
    """Return a fitted classifier, converted, with the training row counts of its nodes."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    width = classifier.n_features_in_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        model = to_onnx(
            classifier,
            initial_types=[("features", FloatTensorType([None, width]))],
            options={"zipmap": False},
            target_opset={"": 18, "ai.onnx.ml": 3},
        )
    trees = [predictor for (predictor,) in classifier._predictors]
    nodes = np.concatenate([tree.nodes for tree in trees])
    exact = np.where(nodes["is_leaf"] == 1, 0.0, nodes["num_threshold"])
    thresholds = exact.astype(np.float32)
    # The nearest float32 may lie above the double: then a value equal to it would change sides.
    above = thresholds > exact
    thresholds[above] = np.nextafter(thresholds[above], np.float32(-np.inf))
    set_tree_attribute(model, "nodes_values", thresholds.tolist())
    set_tree_attribute(model, "nodes_hitrates", nodes["count"].astype(float).tolist())
    base = float(classifier._baseline_prediction[0, 0])
    for tree in trees:
        leaf = tree.nodes["is_leaf"].astype(bool)
        base += float(np.average(tree.nodes["value"][leaf], weights=tree.nodes["count"][leaf]))
    set_metadata(
        model,
        contract="1",
        task="churn",
        algorithm="hist_gradient_boosting",
        feature_names=json.dumps([f"f{i}" for i in range(width)]),
        base_value=repr(base),
        label="gradient boosting",
    )
    return model


def fit_trees(
    width: int = 5, rows: int = 2000, seed: int = 0, **parameters: Any
) -> tuple[HistGradientBoostingClassifier, np.ndarray]:
    """Return a small classifier on float32 data with missing values, and that data."""
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(rows, width)).astype(np.float32)
    data[rng.random(data.shape) < 0.15] = np.nan
    signal = np.nan_to_num(data, nan=1.5)
    score = signal[:, 0] * (1 + signal[:, 1]) + signal[:, -1] ** 2 - 0.5
    event = score + rng.normal(size=rows) > 0
    options = {"max_iter": 12, "max_leaf_nodes": 8, "random_state": 0, **parameters}
    return HistGradientBoostingClassifier(**options).fit(data, event), data


def store(
    connection: Any, table: str, model: onnx.ModelProto | bytes, model_id: str = "m1"
) -> None:
    """Put a model into a table of models."""
    blob = model if isinstance(model, bytes) else model.SerializeToString()
    connection.execute(
        f"create table if not exists {table} (model_id varchar, onnx blob, onnx_sha256 varchar)"
    )
    connection.execute(
        f"insert into {table} values (?, ?, ?)",
        [model_id, blob, hashlib.sha256(blob).hexdigest()],
    )
