"""Tables on a terminal."""

from __future__ import annotations

import io
import sys
import threading

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


def test_what_data_hold_cannot_colour_move_or_turn_the_terminal() -> None:
    hostile = "C17\x1b[2J\x1b]0;title\x07\r\nrow\u202egnp.exe\x9b31m"
    plain = terminal.plain(hostile)
    assert plain == r"C17\x1b[2J\x1b]0;title\x07\r\nrow\u202egnp.exe\x9b31m"
    lines = terminal.table([("customer", "why"), (hostile, "a\tb")], left=2).splitlines()
    assert len(lines) == 3
    assert lines[2] == f"  {plain}  a\\tb"


def test_words_of_every_language_stay_as_they_are() -> None:
    # with a no-break space, and joiners as scripts and emoji need them
    for text in ("Größe", "naïve\u00a0prix", "क्\u200dष", "顧客", "👩\u200d💻", 'it\'s \\ "x"'):
        assert terminal.plain(text) == text


class Terminal(io.StringIO):
    """What a terminal would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.spoke = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        written = super().write(text)
        self.spoke.set()
        return written


def test_seconds_are_counted_until_a_command_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, out = Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdout", out)
    with terminal.working("holdfast report", after=0):
        assert screen.spoke.wait(timeout=60)
        print("done")
        at_print = screen.getvalue()
    assert screen.getvalue() == at_print
    assert at_print.startswith("\rholdfast report: 0 s")
    assert at_print.endswith("\r\x1b[K")
    assert out.getvalue() == "done\n"
    assert sys.stderr is screen


def test_nothing_is_counted_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    with terminal.working("holdfast report", after=0):
        print("done", file=sys.stderr)
    assert log.getvalue() == "done\n"
