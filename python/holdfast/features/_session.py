"""The session that a feature store works in, and what it leaves there for a while."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb
import ibis
from ibis.backends.duckdb import Backend

from holdfast.features._definitions import FeatureError

__all__ = ["Session"]


class Session:
    """A DuckDB session that Ibis runs in: a cursor of what was given, or a backend's own.

    Parameters
    ----------
    connection
        A connection of `duckdb`, a DuckDB backend of Ibis, or the path of a DuckDB file, which is
        opened for reading.

    Attributes
    ----------
    backend
        The backend.
    outer
        The user's own connection, in which alone its temporary tables are seen; None where the
        store works in a backend or has opened the file itself.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection | Backend | str | Path) -> None:
        self.outer: duckdb.DuckDBPyConnection | None = None
        self._owned: duckdb.DuckDBPyConnection | None = None
        self._abandoned: list[str] = []
        if isinstance(connection, Backend):
            self.backend = connection
            return
        if isinstance(connection, str | Path):
            connection = self._owned = _open(Path(connection))
        elif isinstance(connection, duckdb.DuckDBPyConnection):
            self.outer = connection
        else:
            raise FeatureError(
                "connection must be a duckdb connection, a DuckDB backend of Ibis or the path "
                f"of a DuckDB file, but it is {type(connection).__name__}"
            )
        # from_connection sets the session's time zone and switches its replacement scans off
        self.backend = ibis.duckdb.from_connection(connection.cursor())

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection that the store works in."""
        session: duckdb.DuckDBPyConnection = self.backend.con
        return session

    def own(self) -> None:
        """Take the connection that was given over: nobody else has it, and it is to be closed."""
        self.outer, self._owned = None, self.outer

    def close(self) -> None:
        """Close the session, and the file if it was opened here; a backend stays open."""
        if self._owned is not None or self.outer is not None:
            self.connection.close()
        else:
            self.clean()
        if self._owned is not None:
            self._owned.close()

    def abandon(self, names: Iterable[str]) -> None:
        """Note views and tables that nothing refers to any more.

        They are only noted and dropped later: the collector may run in the midst of a result that
        still streams from this session.
        """
        self._abandoned.extend(names)

    def clean(self) -> None:
        """Drop what was abandoned."""
        while self._abandoned:
            name = self._abandoned.pop()
            kind = "view" if '."holdfast_features_' in name else "table"
            self.connection.execute(f"drop {kind} if exists {name}")


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a file of DuckDB for reading."""
    if not path.exists():
        raise FeatureError(f"there is no warehouse at {path}; run `dbt build` first")
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.ConnectionException:
        raise FeatureError(
            f"{path} is open in this process already, and not only for reading; give the store "
            "that connection in place of the path"
        ) from None
    except duckdb.IOException as error:
        raise FeatureError(
            f"{path} cannot be opened, most likely because a build or a client is writing to it; "
            f"try again when it is done ({str(error).splitlines()[0]})"
        ) from None
