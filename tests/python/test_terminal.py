"""Tables on a terminal."""

from __future__ import annotations

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
