"""Topics of texts: TF-IDF of words and n-grams, truncated SVD, k-means on directions.

The number of topics is the one at which repeated learning on parts of the texts agrees best
(Ben-Hur, Elisseeff and Guyon, 2002), by the adjusted mutual information of what each part makes of
all texts, as long as the topics cover enough of the texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.contract import GRAM_WEIGHT, write_topics
from holdfast.errors import TrainingError
from holdfast.texts import Vocabulary, occurrences

__all__ = ["LEAST_TEXTS", "Topics", "Tried", "fit_topics"]

# different texts, with fewer there is nothing to learn
LEAST_TEXTS = 30
_LEAST_TERMS, _MOST_TERMS = 8, 30_000
_WIDTH = 128
# directions that many texts share count a little more
_STRETCH = 0.25
_MOST_TOPICS = 300
_LEAST_PER_TOPIC = 8
# a former topic with fewer different texts is gone
_LEAST_LEFT = 3
# of the usual similarity of texts to their topic, what those of a new one must have
_DENSE = 0.9
# texts on which the number of topics is chosen
_MOST_CHOOSING = 6_000
_PARTS = 4
_PART = 0.8
# agreement this close to the best is as good: then fewer topics are easier to read
_AS_GOOD = 0.005
_NEAR = 2
# a text is covered by a topic that is nearer than this, and most texts should be
_COVERED = 0.5
_LEAST_COVERAGE = 0.7
# below the first no text is of a topic, above the second every one is; between them it depends on
# how dense the topic is
_LEAST_CERTAINTY, _SURE = 0.25, 0.45
_FAR_OUT = 2.0
_STARTS = 10
# products of texts and topics above which fewer starts have to do
_MANY = 2_000_000


@dataclass(frozen=True)
class Tried:
    """A number of topics that was tried: its stability, 0 to 1, and its coverage, 0 to 1."""

    topics: int
    stability: float
    coverage: float


@dataclass(frozen=True, eq=False)
class Topics:
    """Learned topics.

    Parameters
    ----------
    script
        Script of the texts.
    vocabulary
        Hashes of the terms, shape (v,).
    embedding
        What each term adds to a text's place, shape (v, d).
    rarity
        Weight of each term, and behind the last that of an unknown word, shape (v + 1,).
    centres
        Directions of the topics, shape (k, d).
    limits
        Least similarity of a text that is of the topic, shape (k,).
    nearest, certainty
        Of the texts that they were learned from: nearest topic and similarity, shape (n,).
    tried
        The numbers of topics that were tried; empty where it was given.
    """

    script: str
    vocabulary: NDArray[np.uint64]
    embedding: NDArray[np.float16]
    rarity: NDArray[np.float32]
    centres: NDArray[np.float32]
    limits: NDArray[np.float32]
    nearest: NDArray[np.int64]
    certainty: NDArray[np.float32]
    tried: tuple[Tried, ...]

    @property
    def is_other(self) -> NDArray[np.bool_]:
        """Whether each text is too far from every topic."""
        return self.certainty < self.limits[self.nearest]

    def to_onnx(self, words: Sequence[str]) -> bytes:
        """Write the model as an ONNX file.

        Parameters
        ----------
        words
            Words that may be shown.

        Returns
        -------
        bytes
        """
        return write_topics(
            self.script,
            self.vocabulary,
            self.embedding,
            self.rarity,
            self.centres,
            self.limits,
            words,
        )


class Terms:
    """What texts are made of: their terms, weighed by how rare each is.

    Parameters
    ----------
    texts
        Texts, cleaned and in lower case, shape (n,).

    Raises
    ------
    TrainingError
        They have next to no terms in common.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        import scipy.sparse as sp

        found = occurrences(texts)
        terms, first, inverse = np.unique(found.term, return_index=True, return_inverse=True)
        is_word = found.is_word[first]
        pairs = np.unique(found.row * len(terms) + inverse)
        spread = np.bincount(pairs % len(terms), minlength=len(terms))
        kept = np.flatnonzero(spread >= 2)
        if len(kept) > _MOST_TERMS:
            # the most frequent; of equals, the order of hashes is as good as any
            kept = np.sort(kept[np.argsort(-spread[kept], kind="stable")[:_MOST_TERMS]])
        if len(kept) < _LEAST_TERMS:
            raise TrainingError("the texts have next to no terms in common")
        self.vocabulary = terms[kept]
        counts = Vocabulary(self.vocabulary).count(found, len(texts))
        shape = (len(texts), len(kept))
        weight = 1.0 + np.log(counts.count.astype(np.float64))
        self.rows = sp.csr_matrix((weight, (counts.row, counts.term)), shape=shape)
        rarity = np.log((1.0 + len(texts)) / (1.0 + spread[kept])) + 1.0
        rarity *= np.where(is_word[kept], 1.0, GRAM_WEIGHT)
        self.weighted = self.rows @ sp.diags(rarity)
        # of what only one text has, nobody knows how rare it is: at least as rare as the rarest
        self.rarity = np.append(rarity, np.log((1.0 + len(texts)) / 2.0) + 1.0).astype(np.float32)
        self.square = np.asarray(self.weighted.multiply(self.weighted).sum(axis=1)).ravel()
        unknown = counts.unknown_words + GRAM_WEIGHT**2 * counts.unknown_grams
        self.length = np.sqrt(self.square + unknown * float(self.rarity[-1]) ** 2)


class _Space:
    """Where texts are: the terms, what each adds, and the directions of the texts."""

    def __init__(self, texts: Sequence[str], seed: int) -> None:
        import scipy.sparse as sp
        from sklearn.decomposition import TruncatedSVD

        terms = Terms(texts)
        self.vocabulary, self.rarity, self.length = terms.vocabulary, terms.rarity, terms.length
        weighted = sp.diags(1.0 / np.maximum(np.sqrt(terms.square), 1e-12)) @ terms.weighted
        width = min(_WIDTH, len(terms.vocabulary) - 1, len(texts) - 1)
        reduced = TruncatedSVD(width, algorithm="randomized", n_iter=7, random_state=seed)
        reduced.fit(weighted)
        # half precision halves the file; what is learned from here on is learned from these numbers
        stretch = (reduced.singular_values_ / reduced.singular_values_[0]) ** _STRETCH
        rarity = terms.rarity[:-1].astype(np.float64)
        self.embedding = (reduced.components_.T * rarity[:, None] * stretch).astype(np.float16)
        placed = terms.rows.astype(np.float32) @ self.embedding.astype(np.float32)
        self.places = _directions(placed)
        # how much of a text its place tells, 0 to 1
        norm = np.sqrt((placed.astype(np.float64) ** 2).sum(axis=1))
        self.told = (norm / np.maximum(self.length, 1e-12)).astype(np.float32)


def fit_topics(
    texts: Sequence[str],
    *,
    script: str = "latin",
    topics: int | None = None,
    seed: int = 7,
    starts: Sequence[NDArray[np.int64]] = (),
    firm: int = 0,
    is_warm: bool = False,
) -> Topics:
    """Learn topics from different texts.

    Parameters
    ----------
    texts
        Different texts, cleaned and in lower case, at least `LEAST_TEXTS`, shape (n,).
    script
        Their script.
    topics
        How many there are; None to choose the number.
    seed
        Seed of everything random.
    starts
        Groups of texts, by their numbers, each of which a topic begins with; these topics come
        first and keep their place.
    firm
        How many of them, from the first on, stay whatever becomes of their texts.
    is_warm
        Whether `starts` are all topics of a former model: then no others are looked for but among
        the texts of none of them, and those that are left with next to no texts are gone.

    Returns
    -------
    Topics

    Raises
    ------
    TrainingError
        The texts have next to no terms in common.

    Examples
    --------
    >>> texts = [f"the parcel {n} is late" for n in range(20)]
    >>> texts += [f"my card {n} was declined" for n in range(20)]
    >>> found = fit_topics(texts, topics=2)
    >>> len(set(found.nearest[:20].tolist())), len(set(found.nearest[20:].tolist()))
    (1, 1)
    """
    space = _Space(texts, seed)
    places = space.places
    begun = np.array([places[group].mean(axis=0) for group in starts], np.float32)
    begun = _directions(begun.reshape(len(starts), places.shape[1]))
    tried: tuple[Tried, ...] = ()
    if is_warm and len(begun):
        if topics is None:
            begun = np.vstack([begun, _news(places, begun, starts, seed)])
        centres = _settled(places, begun)
        left = np.bincount((places @ centres.T).argmax(axis=1), minlength=len(centres))
        left[:firm] = _LEAST_LEFT
        is_left = left >= _LEAST_LEFT
        centres = centres[is_left] if is_left.any() else centres
    else:
        if topics is None:
            topics, tried = _choose(places, seed)
        topics = max(1, min(topics, len(texts) // 2), len(begun))
        centres = _clustered(places, topics, seed, begun)
    centres = _undivided(places, centres, starts[:firm])
    similarity = places @ centres.T
    nearest = similarity.argmax(axis=1)
    certainty = similarity.max(axis=1) * space.told
    limits = _limits(nearest, certainty, len(centres))
    return Topics(
        script,
        space.vocabulary,
        space.embedding,
        space.rarity,
        centres,
        limits,
        nearest,
        np.clip(certainty, 0.0, 1.0),
        tried,
    )


def _undivided(
    places: NDArray[np.float32], centres: NDArray[np.float32], firm: Sequence[NDArray[np.int64]]
) -> NDArray[np.float32]:
    """Drop the centres that most texts of a firm topic have come to, beside its own."""
    if not firm:
        return centres
    nearest = (places @ centres.T).argmax(axis=1)
    size = np.bincount(nearest, minlength=len(centres))
    is_part = np.zeros(len(centres), bool)
    for group in firm:
        is_part |= 2 * np.bincount(nearest[group], minlength=len(centres)) > size
    is_part[: len(firm)] = False
    return _settled(places, centres[~is_part])


def _directions(rows: Any) -> NDArray[np.float32]:
    """Return rows of length one; a row of zeros stays."""
    norm = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    found: NDArray[np.float32] = (rows / np.maximum(norm, 1e-12)).astype(np.float32)
    return found


def _means(
    places: NDArray[np.float32], nearest: NDArray[np.int64], former: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the directions of groups; of an empty one, the former."""
    import scipy.sparse as sp

    ones = np.ones(len(nearest), np.float32)
    member = sp.csr_matrix(
        (ones, (nearest, np.arange(len(nearest)))), shape=(len(former), len(nearest))
    )
    means = _directions(member @ places)
    is_empty = np.bincount(nearest, minlength=len(former)) == 0
    means[is_empty] = former[is_empty]
    return means


def _settled(places: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move centres to the middle of their texts until they stay."""
    nearest = (places @ centres.T).argmax(axis=1)
    for _ in range(100):
        centres = _means(places, nearest, centres)
        moved = (places @ centres.T).argmax(axis=1)
        if np.array_equal(moved, nearest):
            break
        nearest = moved
    return centres


def _clustered(
    places: NDArray[np.float32],
    topics: int,
    seed: int,
    begun: NDArray[np.float32] | None = None,
    starts: int | None = None,
) -> NDArray[np.float32]:
    """Return the centres of the tightest of several clusterings; begun ones come first."""
    from sklearn.cluster import kmeans_plusplus

    if starts is None:
        starts = _STARTS if len(places) * topics < _MANY else 2
    random = np.random.RandomState(seed)
    best, tightest = None, -np.inf
    for _ in range(starts):
        drawn, _ = kmeans_plusplus(places, topics, random_state=random.randint(2**31 - 1))
        if begun is not None and len(begun):
            # the begun ones take the place of those that they are most like
            free = np.ones(topics, bool)
            likeness = drawn @ begun.T
            for index in range(len(begun)):
                free[np.where(free, likeness[:, index], -np.inf).argmax()] = False
            drawn = np.vstack([begun, drawn[free]])
        centres = _settled(places, _directions(drawn))
        tight = float((places @ centres.T).max(axis=1).astype(np.float64).sum())
        if tight > tightest:
            best, tightest = centres, tight
    assert best is not None
    return best


def _choose(places: NDArray[np.float32], seed: int) -> tuple[int, tuple[Tried, ...]]:
    """Choose the number of topics: the fewest at which parts agree as well as they can."""
    from sklearn.metrics import adjusted_mutual_info_score

    random = np.random.RandomState(seed)
    if len(places) > _MOST_CHOOSING:
        places = places[np.sort(random.permutation(len(places))[:_MOST_CHOOSING])]
    parts = [
        np.sort(random.permutation(len(places))[: int(_PART * len(places))]) for _ in range(_PARTS)
    ]
    tried = []
    for topics in _grid(len(places)):
        found = []
        for number, part in enumerate(parts):
            centres = _clustered(places[part], topics, seed + number, starts=1)
            similarity = places @ centres.T
            found.append((similarity.argmax(axis=1), similarity.max(axis=1)))
        agreement = [
            adjusted_mutual_info_score(found[one][0], found[two][0])
            for one in range(_PARTS)
            for two in range(one)
        ]
        coverage = np.mean([(near >= _COVERED).mean() for _, near in found])
        tried.append(Tried(topics, float(np.mean(agreement)), float(coverage)))
    usable = [each for each in tried if each.coverage >= _LEAST_COVERAGE]
    if not usable:
        return max(tried, key=lambda each: each.coverage).topics, tuple(tried)
    # a single number may agree by luck, its neighbours tell whether it did
    smooth = {
        each.topics: float(
            np.mean([near.stability for near in tried[max(0, at - _NEAR) : at + _NEAR + 1]])
        )
        for at, each in enumerate(tried)
    }
    best = max(smooth[each.topics] for each in usable)
    chosen = next(each for each in usable if smooth[each.topics] >= best - _AS_GOOD)
    return chosen.topics, tuple(tried)


def _grid(count: int) -> list[int]:
    """Return the numbers of topics to try, each a fifth larger than the one before."""
    most = max(2, min(_MOST_TOPICS, count // _LEAST_PER_TOPIC))
    numbers = [2]
    while numbers[-1] < most:
        numbers.append(min(most, max(numbers[-1] + 1, round(numbers[-1] * 1.2))))
    return numbers


def _limits(
    nearest: NDArray[np.int64], certainty: NDArray[np.float32], topics: int
) -> NDArray[np.float32]:
    """Return how near a text must be to be of a topic."""
    limits = np.full(topics, _LEAST_CERTAINTY, np.float32)
    for topic in range(topics):
        near = certainty[nearest == topic].astype(np.float64)
        if len(near) > 1:
            far_out = near.mean() - _FAR_OUT * near.std()
            limits[topic] = np.clip(far_out, _LEAST_CERTAINTY, _SURE)
    return limits


def _news(
    places: NDArray[np.float32],
    begun: NDArray[np.float32],
    starts: Sequence[NDArray[np.int64]],
    seed: int,
) -> NDArray[np.float32]:
    """Return centres of what is new: dense groups among the texts of no former topic."""
    is_known = np.zeros(len(places), bool)
    near = []
    for group, centre in zip(starts, begun, strict=True):
        is_known[group] = True
        near.append(places[group] @ centre)
    usual_near = float(np.median(np.concatenate(near)))
    strange = np.flatnonzero(~is_known & (np.abs(places).sum(axis=1) > 0))
    least = max(_LEAST_PER_TOPIC, int(np.median([len(group) for group in starts]) / 4))
    none = np.empty((0, places.shape[1]), np.float32)
    if len(strange) < least:
        return none
    groups = min(len(strange) // least, _MOST_TOPICS)
    found = _clustered(places[strange], groups, seed, starts=3)
    inside = places[strange] @ found.T
    member = inside.argmax(axis=1)
    size = np.bincount(member, minlength=groups)
    kept: list[int] = []
    for group in np.argsort(-size, kind="stable"):
        is_dense = size[group] >= least and (
            inside[member == group, group].mean() >= _DENSE * usual_near
        )
        # parts of one new topic come together when all centres settle
        is_part = any(found[group] @ found[other] >= usual_near for other in kept)
        if is_dense and not is_part:
            kept.append(int(group))
    return found[kept] if kept else none
