"""The distinct decisions of a tree ensemble, and what they say of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holdfast.contract import TreeEnsemble, TreeFormatError

__all__ = ["Decision", "Decisions", "patterns_of", "read_decisions", "sorted_decisions"]

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Decision:
    """A test ``x[feature] <= threshold``; nodes that test the same share it."""

    feature: int
    threshold: float
    missing_left: bool


class Decisions:
    """Decisions in their order, each of which is true or false of a row.

    Parameters
    ----------
    decisions : sequence of Decision
        As `sorted_decisions` has them: those on one feature stand together.
    """

    def __init__(self, decisions: Sequence[Decision]) -> None:
        self._tests: list[tuple[slice, int, FloatArray, bool]] = []
        start = 0
        for stop in range(1, len(decisions) + 1):
            here = decisions[start]
            if stop < len(decisions):
                following = decisions[stop]
                if (following.missing_left, following.feature) == (here.missing_left, here.feature):
                    continue
            thresholds = np.array([d.threshold for d in decisions[start:stop]], np.float32)
            test = (slice(start, stop), here.feature, thresholds[:, None], here.missing_left)
            self._tests.append(test)
            start = stop

    def decide(self, features: FloatArray, bits: BoolArray) -> None:
        """Write whether the rows of a matrix, [N, F], go left into the first rows of [bits, N]."""
        columns = np.ascontiguousarray(features.T)
        for rows, feature, thresholds, missing_left in self._tests:
            # Comparisons with NaN are false, so "not greater" is what sends missing values left.
            if missing_left:
                np.greater(columns[feature], thresholds, out=bits[rows])
                np.logical_not(bits[rows], out=bits[rows])
            else:
                np.less_equal(columns[feature], thresholds, out=bits[rows])


def read_decisions(ensemble: TreeEnsemble) -> dict[int, Decision]:
    """Return the decision of each inner node, by its row.

    Raises
    ------
    TreeFormatError
        A node makes another test than ``<=``, or compares with NaN.
    """
    inner = np.flatnonzero(ensemble.is_inner).tolist()
    kinds = set(ensemble.mode[inner].tolist()) - {"BRANCH_LEQ"}
    if kinds:
        raise TreeFormatError(f"its trees test by {', '.join(sorted(kinds))}, not by `<=`")
    if np.isnan(ensemble.threshold[inner]).any():
        raise TreeFormatError("its trees compare with NaN")
    return {
        row: Decision(feature, threshold, missing_left)
        for row, feature, threshold, missing_left in zip(
            inner,
            ensemble.feature[inner].tolist(),
            ensemble.threshold[inner].tolist(),
            ensemble.missing_true[inner].tolist(),
            strict=True,
        )
    }


def sorted_decisions(decisions: Iterable[Decision]) -> list[Decision]:
    """Return the distinct ones, those that one comparison can make side by side."""
    return sorted(set(decisions), key=lambda d: (d.missing_left, d.feature, d.threshold))


def patterns_of(bits: BoolArray, pattern_rows: npt.NDArray[np.intp]) -> npt.NDArray[np.uint8]:
    """Put bits of [bits, N] together, the highest first: a byte for each lookup and row."""
    as_bytes = bits.view(np.uint8)
    patterns: npt.NDArray[np.uint8] = as_bytes[pattern_rows[0]]
    for rows in pattern_rows[1:]:
        # a shift by one, which NumPy is slow at
        np.add(patterns, patterns, out=patterns)
        np.bitwise_or(patterns, as_bytes[rows], out=patterns)
    return patterns
