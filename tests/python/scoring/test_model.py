from __future__ import annotations

import hashlib
import json

import numpy as np
import onnx
import pytest
from onnx import helper

from holdfast.errors import HoldfastError
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


def test_matching_hash_is_accepted_in_any_case():
    blob = linear_model([1.0]).SerializeToString()
    OnnxModel.from_bytes(blob, hashlib.sha256(blob).hexdigest().upper())


def test_any_flipped_byte_is_refused_by_the_hash():
    blob = linear_model([1.0]).SerializeToString()
    sha256 = hashlib.sha256(blob).hexdigest()
    for position in (0, len(blob) // 2, len(blob) - 1):
        changed = bytearray(blob)
        changed[position] ^= 1
        with pytest.raises(ModelError, match=r"SHA-256.*Restore.*retrain"):
            OnnxModel.from_bytes(bytes(changed), sha256)


@pytest.mark.parametrize("cut", [0, 10, -1])
def test_truncated_bytes_are_refused_without_a_hash(cut):
    blob = linear_model([1.0]).SerializeToString()
    with pytest.raises(ModelError):
        OnnxModel.from_bytes(blob[:cut])


def test_model_error_is_a_holdfast_error():
    assert issubclass(ModelError, HoldfastError)


def test_another_contract_is_refused():
    with pytest.raises(ModelError, match=r"contract '2'.*reads contract '1'"):
        open_model(linear_model([1.0], contract="2"))


@pytest.mark.parametrize(
    "metadata",
    [
        {"feature_names": "f0"},
        {"feature_names": "[]"},
        {"feature_names": "[1]"},
        {"base_value": "a lot"},
        {"base_value": "nan"},
    ],
)
def test_unreadable_metadata_is_refused(metadata):
    with pytest.raises(ModelError, match="metadata that cannot be read"):
        open_model(linear_model([1.0], **metadata))


@pytest.mark.parametrize("key", ["contract", "feature_names", "base_value", "task", "algorithm"])
def test_missing_metadata_is_named(key):
    model = linear_model([1.0])
    kept = {e.key: e.value for e in model.metadata_props if e.key != f"holdfast.{key}"}
    del model.metadata_props[:]
    helper.set_model_props(model, kept)
    with pytest.raises(ModelError, match=f"lacks the metadata holdfast.{key}"):
        open_model(model)


def test_feature_names_that_do_not_fit_the_input_are_refused():
    with pytest.raises(ModelError, match="`features`, float32 with 3 columns"):
        open_model(linear_model([1.0, 2.0], feature_names=json.dumps(["a", "b", "c"])))


def test_another_input_is_refused():
    model = linear_model([1.0])
    extra = helper.make_tensor_value_info("threshold", onnx.TensorProto.FLOAT, [1])
    model.graph.input.append(extra)
    with pytest.raises(ModelError, match=r"one input.*threshold"):
        open_model(model)


def test_input_of_another_type_is_refused():
    model = linear_model([1.0])
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
    with pytest.raises(ModelError, match=r"one input.*double"):
        open_model(model)


@pytest.mark.parametrize("position", [0, 1])
def test_missing_output_is_refused(position):
    model = linear_model([1.0])
    del model.graph.output[position]
    with pytest.raises(ModelError, match="must have the outputs"):
        open_model(model)


def test_unknown_output_is_refused():
    model = linear_model([1.0])
    model.graph.output.append(helper.make_tensor_value_info("sum", onnx.TensorProto.FLOAT, [1]))
    with pytest.raises(ModelError, match=r"must have the outputs.*`sum`"):
        open_model(model)


@pytest.mark.parametrize(
    ("operator", "domain", "named"),
    [
        ("RandomUniformLike", "", "ai.onnx.RandomUniformLike"),
        ("Loop", "", "ai.onnx.Loop"),
        ("Sign", "com.example", "com.example.Sign"),
        ("PyOp", "ai.onnx.contrib", "ai.onnx.contrib.PyOp"),
    ],
)
def test_operator_outside_the_contract_is_refused_by_name(operator, domain, named):
    model = linear_model([1.0])
    model.graph.node.append(helper.make_node(operator, ["x"], ["unused"], domain=domain))
    with pytest.raises(ModelError, match=f"operator {named}, which the contract does not allow"):
        open_model(model)


def test_functions_of_the_model_are_refused():
    model = linear_model([1.0])
    model.functions.append(
        helper.make_function(
            "com.example",
            "f",
            ["x"],
            ["y"],
            [helper.make_node("Abs", ["x"], ["y"])],
            [helper.make_opsetid("", 18)],
        )
    )
    with pytest.raises(ModelError, match="functions"):
        open_model(model)


@pytest.mark.parametrize("where", ["initializer", "attribute"])
def test_data_outside_the_file_is_refused(where):
    model = linear_model([1.0])
    tensor = next(t for t in model.graph.initializer if t.name == "weights")
    if where == "attribute":
        node = helper.make_node("Constant", [], ["weights"], value=tensor)
        model.graph.node.insert(0, node)
        model.graph.initializer.remove(tensor)
        tensor = model.graph.node[0].attribute[0].t
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    with pytest.raises(ModelError, match="`weights` in a file of its own"):
        open_model(model)


def test_graph_that_is_not_valid_onnx_is_refused():
    model = linear_model([1.0])
    del model.graph.node[0]
    with pytest.raises(ModelError, match="not a valid ONNX model"):
        open_model(model)


def enlarge(model: onnx.ModelProto, kind: str) -> None:
    """Add few bytes from which much memory or time would come."""
    if kind == "declared":
        model.graph.initializer.add(name="huge", data_type=1, dims=[2**31, 2**31])
    elif kind == "expanded":
        shape = onnx.numpy_helper.from_array(np.array([200_000, 200_000], np.int64), "shape")
        model.graph.initializer.append(shape)
        model.graph.node.append(helper.make_node("Expand", ["one", "shape"], ["huge"]))
    elif kind == "multiplied":
        row = onnx.numpy_helper.from_array(np.ones((1, 100_000), np.float32), "row")
        model.graph.initializer.append(row)
        model.graph.node.append(helper.make_node("Transpose", ["row"], ["column"]))
        model.graph.node.append(helper.make_node("MatMul", ["column", "row"], ["huge"]))
    elif kind in ("doubled rows", "doubled constants"):
        last = "features" if kind == "doubled rows" else "weights"
        for step in range(34):
            node = helper.make_node("Concat", [last, last], [f"huge{step}"], axis=1)
            model.graph.node.append(node)
            last = f"huge{step}"
    elif kind == "sparse":
        value = helper.make_tensor("huge", 1, [1], [1.0])
        index = helper.make_tensor("index", 7, [1], [0])
        sparse = helper.make_sparse_tensor(value, index, [200_000, 200_000])
        model.graph.sparse_initializer.append(sparse)
    else:
        nodes = [helper.make_node("Identity", ["features"], [f"i{i}"]) for i in range(10_001)]
        model.graph.node.extend(nodes)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("declared", "2147483648 x 2147483648 numbers, `huge`"),
        ("expanded", "200000 x 200000 numbers, `huge`"),
        ("multiplied", "100000 x 100000 numbers, `huge`"),
        ("doubled rows", "numbers, `huge"),
        ("doubled constants", "numbers, `huge"),
        ("sparse", "sparse constants"),
        ("nodes", "more than 10,000 nodes"),
    ],
)
def test_small_file_that_would_take_much_memory_or_time_is_refused(kind, said):
    model = linear_model([0.5, -1.0])
    enlarge(model, kind)
    with pytest.raises(ModelError, match=said):
        open_model(model)


def test_model_that_the_runtime_cannot_load_is_refused():
    model = linear_model([1.0])
    weights = next(t for t in model.graph.initializer if t.name == "axis")
    weights.CopyFrom(onnx.numpy_helper.from_array(np.array([7], np.int64), "axis"))
    with pytest.raises(ModelError, match="cannot be run by ONNX Runtime"):
        open_model(model)


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
