"""Tables on a terminal."""

from __future__ import annotations

import pytest

from holdfast import terminal


def test_columns_line_up_and_numbers_stand_to_the_right() -> None:
    rows = [("model", "AUROC"), ("a longer name", "0.8"), ("b", "10.25")]
    lines = terminal.table(rows, left=1).splitlines()
    assert lines == [
        "  model          AUROC",
        "  -------------  -----",
        "  a longer name    0.8",
        "  b              10.25",
    ]


def test_what_is_not_known_is_a_dash() -> None:
    assert terminal.number(None, 2) == terminal.percent(None) == "-"
    assert terminal.number(1234.5, 1) == "1,234.5"
    assert terminal.percent(0.125) == "12.5 %"


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("C1\x1b[31mred", r"C1\x1b[31mred"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\x9b2J", r"a\x9b2J"),
        ("a\u202eb", r"a\u202eb"),
        ("a\u200bb", r"a\u200bb"),
        ("a\rb\x08", r"a\rb\x08"),
        ("Zoë 漢字 €", "Zoë 漢字 €"),
    ],
)
def test_no_text_steers_the_terminal(hostile: str, shown: str) -> None:
    assert terminal.plain(hostile) == shown
    assert shown in terminal.table([("id",), (hostile,)])


def test_lines_stay_lines_but_for_those_in_a_cell() -> None:
    assert terminal.plain("a\n\tb") == "a\n\tb"
    assert r"a\nb" in terminal.table([("id",), ("a\nb",)])
