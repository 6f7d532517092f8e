"""What skl2onnx makes of estimators, and pipelines with the outputs that every model has."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from holdfast.contract import LINEAR_TERMS, OPSETS, OnnxHeader, finish, result_outputs
from holdfast.errors import TrainingError

__all__ = ["convert", "pipeline_onnx"]

_converting = threading.Lock()


def convert(estimator: Any, width: int) -> onnx.ModelProto:
    """Convert a fitted classifier, regressor or pipeline on so many features with skl2onnx."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.base import is_classifier

    # what is done to warnings is done for all threads of the process
    with _converting, warnings.catch_warnings():
        # skl2onnx 1.20 hands NumPy scalars to protobuf, which deprecates that.
        warnings.simplefilter("ignore", DeprecationWarning)
        model: onnx.ModelProto = convert_sklearn(
            estimator,
            name="holdfast",
            initial_types=[("features", FloatTensorType([None, width]))],
            options={id(estimator): {"zipmap": False}} if is_classifier(estimator) else None,
            target_opset=OPSETS,
        )
    return model


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
    model = convert(estimator, len(header.feature_names))
    graph = model.graph
    wanted = result_outputs(header.target)
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
        ("Mul", ["term_centred", "term_coefficient"], LINEAR_TERMS, {}),
        ("Cast", [LINEAR_TERMS], "contributions", {"to": TensorProto.FLOAT}),
    )
    for operator, inputs, output, attributes in steps:
        graph.node.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
    shape = [None, len(coefficient)]
    graph.output.append(helper.make_tensor_value_info("contributions", TensorProto.FLOAT, shape))
