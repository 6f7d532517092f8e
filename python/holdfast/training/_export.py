"""Writing fitted models as ONNX files that are the same, byte for byte, for the same training."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from holdfast.errors import TrainingError

if TYPE_CHECKING:
    from holdfast.training._blend import BlendedModel, SilencePart
    from holdfast.training._linear import LinearModel
    from holdfast.training._target import Target
    from holdfast.training._trees import TreeModel

__all__ = [
    "OPSETS",
    "Graph",
    "OnnxHeader",
    "blend_onnx",
    "check_parity",
    "finish",
    "linear_onnx",
    "predict_onnx",
    "trees_onnx",
]

CONTRACT = "1"
PARITY_TOLERANCE = 1e-6
# Of the largest value: trees add up float32, which holds seven digits whatever the unit.
VALUE_TOLERANCE = 1e-5
# The tensor of a graph, double [N, F], that holds what each feature adds to linear log-odds.
LINEAR_TERMS = "terms"
# The tensor of a graph, double [N, 1], that holds the part of BG/NBD in the log-odds.
SILENCE_LOG_ODDS = "silence_log_odds"

# Pinned: a newer onnx would otherwise write files that an older runtime cannot open.
_IR_VERSION = 8
OPSETS = {"": 18, "ai.onnx.ml": 3}


@dataclass(frozen=True)
class OnnxHeader:
    """What a model file says of itself, beside its graph; the label is its name for people."""

    task: str
    algorithm: str
    label: str
    feature_names: tuple[str, ...]
    target: str = "classification"


class Graph:
    """A graph under construction, from `features` to `probabilities` or `values`."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: Any, dtype: Any = np.float64) -> str:
        """Add an initializer."""
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node with one output."""
        made = helper.make_node(operator, inputs, [output], name=output, **attributes)
        self.nodes.append(made)
        return output

    def outputs(self, probability: str, one: str) -> None:
        """Add what turns a probability, double [N, 1], into the outputs that every model has."""
        complement = self.node("Sub", [one, probability], "complement")
        both = self.node("Concat", [complement, probability], "both", axis=1)
        self.node("Cast", [both], "probabilities", to=TensorProto.FLOAT)
        self.node("ArgMax", ["probabilities"], "label", axis=1, keepdims=0)

    def results(self, score: str, one: str, target: Target) -> None:
        """Add what turns log-odds, or the value, [N, 1], into the outputs of a model."""
        if target.is_numeric:
            self.node("Cast", [score], "values", to=TensorProto.FLOAT)
        else:
            self.outputs(self.node("Sigmoid", [score], "probability"), one)

    def model(self, *, has_contributions: bool) -> onnx.ModelProto:
        """Give the whole as a model."""
        outputs = [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
        ]
        if any("values" in node.output for node in self.nodes):
            outputs = [helper.make_tensor_value_info("values", TensorProto.FLOAT, [None, 1])]
        if has_contributions:
            shape = [None, self.width]
            outputs.append(helper.make_tensor_value_info("contributions", TensorProto.FLOAT, shape))
        features = helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, self.width])
        graph = helper.make_graph(
            self.nodes, "holdfast", [features], outputs, initializer=self.constants
        )
        return helper.make_model(graph)


def linear_onnx(model: LinearModel, header: OnnxHeader) -> bytes:
    """Write a logistic or linear regression, node by node.

    The inside is double precision: a sum of many float32 terms would come near the tolerance.
    """
    graph = Graph(len(header.feature_names))
    one = graph.constant("one", 1.0)
    log_odds = _linear_log_odds(graph, model, one)
    graph.results(log_odds, one, model.target)
    graph.node("Cast", [LINEAR_TERMS], "contributions", to=TensorProto.FLOAT)
    return finish(graph.model(has_contributions=True), header, model.base_value)


def trees_onnx(model: TreeModel, header: OnnxHeader) -> bytes:
    """Write a HistGradientBoostingClassifier: what skl2onnx makes of it, completed.

    skl2onnx rounds a threshold to the nearest float32, which may lie above the double that
    scikit-learn compares with; here it is rounded down, so every float32 value takes the same
    branch. The hit rates become the training rows of each node, and the base value the mean of
    the trees weighted by them, as path-dependent TreeSHAP needs it (Lundberg et al. 2020).
    """
    if model.target.is_numeric:
        graph = Graph(len(header.feature_names))
        _add_regressor(graph, model)
        graph.results("tree_score", "", model.target)
        return finish(graph.model(has_contributions=False), header, model.base_value)
    written = _convert_trees(model.estimator, len(header.feature_names))
    _complete_ensemble(_the_ensemble(written), model)
    return finish(written, header, model.base_value)


def blend_onnx(model: BlendedModel, header: OnnxHeader) -> bytes:
    """Write the sum of the log-odds of a linear model, of trees and, with a part, of BG/NBD.

    There is no output `contributions`: those of the trees take TreeSHAP. What explains the model
    adds them to the linear terms, the tensor `LINEAR_TERMS` of the graph, and to Shapley values
    of `SILENCE_LOG_ODDS` against the values in the metadata `holdfast.reference`.
    """
    graph = Graph(len(header.feature_names))
    one = graph.constant("one", 1.0)
    linear_log_odds = _linear_log_odds(graph, model.linear, one)
    _add_regressor(graph, model.trees)
    tree_log_odds = graph.node("Cast", ["tree_score"], "tree_log_odds", to=TensorProto.DOUBLE)
    log_odds = graph.node("Add", [linear_log_odds, tree_log_odds], "fitted_log_odds")
    noted = {}
    if model.silence is not None:
        of_silence = _silence_log_odds(graph, model.silence, header, one)
        log_odds = graph.node("Add", [log_odds, of_silence], "log_odds")
        reference = zip(model.silence.names, model.silence.reference.tolist(), strict=True)
        noted["holdfast.reference"] = json.dumps(dict(reference))
    graph.results(log_odds, one, model.linear.target)
    return finish(graph.model(has_contributions=False), header, model.base_value, noted)


def _add_regressor(graph: Graph, model: TreeModel) -> None:
    """Add the trees of a booster with their raw score as output."""
    ensemble = _the_ensemble(_convert_trees(model.estimator, graph.width))
    _complete_ensemble(ensemble, model)
    attributes = {attribute.name: attribute for attribute in ensemble.attribute}
    # Of a classifier, it is the same ensemble without classes; its attributes have other names.
    kind = _kind(ensemble)
    regressor = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["tree_score"],
        name="tree_score",
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        base_values=list(attributes["base_values"].floats),
        target_treeids=list(attributes[f"{kind}_treeids"].ints),
        target_nodeids=list(attributes[f"{kind}_nodeids"].ints),
        target_ids=[0] * len(attributes[f"{kind}_ids"].ints),
        target_weights=list(attributes[f"{kind}_weights"].floats),
    )
    regressor.attribute.extend(
        attribute for attribute in ensemble.attribute if attribute.name.startswith("nodes_")
    )
    graph.nodes.append(regressor)


def _silence_log_odds(graph: Graph, part: SilencePart, header: OnnxHeader, one: str) -> str:
    """Add the nodes of BG/NBD; give the name of its weighed log-odds, double [N, 1]."""
    from holdfast.training._bgnbd import silence_nodes

    columns = [header.feature_names.index(name) for name in part.names]
    picked = graph.constant("silence_columns", columns, np.int64)
    source = graph.node("Gather", ["features", picked], "silence_features", axis=1)
    probability = silence_nodes(graph, part.model, source, one)
    least = graph.constant("least_probability", part.least)
    most = graph.constant("most_probability", 1.0 - part.least)
    raised = graph.node("Max", [probability, least], "silence_raised")
    bounded = graph.node("Min", [raised, most], "silence_bounded")
    complement = graph.node("Sub", [one, bounded], "silence_complement")
    logs = [
        graph.node("Log", [bounded], "silence_log"),
        graph.node("Log", [complement], "silence_log_complement"),
    ]
    raw = graph.node("Sub", logs, "silence_raw_log_odds")
    slope = graph.constant("silence_slope", part.weight * part.factor)
    shift = graph.constant("silence_shift", part.base_value * (1.0 - part.factor))
    return graph.node(
        "Add", [graph.node("Mul", [raw, slope], "silence_stretched"), shift], SILENCE_LOG_ODDS
    )


def _linear_log_odds(graph: Graph, model: LinearModel, one: str) -> str:
    """Add the nodes of a linear model; give the name of its log-odds, double [N, 1]."""
    base = graph.constant("base_value", [model.base_value])
    last_axis = graph.constant("last_axis", [1], np.int64)
    signed_log = graph.constant("is_signed_log", model.signed_log[None, :], np.bool_)
    rows = {
        name: graph.constant(name, getattr(model, name)[None, :])
        for name in (
            "median",
            "lower",
            "upper",
            "mean",
            "scale",
            "coefficient",
            "missing_mean",
            "missing_coefficient",
        )
    }
    node = graph.node
    wide = node("Cast", ["features"], "wide", to=TensorProto.DOUBLE)
    not_a_number = node("IsNaN", [wide], "is_nan")
    infinite = node("IsInf", [wide], "is_infinite")
    missing = node("Or", [not_a_number, infinite], "is_missing")
    logarithm = node("Log", [node("Add", [one, node("Abs", [wide], "size")], "shifted")], "log")
    signed = node("Mul", [node("Sign", [wide], "sign"), logarithm], "signed_log")
    transformed = node("Where", [signed_log, signed, wide], "transformed")
    imputed = node("Where", [missing, rows["median"], transformed], "imputed")
    raised = node("Max", [imputed, rows["lower"]], "raised")
    bounded = node("Min", [raised, rows["upper"]], "bounded")
    centred = node("Sub", [bounded, rows["mean"]], "centred")
    standardised = node("Div", [centred, rows["scale"]], "standardised")
    own = node("Mul", [standardised, rows["coefficient"]], "own_terms")
    flags = node("Cast", [missing], "missing_flags", to=TensorProto.DOUBLE)
    centred_flags = node("Sub", [flags, rows["missing_mean"]], "centred_flags")
    of_flags = node("Mul", [centred_flags, rows["missing_coefficient"]], "missing_terms")
    terms = node("Add", [own, of_flags], LINEAR_TERMS)
    total = node("ReduceSum", [terms, last_axis], "total", keepdims=1)
    return node("Add", [base, total], "linear_log_odds")


def _convert_trees(estimator: Any, width: int) -> onnx.ModelProto:
    """Convert a HistGradientBoostingClassifier, or its Regressor, with skl2onnx."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.base import is_classifier

    with warnings.catch_warnings():
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


def _the_ensemble(model: onnx.ModelProto) -> onnx.NodeProto:
    """Give the one tree ensemble of a graph."""
    found: list[onnx.NodeProto] = [
        node
        for node in model.graph.node
        if node.op_type in ("TreeEnsembleClassifier", "TreeEnsembleRegressor")
    ]
    if len(found) != 1:
        raise TrainingError(
            f"skl2onnx wrote {len(found)} tree ensembles where one was expected. Install the "
            "version of skl2onnx that this version of Holdfast names."
        )
    return found[0]


def _kind(ensemble: onnx.NodeProto) -> str:
    """Give what the names of the attributes of an ensemble's leaves begin with."""
    return "class" if ensemble.op_type == "TreeEnsembleClassifier" else "target"


def _complete_ensemble(ensemble: onnx.NodeProto, model: TreeModel) -> None:
    """Round thresholds down, count training rows, and stretch leaves around their mean."""
    trees = [tree.nodes for (tree,) in model.estimator._predictors]
    thresholds = np.concatenate(
        [np.where(nodes["is_leaf"] == 1, 0.0, nodes["num_threshold"]) for nodes in trees]
    )
    counts = np.concatenate([nodes["count"] for nodes in trees])
    attributes = {attribute.name: attribute for attribute in ensemble.attribute}
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
    # weight * (base + factor * (raw - base)): what is constant of it goes to the base values.
    leaf_scale = model.factor * model.weight
    weights = attributes[f"{_kind(ensemble)}_weights"]
    leaves = np.array(weights.floats, dtype=np.float64) * leaf_scale
    weights.floats[:] = leaves.astype(np.float32).tolist()
    raw_base = np.array(attributes["base_values"].floats, dtype=np.float64)
    shift = model.base_value * (1.0 - model.factor)
    shifted = (raw_base * leaf_scale + shift).astype(np.float32)
    attributes["base_values"].floats[:] = shifted.tolist()


def predict_onnx(blob: bytes, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what ONNX Runtime predicts for each row, a probability or value, shape (n,)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(blob, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    (given,) = session.run([min({"probabilities", "values"} & {*names})], {"features": features})
    # of two classes the second, and the only value
    result: NDArray[np.float64] = given[:, -1].astype(np.float64)
    return result


def check_parity(
    algorithm: str,
    expected: NDArray[np.float64],
    given: NDArray[np.float64],
    *,
    is_numeric: bool = False,
) -> float:
    """Return the largest difference of two predictions; refuse one above the tolerance.

    That of numbers is told as a share of the largest of them.
    """
    gap = float(np.max(np.abs(expected - given), initial=0.0))
    tolerance, unit = PARITY_TOLERANCE, "in probability"
    if is_numeric:
        gap /= float(np.max(np.abs(expected), initial=0.0)) or 1.0
        tolerance, unit = VALUE_TOLERANCE, "of the largest value"
    # Written so that a NaN is refused too.
    if not gap <= tolerance:
        raise TrainingError(
            f"ONNX Runtime and the fitted {algorithm} differ by {gap:.3g} {unit}, more "
            f"than {tolerance:g}. Nothing was registered. Install the library versions "
            "that this version of Holdfast names, or report it with the training set."
        )
    return gap


def _floor_to_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 that is not above each value."""
    rounded = values.astype(np.float32)
    above = rounded.astype(np.float64) > values
    rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return rounded


def finish(
    model: onnx.ModelProto,
    header: OnnxHeader,
    base_value: float,
    noted: Mapping[str, str] | None = None,
) -> bytes:
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
        for domain, version in OPSETS.items()
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
            # what a file does not say is classification, as it was before there was another
            **({} if header.target == "classification" else {"holdfast.target": header.target}),
            **(noted or {}),
        },
    )
    onnx.checker.check_model(model, full_check=True)
    blob: bytes = model.SerializeToString(deterministic=True)
    return blob
