"""What systems measured on held-out dates, from the table of all of them or from their own."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.report._tables import Row, Tables

__all__ = ["evaluations"]

_COLUMNS = (
    "task",
    "algorithm",
    "stage",
    "segment",
    "metric",
    "value",
    "lower",
    "upper",
    "row_count",
)


def evaluations(tables: Tables, own: str, tasks: Sequence[str]) -> list[Row]:
    """Read what was measured of some tasks, for all held-out dates together.

    Parameters
    ----------
    tables
        What a build made.
    own
        The table of the system, read where there is no `system_evaluations`.
    tasks
        The tasks.

    Returns
    -------
    list of dict
        A row for each algorithm, segment and metric; empty where neither table is there.
    """
    for name in ("system_evaluations", own):
        if not tables.has(name, *_COLUMNS, "split", "as_of"):
            continue
        found = tables.rows(
            f"""
            select {", ".join(_COLUMNS)}
            from {{{name}}}
            where split = 'test' and as_of is null and list_contains($tasks, task)
            order by task, algorithm, segment, metric
            """,  # noqa: S608 - constant names
            {"tasks": list(tasks)},
        )
        if found:
            return found
    return []
