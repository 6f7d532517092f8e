"""The published file: opened read-only, and opened again when a build has replaced it."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from holdfast.assistants._errors import AssistantsError
from holdfast.publishing import MANIFEST
from holdfast.warehouse.quoting import quoted, text

__all__ = ["Column", "Facts", "PublishedFile", "Snapshot", "Table"]

_ALIAS = "published"
# one thread per connection: calls run beside each other, in threads of their own
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
# nothing of another file, whatever a query or a view in the published file may say
_HARDENED = ("set enable_external_access = false", "set lock_configuration = true")

# device, number, time and size of a file: another publication has another one
_Identity = tuple[int, int, int, int]


@dataclass(frozen=True)
class Column:
    """A column of the published file.

    Attributes
    ----------
    type
        Its type in DuckDB.
    definition
        What it means, in the words of the project; empty where nothing is said.
    """

    type: str
    definition: str


@dataclass(frozen=True)
class Table:
    """A table of the published file.

    Attributes
    ----------
    about
        What its rows are, in the words of the project.
    columns
        Its columns, by name.
    """

    about: str
    columns: Mapping[str, Column]


@dataclass(frozen=True)
class Facts:
    """What the manifest says of a publication; None where an earlier version did not say it."""

    publication_id: str | None = None
    published_at: dt.datetime | None = None
    as_of_date: dt.date | None = None
    model_id: str | None = None
    currency: str | None = None
    holdfast_version: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """One publication, through one connection: all that is read from it belongs together.

    Attributes
    ----------
    facts
        What the manifest says.
    tables
        The tables that were published, by name.
    connection
        A connection of this call alone.
    """

    facts: Facts
    tables: Mapping[str, Table]
    connection: duckdb.DuckDBPyConnection

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a query.

        Parameters
        ----------
        sql
            The query, made of fixed names; what an assistant sends is never part of it.
        values
            The values of its question marks.

        Returns
        -------
        list of tuple
            The rows.
        """
        return self.connection.execute(sql, list(values)).fetchall()

    def relation(self, table: str) -> str:
        """Name a table in a query.

        Parameters
        ----------
        table
            One of `tables`.

        Returns
        -------
        str
            Its quoted name.
        """
        return quoted(_ALIAS, "main", table)


@dataclass
class _Opened:
    """A publication that is open, and how many calls read it."""

    identity: _Identity
    connection: duckdb.DuckDBPyConnection
    facts: Facts
    tables: Mapping[str, Table]
    calls: int = 0
    idle_since: float = field(default_factory=time.monotonic)


class PublishedFile:
    """The file that a build publishes, for many calls at once.

    Every call has a connection of its own. Opening a file takes DuckDB longer than a query, so
    calls that follow each other closely share the open database: until a build replaces the file,
    or nobody has asked for `linger` seconds. A process that opened the same path twice would be
    given the former file again (DuckDB shares databases by path), so each publication is attached
    to a database of its own.

    Parameters
    ----------
    path
        The published DuckDB file; it need not be there yet.
    linger
        Seconds after the last call until the file is closed.

    Examples
    --------
    >>> file = PublishedFile(Path("serving/holdfast.duckdb"))
    >>> with file.snapshot() as snapshot:  # doctest: +SKIP
    ...     snapshot.facts.as_of_date
    datetime.date(2026, 7, 1)
    """

    def __init__(self, path: Path, *, linger: float = 1.0) -> None:
        self.path = path
        self._linger = linger
        self._lock = threading.Lock()
        self._current: _Opened | None = None
        self._timer: threading.Timer | None = None

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Open the newest publication for one call.

        Yields
        ------
        Snapshot
            The publication.

        Raises
        ------
        AssistantsError
            If there is no file, or none that Holdfast has published.
        """
        opened = self._begin()
        try:
            with opened.connection.cursor() as cursor:
                yield Snapshot(opened.facts, opened.tables, cursor)
        finally:
            self._end(opened)

    def close(self) -> None:
        """Close the file; calls that are under way end first."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._drop_current()

    @property
    def is_open(self) -> bool:
        """Whether the file is open now."""
        return self._current is not None

    def _begin(self) -> _Opened:
        """Count a call in, and open the file where it is not open or was replaced."""
        with self._lock:
            # before it is opened: if it is replaced in between, the next call opens it again
            identity = self._identity()
            if self._current is None or self._current.identity != identity:
                opened = self._open(identity)
                self._drop_current()
                self._current = opened
            self._current.calls += 1
            return self._current

    def _end(self, opened: _Opened) -> None:
        """Count a call out."""
        with self._lock:
            opened.calls -= 1
            opened.idle_since = time.monotonic()
            if opened.calls:
                return
            if opened is not self._current:
                opened.connection.close()
            elif self._timer is None:
                self._wait(self._linger)

    def _wait(self, seconds: float) -> None:
        """Look later whether somebody still asks."""
        self._timer = threading.Timer(seconds, self._close_if_idle)
        self._timer.daemon = True
        self._timer.start()

    def _close_if_idle(self) -> None:
        """Close the file if nobody has asked for a while."""
        with self._lock:
            self._timer = None
            if self._current is None or self._current.calls:
                return
            left = self._current.idle_since + self._linger - time.monotonic()
            if left > 0:
                self._wait(left)
            else:
                self._drop_current()

    def _drop_current(self) -> None:
        """Let go of the open file; the last call that reads it closes it."""
        if self._current is not None and not self._current.calls:
            self._current.connection.close()
        self._current = None

    def _identity(self) -> _Identity:
        """Tell one publication from the next."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise AssistantsError(
                f"There is no published file to answer from ({error.strerror}). Run `dbt build`, "
                "which publishes it, and start `holdfast mcp` with the project or the file."
            ) from None
        return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size

    def _open(self, identity: _Identity) -> _Opened:
        """Attach the file, and read what is in it."""
        connection = duckdb.connect(":memory:", config=_CONFIG)
        try:
            connection.execute(f"attach {text(str(self.path))} as {quoted(_ALIAS)} (read_only)")
            for statement in _HARDENED:
                connection.execute(statement)
            tables = _tables(connection)
            if MANIFEST not in tables:
                raise AssistantsError(
                    "The file was not published by Holdfast: it has no table "
                    f"{MANIFEST}. Start `holdfast mcp` with the published file, not the warehouse."
                )
            return _Opened(identity, connection, _facts(connection, tables[MANIFEST]), tables)
        except duckdb.Error as error:
            connection.close()
            raise AssistantsError(
                f"The published file cannot be read ({type(error).__name__}). Run "
                "`holdfast publish`, which writes it again."
            ) from None
        except AssistantsError:
            connection.close()
            raise


def _tables(connection: duckdb.DuckDBPyConnection) -> dict[str, Table]:
    """Give the tables of the attached file, with what the project says of them."""
    abouts = dict(
        connection.execute(
            "select table_name, coalesce(comment, '') from duckdb_tables() "
            "where database_name = ? and schema_name = 'main'",
            [_ALIAS],
        ).fetchall()
    )
    columns: dict[str, dict[str, Column]] = {table: {} for table in abouts}
    for table, name, dtype, definition in connection.execute(
        "select table_name, column_name, data_type, coalesce(comment, '') from duckdb_columns() "
        "where database_name = ? and schema_name = 'main' order by table_name, column_index",
        [_ALIAS],
    ).fetchall():
        if table in columns:
            columns[table][name] = Column(dtype, definition)
    return {table: Table(about, columns[table]) for table, about in abouts.items()}


def _facts(connection: duckdb.DuckDBPyConnection, manifest: Table) -> Facts:
    """Read what the manifest says of the publication, in every row."""
    names = [name for name in Facts.__dataclass_fields__ if name in manifest.columns]
    listed = ", ".join(map(quoted, names))
    row = connection.execute(
        f"select {listed} from {quoted(_ALIAS, 'main', MANIFEST)} limit 1"  # noqa: S608 - fixed
    ).fetchone()
    return Facts(**dict(zip(names, row, strict=True))) if row else Facts()
