"""Relations of the warehouse as Ibis tables, and running expressions over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import ibis
import pyarrow as pa
from ibis.backends.sql.datatypes import DuckDBType

from holdfast.errors import TrainingError
from holdfast.warehouse.spark import spark_batches

__all__ = ["Source", "open_source"]

_BATCH_ROWS = 65_536
_RELATION = "holdfast_source"


@dataclass(frozen=True)
class Source:
    """A relation of the warehouse as an Ibis table, with the way to run expressions over it.

    `query` is the session and the SQL of the relation. It is None for a table of another Ibis
    backend, which then runs the expressions itself.
    """

    table: Any
    query: tuple[Any, str] | None

    def batches(self, expression: Any) -> Iterator[pa.RecordBatch]:
        """Run an expression and yield its record batches."""
        if self.query is None:
            backend = self.table.get_backend()
            if backend.name == "pyspark":
                yield from spark_batches(backend, expression)
            else:
                yield from expression.to_pyarrow_batches(chunk_size=_BATCH_ROWS)
            return
        session, relation_sql = self.query
        compiled = ibis.to_sql(expression, dialect="duckdb")
        # ibis.duckdb.from_connection would set the session's time zone and switch off the
        # replacement scans that dbt and others rely on; compiling needs no connection.
        statement = f'with "{_RELATION}" as ({relation_sql}) {compiled}'
        with session.sql(statement).to_arrow_reader(_BATCH_ROWS) as reader:
            yield from reader

    def rows(self, expression: Any) -> list[dict[str, Any]]:
        """Run an expression and return its rows as dicts."""
        return [row for batch in self.batches(expression) for row in batch.to_pylist()]


def open_source(session: Any, relation: Any) -> Source:
    """Make a source of a DuckDB relation, the quoted name of one, or an Ibis table."""
    if isinstance(relation, ibis.Table):
        backend = relation.get_backend()
        if backend.name != "duckdb":
            return Source(relation, None)
        # Ibis runs DuckDB results through optional packages that Holdfast does without.
        return _duckdb_source(backend.con, str(ibis.to_sql(relation, dialect="duckdb")))
    if isinstance(relation, str):
        return _duckdb_source(session, f"select * from {relation}")  # noqa: S608
    if isinstance(relation, duckdb.DuckDBPyRelation):
        return _duckdb_source(session, relation.sql_query())
    raise TrainingError(
        "A relation must be a DuckDB relation (dbt.ref gives one), the quoted name of a table, or "
        f"an Ibis table, but it is {type(relation).__name__}."
    )


def _duckdb_source(session: Any, sql: str) -> Source:
    """Describe a query and stand an unbound Ibis table in for it."""
    try:
        shape = session.sql(sql)
    except duckdb.Error as error:
        raise TrainingError(
            f"The warehouse cannot read this relation: {error}. Check that the table exists and "
            "that its name is quoted; store a relation of Python objects as a table first."
        ) from error
    schema = ibis.schema(
        {
            name: DuckDBType.from_string(str(dtype))
            for name, dtype in zip(shape.columns, shape.types, strict=True)
        }
    )
    return Source(ibis.table(schema, name=_RELATION), (session, sql))
