"""Words as people read them: whole in every script, and hidden where nobody may read them."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.texts import mask_rare, occurrences, terms_of, words_of
from holdfast.training._topic_names import topic_words

DECOMPOSED = unicodedata.normalize("NFD", "Zoë Müller")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("मेरा पार्सल नहीं आया", ["मेरा", "पार्सल", "नहीं", "आया"]),
        ("আমার পার্সেল আসেনি", ["আমার", "পার্সেল", "আসেনি"]),
        ("என் பொருள் வரவில்லை", ["என்", "பொருள்", "வரவில்லை"]),
        (DECOMPOSED, DECOMPOSED.lower().split()),
        ("one_two, it's", ["one", "two", "it's"]),
        # what makes a sign an emoji is a mark of Unicode, but on no letter
        ("thanks ❤\ufe0f 12", ["thanks", "12"]),
    ],
    ids=["hindi", "bengali", "tamil", "decomposed", "underscore", "emoji"],
)
def test_marks_are_parts_of_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text(alphabet="aß1яम\u0940\u0308\u0bca\U0001d7d9 .", max_size=20))
def test_words_are_those_that_are_counted(text: str) -> None:
    # a mark that is set on nothing begins no word that people read
    spaced = " ".join(each for each in text.replace(".", " ").split() if each[0].isalnum())
    assert len(words_of(spaced)) == int(occurrences([spaced]).is_word.sum())


def test_a_name_of_one_customer_is_hidden_in_a_script_with_marks() -> None:
    usual = "मेरा पार्सल नहीं आया है"
    named = "मेरा नाम सुनीता शर्मा है पार्सल नहीं आया"
    place = np.array([0] * 30 + [1])
    words = topic_words([usual, named], place, np.arange(31), np.zeros(31, np.int64), 1, 10)
    assert mask_rare(named, set(words.shown)) == "मेरा … है पार्सल नहीं आया"
    assert not {"सुनीता", "शर्मा"} & set(words.shown)


def test_a_decomposed_word_is_hidden_as_a_whole() -> None:
    # all of its letters are known words by themselves
    known = {"my", "name", "is", "zoe", "mu", "ller", "m", "u", "e"}
    assert mask_rare(f"my name is {DECOMPOSED}", known) == "my name is …"


def test_topics_of_a_script_with_marks_have_names() -> None:
    texts = ["पार्सल नहीं आया", "रिफंड कब मिलेगा"]
    place = np.repeat([0, 1], 20)
    words = topic_words(texts, place, np.arange(40), place, 2, 10)
    assert set(words.terms[1]) <= set(terms_of(texts[1]))
    assert words.name(1, "none") != "none"
