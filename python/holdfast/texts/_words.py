"""Words as people read them, for labels and for the masking of typical texts."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from functools import cache
from itertools import pairwise

from holdfast.texts._terms import is_part_of_word

__all__ = ["mask_rare", "terms_of", "words_of"]

_PLACEHOLDER = re.compile(r"\[(?:e-mail|link|number)\]")
# of scripts that set no spaces, two characters stand for a word
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
_HIDDEN = "…"
# of the marks that are set on letters, in the order of Unicode
_FIRST_MARK = 0x300


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case and in their order, without placeholders.

    Parameters
    ----------
    text
        A text as `clean` returns it.

    Returns
    -------
    list of str

    Examples
    --------
    >>> words_of("The card hasn't arrived: [number]")
    ['the', 'card', "hasn't", 'arrived']
    """
    found: list[str] = []
    for word in _word().findall(_PLACEHOLDER.sub(" ", text).lower().replace("’", "'")):
        if _UNSPACED.fullmatch(word) and len(word) > 2:
            found.extend(word[place : place + 2] for place in range(len(word) - 1))
        else:
            found.append(word)
    return found


def terms_of(text: str) -> list[str]:
    """Return the words of a text and the pairs of words that follow each other.

    Parameters
    ----------
    text
        A text as `clean` returns it.

    Returns
    -------
    list of str

    Examples
    --------
    >>> terms_of("My card is late")
    ['my', 'card', 'is', 'late', 'my card', 'card is', 'is late']
    """
    words = words_of(text)
    return [*words, *(f"{one} {two}" for one, two in pairwise(words))]


def mask_rare(text: str, known: Collection[str], most: int = 160) -> str:
    """Replace all words but known ones, and cut the text at a word.

    Parameters
    ----------
    text
        A text as `clean` returns it.
    known
        Words, in lower case, that may be shown.
    most
        Most characters to return.

    Returns
    -------
    str

    Examples
    --------
    >>> mask_rare("Ann Lee: my card is late [number]", {"my", "card", "is", "late"})
    '…: my card is late [number]'
    """

    def shown(match: re.Match[str]) -> str:
        word = match[0]
        if word.startswith("["):
            return word
        return word if all(part in known for part in words_of(word)) else _HIDDEN

    masked = _placeholder_or_word().sub(shown, text)
    masked = re.sub(rf"{_HIDDEN}(?:[^\w\[]*{_HIDDEN})+", _HIDDEN, masked)
    if len(masked) <= most:
        return masked
    return masked[: most - 1].rsplit(" ", 1)[0].rstrip(" ,.;:") + _HIDDEN


@cache
def _word() -> re.Pattern[str]:
    """Return the expression of a word.

    A word begins with a letter or a digit. A mark before the first one, as emoji have it, says
    nothing, and would otherwise be shown as a hidden word.
    """
    # a search among all marks takes time: common characters behind a word are ruled out first
    marks = rf"(?=[^\x00-{chr(_FIRST_MARK - 1)}])[{_marks()}]++"
    part = rf"[^\W_]++(?:{marks}[^\W_]*+)*+"
    return re.compile(rf"{part}(?:['’]{part})*")


@cache
def _placeholder_or_word() -> re.Pattern[str]:
    """Return the expression of what is masked as a whole, or kept as a whole."""
    return re.compile(f"{_PLACEHOLDER.pattern}|{_word().pattern}")


def _marks() -> str:
    """Return the marks that are parts of words, as ranges of a set."""
    found: list[list[int]] = []
    for code in range(_FIRST_MARK, sys.maxunicode + 1):
        letter = chr(code)
        if letter.isalnum() or not is_part_of_word(letter):
            continue
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in found)
