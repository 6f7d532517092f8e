"""Writing an estimator of the user's own as ONNX, with the outputs that every model has."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from holdfast.errors import TrainingError
from holdfast.training._export import OPSETS, OnnxHeader, finish

__all__ = ["pipeline_onnx"]


def pipeline_onnx(
    estimator: Any,
    header: OnnxHeader,
    base_value: float,
    linear: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> bytes:
    """Convert a fitted classifier, regressor or pipeline with skl2onnx.

    Parameters
    ----------
    estimator
        Fitted on float32 features; the classes of a classifier are 0 and 1.
    header
        What the file says of itself.
    base_value
        Mean log-odds, or value, over the training rows.
    linear
        Coefficient and training mean of each column that its last step, a linear model, takes;
        given, the file has the output ``contributions``.

    Returns
    -------
    bytes
        The ONNX file.
    """
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    width, is_numeric = len(header.feature_names), header.target == "regression"
    with warnings.catch_warnings():
        # skl2onnx 1.20 hands NumPy scalars to protobuf, which deprecates that.
        warnings.simplefilter("ignore", DeprecationWarning)
        model = convert_sklearn(
            estimator,
            name="holdfast",
            initial_types=[("features", FloatTensorType([None, width]))],
            options=None if is_numeric else {id(estimator): {"zipmap": False}},
            target_opset=OPSETS,
        )
    graph = model.graph
    wanted = [
        helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
    ]
    if is_numeric:
        wanted = [helper.make_tensor_value_info("values", TensorProto.FLOAT, [None, 1])]
    if len(graph.output) != len(wanted):
        raise TrainingError(
            f"the graph has {len(graph.output)} outputs where {len(wanted)} were expected"
        )
    for output, info in zip(graph.output, wanted, strict=True):
        _rename(graph, output.name, info.name)
    del graph.output[:]
    graph.output.extend(wanted)
    if linear is not None:
        _add_contributions(graph, *linear)
    return finish(model, header, base_value)


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Give a tensor another name, and its name to whatever bears the new one."""
    if old == new:
        return
    swap = {old: new, new: f"former_{new}"}
    for node in graph.node:
        node.input[:] = [swap.get(name, name) for name in node.input]
        node.output[:] = [swap.get(name, name) for name in node.output]
    for output in graph.output:
        output.name = swap.get(output.name, output.name)


def _add_contributions(
    graph: onnx.GraphProto, coefficient: NDArray[np.float64], mean: NDArray[np.float64]
) -> None:
    """Add the term of each column in the score, counted from the training mean."""
    kinds = ("LinearClassifier", "LinearRegressor")
    (last,) = [node for node in graph.node if node.op_type in kinds]
    for name, values in (("term_coefficient", coefficient), ("term_mean", mean)):
        graph.initializer.append(numpy_helper.from_array(values[None, :], name))
    steps: tuple[tuple[str, list[str], str, dict[str, Any]], ...] = (
        ("Cast", [last.input[0]], "term_columns", {"to": TensorProto.DOUBLE}),
        ("Sub", ["term_columns", "term_mean"], "term_centred", {}),
        ("Mul", ["term_centred", "term_coefficient"], "terms", {}),
        ("Cast", ["terms"], "contributions", {"to": TensorProto.FLOAT}),
    )
    for operator, inputs, output, attributes in steps:
        graph.node.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
    shape = [None, len(coefficient)]
    graph.output.append(helper.make_tensor_value_info("contributions", TensorProto.FLOAT, shape))
