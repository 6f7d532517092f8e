"""Pieces of a model card: tables, paragraphs and numbers, as HTML."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from holdfast.registry import Figure
from holdfast.report import _words as words

__all__ = ["day", "figure", "paragraphs", "table", "whole"]


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Iterable[int] = (),
    code: Iterable[int] = (),
    caption: str = "",
) -> str:
    """Make a table of cells that are HTML already."""
    classes = {**dict.fromkeys(numbers, "number"), **dict.fromkeys(code, "code")}

    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f'<{tag} class="{classes[i]}">{cell}</{tag}>'
            if i in classes
            else f"<{tag}>{cell}</{tag}>"
            for i, cell in enumerate(cells)
        )

    parts = ['<table class="plain">']
    if caption:
        parts.append(f"<caption>{caption}</caption>")
    if any(head):
        parts.append(f"<thead><tr>{line(head, 'th')}</tr></thead>")
    parts += ["<tbody>", *(f"<tr>{line(row, 'td')}</tr>" for row in rows), "</tbody>"]
    return "\n".join([*parts, "</table>", ""])


def paragraphs(*texts: str) -> str:
    """Make paragraphs of texts that are HTML already; empty ones are left out."""
    return "".join(f"<p>{text}</p>\n" for text in texts if text)


def figure(figure: Figure, digits: int, is_share: bool) -> str:
    """Write a figure with its interval."""
    if figure.value is None:
        return "-"
    factor, digits, unit = (100, 1, " %") if is_share else (1, digits, "")
    text = words.number(factor * figure.value, digits) + unit
    if figure.lower is not None and figure.upper is not None:
        lower, upper = (words.number(factor * end, digits) for end in (figure.lower, figure.upper))
        text += f' <span class="interval">({lower} to {upper})</span>'
    return text


def whole(figure: Figure) -> int | None:
    """Give a count as a whole number."""
    return None if figure.value is None else round(figure.value)


def day(moment: dt.datetime | str | None) -> str:
    """Write the day of a moment, given as such or as ISO text."""
    return "-" if moment is None else str(moment)[:10]
