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

from holdfast.publishing import MANIFEST, PublishError, publish_path
from holdfast.warehouse.project import Project, ProjectError
from holdfast.warehouse.quoting import quoted

__all__ = ["Row", "Tables", "open_tables"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Tables:
    """An open database with the tables of a build.

    Attributes
    ----------
    path
        The DuckDB file that is read.
    columns
        The tables that are there, each with its columns; personal ones are left out.
    relations
        Their quoted names.
    is_published
        Whether it is the published file instead of the warehouse.
    """

    path: Path
    is_published: bool
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

    def absent(self, table: str) -> str:
        """Say why a table is not there, and what to do.

        Parameters
        ----------
        table
            The model's name.

        Returns
        -------
        str
            A sentence for the page.
        """
        if self.is_published:
            return (
                f"A build was running, so this page was read from {self.path.name}, which does not "
                f"have {table} in full. Write the report again when the build is done."
            )
        return (
            f"The table {table} is missing, or an earlier version built it. Run `dbt build`, then "
            "write the report again."
        )

    def rows(self, sql: str, parameters: list[Any] | dict[str, Any] | None = None) -> list[Row]:
        """Run a query, and give its rows with values that JSON knows.

        Parameters
        ----------
        sql
            The query; ``{name}`` stands for the table of that name.
        parameters
            The values for its question marks, or by name for its ``$names``.

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

    def row(self, sql: str, parameters: list[Any] | dict[str, Any] | None = None) -> Row | None:
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
def open_tables(project: Project) -> Iterator[Tables]:
    """Open the warehouse of a project for reading; while a build holds it, the published file.

    Parameters
    ----------
    project
        A built project.

    Yields
    ------
    Tables
        The tables of Holdfast's models that are in the warehouse.

    Raises
    ------
    holdfast.warehouse.project.ProjectError
        If neither can be opened.
    """
    path, connection = _open(project)
    is_published = path != project.warehouse
    with connection:
        # moments are told in UTC, wherever the report is written
        connection.execute("set timezone = 'UTC'")
        models = {
            node["name"].removeprefix("holdfast__"): node
            for node in project.manifest["nodes"].values()
            if node["resource_type"] == "model" and node["package_name"] == "holdfast"
        }
        (home,) = connection.execute("select current_database()").fetchone() or ("",)
        present = _columns(connection, project.databases | {home.lower()})
        columns: dict[str, frozenset[str]] = {}
        relations: dict[str, str] = {}
        for name, node in models.items():
            alias = node.get("alias") or name
            place = (
                (home, "main", alias)
                if is_published
                else (node.get("database") or home, node["schema"], alias)
            )
            if found := present.get(place):
                relations[name] = (
                    quoted("main", alias) if is_published else str(node["relation_name"])
                )
                columns[name] = found - _personal(node)
        if found := present.get((home, "main", MANIFEST)):
            relations[MANIFEST], columns[MANIFEST] = quoted("main", MANIFEST), found
        yield Tables(path, is_published, columns, relations, connection)


def _open(project: Project) -> tuple[Path, duckdb.DuckDBPyConnection]:
    """Open the warehouse, or else what the last build published."""
    try:
        return project.warehouse, project.connect()
    except ProjectError:
        if not project.warehouse.exists():
            raise
        try:
            published = publish_path(project)
            return published, duckdb.connect(str(published), read_only=True)
        except (PublishError, duckdb.Error):
            # nothing is published; what is wrong with the warehouse is what is to be told
            pass
        raise


def _columns(
    connection: duckdb.DuckDBPyConnection, databases: frozenset[str]
) -> dict[tuple[str, str, str], frozenset[str]]:
    """Give the columns of every table and view of some databases, by database, schema and name."""
    found: dict[tuple[str, str, str], frozenset[str]] = {
        (database, schema, table): frozenset(columns)
        for database, schema, table, columns in connection.execute(
            """
            select database_name, schema_name, table_name, list(column_name)
            from duckdb_columns()
            where lower(database_name) in (select unnest(?)) and not internal
            group by database_name, schema_name, table_name
            """,
            [sorted(databases)],
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
