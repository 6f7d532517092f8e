"""Refusing files that are not what the contract describes, whoever wrote them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from holdfast.contract._errors import RESTORE, ModelError
from holdfast.contract._format import MOST_NODES, MOST_NUMBERS, OPERATORS, RESULTS
from holdfast.contract._header import OnnxHeader

if TYPE_CHECKING:
    import onnx

__all__ = ["check_graph", "parse", "verify_hash"]


def verify_hash(blob: bytes, sha256: str) -> None:
    """Compare the bytes with the stored hash."""
    actual = hashlib.sha256(blob).hexdigest()
    if actual != sha256.strip().lower():
        raise ModelError(
            f"The model's bytes were changed or cut off after training: their SHA-256 is"
            f" {actual[:12]}…, stored is {sha256[:12]}…. {RESTORE}"
        )


def parse(blob: bytes) -> onnx.ModelProto:
    """Return the protobuf message, if the bytes are one."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        graph = onnx.load_model_from_string(bytes(blob))
    except DecodeError as error:
        raise ModelError(
            f"The model cannot be read: not an ONNX file ({error}). {RESTORE}"
        ) from None
    return graph


def check_graph(model: onnx.ModelProto, name: str, header: OnnxHeader) -> None:
    """Refuse a graph that the contract does not describe."""
    import onnx

    if model.functions or model.training_info:
        raise ModelError(f"{name} holds functions or training graphs, which are refused. {RESTORE}")
    for node in model.graph.node:
        domain = "" if node.domain == "ai.onnx" else node.domain
        if node.op_type not in OPERATORS.get(domain, frozenset()):
            raise ModelError(
                f"{name} uses the operator {domain or 'ai.onnx'}.{node.op_type}, which the"
                f" contract does not allow. {RESTORE}"
            )
    for tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise ModelError(
                f"{name} keeps the tensor `{tensor.name}` in a file of its own; a stored model"
                f" must be complete. {RESTORE}"
            )
    _check_interface(model, name, header)
    _check_size(model, name)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{name} is not a valid ONNX model: {reason} {RESTORE}") from None


def _check_size(model: onnx.ModelProto, name: str) -> None:
    """Refuse a small file that would take much memory or time: a few nodes can double a tensor.

    Judged by the shapes that ONNX infers: those of ai.onnx, but not what follows ai.onnx.ml.
    """
    import onnx

    if len(model.graph.node) > MOST_NODES or model.graph.sparse_initializer:
        what = "sparse constants" if model.graph.sparse_initializer else "more than 10,000 nodes"
        raise ModelError(f"{name} has {what}, which are refused. {RESTORE}")
    try:
        inferred = onnx.shape_inference.infer_shapes(model)
    except (onnx.shape_inference.InferenceError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{name} is not a valid ONNX model: {reason} {RESTORE}") from None
    shapes = {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (*inferred.graph.value_info, *inferred.graph.output)
    }
    shapes.update({tensor.name: list(tensor.dims) for tensor in model.graph.initializer})
    for tensor_name, shape in shapes.items():
        # the number of rows is open, which reads as 0
        if prod(max(size, 1) for size in shape) > MOST_NUMBERS:
            sizes = " x ".join(str(size) if size else "rows" for size in shape)
            raise ModelError(
                f"{name} makes a tensor of {sizes} numbers, `{tensor_name}`, which is refused."
                f" {RESTORE}"
            )


def _check_interface(model: onnx.ModelProto, name: str, header: OnnxHeader) -> None:
    """Refuse inputs and outputs other than the contract's."""
    from onnx import TensorProto

    width = len(header.feature_names)
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = {i.name: _signature(i) for i in model.graph.input if i.name not in stored}
    if inputs != {"features": (TensorProto.FLOAT, 2, width)}:
        raise ModelError(
            f"{name} must have one input, `features`, float32 with {width} columns; it has"
            f" {_in_words(inputs)}. {RESTORE}"
        )
    outputs = {output.name: _signature(output) for output in model.graph.output}
    needed = {"label": TensorProto.INT64, "probabilities": TensorProto.FLOAT}
    words = "the outputs `label` (int64) and `probabilities` (float32)"
    result = RESULTS[header.target]
    if result != "probabilities":
        needed, words = {result: TensorProto.FLOAT}, f"the output `{result}` (float32)"
    allowed = {**needed, "contributions": TensorProto.FLOAT}
    wrong_type = any(outputs[key][0] != allowed.get(key) for key in outputs)
    if wrong_type or not needed.keys() <= outputs.keys():
        raise ModelError(
            f"{name} must have {words}, and may have `contributions` (float32); it has"
            f" {_in_words(outputs)}. {RESTORE}"
        )


def _signature(value: onnx.ValueInfoProto) -> tuple[int, int, int]:
    """Element type, number of dimensions and size of the last one (0: not fixed)."""
    tensor = value.type.tensor_type
    dimensions = tensor.shape.dim
    return tensor.elem_type, len(dimensions), dimensions[-1].dim_value if dimensions else 0


def _in_words(values: dict[str, tuple[int, int, int]]) -> str:
    """Return inputs or outputs, for a message."""
    from onnx import TensorProto

    words = [
        f"`{name}` ({TensorProto.DataType.Name(kind).lower()}, {width or 'any number of'} columns)"
        for name, (kind, _, width) in values.items()
    ]
    return ", ".join(words) or "none"


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Every tensor stored in the graph."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values
        yield sparse.indices
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
