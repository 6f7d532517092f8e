"""Ids of topics that keep their meaning: new topics are matched to former ones on shared texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Event", "match_topics"]

# of the smaller of two topics, the share of texts that makes them the same, or one part of another
_ENOUGH = 0.5


@dataclass(frozen=True)
class Event:
    """What has happened to a topic: new, kept, split, merged or gone, and how many texts tell."""

    topic_id: str
    event: str
    other_topic_id: str | None
    texts: int


def match_topics(
    former: NDArray[np.int64],
    latter: NDArray[np.int64],
    ids: Sequence[str],
    topics: int,
    *,
    next_ids: Sequence[str],
    given: Mapping[int, str] | None = None,
) -> tuple[list[str], list[Event]]:
    """Give each new topic the id of the former one that it continues, or a new one.

    Topics are paired so that as many texts as possible keep their id (the assignment problem); a
    pair counts where it holds half of the texts of the smaller of the two.

    Parameters
    ----------
    former, latter
        Topic of each shared text before and now, -1 for none, shape (n,).
    ids
        Ids of the former topics, by their numbers.
    topics
        How many topics there are now.
    next_ids
        Ids that were never used, at least `topics`.
    given
        Ids that topics have in any case, by their new numbers: those of pinned and seeded ones.

    Returns
    -------
    tuple of (list of str, list of Event)
        Id of each new topic, and an event for each topic, new or former.

    Examples
    --------
    >>> former = np.array([0, 0, 0, 1, 1, 1])
    >>> latter = np.array([1, 1, 1, 0, 0, 2])
    >>> match_topics(former, latter, ["a", "b"], 3, next_ids=["c", "d", "e"])[0]
    ['b', 'a', 'c']
    """
    from scipy.optimize import linear_sum_assignment

    given = dict(given or {})
    shared = (former >= 0) & (latter >= 0)
    overlap = np.zeros((len(ids), topics), np.int64)
    np.add.at(overlap, (former[shared], latter[shared]), 1)
    before, now = overlap.sum(axis=1), overlap.sum(axis=0)
    worth = overlap.astype(np.float64)
    for number, topic_id in given.items():
        worth[:, number] = -1.0
        if topic_id in ids:
            worth[ids.index(topic_id), :] = -1.0
    found: dict[int, str] = dict(given)
    for one, two in zip(*linear_sum_assignment(worth, maximize=True), strict=True):
        is_enough = overlap[one, two] >= _ENOUGH * min(before[one], now[two])
        if worth[one, two] > 0 and is_enough:
            found[int(two)] = ids[one]
    unused = iter(next_ids)
    order = sorted(range(topics), key=lambda number: (-int((latter == number).sum()), number))
    for number in order:
        if number not in found:
            found[number] = next(unused)
    names = [found[number] for number in range(topics)]
    size = [int((latter == number).sum()) for number in range(topics)]
    return names, _events(overlap, ids, names, size)


def _events(
    overlap: NDArray[np.int64], ids: Sequence[str], names: Sequence[str], size: Sequence[int]
) -> list[Event]:
    """Tell what has happened to each topic."""
    events = []
    for number, name in enumerate(names):
        if name in ids:
            events.append(Event(name, "kept", None, int(overlap[ids.index(name), number])))
            continue
        texts = int(overlap[:, number].sum())
        origin = int(overlap[:, number].argmax()) if texts else -1
        is_split = texts > 0 and overlap[origin, number] >= _ENOUGH * texts
        if is_split and ids[origin] in names:
            events.append(Event(name, "split", ids[origin], int(overlap[origin, number])))
        else:
            events.append(Event(name, "new", None, size[number]))
    for number, name in enumerate(ids):
        if name in names:
            continue
        texts = int(overlap[number].sum())
        into = int(overlap[number].argmax()) if texts else -1
        if texts and overlap[number, into] >= _ENOUGH * texts:
            events.append(Event(name, "merged", names[into], int(overlap[number, into])))
        else:
            events.append(Event(name, "gone", None, texts))
    return events
