"""Assigning texts to topics with stored models, one per script."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.contract import GRAM_WEIGHT, TopicFile
from holdfast.texts import (
    Occurrences,
    Vocabulary,
    clean,
    is_too_short,
    mask_rare,
    occurrences,
    scripts_of,
)

__all__ = ["STATUSES", "TopicFunctions", "TopicModel", "assign"]

STATUSES = ("assigned", "other", "empty", "no_model")
# terms that are looked up at once, which bounds the memory: times the width of a model, times four
_MOST_AT_ONCE = 1 << 16


class TopicModel:
    """A topic model of one script, ready to assign texts.

    Parameters
    ----------
    file
        The model as it is stored.
    """

    def __init__(self, file: TopicFile) -> None:
        self.script = file.script
        self.words = frozenset(file.words)
        self._vocabulary = Vocabulary(file.vocabulary)
        self._session = file.session()

    def assign(
        self, found: Occurrences, count: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.bool_]]:
        """Return the nearest topic of each text, how near it is, and whether that is too far.

        Parameters
        ----------
        found
            Occurrences of the texts' terms.
        count
            How many texts there are.

        Returns
        -------
        tuple of numpy.ndarray
            Number of the topic, cosine of the angle to its centre from 0 to 1, and whether the
            text is of no topic, each of shape (n,).
        """
        counts = self._vocabulary.count(found, count)
        unknown = counts.unknown_words + GRAM_WEIGHT**2 * counts.unknown_grams
        topic = np.zeros(count, np.int32)
        certainty = np.zeros(count, np.float32)
        is_other = np.ones(count, bool)
        lengths = np.bincount(counts.row, minlength=count)
        start = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        # texts of like length go together, for the short ones are filled up
        order = np.argsort(lengths, kind="stable")
        order = order[lengths[order] > 0]
        at = 0
        while at < len(order):
            # lengths rise, so that the last of a block is its longest
            fits = lengths[order[at:]] * np.arange(1, len(order) - at + 1) <= _MOST_AT_ONCE
            size = max(1, int(fits.argmin()) if not fits.all() else len(fits))
            block = order[at : at + size]
            at += size
            longest = int(lengths[block[-1]])
            place = start[block][:, None] + np.arange(longest)
            is_there = np.arange(longest) < lengths[block][:, None]
            place = np.where(is_there, place, 0)
            given = {
                "terms": np.where(is_there, counts.term[place], len(self._vocabulary)),
                "counts": np.where(is_there, counts.count[place], np.float32(1)),
                "unknown": unknown[block, None].astype(np.float32),
            }
            names = ["topic", "certainty", "is_other"]
            topic[block], certainty[block], is_other[block] = self._session.run(names, given)
        return topic, np.clip(certainty, 0.0, 1.0), is_other


def assign(models: Mapping[str, tuple[str, TopicModel]], texts: Any) -> dict[str, list[Any]]:
    """Assign texts of any script, as they came.

    Parameters
    ----------
    models
        By script, the id of a model and the model.
    texts
        Arrow array of texts.

    Returns
    -------
    dict
        Columns: ``model_id``, ``cluster``, ``certainty`` and ``status``, one of `STATUSES`.
    """
    cleaned = clean(texts).to_pylist()
    script = scripts_of(cleaned)
    size = len(cleaned)
    status = np.where(script == "", "empty", "no_model").astype(object)
    model_id = np.full(size, None, object)
    cluster = np.full(size, -1, np.int32)
    certainty = np.zeros(size, np.float32)
    for name, (key, model) in models.items():
        rows = np.flatnonzero(script == name)
        if not len(rows):
            continue
        found = occurrences([cleaned[row].lower() for row in rows])
        topic, near, is_other = model.assign(found, len(rows))
        is_other |= is_too_short(found, len(rows))
        model_id[rows] = key
        cluster[rows] = np.where(is_other, -1, topic)
        certainty[rows] = near
        status[rows] = np.where(is_other, "other", "assigned")
    return {
        "model_id": model_id.tolist(),
        "cluster": cluster.tolist(),
        "certainty": certainty.tolist(),
        "status": status.tolist(),
    }


class TopicFunctions:
    """The DuckDB functions that read texts with the topic models of a warehouse.

    Parameters
    ----------
    read
        Gives the stored bytes and the SHA-256 of a model, by its table and id.
    """

    RESULT = "STRUCT(model_id VARCHAR, cluster INTEGER, certainty FLOAT, status VARCHAR)"

    def __init__(self, read: Callable[[str, str], tuple[bytes, str]]) -> None:
        self._read = read
        self._models: dict[tuple[str, str], TopicModel] = {}
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Let go of all models."""
        self._models = {}

    def assign(self, table: str, keys: str, texts: Any) -> Any:
        """Assign a chunk of texts, by models whose ids are given with commas between them."""
        import pyarrow

        models = [self._model(table, key) for key in keys.split(",") if key]
        by_script = {
            model.script: (key, model)
            for key, model in zip(filter(None, keys.split(",")), models, strict=True)
        }
        found = assign(by_script, texts)
        kinds = (pyarrow.string(), pyarrow.int32(), pyarrow.float32(), pyarrow.string())
        names = ("model_id", "cluster", "certainty", "status")
        arrays = [pyarrow.array(found[name], kind) for name, kind in zip(names, kinds, strict=True)]
        return pyarrow.StructArray.from_arrays(arrays, names=list(names))

    def mask(self, table: str, key: str, texts: Any) -> Any:
        """Show a chunk of texts with all masked but the words of a model that may be shown."""
        import pyarrow

        known = self._model(table, key).words
        return pyarrow.array([mask_rare(text, known) for text in clean(texts).to_pylist()])

    def _model(self, table: str, key: str) -> TopicModel:
        """Return a model, read once: its id is a hash of its content."""
        with self._lock:
            models = self._models
            found = models.get((table, key))
            if found is None:
                found = TopicModel(TopicFile.from_bytes(*self._read(table, key)))
                models[table, key] = found
            return found
