"""Models for the parity suite: trees at random, and scikit-learn's as skl2onnx writes them."""

from __future__ import annotations

import json
import warnings
from typing import Any

import duckdb
import numpy as np
import onnx
import pyarrow as pa
from onnx import TensorProto, helper

from holdfast.contract import OnnxHeader
from holdfast.estimators._bgnbd import BGNBD_FEATURES, fit_bgnbd_model
from holdfast.estimators._blend import blend
from holdfast.estimators._linear import fit_linear
from holdfast.estimators._trees import TreeModel
from scoring_models import fit_trees, set_metadata, tree_attribute

FLOAT32 = np.finfo(np.float32)
# Thresholds at which representations are easily wrong.
ODD_THRESHOLDS = np.array(
    [
        *(0.0, -0.0, 1e-45, -1e-45, 1.1754944e-38, 0.1, 0.3, 1 / 3, 16777216.0, 16777218.0, 1e30),
        *(FLOAT32.max, -FLOAT32.max, np.inf, -np.inf),
    ],
    np.float32,
)


def random_trees(
    seed: int, *, trees: int, leaves: int, width: int, modes: tuple[str, ...] = ("BRANCH_LEQ",)
) -> onnx.ModelProto:
    """Give a classifier of random trees whose leaves all differ by 0.01 or more in log-odds."""
    rng = np.random.default_rng(seed)
    table: dict[str, list[Any]] = {
        name: []
        for name in (
            *("treeids", "nodeids", "featureids", "modes", "values"),
            *("truenodeids", "falsenodeids", "missing_value_tracks_true"),
        )
    }
    leaf_trees, leaf_nodes, leaf_weights = [], [], []
    for tree in range(trees):
        count = 0
        steps = rng.permutation(leaves)

        def grow(room: int, steps: Any, tree: int = tree) -> int:
            nonlocal count
            node, count = count, count + 1
            row = len(table["modes"])
            for column in table.values():
                column.append(0)
            table["treeids"][row], table["nodeids"][row] = tree, node
            table["modes"][row] = "LEAF"
            if room == 1:
                leaf_trees.append(tree)
                leaf_nodes.append(node)
                leaf_weights.append(0.01 * (int(steps[0]) + 1) * (1 if tree % 2 else -1))
                return node
            split = int(rng.integers(1, room))
            table["modes"][row] = str(rng.choice(modes))
            table["featureids"][row] = int(rng.integers(width))
            table["values"][row] = float(
                rng.choice(ODD_THRESHOLDS) if rng.random() < 0.4 else np.float32(rng.normal())
            )
            table["missing_value_tracks_true"][row] = int(rng.integers(2))
            table["truenodeids"][row] = grow(split, steps[:split])
            table["falsenodeids"][row] = grow(room - split, steps[split:])
            return node

        grow(leaves, steps)
    node = helper.make_node(
        "TreeEnsembleClassifier",
        ["features"],
        ["label", "probabilities"],
        domain="ai.onnx.ml",
        classlabels_int64s=[0, 1],
        post_transform="LOGISTIC",
        base_values=[0.1],
        class_treeids=leaf_trees,
        class_nodeids=leaf_nodes,
        class_ids=[0] * len(leaf_trees),
        class_weights=leaf_weights,
        **{f"nodes_{name}": column for name, column in table.items() if name != "values"},
        nodes_values=[float(value) for value in table["values"]],
    )
    return described(graph_model([node], width, domain="ai.onnx.ml"), "random trees", width)


def graph_model(
    nodes: list[onnx.NodeProto],
    width: int,
    constants: tuple[onnx.TensorProto, ...] = (),
    domain: str = "",
) -> onnx.ModelProto:
    """Give a model of a few nodes."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, width])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
        ],
        initializer=list(constants),
    )
    versions = [helper.make_opsetid("", 18)]
    if domain:
        versions.append(helper.make_opsetid(domain, 3))
    return helper.make_model(graph, opset_imports=versions, ir_version=8)


def trained(name: str) -> bytes:
    """Give a linear model, or its blend with trees, as training makes it."""
    names = tuple(f"f{i}" for i in range(5))
    classifier, rows = fit_trees(max_iter=10)
    outcome = (np.nan_to_num(rows[:, 0]) > 0).astype(np.int64)
    linear = fit_linear(rows, outcome, names)
    model = linear if name == "linear" else blend(linear, TreeModel(classifier))
    return model.to_onnx(OnnxHeader("churn", name, name, names))


def bg_nbd() -> bytes:
    """Give a BG/NBD model, as training makes it."""
    rows = np.array([[1, 20, 20], [3, 10, 60], [5, 5, 90], [1, 80, 80]], np.float32)
    model = fit_bgnbd_model(
        rows,
        np.array([1, 0, 0, 1]),
        BGNBD_FEATURES,
        as_of=np.full(4, "2025-01-01", dtype="datetime64[D]"),
        customer=np.arange(4),
        horizon_days=90,
    )
    return model.to_onnx(OnnxHeader("churn", "bg_nbd", "BG/NBD", tuple(BGNBD_FEATURES)))


def model_for_engine(name: str) -> tuple[bytes, Any]:
    """Give a model to run in another engine by its name, and values at which it is delicate."""
    if name == "trees":
        # more than are added up side by side
        model = random_trees(31, trees=70, leaves=6, width=4)
        return model.SerializeToString(), tree_attribute(model, "nodes_values").floats
    return (bg_nbd() if name == "bg_nbd" else trained(name)), [0.0, 1.0, 2.0, 30.0]


def described(model: onnx.ModelProto, algorithm: str, width: int) -> onnx.ModelProto:
    """Add the metadata of the contract."""
    set_metadata(
        model,
        contract="1",
        task="churn",
        algorithm=algorithm,
        feature_names=json.dumps([f"f{i}" for i in range(width)]),
        base_value="0.0",
        label=algorithm,
    )
    return model


def converted(estimator: Any, width: int) -> onnx.ModelProto:
    """Convert a fitted scikit-learn classifier."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        model = to_onnx(
            estimator,
            initial_types=[("features", FloatTensorType([None, width]))],
            options={id(estimator): {"zipmap": False}},
            target_opset={"": 18, "ai.onnx.ml": 3},
        )
    return described(model, type(estimator).__name__, width)


def odd_rows(seed: int, width: int, rows: int, thresholds: Any = ODD_THRESHOLDS) -> Any:
    """Give float32 rows of usual values, missing ones, infinities, and values at thresholds."""
    rng = np.random.default_rng(seed)
    edges = np.asarray(thresholds, np.float32)
    with np.errstate(all="ignore"):
        neighbours = [np.nextafter(edges, np.float32(side)) for side in (np.inf, -np.inf)]
    special = np.array([np.nan, np.inf, -np.inf, 0, 1e-45, -1e-45], np.float32)
    pool = np.concatenate([edges, *neighbours, special])
    usual = rng.normal(size=(rows, width)).astype(np.float32)
    odd = rng.choice(pool, size=(rows, width))
    return np.where(rng.random((rows, width)) < 0.6, odd, usual).astype(np.float32)


def load(connection: duckdb.DuckDBPyConnection, table: str, rows: Any, names: Any = None) -> None:
    """Put rows into a table with their number; every other missing value is NULL, the rest NaN."""
    columns: dict[str, Any] = {"row_number": pa.array(np.arange(len(rows)))}
    for j in range(rows.shape[1]):
        mask = np.isnan(rows[:, j]) & (np.arange(len(rows)) % 2 == 0)
        columns[names[j] if names else f"f{j}"] = pa.array(rows[:, j], mask=mask)
    data = pa.table(columns)  # noqa: F841, DuckDB finds it by its name
    connection.execute(f"create or replace table {table} as select * from data")


def column(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    """Give the only column of a query."""
    return np.array([row[0] for row in connection.execute(sql).fetchall()], np.float64)
