"""What the systems measured of themselves on held-out dates."""

from __future__ import annotations

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


def evaluations(tables: Tables, *tasks: str) -> list[Row]:
    """Read what was measured of some tasks, for all held-out dates together.

    Parameters
    ----------
    tables
        What a build made.
    *tasks
        The tasks.

    Returns
    -------
    list of dict
        A row for each algorithm, segment and metric; empty where the table is not there.
    """
    if not tables.has("system_evaluations", *_COLUMNS, "split", "as_of"):
        return []
    return tables.rows(
        f"""
        select {", ".join(_COLUMNS)}
        from {{system_evaluations}}
        where split = 'test' and as_of is null and list_contains($tasks, task)
        order by task, algorithm, segment, metric
        """,  # noqa: S608 - constant names
        {"tasks": list(tasks)},
    )
