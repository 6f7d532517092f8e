"""What is left of a text: the customer's own words, masked."""

from __future__ import annotations

import pytest

from holdfast.texts import MOST_KEPT, MOST_READ, clean, mask_rare, words_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ""),
        ("  \n\t ", ""),
        ("<style>p {}</style><p>Where is <b>it</b>?<br>Thanks</p>", "Where is it ? Thanks"),
        ("I love it <3 and a < b &amp; c", "I love it <3 and a < b & c"),
        ("New question\n\nOn Mon, 3 Jan 2026, Ann wrote:\n> old\n> older", "New question"),
        ("> what is your address?\nIt is the old one", "It is the old one"),
        ("Neu\r\n\r\nAm 3.1. schrieb Shop:\r\nAltes", "Neu"),
        ("Help\n-----Original Message-----\nFrom: Ann\nold", "Help"),
        ("Help me\n\nKind regards,\nAnn Lee\n12 High Street", "Help me"),
        ("Help me\n-- \nAnn Lee", "Help me"),
        ("Help me\nSent from my phone", "Help me"),
    ],
)
def test_markup_quotes_and_signatures_are_dropped(text: str | None, expected: str) -> None:
    assert clean([text]).to_pylist() == [expected]


@pytest.mark.parametrize(
    "secret",
    [
        "ann.lee+shop@mail.example.org",
        "анна@почта.рф",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "+49 (0)30 123-4567",
        "030/1234567",
        "GB29 NWBK 6016 1331 9268 19",
        "https://shop.example/reset?token=abc",
        "order 99887766",
        "٠١٢٣٤٥٦٧٨٩",
    ],
)
def test_addresses_and_numbers_are_masked(secret: str) -> None:
    (found,) = clean([f"please look at {secret} today"]).to_pylist()
    assert not set(secret.removeprefix("order ").split()) & set(found.split())
    assert found.startswith("please look at ")
    assert found.endswith("] today")


def test_a_megabyte_is_cut() -> None:
    (found,) = clean(["word " * 200_000 + "end"]).to_pylist()
    assert len(found) <= MOST_KEPT
    assert clean(["<br>" * MOST_READ + "late"]).to_pylist() == [""]


def test_a_text_that_is_all_quoted_is_kept_rather_than_lost() -> None:
    assert clean(["-- \nAnn"]).to_pylist() == ["-- Ann"]
    assert clean(["\n-- \nAnn"]).to_pylist() == ["-- Ann"]


def test_only_words_that_are_known_are_shown() -> None:
    text = "Dear Bob, Ann Lee here: my card [number] is late."
    known = {"my", "card", "is", "late", "here", "dear"}
    assert mask_rare(text, known) == "Dear … here: my card [number] is late."
    assert len(mask_rare("card " * 100, known)) <= 160


def test_words_of_scripts_without_spaces_are_pairs_of_characters() -> None:
    assert words_of("退款申请 ok") == ["退款", "款申", "申请", "ok"]
