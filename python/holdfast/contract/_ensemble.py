"""Tree ensembles of the ONNX operators, read into columns.

TreeEnsembleClassifier and TreeEnsembleRegressor of ai.onnx.ml 1 to 3:
https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleClassifier.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.contract._errors import TreeFormatError

if TYPE_CHECKING:
    import onnx

__all__ = ["TreeEnsemble", "as_regressor", "leaf_prefix", "read_ensemble", "read_ensemble_node"]

LEAF = "LEAF"
# Trees of Holdfast are 3 deep; what follows them goes down by recursion.
_DEEPEST = 400
_NODE_COLUMNS = (
    "treeids",
    "nodeids",
    "featureids",
    "truenodeids",
    "falsenodeids",
    "modes",
    "values",
)


@dataclass(frozen=True, eq=False)
class TreeEnsemble:
    """Trees whose leaves are summed: a row per node, in the order of the file.

    Every node but the roots has one parent, and whatever a root leads to is there.

    Parameters
    ----------
    tree
        Id of the tree that a node belongs to, int64 [n].
    mode
        How a node tests, such as ``BRANCH_LEQ``, or ``LEAF``, str [n].
    feature
        Column of the feature that is tested, int64 [n]; a leaf's means nothing.
    threshold
        float32 [n]; it may be NaN.
    missing_true
        Whether a missing value passes the test, bool [n].
    true, false
        Rows of the children, int64 [n]; -1 for a leaf.
    cover
        Training rows that came by, float32 [n]; zeros where the file does not say.
    roots
        Rows of the roots, in the order of the file, int64 [t].
    leaf, output, weight
        The row of a leaf, or -1 where it is not there, the id of an output, and what the one adds
        to the other; each of shape [l].
    base_values
        What is added to the sums of the outputs; empty means zeros.
    """

    tree: NDArray[np.int64]
    mode: NDArray[np.str_]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    missing_true: NDArray[np.bool_]
    true: NDArray[np.int64]
    false: NDArray[np.int64]
    cover: NDArray[np.float32]
    roots: NDArray[np.int64]
    leaf: NDArray[np.int64]
    output: NDArray[np.int64]
    weight: NDArray[np.float32]
    base_values: tuple[float, ...]

    @property
    def is_inner(self) -> NDArray[np.bool_]:
        """Which nodes test something, bool [n]."""
        result: NDArray[np.bool_] = self.mode != LEAF
        return result

    def leaf_values(self, outputs: Sequence[int]) -> NDArray[np.float64]:
        """Return what every node adds to each of some outputs, [n, k].

        Parameters
        ----------
        outputs
            All ids that leaves may name.

        Raises
        ------
        TreeFormatError
            A leaf names another.
        """
        values = np.zeros((len(self.mode), len(outputs)))
        position = {output: k for k, output in enumerate(outputs)}
        for row, output, weight in zip(
            self.leaf.tolist(), self.output.tolist(), self.weight.tolist(), strict=True
        ):
            if output not in position:
                raise TreeFormatError(f"a leaf adds to the output {output}, which is not there")
            if row >= 0:
                values[row, position[output]] += weight
        return values


def leaf_prefix(operator: str) -> str:
    """Give what the names of the attributes of an operator's leaves begin with."""
    return "class" if operator == "TreeEnsembleClassifier" else "target"


def read_ensemble_node(node: onnx.NodeProto, width: int) -> TreeEnsemble:
    """Read the trees of a node of a graph; else as `read_ensemble`."""
    from onnx import helper

    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    return read_ensemble(node.op_type, attributes, width)


def read_ensemble(operator: str, attributes: Mapping[str, Any], width: int) -> TreeEnsemble:
    """Read the attributes of one operator.

    Parameters
    ----------
    operator
        One of `TREE_OPERATORS`.
    attributes
        Its attributes by name.
    width
        Number of columns that come in, F.

    Raises
    ------
    TreeFormatError
        The attributes do not make trees, or trees on other columns, or trees that are not summed.
    """
    for name in attributes:
        if name.endswith("_as_tensor"):
            raise TreeFormatError(f"its attribute {name} holds double precision trees")
    if attributes.get("aggregate_function", b"SUM") != b"SUM":
        raise TreeFormatError("its trees are not summed")
    prefix = leaf_prefix(operator)
    try:
        table = {name: attributes[f"nodes_{name}"] for name in _NODE_COLUMNS}
        leaves = [attributes[f"{prefix}_{name}"] for name in ("treeids", "nodeids", "ids")]
        weights = attributes[f"{prefix}_weights"]
    except KeyError as error:
        raise TreeFormatError(f"its trees lack the attribute {error}") from None
    count = len(table["modes"])
    # An absent optional attribute means: no row counts, missing values fail every test.
    cover, missing = (
        attributes.get(f"nodes_{name}") or [0] * count
        for name in ("hitrates", "missing_value_tracks_true")
    )
    if count == 0 or any(len(column) != count for column in (*table.values(), cover, missing)):
        raise TreeFormatError("its trees' attributes differ in length")
    if len({len(weights), *map(len, leaves)}) > 1:
        raise TreeFormatError("its leaves' attributes differ in length")
    rows: dict[tuple[int, int], int] = {}
    roots: dict[int, int] = {}
    for row, key in enumerate(zip(table["treeids"], table["nodeids"], strict=True)):
        # The operator has no mark for roots: a tree's root is its first node.
        roots.setdefault(key[0], row)
        rows[key] = row
    if len(rows) != count:
        raise TreeFormatError("two nodes of its trees have the same id")
    mode = np.array([each.decode(errors="replace") for each in table["modes"]])
    feature = np.array(table["featureids"], np.int64)
    inner = np.flatnonzero(mode != LEAF)
    if np.any((feature[inner] < 0) | (feature[inner] >= width)):
        raise TreeFormatError("its trees test a feature that the model does not have")
    true, false = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    for children, name in ((true, "truenodeids"), (false, "falsenodeids")):
        ids, trees = table[name], table["treeids"]
        children[inner] = [rows.get((trees[row], ids[row]), -1) for row in inner.tolist()]
    first = np.array(list(roots.values()), np.int64)
    _check_shape(first, true, false, mode != LEAF)
    return TreeEnsemble(
        tree=np.array(table["treeids"], np.int64),
        mode=mode,
        feature=feature,
        threshold=np.array(table["values"], np.float32),
        missing_true=np.array(missing, np.int64) != 0,
        true=true,
        false=false,
        cover=np.array(cover, np.float32),
        roots=first,
        leaf=np.array([rows.get(key, -1) for key in zip(*leaves[:2], strict=True)], np.int64),
        output=np.array(leaves[2], np.int64),
        weight=np.array(weights, np.float32),
        base_values=tuple(float(value) for value in attributes.get("base_values") or ()),
    )


def _check_shape(
    roots: NDArray[np.int64],
    true: NDArray[np.int64],
    false: NDArray[np.int64],
    is_inner: NDArray[np.bool_],
) -> None:
    """Refuse what is no tree: missing nodes, nodes with two parents, and endless depth."""
    is_seen = np.zeros(len(true), np.bool_)
    level, depth = roots, 0
    while len(level):
        if (level < 0).any() or is_seen[level].any() or len(np.unique(level)) < len(level):
            raise TreeFormatError("a node of its trees is missing or has two parents")
        if depth > _DEEPEST:
            raise TreeFormatError(f"its trees are deeper than {_DEEPEST}")
        is_seen[level] = True
        parents = level[is_inner[level]]
        level, depth = np.concatenate([true[parents], false[parents]]), depth + 1


def as_regressor(node: onnx.NodeProto, source: str, output: str) -> onnx.NodeProto:
    """Write an ensemble as the sum of its trees.

    Of a classifier of one score it is the same ensemble without classes; its attributes have other
    names.

    Parameters
    ----------
    node
        The ensemble; it is left as it is.
    source
        The tensor of the features.
    output
        Name of the sum, float32 [N, 1].
    """
    from onnx import helper

    attributes = {attribute.name: attribute for attribute in node.attribute}
    prefix = leaf_prefix(node.op_type)
    regressor: onnx.NodeProto = helper.make_node(
        "TreeEnsembleRegressor",
        [source],
        [output],
        name=output,
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        base_values=list(attributes["base_values"].floats),
        target_treeids=list(attributes[f"{prefix}_treeids"].ints),
        target_nodeids=list(attributes[f"{prefix}_nodeids"].ints),
        target_ids=[0] * len(attributes[f"{prefix}_ids"].ints),
        target_weights=list(attributes[f"{prefix}_weights"].floats),
    )
    regressor.attribute.extend(
        attribute for attribute in node.attribute if attribute.name.startswith("nodes_")
    )
    return regressor
