"""Rows from the highest prediction to the lowest: ties, tenths, and fiftieths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "TENTHS", "Doubles", "Ties", "find_ties", "parts", "ratio"]

Doubles: TypeAlias = NDArray[np.float64]

TENTHS = 10
# what the bootstrap knows of ranks; five of them make a tenth
BINS = 50


@dataclass(frozen=True)
class Ties:
    """Groups of rows of equal prediction, the highest first: they stand or fall together.

    Parameters
    ----------
    predicted
        The prediction of each group.
    before
        How many rows stand above it.
    row_count, total
        How many rows it has, and the sum of their outcomes.
    """

    predicted: Doubles
    before: NDArray[np.int64]
    row_count: NDArray[np.int64]
    total: Doubles


def find_ties(predicted: Doubles, outcome: Doubles) -> Ties:
    """Group rows, one at least, that are sorted from the highest prediction to the lowest."""
    is_first = np.ones(len(predicted), bool)
    np.not_equal(predicted[1:], predicted[:-1], out=is_first[1:])
    before = np.flatnonzero(is_first)
    return Ties(
        predicted=predicted[before],
        before=before,
        row_count=np.diff(before, append=len(predicted)),
        total=np.add.reduceat(outcome, before),
    )


def parts(positions: NDArray[np.int64], row_count: int, number: int) -> NDArray[np.int64]:
    """Give the part, from 0 on, of rows at these positions when all are cut into equal parts."""
    return positions * number // row_count


def ratio(over: Any, under: Any) -> Any:
    """Divide; by nothing gives NaN, which stands for what is not defined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(under, 0.0), np.nan, np.divide(over, under))
