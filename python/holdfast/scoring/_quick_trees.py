"""Tree ensembles written as ONNX Runtime runs them fastest.

As soon as one node of an ensemble sends missing values down its first branch, ONNX Runtime asks at
every node whether the value is missing; and an ensemble of two classes keeps its sums in lists.
Without both it takes a quarter less time for the same leaves. :func:`quicken` rewrites the graph
that runs; the stored one stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from holdfast.contract import (
    TREE_OPERATORS,
    TreeEnsemble,
    TreeFormatError,
    as_regressor,
    read_ensemble_node,
)

if TYPE_CHECKING:
    import onnx

__all__ = ["QuickGraph", "borders_of", "quicken", "without_parts"]

FloatArray = npt.NDArray[np.float32]

_PREFIX = "holdfast_quick_"
_WIDE, _NARROW = f"{_PREFIX}wide", f"{_PREFIX}narrow"


@dataclass(frozen=True)
class QuickGraph:
    """A graph that is run instead of the stored one.

    Parameters
    ----------
    model : onnx.ModelProto
        Its input `features` is float32 [N, F + C], its only output the one that was wanted. Where
        a tensor was to be given, it has that as its second input.
    lowered : numpy.ndarray, [C]
        The features, by their column, that come in a second time, with minus infinity where they
        are missing.
    """

    model: onnx.ModelProto
    lowered: npt.NDArray[np.intp]

    def widen(self, features: FloatArray) -> FloatArray:
        """Return the features with the second copies beside them, float32 [N, F + C].

        It is quickest where a feature's values lie in one piece, as in a transposed matrix.
        """
        rows, width = features.shape
        columns = np.empty((width + len(self.lowered), rows), np.float32)
        columns[:width] = features.T
        copies = columns[width:]
        np.take(columns, self.lowered, axis=0, out=copies)
        np.copyto(copies, -np.inf, where=np.isnan(copies))
        return np.ascontiguousarray(columns.T)


def without_parts(
    model: onnx.ModelProto, width: int, output: str, linear: str | None
) -> tuple[onnx.ModelProto, onnx.NodeProto, str] | None:
    """Leave the trees of a graph, and its linear part, to the caller.

    Parameters
    ----------
    model, width, output
        As `quicken` has them.
    linear
        The tensor of the linear part, double [N, 1], which becomes an input.

    Returns
    -------
    model, node, tensor; or None
        What is left, with `features` among its inputs only where it needs them; the ensemble; and
        its score, float32 [N, 1], which is an input of what is left. None where the graph does not
        have one ensemble of one score.
    """
    import onnx

    trees = [node for node in model.graph.node if node.op_type in TREE_OPERATORS]
    if len(trees) != 1 or _read(trees[0], width) is None:
        return None
    (node,) = trees
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    nodes = [each for each in copy.graph.node if each.op_type not in TREE_OPERATORS]
    if _has_one_score(node, output):
        score = f"{_PREFIX}score"
        nodes.append(onnx.helper.make_node("Sigmoid", [score], [output]))
    elif _is_plain_sum(node):
        (score,) = node.output
    else:
        return None
    nodes = _needed([each for each in nodes if linear not in each.output], output)
    inputs = [each for each in copy.graph.input if any(each.name in n.input for n in nodes)]
    tensors = [(score, onnx.TensorProto.FLOAT)]
    if linear is not None:
        tensors.append((linear, onnx.TensorProto.DOUBLE))
    inputs += [onnx.helper.make_tensor_value_info(*each, [None, 1]) for each in tensors]
    result = onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)
    for field, values in (("node", nodes), ("input", inputs), ("output", [result])):
        del getattr(copy.graph, field)[:]
        getattr(copy.graph, field).extend(values)
    return copy, node, score


def quicken(
    model: onnx.ModelProto, width: int, output: str, given: str | None = None
) -> QuickGraph | None:
    """Rewrite the tree ensemble of a graph, which is left as it is.

    Parameters
    ----------
    model : onnx.ModelProto
        The verified model.
    width : int
        Number of features, F.
    output : str
        The output that is wanted, the only one that is kept: ``probabilities`` or ``values``. It
        may have one column where it had two.
    given : str, optional
        A tensor inside the graph, double [N, 1], that comes in from outside instead; what computes
        it is left out.

    Returns
    -------
    QuickGraph or None
        None where there is nothing to gain.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    nodes: list[onnx.NodeProto] = []
    lowered = np.empty(0, np.intp)
    is_quicker = given is not None
    for node in copy.graph.node:
        ensemble = _read(node, width)
        if ensemble is not None:
            # of several ensembles the first: the others keep their question
            if not len(lowered):
                lowered = _lower_missing(node, ensemble, width)
                is_quicker |= bool(len(lowered))
            if _has_one_score(node, output):
                nodes += _as_regressor(node, output)
                is_quicker = True
                continue
        nodes.append(node)
    if not is_quicker:
        return None
    if given is not None:
        nodes = [node for node in nodes if given not in node.output]
    needed = _needed(nodes, output)
    if len(lowered):
        _widen_input(copy, needed, width, len(lowered))
    del copy.graph.node[:]
    copy.graph.node.extend(needed)
    if given is not None:
        tensor = onnx.helper.make_tensor_value_info(given, onnx.TensorProto.DOUBLE, [None, 1])
        copy.graph.input.append(tensor)
    del copy.graph.output[:]
    value = onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)
    copy.graph.output.append(value)
    return QuickGraph(copy, lowered)


def borders_of(model: onnx.ModelProto, width: int) -> dict[int, npt.NDArray[np.float32]]:
    """Return the thresholds of a graph's trees, by the column of their feature."""
    found: dict[int, set[float]] = {}
    for node in model.graph.node:
        ensemble = _read(node, width)
        if ensemble is not None:
            inner = ensemble.is_inner
            for column, threshold in zip(
                ensemble.feature[inner].tolist(), ensemble.threshold[inner].tolist(), strict=True
            ):
                found.setdefault(column, set()).add(threshold)
    return {column: np.array(sorted(each), np.float32) for column, each in found.items()}


def _read(node: onnx.NodeProto, width: int) -> TreeEnsemble | None:
    """Read a node, if it is an ensemble on the features themselves, its thresholds float32."""
    if node.op_type not in TREE_OPERATORS or list(node.input) != ["features"]:
        return None
    try:
        return read_ensemble_node(node, width)
    except TreeFormatError:
        return None


def _lower_missing(
    node: onnx.NodeProto, ensemble: TreeEnsemble, width: int
) -> npt.NDArray[np.intp]:
    """Let missing values find their branch by comparison alone.

    Comparisons with NaN are false, which is where a node sends missing values that does not say
    otherwise. Those that do read a second copy of the feature, in which minus infinity stands for
    a missing value: it is below every threshold. Changes the node, and gives the features, by
    column, that need a copy; none where no node does, or where one is of another kind.
    """
    sent = ensemble.missing_true & ensemble.is_inner
    is_comparison = (ensemble.mode == "BRANCH_LEQ") & ~np.isnan(ensemble.threshold)
    if not sent.any() or not is_comparison[sent].all():
        return np.empty(0, np.intp)
    features = ensemble.feature.copy()
    columns = np.unique(features[sent])
    features[sent] = width + np.searchsorted(columns, features[sent])
    attributes = _attributes(node)
    attributes["nodes_featureids"].ints[:] = features.tolist()
    node.attribute.remove(attributes["nodes_missing_value_tracks_true"])
    node.input[0] = _WIDE
    return columns.astype(np.intp)


def _widen_input(
    model: onnx.ModelProto, nodes: list[onnx.NodeProto], width: int, copies: int
) -> None:
    """Let the input be the features with copies behind them; who reads the features gets these."""
    from onnx import helper, numpy_helper

    if any("features" in node.input for node in nodes):
        for name, value in (("from", 0), ("to", width), ("axis", 1)):
            tensor = numpy_helper.from_array(np.array([value], np.int64), f"{_PREFIX}{name}")
            model.graph.initializer.append(tensor)
        places = [f"{_PREFIX}{name}" for name in ("from", "to", "axis")]
        nodes.insert(0, helper.make_node("Slice", [_WIDE, *places], [_NARROW]))
        for node in nodes:
            node.input[:] = [_NARROW if each == "features" else each for each in node.input]
    for node in nodes:
        node.input[:] = ["features" if each == _WIDE else each for each in node.input]
    (given,) = (value for value in model.graph.input if value.name == "features")
    given.type.tensor_type.shape.dim[-1].dim_value = width + copies


def _has_one_score(node: onnx.NodeProto, output: str) -> bool:
    """Whether a node is a classifier of two classes whose trees give one score, and the output."""
    attributes = _attributes(node)
    needed = {"classlabels_int64s", "class_ids", "class_weights", "post_transform", "base_values"}
    return (
        node.op_type == "TreeEnsembleClassifier"
        and list(node.output[1:]) == [output]
        and needed <= attributes.keys()
        and list(attributes["classlabels_int64s"].ints) == [0, 1]
        and len(set(attributes["class_ids"].ints)) == 1
        and attributes["post_transform"].s == b"LOGISTIC"
        and len(attributes["base_values"].floats) == 1
    )


def _is_plain_sum(node: onnx.NodeProto) -> bool:
    """Whether a node is a regressor whose one output is the sum of its trees."""
    attributes = _attributes(node)
    return (
        node.op_type == "TreeEnsembleRegressor"
        and "post_transform" in attributes
        and attributes["post_transform"].s == b"NONE"
        and "n_targets" in attributes
        and attributes["n_targets"].i == 1
    )


def _as_regressor(node: onnx.NodeProto, output: str) -> list[onnx.NodeProto]:
    """Write a classifier of one score as the sum of its trees, and the sigmoid of that."""
    from onnx import helper

    score = f"{_PREFIX}score"
    regressor = as_regressor(node, node.input[0], score)
    return [regressor, helper.make_node("Sigmoid", [score], [output])]


def _needed(nodes: list[onnx.NodeProto], output: str) -> list[onnx.NodeProto]:
    """Return the nodes on which an output depends, in their order."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return a node's attributes by name."""
    return {attribute.name: attribute for attribute in node.attribute}
