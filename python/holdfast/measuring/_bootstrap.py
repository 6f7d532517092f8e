"""A Poisson bootstrap over customers, whose cost has a bound however many the rows.

Customers are drawn, not rows: all rows of a customer stand or fall together. A hash puts customers
into 500 groups, and groups are drawn with weights of a Poisson distribution of mean 1, hashed too,
so that every run draws as the last one did. Sums by group and fiftieth of the ranks are all that a
replicate needs. Replicate 0 has everyone once: what fiftieths cost in exactness shows there, and is
taken off.
"""

from __future__ import annotations

from functools import cache
from hashlib import md5

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.measuring._ranks import Doubles

__all__ = ["GROUPS", "drawn", "groups_of", "intervals"]

GROUPS = 500
_REPLICATES = 200
_ENDS = (0.025, 0.975)
# how often a Poisson variable of mean 1 is at most 0, 1, 2, …
_CUMULATED = (
    3.6787944117144233e-1,
    7.3575888234288467e-1,
    9.1969860292860584e-1,
    9.8101184312384619e-1,
    9.9634015317265630e-1,
    9.9940581518241836e-1,
    9.9991675885076709e-1,
)


def _hashed(text: str) -> int:
    """Give the lower half of a text's MD5, as DuckDB's md5_number_lower does."""
    return int.from_bytes(md5(text.encode(), usedforsecurity=False).digest()[8:], "little")


def groups_of(customers: pa.Array) -> NDArray[np.int16]:
    """Give the group of each customer, who are named once each."""
    texts = customers.cast(pa.string()).to_pylist()
    return np.fromiter((_hashed(text) % GROUPS for text in texts), np.int16, len(texts))


@cache
def _weights() -> Doubles:
    """Give how often each group is drawn in each replicate, shape (replicates + 1, groups)."""
    draws = np.array(
        [
            [_hashed(f"{group} in {replicate}") % 1_000_000_000 / 1e9 for group in range(GROUPS)]
            for replicate in range(1, _REPLICATES + 1)
        ]
    )
    weights = np.searchsorted(_CUMULATED, draws, side="right").astype(np.float64)
    return np.vstack([np.ones(GROUPS), weights])


def drawn(
    groups: NDArray[np.int16], part: NDArray[np.int64], parts: int, sums: list[Doubles | None]
) -> Doubles:
    """Draw sums of rows by part, shape (replicates + 1, parts, sums); None counts the rows."""
    cell = groups.astype(np.int64) * parts + part
    size = GROUPS * parts
    cells = [np.bincount(cell, weights=values, minlength=size) for values in sums]
    table = np.stack(cells, axis=-1).astype(np.float64).reshape(GROUPS, -1)
    return (_weights() @ table).reshape(-1, parts, len(sums))


def intervals(replicates: dict[str, Doubles]) -> dict[str, tuple[float, float, float, float]]:
    """Give value undrawn, mean, and the ends of the 95 % percentile interval of each metric.

    A replicate in which a metric is not defined, NaN, is left out.
    """
    table = np.column_stack(list(replicates.values()))
    undrawn, values = table[0], table[1:]
    is_whole = ~np.isnan(values).any(axis=0)
    ends = np.full((2, len(undrawn)), np.nan)
    means = np.full(len(undrawn), np.nan)
    # all at once, and only what is not always defined one by one: there are many slices
    ends[:, is_whole] = np.quantile(values[:, is_whole], _ENDS, axis=0)
    means[is_whole] = values[:, is_whole].mean(axis=0)
    for column in np.flatnonzero(~is_whole & ~np.isnan(values).all(axis=0)):
        defined = values[~np.isnan(values[:, column]), column]
        ends[:, column] = np.quantile(defined, _ENDS)
        means[column] = defined.mean()
    rows = zip(undrawn.tolist(), means.tolist(), *ends.tolist(), strict=True)
    return dict(zip(replicates, rows, strict=True))
