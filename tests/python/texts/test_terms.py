"""Words and n-grams, counted the same way wherever a text stands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.texts import Vocabulary, is_too_short, occurrences, scripts_of

TEXTS = st.lists(st.text(alphabet="abcяж字 .'1", max_size=30), min_size=1, max_size=6)


def grams(text: str) -> list[str]:
    """Give the n-grams of characters of a text's words, the slow way."""
    words = "".join(letter if letter.isalnum() else " " for letter in text).split()
    return [
        word[place : place + length]
        for word in (f" {word} " for word in words)
        for length in (2, 3, 4)
        for place in range(len(word) - length + 1)
        # the whole word is counted as a word
        if not (word[place] == " " == word[place + length - 1])
    ]


@given(TEXTS)
def test_terms_are_those_of_the_slow_way(texts: list[str]) -> None:
    found = occurrences(texts)
    for row, text in enumerate(texts):
        told = grams(text)
        terms = found.term[(found.row == row) & ~found.is_word]
        assert len(terms) == len(told)
        assert len(set(terms.tolist())) == len(set(told))


@given(TEXTS)
def test_a_text_has_the_same_terms_among_others_as_alone(texts: list[str]) -> None:
    together = occurrences(texts)
    for row, text in enumerate(texts):
        alone = occurrences([text])
        assert sorted(together.term[together.row == row]) == sorted(alone.term)


def test_a_vocabulary_counts_what_it_has_and_what_it_has_not() -> None:
    known = occurrences(["card card late"])
    vocabulary = Vocabulary(np.unique(known.term[known.is_word]))
    counts = vocabulary.count(occurrences(["card late card unheard", "", "late"]), 3)
    assert counts.row.tolist() == [0, 0, 2]
    assert sorted(counts.count.tolist()) == [1.0, 1.0, 2.0]
    assert counts.unknown_words.tolist() == [1, 0, 0]


def test_a_large_vocabulary_finds_every_term() -> None:
    terms = np.random.default_rng(0).integers(0, 2**63, 50_000).astype(np.uint64)
    terms = np.unique(terms)
    vocabulary = Vocabulary(terms)
    assert np.array_equal(vocabulary.places(terms), np.arange(len(terms)))
    assert (vocabulary.places(terms + np.uint64(1)) == -1).mean() > 0.99


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Where is it?", "latin"),
        ("Где мой заказ?", "cyrillic"),
        ("注文はどこですか", "han"),
        ("주문이 어디에 있나요", "hangul"),
        ("أين طلبي", "arabic"),
        ("मेरा ऑर्डर कहाँ है", "devanagari"),
        ("Где order заказ", "cyrillic"),
        ("ꦗꦮ", "other"),
        ("1 + 1 = ?", ""),
        ("", ""),
    ],
)
def test_the_script_is_that_of_most_letters(text: str, script: str) -> None:
    assert scripts_of(["latin words", text]).tolist() == ["latin", script]


def test_one_short_word_is_too_short() -> None:
    texts = ["hi", "ok!", "", "refund", "no way"]
    assert is_too_short(occurrences(texts), len(texts)).tolist() == [True, True, True, False, False]
