"""What the report reads: the tables that are there, with the columns that may be shown."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from holdfast.project import Project

__all__ = ["Row", "Source", "open_source"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """An open database with the tables of a build.

    Attributes
    ----------
    path
        The DuckDB file that is read.
    columns
        The tables that are there, each with its columns; personal ones are left out.
    relations
        Their quoted names.
    """

    path: Path
    columns: Mapping[str, frozenset[str]]
    relations: Mapping[str, str]
    connection: duckdb.DuckDBPyConnection

    def has(self, table: str, *columns: str) -> bool:
        """Tell whether a table is there with these columns, and all may be shown.

        Parameters
        ----------
        table
            The model's name.
        *columns
            Names of columns.

        Returns
        -------
        bool
            Whether a query may name them.
        """
        return table in self.columns and self.columns[table].issuperset(columns)

    def rows(self, sql: str, parameters: list[Any] | None = None) -> list[Row]:
        """Run a query, and give its rows with values that JSON knows.

        Parameters
        ----------
        sql
            The query; ``{name}`` stands for the table of that name.
        parameters
            The values for its question marks.

        Returns
        -------
        list of dict
            A row each. Numbers that are not finite become None, dates become ISO text.
        """
        cursor = self.connection.execute(sql.format_map(self.relations), parameters or [])
        names = [column[0] for column in cursor.description or ()]
        return [
            {name: _plain(value) for name, value in zip(names, row, strict=True)}
            for row in cursor.fetchall()
        ]

    def row(self, sql: str, parameters: list[Any] | None = None) -> Row | None:
        """Give the first row of a query, or None where it has none.

        Parameters
        ----------
        sql, parameters
            As in `rows`.

        Returns
        -------
        dict or None
            The row.
        """
        return next(iter(self.rows(sql, parameters)), None)


@contextmanager
def open_source(project: Project) -> Iterator[Source]:
    """Open the warehouse of a project for reading.

    Parameters
    ----------
    project
        A built project.

    Yields
    ------
    Source
        The tables of Holdfast's models that are in the warehouse.

    Raises
    ------
    holdfast.project.ProjectError
        If it cannot be opened.
    """
    with project.connect() as connection:
        # moments are told in UTC, wherever the report is written
        connection.execute("set timezone = 'UTC'")
        models = {
            node["name"]: node
            for node in project.manifest["nodes"].values()
            if node["resource_type"] == "model" and node["package_name"] == "holdfast"
        }
        present = _columns(connection)
        columns: dict[str, frozenset[str]] = {}
        relations: dict[str, str] = {}
        for name, node in models.items():
            found = present.get((node["schema"], node.get("alias") or name))
            if found:
                relations[name] = str(node["relation_name"])
                columns[name] = found - _personal(node)
        yield Source(project.warehouse, columns, relations, connection)


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], frozenset[str]]:
    """Give the columns of every table and view, by schema and name."""
    found: dict[tuple[str, str], frozenset[str]] = {
        (schema, table): frozenset(columns)
        for schema, table, columns in connection.execute(
            """
            select schema_name, table_name, list(column_name)
            from duckdb_columns()
            where database_name = current_database() and not internal
            group by schema_name, table_name
            """
        ).fetchall()
    }
    return found


def _personal(node: Mapping[str, Any]) -> frozenset[str]:
    """Give the columns of a model that are marked as personal data."""
    return frozenset(
        name
        for name, column in node["columns"].items()
        if (column.get("meta") or {}).get("pii")
        or ((column.get("config") or {}).get("meta") or {}).get("pii")
    )


def _plain(value: Any) -> Any:
    """Turn a value into one that JSON knows."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    return value
