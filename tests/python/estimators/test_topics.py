"""Topics of texts: found again, told alike by ONNX, and not forced on what is like none."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.contract import ModelError, TopicFile
from holdfast.estimators import Topics, fit_topics
from holdfast.scoring import TopicModel, assign
from holdfast.texts import occurrences

KINDS = {
    "parcel": "the {} parcel with my order has not arrived and tracking shows nothing since {}",
    "refund": "I returned the {} shoes and still wait for the refund of my money since {}",
    "login": "cannot log in to my account with the {} password, the reset mail fails since {}",
    "invoice": "the {} invoice shows another amount than the price in the basket of {}",
}
FIRST = ("blue", "large", "second", "old", "new", "other", "small", "green", "last", "red")
SECOND = ("monday", "may", "spring", "june", "friday", "summer")


def make_texts() -> tuple[list[str], np.ndarray]:
    """Give 240 different texts of four kinds."""
    rows = [
        (text.format(one, two).lower(), kind)
        for kind, text in enumerate(KINDS.values())
        for one in FIRST
        for two in SECOND
    ]
    return [text for text, _ in rows], np.array([kind for _, kind in rows])


@pytest.fixture(scope="module")
def fit() -> Topics:
    return fit_topics(make_texts()[0])


@pytest.fixture(scope="module")
def model(fit: Topics) -> TopicModel:
    return TopicModel(TopicFile.from_bytes(fit.to_onnx(["parcel"])))


def test_the_number_of_topics_is_found_and_each_is_pure(fit: Topics) -> None:
    kind = make_texts()[1]
    assert 4 <= len(fit.centres) <= 12
    for topic in np.unique(fit.nearest):
        assert len(set(kind[fit.nearest == topic].tolist())) == 1
    tried = [each.topics for each in fit.tried]
    assert tried == sorted(set(tried))


def test_onnx_tells_what_was_learned(fit: Topics, model: TopicModel) -> None:
    texts = make_texts()[0]
    topic, certainty, is_other = model.assign(occurrences(texts), len(texts))
    assert np.array_equal(topic, fit.nearest)
    assert np.abs(certainty - fit.certainty).max() < 1e-5
    assert np.array_equal(is_other, fit.is_other)
    assert is_other.mean() < 0.1


def test_the_same_texts_give_the_same_file() -> None:
    texts = make_texts()[0]
    files = {fit_topics(texts, topics=5).to_onnx(["parcel"]) for _ in range(2)}
    assert len(files) == 1


def test_what_is_like_no_topic_is_other(model: TopicModel) -> None:
    texts = ["how tall is the eiffel tower", "play some jazz", "qwertz uiop", "hi"]
    assert model.assign(occurrences(texts), len(texts))[2].all()


def test_a_text_does_not_depend_on_those_beside_it(model: TopicModel) -> None:
    texts = [*make_texts()[0][::7], "late " * 300, "x"]
    together = model.assign(occurrences(texts), len(texts))
    for row, text in enumerate(texts):
        alone = model.assign(occurrences([text]), 1)
        assert alone[0][0] == together[0][row]
        assert alone[1][0] == pytest.approx(together[1][row], abs=1e-6)


def test_every_text_gets_a_status(model: TopicModel) -> None:
    texts = [None, "", "12", "Где заказ?", make_texts()[0][0], "jazz tower banana"]
    found = assign({"latin": ("m", model)}, texts)
    assert found["status"] == ["empty", "empty", "empty", "no_model", "assigned", "other"]
    assert found["model_id"] == [None, None, None, None, "m", "m"]


def test_a_given_number_of_topics_is_kept_to() -> None:
    assert len(fit_topics(make_texts()[0], topics=3).centres) == 3


def test_topics_begin_with_given_texts_and_keep_their_place() -> None:
    texts, kind = make_texts()
    starts = [np.flatnonzero(kind == 3)[:5], np.flatnonzero(kind == 1)[:5]]
    found = fit_topics(texts, topics=4, starts=starts, firm=2)
    assert set(found.nearest[kind == 3].tolist()) == {0}
    assert set(found.nearest[kind == 1].tolist()) == {1}


def test_a_new_kind_of_text_becomes_a_topic_beside_the_former_ones() -> None:
    texts, kind = make_texts()
    starts = [np.flatnonzero(kind == each) for each in range(3)]
    found = fit_topics(texts, starts=starts, is_warm=True)
    assert {found.nearest[kind == each][0] for each in range(3)} == {0, 1, 2}
    assert set(found.nearest[kind == 3].tolist()) - {0, 1, 2}


def test_a_changed_file_is_refused(fit: Topics) -> None:
    blob = fit.to_onnx([])
    with pytest.raises(ModelError, match="changed or cut off"):
        TopicFile.from_bytes(blob, "0" * 64)
    with pytest.raises(ModelError, match=r"cannot be read|no topic model"):
        TopicFile.from_bytes(b"nothing")
