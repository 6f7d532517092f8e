"""Names and texts in SQL."""

from __future__ import annotations

__all__ = ["quoted", "text"]


def quoted(name: str) -> str:
    """Quote an identifier.

    Examples
    --------
    >>> quoted("order")
    '"order"'
    """
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Write a string literal.

    Examples
    --------
    >>> text("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"
