"""A section of the page that is sentences, charts and tables, and needs no template of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from holdfast.report import _words as words
from holdfast.report._chart import Section

__all__ = ["Cell", "Grid", "Story", "amount_between", "effect", "points"]


@dataclass(frozen=True)
class Cell:
    """A cell: its text, what stands in small print beside it, and whether it is good news or bad.

    `tone` is good, bad or empty. The text says the same, so that colour is never needed.
    """

    text: str
    small: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes
    ----------
    title
        Its heading.
    columns
        The heading of each column, and whether it holds numbers.
    rows
        The cells of each row; a text stands for a cell of nothing else.
    note
        What is said below.
    """

    title: str
    columns: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[Cell | str]]
    note: str = ""

    def cells(self) -> list[list[tuple[Cell, bool]]]:
        """Give the cells row by row, each with whether it is a number."""
        return [
            [
                (cell if isinstance(cell, Cell) else Cell(cell), is_number)
                for cell, (_, is_number) in zip(row, self.columns, strict=True)
            ]
            for row in self.rows
        ]


@dataclass
class Story(Section):
    """A section: its place and headings, first sentences, charts by their titles, and tables.

    Attributes
    ----------
    anchor
        Its id on the page.
    name
        What the navigation calls it.
    title
        Its heading.
    lead
        The first sentences.
    titles
        The charts that it shows, by name, each with its heading.
    grids
        Its tables.
    """

    anchor: str = ""
    name: str = ""
    title: str = ""
    lead: list[str] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)
    grids: list[Grid] = field(default_factory=list)

    @property
    def is_there(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.lead or self.grids or self.titles)


def amount_between(lower: float | None, upper: float | None) -> str:
    """Write an interval of amounts, both ends with as many decimals; nothing where one is unknown.

    Examples
    --------
    >>> amount_between(-2.94, 0.9), amount_between(-2976, 257), amount_between(None, 1)
    ('-2.94 to 0.90', '-2,976 to 257', '')
    """
    if lower is None or upper is None:
        return ""
    digits = 2 if max(abs(lower), abs(upper)) < 100 else 0
    return f"{words.number(lower, digits)} to {words.number(upper, digits)}"


def effect(value: float | None, lower: float | None, upper: float | None) -> Cell:
    """Write a difference of amounts with its interval, and tell whether it is clearly good or bad.

    Examples
    --------
    >>> effect(2.02, 0.32, 3.72)
    Cell(text='+2.02', small='(0.32 to 3.72)', tone='good')
    """
    if value is None:
        return Cell(words.NONE)
    digits = 2 if max(abs(each) for each in (value, lower or 0.0, upper or 0.0)) < 100 else 0
    between = amount_between(lower, upper)
    tone = ""
    if lower is not None and upper is not None:
        tone = "good" if lower > 0 else "bad" if upper < 0 else ""
    return Cell(words.signed(value, digits), f"({between})" if between else "", tone)


def points(value: float | None, lower: float | None, upper: float | None) -> Cell:
    """Write a difference of shares in percentage points, with its interval.

    Examples
    --------
    >>> points(0.15, 0.05, 0.25)
    Cell(text='+15.0 points', small='(+5.0 to +25.0)', tone='')
    """
    if value is None:
        return Cell(words.NONE)
    if lower is None or upper is None:
        return Cell(words.points(value))
    ends = " to ".join(words.signed(100 * end, 1) for end in (lower, upper))
    return Cell(words.points(value), f"({ends})")
