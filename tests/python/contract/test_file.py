"""What a model file may be, and what is refused of it."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import onnx
import pytest
from onnx import helper

from holdfast.contract import ModelError, ModelFile
from holdfast.errors import HoldfastError
from scoring_models import linear_model


def open_model(model: onnx.ModelProto) -> ModelFile:
    return ModelFile.from_bytes(model.SerializeToString())


def test_matching_hash_is_accepted_in_any_case():
    blob = linear_model([1.0]).SerializeToString()
    ModelFile.from_bytes(blob, hashlib.sha256(blob).hexdigest().upper())


def test_any_flipped_byte_is_refused_by_the_hash():
    blob = linear_model([1.0]).SerializeToString()
    sha256 = hashlib.sha256(blob).hexdigest()
    for position in (0, len(blob) // 2, len(blob) - 1):
        changed = bytearray(blob)
        changed[position] ^= 1
        with pytest.raises(ModelError, match=r"SHA-256.*Restore.*retrain"):
            ModelFile.from_bytes(bytes(changed), sha256)


@pytest.mark.parametrize("cut", [0, 10, -1])
def test_truncated_bytes_are_refused_without_a_hash(cut):
    blob = linear_model([1.0]).SerializeToString()
    with pytest.raises(ModelError):
        ModelFile.from_bytes(blob[:cut])


@pytest.mark.parametrize("damage", range(8))
def test_changed_bytes_are_a_model_or_a_model_error(damage):
    """With a hash that was changed along, they are read; nothing but a ModelError may come."""
    blob = linear_model([1.0, 2.0]).SerializeToString()
    refused = 0
    for position in range(len(blob)):
        changed = bytearray(blob)
        changed[position] ^= 1 << damage
        try:
            ModelFile.from_bytes(bytes(changed))
        except ModelError:
            refused += 1
    assert refused > len(blob) / 4


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
        {"feature_names": '["f0", "f0"]'},
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
        open_model(model).session()
