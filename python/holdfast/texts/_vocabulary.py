"""A vocabulary of hashed terms, and how often each text has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.texts._terms import Occurrences

__all__ = ["Counts", "Vocabulary"]


@dataclass(frozen=True)
class Counts:
    """How often texts have terms: sorted by text, and by term within one.

    Parameters
    ----------
    row, term, count
        Number of the text, place of the term in the vocabulary, and occurrences, each shape (m,).
    unknown_words, unknown_grams
        By text, how many words and n-grams the vocabulary does not have, each shape (n,).
    """

    row: NDArray[np.int64]
    term: NDArray[np.int64]
    count: NDArray[np.float32]
    unknown_words: NDArray[np.int64]
    unknown_grams: NDArray[np.int64]


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

    def count(self, found: Occurrences, texts: int) -> Counts:
        """Count the terms of texts.

        Parameters
        ----------
        found
            What `occurrences` has found in them.
        texts
            How many texts there are.

        Returns
        -------
        Counts
        """
        place = self.places(found.term)
        is_known = place >= 0
        size = max(len(self), 1)
        key = found.row[is_known] * size + place[is_known]
        unique, count = np.unique(key, return_counts=True)
        return Counts(
            unique // size,
            unique % size,
            count.astype(np.float32),
            np.bincount(found.row[~is_known & found.is_word], minlength=texts),
            np.bincount(found.row[~is_known & ~found.is_word], minlength=texts),
        )
