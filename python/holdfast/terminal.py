"""How the commands write tables and numbers on a terminal."""

from __future__ import annotations

import sys
import threading
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO, cast

__all__ = ["number", "percent", "plain", "table", "working"]

_RULE_WIDTH = 110
# control characters, halves of others, line and paragraph separators
_UNSAFE = ("Cc", "Cs", "Zl", "Zp")
# they turn the direction of what follows
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def table(
    rows: Sequence[Sequence[str]],
    *,
    left: int = 0,
    right: Iterable[int] | None = None,
    header: bool = True,
) -> str:
    """Align the cells of a table in columns.

    Parameters
    ----------
    rows
        The cells, all rows of one length; the first row is the header.
    left
        How many columns from the left are text; all others are aligned to the right.
    right
        The columns to align to the right, instead of `left`.
    header
        Whether the first row is a header, to be underlined.

    Returns
    -------
    str
        The lines, indented by two blanks; cells are made `plain`.

    Examples
    --------
    >>> print(table([("model", "AUROC"), ("blend", "0.81")], left=1))
      model  AUROC
      -----  -----
      blend   0.81
    """
    rows = [[plain(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    to_right = set(right) if right is not None else set(range(left, len(widths)))
    lines = [
        "  "
        + "  ".join(
            cell.rjust(width) if i in to_right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    if header:
        lines.insert(1, "  " + "  ".join("-" * width for width in widths)[:_RULE_WIDTH])
    return "\n".join(lines)


def plain(text: str) -> str:
    r"""Write out the characters by which data could colour, move or turn what stands on a terminal.

    Examples
    --------
    >>> print(plain("C17\x1b[2J\n"))
    C17\x1b[2J\n
    """
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in _UNSAFE or character in _TURNING
        else character
        for character in text
    )


def number(value: float | None, digits: int) -> str:
    """Write a number with so many decimals, or a dash where there is none.

    Examples
    --------
    >>> number(1234.5678, 2), number(None, 2)
    ('1,234.57', '-')
    """
    return "-" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None) -> str:
    """Write a share as a percentage, or a dash where there is none.

    Examples
    --------
    >>> percent(0.3479)
    '34.8 %'
    """
    return "-" if value is None else f"{100 * value:.1f} %"


@contextmanager
def working(what: str, *, after: float = 1.0) -> Iterator[None]:
    """Show on a terminal that something is at work, and for how long, until it speaks itself.

    Parameters
    ----------
    what
        Who is at work, such as `holdfast report`.
    after
        Seconds of silence before anything is shown.

    Examples
    --------
    >>> with working("holdfast report"):
    ...     pass
    """
    if not sys.stderr.isatty():
        yield
        return
    line = _Line(what, sys.stderr, after)
    # standard error stays as it is for others; what is printed or logged clears the line first
    former, sys.stderr = sys.stderr, cast("TextIO", _Clearing(sys.stderr, line))
    try:
        with redirect_stdout(cast("TextIO", _Clearing(sys.stdout, line))):
            yield
    finally:
        line.stop()
        sys.stderr = former


class _Line:
    """A line on a terminal that counts the seconds."""

    def __init__(self, what: str, stream: TextIO, after: float) -> None:
        self._what, self._stream, self._after = what, stream, after
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def _count(self) -> None:
        begin, wait, is_shown = time.monotonic(), self._after, False
        while not self._done.wait(wait):
            self._stream.write(f"\r{self._what}: {time.monotonic() - begin:.0f} s …")
            self._stream.flush()
            wait, is_shown = 1.0, True
        if is_shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def stop(self) -> None:
        """Clear the line, and show nothing more."""
        self._done.set()
        self._thread.join()


class _Clearing:
    """A stream whose first word clears the line."""

    def __init__(self, stream: TextIO, line: _Line) -> None:
        self._stream, self._line = stream, line

    def write(self, text: str) -> int:
        """Write, once the line is cleared."""
        self._line.stop()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
