"""What topics are called: the words that set them apart, as far as enough customers use them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.texts import FUNCTION_WORDS, terms_of

__all__ = ["TopicWords", "labels_of", "topic_words"]

_TERMS = 8
_IN_NAME = 3
# of the texts of a topic, the share that a term must be in
_LEAST_SHARE = 0.05


@dataclass(frozen=True)
class TopicWords:
    """Words of topics.

    Parameters
    ----------
    shown
        Words that may be shown at all.
    terms
        By topic its terms, strongest first.
    allowed
        Words and pairs of words that enough customers have used.
    """

    shown: tuple[str, ...]
    terms: tuple[tuple[str, ...], ...]
    allowed: frozenset[str]

    def name(self, topic: int, otherwise: str, terms: int = _IN_NAME) -> str:
        """Return a readable name of a topic, of that many terms at most."""
        chosen = ", ".join(self.terms[topic][:terms])
        return chosen[:1].upper() + chosen[1:] if chosen else otherwise


def labels_of(
    words: TopicWords, ids: Sequence[str], former: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return the names of topics, no two of them the same.

    A name that people know stays as long as all of it may be shown and one of its terms still
    holds. Where two names would be the same, the one of the later topic has more terms, or its id.

    Parameters
    ----------
    words
        Words of the topics.
    ids
        Ids of the topics, by their numbers.
    former
        Former topics by their ids, each with its name as ``topic`` and its ``terms``.

    Returns
    -------
    list of str
    """
    found: dict[int, str] = {}
    taken: set[str] = set()
    for number, topic_id in enumerate(ids):
        known = former.get(topic_id)
        if known is None or not set(known["terms"]) & set(words.terms[number]):
            continue
        label = str(known["topic"])
        parts = set(label.removesuffix(f" ({topic_id})").lower().split(", "))
        if parts <= words.allowed and label not in taken:
            found[number] = label
            taken.add(label)
    for number, topic_id in enumerate(ids):
        if number in found:
            continue
        plain = words.name(number, f"Topic {topic_id}")
        longer = [
            words.name(number, plain, terms)
            for terms in range(_IN_NAME + 1, len(words.terms[number]) + 1)
        ]
        wanted = [plain, *longer, f"{plain} ({topic_id})"]
        found[number] = next(label for label in wanted if label not in taken)
        taken.add(found[number])
    return [found[number] for number in range(len(ids))]


def topic_words(
    texts: Sequence[str],
    place: NDArray[np.int64],
    customer: NDArray[np.int64],
    topic: NDArray[np.int64],
    topics: int,
    least_group: int,
) -> TopicWords:
    """Return the words and pairs of words that are frequent in a topic and rare elsewhere.

    They are in the order of their part in the divergence of the topic's texts from all texts: the
    share of the topic's texts that have the term, times the logarithm of that share over the share
    of all texts.

    Parameters
    ----------
    texts
        Different texts.
    place
        Of each text that was written, its place in `texts`, shape (n,).
    customer
        Number of the customer who wrote it.
    topic
        Its topic, -1 for none.
    topics
        How many there are.
    least_group
        Fewest customers who must have used a term before it is shown.

    Returns
    -------
    TopicWords
    """
    numbers: dict[str, int] = {}
    text_of, term_of = [], []
    for index, text in enumerate(texts):
        for term in dict.fromkeys(terms_of(text)):
            text_of.append(index)
            term_of.append(numbers.setdefault(term, len(numbers)))
    names = np.array(list(numbers), dtype=object)
    if not len(names):
        return TopicWords((), ((),) * topics, frozenset())
    # a row per text that was written and term
    starts = np.searchsorted(text_of, np.arange(len(texts) + 1))
    size = np.diff(starts)[place]
    written = np.repeat(np.arange(len(place)), size)
    offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    term = np.asarray(term_of, np.int64)[starts[place][written] + offset]
    most = int(customer.max(initial=0)) + 1
    users = np.bincount(np.unique(term * most + customer[written]) // most, minlength=len(names))
    is_shown = users >= least_group
    overall = np.bincount(term, minlength=len(names)) / max(len(place), 1)
    is_word = np.array([" " not in name for name in names])
    shown = tuple(sorted(names[is_shown & is_word].tolist()))
    told = []
    for number in range(topics):
        inside = topic == number
        chosen = inside[written]
        share = np.bincount(term[chosen], minlength=len(names)) / max(int(inside.sum()), 1)
        usable = np.flatnonzero(is_shown & (share >= _LEAST_SHARE) & (share > overall))
        weight = share[usable] * np.log(share[usable] / overall[usable])
        order = sorted(zip(-weight, names[usable].tolist(), strict=True))
        found = [name for _, name in order]
        # what says nothing by itself stands in a name only where nothing else does
        telling = [name for name in found if not set(name.split()) & FUNCTION_WORDS]
        told.append(_apart(telling or found))
    return TopicWords(shown, tuple(told), frozenset(names[is_shown].tolist()))


def _apart(names: Sequence[str]) -> tuple[str, ...]:
    """Return the first terms that do not repeat each other."""
    chosen: list[str] = []
    said: set[str] = set()
    for name in names:
        words = set(name.split())
        if words & said or any(len(word) < 2 or word.isdigit() for word in words):
            continue
        chosen.append(name)
        said |= words
        if len(chosen) == _TERMS:
            break
    return tuple(chosen)
