"""Names and texts in SQL."""

from __future__ import annotations

__all__ = ["quoted", "text"]


def quoted(*names: str) -> str:
    """Quote an identifier, or the parts of one.

    Examples
    --------
    >>> quoted("main", "order")
    '"main"."order"'
    """
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def text(value: str) -> str:
    """Write a string literal.

    Examples
    --------
    >>> text("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"
