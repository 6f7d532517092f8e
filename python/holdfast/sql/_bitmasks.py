"""Tree ensembles for DuckDB, by bit masks looked up in constant lists.

A row's way through a tree is known from the bin of each feature: how many of the ensemble's
thresholds lie below its value. Every bin rules out some leaves, and the one that no feature rules
out is the row's leaf. So a few trees share a 64-bit word with one bit per leaf; a feature's bin
looks up one word per group of trees, the words are combined with ``&``, and what remains looks up
the leaves' values. This turns the idea of QuickScorer (Lucchese et al. 2015,
https://doi.org/10.1145/2766462.2767733) into columns: no branches, and one list lookup serves all
decisions of several trees on one feature.

Everything is exact. A bin is found by a grid cell and a binary search inside it; the grid only
uses operations that IEEE 754 rounds correctly and that never fall, so Python knows which thresholds
share a value's cell.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from holdfast.sql._dialects import Dialect
from holdfast.sql._ensemble import Ensemble, Leaf, Tree, decisions_of, leaves_of

__all__ = ["BitMasks", "split_ensemble"]

_WORD_BITS = 64
# Two trees share a lookup of their leaves' sum where they have no more pairs of leaves than this.
_MOST_PAIRS = 256
_FEWEST_DECISIONS = 50
# 2 is a primitive root of 67: its powers up to the 65th leave different remainders.
_PRIME = 67
_GRIDS = (8, 16, 32, 64, 128, 256, 512)


def split_ensemble(ensemble: Ensemble) -> tuple[Ensemble | None, Ensemble]:
    """Part an ensemble into trees for bit masks, if there are enough, and the others."""
    small: list[Tree] = []
    others: list[Tree] = []
    for tree in ensemble.trees:
        leaves = sum(1 for _ in leaves_of(tree))
        (small if 1 < leaves < _WORD_BITS else others).append(tree)
    if sum(1 for tree in small for _ in decisions_of(tree)) < _FEWEST_DECISIONS:
        return None, ensemble
    nothing = (0.0,) * len(ensemble.base)
    return Ensemble(tuple(small), nothing), Ensemble(tuple(others), ensemble.base)


@dataclass
class BitMasks:
    """The stages of one ensemble.

    Parameters
    ----------
    dialect
        DuckDB's.
    ensemble
        Trees of 2 to 63 leaves.
    inputs
        The float32 column of each feature, NaN where it is missing, never NULL.
    prefix
        What the names of this ensemble's columns begin with.
    """

    dialect: Dialect
    ensemble: Ensemble
    inputs: Mapping[int, str]
    prefix: str
    tables: list[str] = field(default_factory=list)

    def stages(self) -> list[list[str]]:
        """Return the columns that each stage adds to the one before; fills `tables`."""
        name, trees = self.prefix, self.ensemble.trees
        groups = _group(trees)
        thresholds = {
            feature: sorted(
                {d.threshold for tree in trees for d in decisions_of(tree) if d.feature == feature}
            )
            for feature in self.ensemble.features
        }
        words: dict[int, list[str]] = {index: [] for index in range(len(groups))}
        stages: list[list[str]] = [[]]
        lookups: list[str] = []
        for feature, edges in thresholds.items():
            bins = list(self._bins(feature, edges))
            for depth, text in enumerate(bins):
                if depth == len(stages):
                    stages.append([])
                stages[depth].append(f"{text} as {name}b{feature}_{depth}")
            used = [
                index
                for index, group in enumerate(groups)
                if any(d.feature == feature for k in group for d in decisions_of(trees[k]))
            ]
            for index in used:
                words[index].append(f"{name}m{feature}.w{index}")
            self._add_masks(feature, edges, {k: [trees[i] for i in groups[k]] for k in used})
            lookups.append(
                f"{name}l{feature}[{name}b{feature}_{len(bins) - 1} + 1] as {name}m{feature}"
            )
        combined = [f"{' & '.join(parts)} as {name}w{index}" for index, parts in words.items()]
        return [*stages, lookups, combined]

    def total(self, output: int) -> str:
        """Return the sum of the trees' leaves for one output; adds to `tables`."""
        terms: list[str] = []
        for index, group in enumerate(_group(self.ensemble.trees)):
            word, shift = f"{self.prefix}w{index}", 0
            trees = [_values(self.ensemble.trees[k], output) for k in group]
            for parts in _pairs(trees):
                bits = sum(map(len, parts))
                lowest, text = shift, word
                if shift + bits == _WORD_BITS and shift:
                    # The last bit is the sign, so these bits move down first.
                    lowest, text = 0, f"({word} >> {shift})"
                modulus, values = _sums(parts, lowest)
                table = f"{self.prefix}v{output}_{len(terms)}"
                self.tables.append(f"cast('[{_joined(values)}]' as double[]) as {table}")
                mask = ((1 << bits) - 1) << lowest
                terms.append(f"{table}[({text} & {mask}) % {modulus} + 1]")
                shift += bits
        return " + ".join(terms)

    def _bins(self, feature: int, edges: Sequence[float]) -> Iterator[str]:
        """Write how a feature's bin is found: the first bin of its cell, then halving steps."""
        name, x = self.prefix, self.inputs[feature]
        grid = _choose_grid(edges)
        steps = math.ceil(math.log2(grid.most_per_cell + 1))
        # What is above the last threshold has a cell of its own, where NaN lies above infinity.
        starts = [sum(1 for c in grid.cells if c < k) for k in range(grid.top + 2)]
        self.tables.append(f"cast('[{_joined(starts)}]' as bigint[]) as {name}c{feature}")
        padded = [*edges, math.inf, *[math.nan] * 2**steps]
        self.tables.append(
            f"cast('[{_joined(padded, np.float32)}]' as float[]) as {name}t{feature}"
        )
        low, high = (self.dialect.threshold(end) for end in (grid.low, grid.high))
        distance = f"(cast({x} as double) - {self.dialect.double(_double(grid.low))})"
        for _ in range(grid.roots):
            distance = f"sqrt({distance})"
        cell = f"cast({distance} * {self.dialect.double(_double(grid.scale))} as bigint) + 1"
        current = (
            f"{name}c{feature}[case when {x} > {high} then {grid.top + 2} when {x} > {low}"
            f" then {cell} else 1 end]"
        )
        yield current
        for depth in range(steps):
            before, step = f"{name}b{feature}_{depth}", 2 ** (steps - 1 - depth)
            above = f"{x} > {name}t{feature}[{before} + {step}]"
            yield f"{before} + case when {above} then {step} else 0 end"

    def _add_masks(
        self, feature: int, edges: Sequence[float], groups: Mapping[int, Sequence[Tree]]
    ) -> None:
        """Add the list that gives a bin's words, one for each group of trees."""
        columns = {
            index: [
                _mask(trees, feature, edges, None if b > len(edges) else b)
                for b in range(len(edges) + 2)
            ]
            for index, trees in groups.items()
        }
        rows = (
            "{" + ",".join(f"w{index}:{masks[b]}" for index, masks in columns.items()) + "}"
            for b in range(len(edges) + 2)
        )
        fields = ", ".join(f"w{index} bigint" for index in columns)
        self.tables.append(
            f"cast('[{','.join(rows)}]' as struct({fields})[]) as {self.prefix}l{feature}"
        )


@dataclass(frozen=True)
class _Grid:
    """A rising map of values to cells: the distance from `low`, rooted, scaled, rounded."""

    low: float
    high: float
    roots: int
    scale: float
    cells: tuple[int, ...]

    @property
    def top(self) -> int:
        """The last cell of finite thresholds."""
        return _cell(self.high, self.low, self.roots, self.scale)

    @property
    def most_per_cell(self) -> int:
        """How many thresholds share a cell at most, with infinity in the one above the last."""
        return int(np.bincount([*self.cells, self.top + 1]).max())


def _cell(value: float, low: float, roots: int, scale: float) -> int:
    """Return the cell of a finite value, computed as DuckDB does."""
    distance = max(value - low, 0.0)
    for _ in range(roots):
        distance = math.sqrt(distance)
    # Both round half to even.
    return round(distance * scale)


def _choose_grid(edges: Sequence[float]) -> _Grid:
    """Return the grid that leaves the least work for each row."""
    finite = [edge for edge in edges if math.isfinite(edge)] or [0.0]
    low, high = finite[0], finite[-1]
    best: tuple[float, _Grid] | None = None
    for roots in range(4):
        for size in _GRIDS:
            if best is not None and size > 8 * len(edges):
                break
            width = _cell_width(low, high, roots)
            scale = size / width if width > 0 else 1.0
            cells = tuple(
                _cell(edge, low, roots, scale)
                if math.isfinite(edge)
                else (0 if edge < 0 else _cell(high, low, roots, scale) + 1)
                for edge in edges
            )
            grid = _Grid(low, high, roots, scale, cells)
            # Nanoseconds per row, roughly: a step of the search, a root, a colder list.
            cost = 10.0 * math.ceil(math.log2(grid.most_per_cell + 1)) + 4.0 * roots + size / 100
            if best is None or cost < best[0]:
                best = cost, grid
    assert best is not None
    return best[1]


def _cell_width(low: float, high: float, roots: int) -> float:
    """Return the rooted distance of the last threshold."""
    width = high - low
    for _ in range(roots):
        width = math.sqrt(width)
    return width


def _group(trees: Sequence[Tree]) -> list[list[int]]:
    """Put trees into words so that the trees of a word decide on few features."""
    features = [frozenset(d.feature for d in decisions_of(tree)) for tree in trees]
    bits = [sum(1 for _ in leaves_of(tree)) for tree in trees]
    left = sorted(range(len(trees)), key=lambda k: (len(features[k]), k))
    groups = []
    while left:
        first = left.pop(0)
        group, room, together = [first], _WORD_BITS - bits[first], set(features[first])
        while True:
            fitting = [k for k in left if bits[k] <= room]
            if not fitting:
                break
            chosen = min(
                fitting,
                key=lambda k: (len(features[k] - together), -len(features[k] & together), k),
            )
            left.remove(chosen)
            group.append(chosen)
            room -= bits[chosen]
            together |= features[chosen]
        groups.append(group)
    return groups


def _mask(trees: Iterable[Tree], feature: int, edges: Sequence[float], b: int | None) -> int:
    """Return the leaves that a bin of a feature, or a missing value, leaves possible."""
    word, shift = 0, 0
    for tree in trees:
        possible, count = _possible(tree, feature, edges, b)
        word |= possible << shift
        shift += count
    return word - (1 << _WORD_BITS) if word >> (_WORD_BITS - 1) else word


def _possible(tree: Tree, feature: int, edges: Sequence[float], b: int | None) -> tuple[int, int]:
    """Return the possible leaves of one tree as bits, the lowest first, and their number."""
    if isinstance(tree, Leaf):
        return 1, 1
    low, low_count = _possible(tree.low, feature, edges, b)
    high, high_count = _possible(tree.high, feature, edges, b)
    if tree.feature == feature:
        goes_low = tree.missing_low if b is None else b <= bisect_left(edges, tree.threshold)
        low, high = (low, 0) if goes_low else (0, high)
    return low | high << low_count, low_count + high_count


def _values(tree: Tree, output: int) -> list[float]:
    """Return what each leaf adds to an output, from low to high."""
    return [leaf.values[output] for leaf in leaves_of(tree)]


def _pairs(trees: Sequence[list[float]]) -> Iterator[list[list[float]]]:
    """Give the trees of a word by twos where that pays."""
    k = 0
    while k < len(trees):
        count = 2 if math.prod(map(len, trees[k : k + 2])) <= _MOST_PAIRS else 1
        yield list(trees[k : k + count])
        k += count


def _sums(parts: Sequence[list[float]], shift: int) -> tuple[int, list[float]]:
    """Return a modulus, and the sum of leaves for each remainder of the bits that are set."""
    if len(parts) == 1:
        modulus = _PRIME
        values = [0.0] * modulus
        for k, value in enumerate(parts[0]):
            values[pow(2, shift + k, modulus)] = value
        return modulus, values
    first, second = parts
    modulus = _modulus(len(first), len(second), shift)
    values = [0.0] * modulus
    for k, one in enumerate(first):
        for m, other in enumerate(second):
            bits = (1 << (shift + k)) + (1 << (shift + len(first) + m))
            values[bits % modulus] = one + other
    return modulus, values


@cache
def _modulus(first: int, second: int, shift: int) -> int:
    """Return the least number by which all pairs of one bit of each leave different remainders."""
    modulus = first * second
    while True:
        powers = [pow(2, shift + k, modulus) for k in range(first + second)]
        remainders = np.add.outer(powers[:first], powers[first:]) % modulus
        if len(np.unique(remainders)) == first * second:
            return modulus
        modulus += 1


def _joined(values: Iterable[float], kind: type[np.floating] = np.float64) -> str:
    """Return numbers as DuckDB reads them in the text of a list, to the last bit."""
    return ",".join(
        str(value) if isinstance(value, int) else str(kind(value)) if value else "0"
        for value in values
    )


def _double(value: float) -> str:
    """Return a double with an exponent."""
    text = repr(value)
    return text if "e" in text else text + "e0"
