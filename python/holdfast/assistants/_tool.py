"""What a tool is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from holdfast.assistants._arguments import Argument, Given
from holdfast.assistants._file import Snapshot
from holdfast.assistants._views import Kind, Section, View

__all__ = ["Found", "Tool", "columns", "with_bounds"]


@dataclass(frozen=True)
class Found:
    """What a tool has found.

    Attributes
    ----------
    sections
        The rows, by table.
    leading
        How many sections, from the first, decide whether anything was found.
    message
        A sentence of the tool's own; None: the usual one.
    """

    sections: Sequence[Section]
    leading: int = 1
    message: str | None = None


@dataclass(frozen=True)
class Tool:
    """A question with a fixed purpose.

    Attributes
    ----------
    name, title, description
        As the assistant sees them.
    arguments
        What it can be told.
    views
        The tables and columns that its answers may show.
    find
        What it does.
    tells_customers
        Whether its answers tell of single customers.
    """

    name: str
    title: str
    description: str
    arguments: tuple[Argument, ...]
    views: tuple[View, ...]
    find: Callable[[Snapshot, Given], Found]
    tells_customers: bool = False


def columns(kind: Kind, *names: str) -> dict[str, Kind]:
    """Give columns of one kind."""
    return dict.fromkeys(names, kind)


def with_bounds(*names: str) -> dict[str, Kind]:
    """Give figures, each with its interval."""
    return {f"{name}{suffix}": "number" for name in names for suffix in ("", "_lower", "_upper")}
