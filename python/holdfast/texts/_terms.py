"""The terms of texts, words and n-grams of characters, as hashes: found without a loop over texts.

A term is a 64-bit hash of its characters and its kind. Two terms of a vocabulary of 100,000 share
one with a probability of one in a billion, and nothing but a count depends on it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["NGRAMS", "Occurrences", "code_points", "is_part_of_word", "is_too_short", "occurrences"]

# lengths of the n-grams of characters, the spaces around a word counted
NGRAMS = (2, 3, 4)
# what is longer is no word
_LONGEST = 40
# of a text of one word; a word of three letters has nine
_LEAST_GRAMS = 10

_U64 = np.uint64
_BASE = _U64(0x9E3779B97F4A7C15 | 1)
# 0 not looked up yet, 1 between words, 2 part of a word
_KINDS = np.zeros(0x110000, np.uint8)


@dataclass(frozen=True)
class Occurrences:
    """Occurrences of terms, one after the other.

    Parameters
    ----------
    row
        Number of the text, shape (m,).
    term
        Hash of the term.
    is_word
        Whether it is a word; otherwise it is an n-gram of characters.
    """

    row: NDArray[np.int64]
    term: NDArray[np.uint64]
    is_word: NDArray[np.bool_]


def code_points(
    texts: Sequence[str],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return all characters of texts: code, number of the text, whether it is part of a word.

    Every text has a space before it and behind it. Letters, digits and the marks that some scripts
    set on letters are parts of words.
    """
    joined = "".join(f" {text} " for text in texts)
    codes = np.frombuffer(joined.encode("utf-32-le"), np.uint32).astype(np.int64)
    lengths = np.fromiter((len(text) + 2 for text in texts), np.int64, len(texts))
    row = np.repeat(np.arange(len(texts)), lengths)
    kinds = _KINDS[codes]
    if not kinds.all():
        for code in np.unique(codes[kinds == 0]):
            _KINDS[code] = 2 if is_part_of_word(chr(code)) else 1
        kinds = _KINDS[codes]
    return codes, row, kinds == 2


def occurrences(texts: Sequence[str]) -> Occurrences:
    """Return all words, and all n-grams of characters within words.

    Parameters
    ----------
    texts
        Texts in lower case, shape (n,).

    Returns
    -------
    Occurrences
        In the order of the texts' numbers only within each kind of term.

    Examples
    --------
    >>> found = occurrences(["my card", "card"])
    >>> [int(found.is_word[found.row == row].sum()) for row in (0, 1)]
    [2, 1]
    """
    codes, row, is_letter = code_points(texts)
    codes = np.where(is_letter, codes, 0)
    rows, terms, kinds = [], [], []
    starts, ends = _borders(is_letter)
    is_short = ends - starts <= _LONGEST
    starts, ends = starts[is_short], ends[is_short]
    rows.append(row[starts])
    terms.append(_hash_ranges(codes, starts, ends))
    kinds.append(np.ones(len(starts), bool))
    # an n-gram may begin or end with the space around a word; with both it would be the word again
    spaced = _mix(codes.astype(_U64) + _U64(1))
    for length in NGRAMS:
        count = len(codes) - length + 1
        if count <= 0:
            continue
        inner = np.ones(count, bool)
        for offset in range(1, length - 1):
            inner &= is_letter[offset : offset + count]
        inner &= is_letter[:count] | is_letter[length - 1 :]
        place = np.flatnonzero(inner)
        value = np.zeros(len(place), _U64)
        with np.errstate(over="ignore"):
            for offset in range(length):
                value = value * _BASE + spaced[place + offset]
            terms.append(_mix(value + _U64(length)))
        # the middle is in the text, even where the space before it is the next one's
        rows.append(row[place + length // 2])
        kinds.append(np.zeros(len(place), bool))
    return Occurrences(np.concatenate(rows), np.concatenate(terms), np.concatenate(kinds))


def is_too_short(found: Occurrences, count: int) -> NDArray[np.bool_]:
    """Tell which texts are one short word, which says too little.

    Parameters
    ----------
    found
        Occurrences of the texts' terms.
    count
        How many texts there are.

    Returns
    -------
    numpy.ndarray, bool, shape (n,)
        Whether a text has one word, or none, and that of three letters at most.
    """
    words = np.bincount(found.row[found.is_word], minlength=count)
    grams = np.bincount(found.row[~found.is_word], minlength=count)
    return (words < 2) & (grams < _LEAST_GRAMS)


def _borders(is_letter: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where words begin and end."""
    step = np.diff(is_letter.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(step == 1), np.flatnonzero(step == -1)


def _hash_ranges(
    codes: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Hash the characters from each start to its end."""
    value = np.zeros(len(starts), _U64)
    spaced = _mix(codes.astype(_U64) + _U64(1))
    lengths = ends - starts
    live = np.arange(len(starts))
    with np.errstate(over="ignore"):
        for offset in range(int(lengths.max(initial=0))):
            live = live[lengths[live] > offset]
            value[live] = value[live] * _BASE + spaced[starts[live] + offset]
        return _mix(value ^ _U64(0x5BF03635))


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the bits of numbers (the finalizer of SplitMix64)."""
    with np.errstate(over="ignore"):
        value = (value ^ (value >> _U64(30))) * _U64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> _U64(27))) * _U64(0x94D049BB133111EB)
        return value ^ (value >> _U64(31))


def is_part_of_word(character: str) -> bool:
    """Tell whether a character is a letter, a digit or a mark on a letter.

    Parameters
    ----------
    character
        One character.

    Returns
    -------
    bool
    """
    return character.isalnum() or unicodedata.category(character) in {"Mn", "Mc"}
