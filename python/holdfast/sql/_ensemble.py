"""Tree ensembles of the ONNX operators, read and brought into one form.

Every decision becomes ``x <= threshold`` on float32 values, with the side that a missing value
takes. TreeEnsembleClassifier and TreeEnsembleRegressor of ai.onnx.ml 1 to 3:
https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleClassifier.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from holdfast.sql._errors import SqlError

__all__ = ["Decision", "Ensemble", "Leaf", "Tree", "decisions_of", "leaves_of", "read_ensemble"]

_DEEPEST = 400


@dataclass(frozen=True)
class Leaf:
    """What a leaf adds to each output."""

    values: tuple[float, ...]


@dataclass(frozen=True)
class Decision:
    """``x[feature] <= threshold`` goes to ``low``, a missing value to ``low`` or ``high``."""

    feature: int
    threshold: float
    missing_low: bool
    low: Tree
    high: Tree


Tree: TypeAlias = Decision | Leaf


@dataclass(frozen=True)
class Ensemble:
    """Trees whose leaves are summed, and what is added to each output's sum."""

    trees: tuple[Tree, ...]
    base: tuple[float, ...]

    @property
    def features(self) -> tuple[int, ...]:
        """The features that decide anything, in order."""
        return tuple(sorted({d.feature for tree in self.trees for d in decisions_of(tree)}))

    def bounds(self, output: int) -> tuple[float, float]:
        """Between which numbers a sum lies."""
        low = high = self.base[output]
        for tree in self.trees:
            values = [leaf.values[output] for leaf in leaves_of(tree)]
            low, high = low + min(values), high + max(values)
        return low, high


def decisions_of(tree: Tree) -> Iterator[Decision]:
    """Every decision of a tree, the root first."""
    if isinstance(tree, Decision):
        yield tree
        yield from decisions_of(tree.low)
        yield from decisions_of(tree.high)


def leaves_of(tree: Tree) -> Iterator[Leaf]:
    """Every leaf of a tree, from low to high."""
    if isinstance(tree, Leaf):
        yield tree
    else:
        yield from leaves_of(tree.low)
        yield from leaves_of(tree.high)


def read_ensemble(attributes: dict[str, Any], prefix: str, outputs: list[int]) -> Ensemble:
    """Read the attributes of one operator.

    Parameters
    ----------
    attributes
        The node's attributes by name.
    prefix
        ``class`` or ``target``: how the leaves' attributes are named.
    outputs
        The ids that leaves may name, in the order of the outputs.

    Raises
    ------
    SqlError
        The attributes do not make trees.
    """
    for name in attributes:
        if name.endswith("_as_tensor"):
            raise SqlError(f"its attribute {name} holds double precision trees")
    count = len(attributes["nodes_modes"])
    tracks = attributes.get("nodes_missing_value_tracks_true") or [0] * count
    rows: dict[tuple[int, int], int] = {}
    roots: dict[int, tuple[int, int]] = {}
    keys = list(zip(attributes["nodes_treeids"], attributes["nodes_nodeids"], strict=True))
    for row, key in enumerate(keys):
        rows[key] = row
        # The operator has no mark for roots: a tree's root is its first node.
        roots.setdefault(key[0], key)
    position = {output: k for k, output in enumerate(outputs)}
    values: dict[tuple[int, int], list[float]] = {}
    for tree, node, output, weight in zip(
        *(attributes[f"{prefix}_{name}"] for name in ("treeids", "nodeids", "ids", "weights")),
        strict=True,
    ):
        if output not in position:
            raise SqlError(f"a leaf adds to the output {output}, which is not there")
        leaf = values.setdefault((tree, node), [0.0] * len(outputs))
        leaf[position[output]] += float(weight)
    nothing = (0.0,) * len(outputs)

    def build(key: tuple[int, int], depth: int) -> Tree:
        row = rows.get(key)
        if row is None or depth > _DEEPEST:
            raise SqlError(f"its tree {key[0]} lacks a node, or is deeper than {_DEEPEST}")
        mode = attributes["nodes_modes"][row]
        mode = mode.decode() if isinstance(mode, bytes) else mode
        if mode == "LEAF":
            return Leaf(tuple(values.get(key, nothing)))
        yes, no = (
            build((key[0], attributes[f"nodes_{side}nodeids"][row]), depth + 1)
            for side in ("true", "false")
        )
        return _decision(
            mode,
            attributes["nodes_featureids"][row],
            np.float32(attributes["nodes_values"][row]),
            bool(tracks[row]),
            yes,
            no,
        )

    trees = tuple(build(root, 0) for root in roots.values())
    base = [float(x) for x in attributes.get("base_values") or [0.0] * len(outputs)]
    if len(base) != len(outputs):
        raise SqlError(f"it has {len(base)} base values for {len(outputs)} scores")
    return Ensemble(trees, tuple(base))


def _decision(
    mode: str, feature: int, threshold: np.float32, missing_yes: bool, yes: Tree, no: Tree
) -> Tree:
    """Bring a node into the form ``x <= threshold``."""
    if np.isnan(threshold):
        raise SqlError("its trees compare with NaN")
    with np.errstate(all="ignore"):  # below the lowest float32 is minus infinity
        below = np.nextafter(threshold, np.float32(-np.inf))
    up, down = float(threshold), float(below)
    if mode == "BRANCH_LEQ":
        return Decision(feature, up, missing_yes, yes, no)
    if mode == "BRANCH_GT":
        return Decision(feature, up, not missing_yes, no, yes)
    if mode in ("BRANCH_LT", "BRANCH_GTE"):
        if mode == "BRANCH_GTE":
            yes, no, missing_yes = no, yes, not missing_yes
        if threshold == np.float32(-np.inf):
            # Nothing lies below: what has a value goes to `no`.
            return Decision(feature, float("inf"), not missing_yes, no, yes)
        return Decision(feature, down, missing_yes, yes, no)
    raise SqlError(f"its trees test by {mode}")
