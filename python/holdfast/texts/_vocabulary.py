"""A vocabulary of hashed terms, and how often each text has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.texts._terms import Occurrences, occurrences

__all__ = ["Counts", "Vocabulary"]


@dataclass(frozen=True)
class Counts:
    """How often texts have terms: sorted by text, and by term within one.

    Parameters
    ----------
    row, term, count
        Number of the text, place of the term in the vocabulary, and occurrences, each shape (m,).
    """

    row: NDArray[np.int64]
    term: NDArray[np.int64]
    count: NDArray[np.float32]


class Vocabulary:
    """Terms by their hashes, looked up many at a time in a table with open addresses.

    Parameters
    ----------
    terms
        Different hashes; their order is that of the vocabulary.
    """

    def __init__(self, terms: NDArray[np.uint64]) -> None:
        self.terms = terms
        bits = max(8, int(np.ceil(np.log2(max(len(terms), 1) * 8))))
        self._mask = np.uint64((1 << bits) - 1)
        self._table = np.full(1 << bits, -1, np.int32)
        waiting = np.arange(len(terms), dtype=np.int32)
        slot = (terms & self._mask).astype(np.int64)
        while len(waiting):
            is_free = self._table[slot] < 0
            # of several that want a slot, the last one written has it
            self._table[slot[is_free]] = waiting[is_free]
            left = self._table[slot] != waiting
            waiting, slot = waiting[left], (slot[left] + 1) & int(self._mask)

    def __len__(self) -> int:
        return len(self.terms)

    def places(self, terms: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Return the place of each term, -1 where the vocabulary has none."""
        slot = (terms & self._mask).astype(np.int64)
        found = self._table[slot]
        live = np.flatnonzero(found >= 0)
        live = live[self.terms[found[live]] != terms[live]]
        while len(live):
            slot[live] = (slot[live] + 1) & int(self._mask)
            found[live] = self._table[slot[live]]
            live = live[found[live] >= 0]
            live = live[self.terms[found[live]] != terms[live]]
        return found

    def count(self, texts: Sequence[str] | Occurrences) -> Counts:
        """Count the terms of texts in lower case, or of their occurrences.

        Parameters
        ----------
        texts
            Texts, shape (n,), or what `occurrences` has found in them.

        Returns
        -------
        Counts
        """
        found = texts if isinstance(texts, Occurrences) else occurrences(texts)
        place = self.places(found.term)
        is_known = place >= 0
        size = max(len(self), 1)
        key = found.row[is_known] * size + place[is_known]
        unique, count = np.unique(key, return_counts=True)
        return Counts(unique // size, unique % size, count.astype(np.float32))
