"""Writing fitted models as ONNX files that are the same, byte for byte, for the same training."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from holdfast.training._errors import TrainingError

if TYPE_CHECKING:
    from holdfast.training._linear import LinearModel

__all__ = ["OnnxHeader", "check_parity", "linear_onnx", "predict_onnx", "trees_onnx"]

CONTRACT = "1"
PARITY_TOLERANCE = 1e-6

# Pinned: a newer onnx would otherwise write files that an older runtime cannot open.
_IR_VERSION = 8
_OPSETS = {"": 18, "ai.onnx.ml": 3}


@dataclass(frozen=True)
class OnnxHeader:
    """What a model file says of itself, beside its graph; the label is its name for people."""

    task: str
    algorithm: str
    label: str
    feature_names: tuple[str, ...]


def linear_onnx(model: LinearModel, header: OnnxHeader) -> bytes:
    """Write a logistic regression, node by node.

    The inside is double precision: a sum of many float32 terms would come near the tolerance.
    """
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(name: str, value: Any, dtype: Any) -> str:
        """Add an initializer."""
        constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node with one output."""
        nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    one = constant("one", 1.0, np.float64)
    base = constant("base_value", [model.base_value], np.float64)
    last_axis = constant("last_axis", [1], np.int64)
    signed_log = constant("is_signed_log", model.signed_log[None, :], np.bool_)
    rows = {
        name: constant(name, getattr(model, name)[None, :], np.float64)
        for name in (
            "median",
            "mean",
            "scale",
            "coefficient",
            "missing_mean",
            "missing_coefficient",
        )
    }
    wide = node("Cast", ["features"], "wide", to=TensorProto.DOUBLE)
    not_a_number = node("IsNaN", [wide], "is_nan")
    infinite = node("IsInf", [wide], "is_infinite")
    missing = node("Or", [not_a_number, infinite], "is_missing")
    logarithm = node("Log", [node("Add", [one, node("Abs", [wide], "size")], "shifted")], "log")
    signed = node("Mul", [node("Sign", [wide], "sign"), logarithm], "signed_log")
    transformed = node("Where", [signed_log, signed, wide], "transformed")
    imputed = node("Where", [missing, rows["median"], transformed], "imputed")
    centred = node("Sub", [imputed, rows["mean"]], "centred")
    standardised = node("Div", [centred, rows["scale"]], "standardised")
    own = node("Mul", [standardised, rows["coefficient"]], "own_terms")
    flags = node("Cast", [missing], "missing_flags", to=TensorProto.DOUBLE)
    centred_flags = node("Sub", [flags, rows["missing_mean"]], "centred_flags")
    of_flags = node("Mul", [centred_flags, rows["missing_coefficient"]], "missing_terms")
    terms = node("Add", [own, of_flags], "terms")
    total = node("ReduceSum", [terms, last_axis], "total", keepdims=1)
    probability = node("Sigmoid", [node("Add", [base, total], "log_odds")], "probability")
    complement = node("Sub", [one, probability], "complement")
    both = node("Concat", [complement, probability], "both", axis=1)
    node("Cast", [both], "probabilities", to=TensorProto.FLOAT)
    node("ArgMax", ["probabilities"], "label", axis=1, keepdims=0)
    node("Cast", [terms], "contributions", to=TensorProto.FLOAT)

    count = len(header.feature_names)
    graph = helper.make_graph(
        nodes,
        "holdfast",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, count])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
            helper.make_tensor_value_info("contributions", TensorProto.FLOAT, [None, count]),
        ],
        initializer=constants,
    )
    return _finish(helper.make_model(graph), header, model.base_value)


def trees_onnx(estimator: Any, header: OnnxHeader) -> bytes:
    """Convert a HistGradientBoostingClassifier with skl2onnx and complete what it leaves out.

    skl2onnx rounds a threshold to the nearest float32, which may lie above the double that
    scikit-learn compares with; here it is rounded down, so every float32 value takes the same
    branch. The hit rates become the training rows of each node, and the base value the mean of
    the trees weighted by them, as path-dependent TreeSHAP needs it (Lundberg et al. 2020).
    """
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    inputs = [("features", FloatTensorType([None, len(header.feature_names)]))]
    with warnings.catch_warnings():
        # skl2onnx 1.20 hands NumPy scalars to protobuf, which deprecates that.
        warnings.simplefilter("ignore", DeprecationWarning)
        model = convert_sklearn(
            estimator,
            name="holdfast",
            initial_types=inputs,
            options={id(estimator): {"zipmap": False}},
            target_opset=_OPSETS,
        )
    ensembles = [node for node in model.graph.node if node.op_type == "TreeEnsembleClassifier"]
    trees = [tree.nodes for (tree,) in estimator._predictors]
    if len(ensembles) != 1:
        raise TrainingError(
            f"skl2onnx wrote {len(ensembles)} tree ensembles where one was expected. Install the "
            "version of skl2onnx that this version of Holdfast names."
        )
    thresholds = np.concatenate(
        [np.where(nodes["is_leaf"] == 1, 0.0, nodes["num_threshold"]) for nodes in trees]
    )
    counts = np.concatenate([nodes["count"] for nodes in trees])
    attributes = {attribute.name: attribute for attribute in ensembles[0].attribute}
    for name, values in (
        ("nodes_values", _floor_to_float32(thresholds)),
        ("nodes_hitrates", counts.astype(np.float32)),
    ):
        if len(attributes[name].floats) != len(values):
            raise TrainingError(
                f"skl2onnx wrote {len(attributes[name].floats)} tree nodes, scikit-learn has "
                f"{len(values)}. Install the versions of both that this version of Holdfast names."
            )
        attributes[name].floats[:] = values.tolist()
    base_value = float(np.float32(estimator._baseline_prediction.ravel()[0]))
    for nodes in trees:
        leaves = nodes[nodes["is_leaf"] == 1]
        values = leaves["value"].astype(np.float32).astype(np.float64)
        base_value += float(np.average(values, weights=leaves["count"]))
    return _finish(model, header, base_value)


def predict_onnx(blob: bytes, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the probability of the event of each row by ONNX Runtime, shape (n,)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(blob, options, providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(["probabilities"], {"features": features})
    result: NDArray[np.float64] = probabilities[:, 1].astype(np.float64)
    return result


def check_parity(
    algorithm: str, expected: NDArray[np.float64], given: NDArray[np.float64]
) -> float:
    """Return the largest difference of two predictions; refuse one above the tolerance."""
    gap = float(np.max(np.abs(expected - given), initial=0.0))
    # Written so that a NaN is refused too.
    if not gap <= PARITY_TOLERANCE:
        raise TrainingError(
            f"ONNX Runtime and the fitted {algorithm} differ by {gap:.3g} in probability, more "
            f"than {PARITY_TOLERANCE:g}. Nothing was registered. Install the library versions "
            "that this version of Holdfast names, or report it with the training set."
        )
    return gap


def _floor_to_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 that is not above each value."""
    rounded = values.astype(np.float32)
    above = rounded.astype(np.float64) > values
    rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return rounded


def _finish(model: onnx.ModelProto, header: OnnxHeader, base_value: float) -> bytes:
    """Replace whatever depends on tool versions by our own, check the model, and serialise it."""
    model.ir_version = _IR_VERSION
    model.producer_name = "holdfast"
    model.producer_version = CONTRACT
    model.domain = ""
    model.model_version = 0
    model.doc_string = ""
    model.graph.name = "holdfast"
    model.graph.doc_string = ""
    del model.opset_import[:]
    domains = {node.domain for node in model.graph.node} | {""}
    model.opset_import.extend(
        helper.make_opsetid(domain, version)
        for domain, version in _OPSETS.items()
        if domain in domains
    )
    del model.metadata_props[:]
    helper.set_model_props(
        model,
        {
            "holdfast.contract": CONTRACT,
            "holdfast.task": header.task,
            "holdfast.algorithm": header.algorithm,
            "holdfast.feature_names": json.dumps(list(header.feature_names)),
            "holdfast.base_value": repr(float(base_value)),
            "holdfast.label": header.label,
        },
    )
    onnx.checker.check_model(model, full_check=True)
    blob: bytes = model.SerializeToString(deterministic=True)
    return blob
