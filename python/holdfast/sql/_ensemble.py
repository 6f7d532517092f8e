"""Tree ensembles of the model file, brought into one form.

Every decision becomes ``x <= threshold`` on float32 values, with the side that a missing value
takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from holdfast.contract import TreeEnsemble
from holdfast.sql._errors import SqlError

__all__ = ["Decision", "Ensemble", "Leaf", "Tree", "decisions_of", "grow_ensemble", "leaves_of"]


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


def grow_ensemble(read: TreeEnsemble, outputs: list[int]) -> Ensemble:
    """Bring an ensemble into the form of this module.

    Parameters
    ----------
    read
        The columns of the operator.
    outputs
        The ids that leaves may name, in the order of the outputs.

    Raises
    ------
    SqlError
        The trees test by something else than a comparison with a number.
    TreeFormatError
        A leaf names another output.
    """
    values = read.leaf_values(outputs).tolist()
    modes, features = read.mode.tolist(), read.feature.tolist()
    yes, no, missing_yes = read.true.tolist(), read.false.tolist(), read.missing_true.tolist()

    def build(row: int) -> Tree:
        if yes[row] < 0:
            return Leaf(tuple(values[row]))
        return _decision(
            modes[row],
            features[row],
            read.threshold[row],
            missing_yes[row],
            build(yes[row]),
            build(no[row]),
        )

    trees = tuple(build(root) for root in read.roots.tolist())
    base = read.base_values or (0.0,) * len(outputs)
    if len(base) != len(outputs):
        raise SqlError(f"it has {len(base)} base values for {len(outputs)} scores")
    return Ensemble(trees, base)


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
