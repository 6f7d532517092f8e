"""Customers and times, brought from wherever they are into a table of the store's own session."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import duckdb
import ibis
import ibis.expr.operations as ops
import pyarrow as pa

from holdfast.features._definitions import AS_OF, FeatureError
from holdfast.warehouse.quoting import quoted

__all__ = [
    "Entities",
    "ids_table",
    "materialise",
    "spine_of",
    "split_name",
    "to_arrow",
    "utc_naive",
]

_IDENTIFIER = r'"(?:[^"]|"")+"|[A-Za-z_]\w*'
_NAME = re.compile(rf"\s*(?:{_IDENTIFIER})(?:\.(?:{_IDENTIFIER})){{0,2}}\s*")
_NUMBERS = ("FLOAT", "DOUBLE", "DECIMAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


@dataclass(frozen=True)
class Entities:
    """A table of customers and times in the store's session; `columns` maps names to types."""

    relation: str
    columns: Mapping[str, str]
    row_count: int

    def column(self, name: str) -> str:
        """Give a column as it is spelt here."""
        return next(column for column in self.columns if column.lower() == name.lower())


def split_name(name: str) -> list[str] | None:
    """Split the name of a relation, with or without quotes; None if it is no such name."""
    if not _NAME.fullmatch(name):
        return None
    return [
        part[1:-1].replace('""', '"') if part.startswith('"') else part
        for part in re.findall(_IDENTIFIER, name)
    ]


def to_arrow(entities: Any) -> pa.Table:
    """Read a frame, table, reader or relation as Arrow, each by its own way of giving it."""
    if isinstance(entities, pa.Table):
        return entities
    if isinstance(entities, pa.RecordBatchReader):
        return entities.read_all()
    if isinstance(entities, duckdb.DuckDBPyRelation):
        # read whole before it is stored: a stream may belong to the very session that stores it
        return entities.to_arrow_table()
    if isinstance(entities, ibis.Table):
        return _ibis_to_arrow(entities)
    library = type(entities).__module__.partition(".")[0]
    try:
        if library == "pandas":
            return pa.Table.from_pandas(entities, preserve_index=False)
        if library == "polars" and hasattr(entities, "collect"):
            entities = entities.collect()
        if hasattr(entities, "__arrow_c_stream__"):
            return pa.RecordBatchReader.from_stream(entities).read_all()
    except pa.ArrowException as error:
        raise FeatureError(f"the entities cannot be read: {error}") from error
    raise FeatureError(
        "entities must be a table of customer_id and as_of: a pandas or polars frame, an Arrow "
        "table or reader, an Ibis table, a DuckDB relation, or the name of a relation; it is "
        f"{type(entities).__module__}.{type(entities).__qualname__}"
    )


def _ibis_to_arrow(entities: Any) -> pa.Table:
    """Run an Ibis table; one of DuckDB without the pandas that Ibis would ask for."""
    try:
        backend = entities.get_backend()
    except ibis.IbisError as error:
        raise FeatureError(f"the entities are an Ibis table that cannot be run: {error}") from error
    # what Ibis must first bring into the session, only Ibis can run
    brought = entities.op().find((ops.InMemoryTable, ops.ScalarUDF))
    if backend.name == "duckdb" and not brought:
        return backend.con.sql(str(ibis.to_sql(entities, dialect="duckdb"))).to_arrow_table()
    return entities.to_pyarrow()


def ids_table(customer_ids: Any, at: dt.datetime | dt.date | None) -> pa.Table:
    """Make a table of customers at one time out of one id, or a list or array of ids."""
    try:
        if hasattr(customer_ids, "__arrow_c_stream__"):
            ids = pa.chunked_array(customer_ids)
        elif isinstance(customer_ids, pa.Array | pa.ChunkedArray):
            ids = customer_ids
        elif isinstance(customer_ids, str | bytes) or not isinstance(customer_ids, Iterable):
            ids = pa.array([customer_ids])
        else:
            ids = pa.array(list(customer_ids))
    except (pa.ArrowException, TypeError) as error:
        raise FeatureError(
            f"customer_ids must be one id, or a list or array of ids of one type: {error}"
        ) from error
    if pa.types.is_struct(ids.type):
        raise FeatureError(
            "customer_ids must be one column of ids; for a table of customers and "
            "times ask for historical_features"
        )
    moment = pa.scalar(utc_naive(at), pa.timestamp("us"))
    return pa.table({"customer_id": ids, AS_OF: pa.repeat(moment, len(ids))})


def utc_naive(at: dt.datetime | dt.date | None) -> dt.datetime:
    """Give a moment as UTC without a time zone; now when None."""
    if at is None:
        at = dt.datetime.now(dt.UTC)
    if not isinstance(at, dt.date):
        raise FeatureError(f"at must be a datetime or a date, but it is {at!r}")
    if not isinstance(at, dt.datetime):
        return dt.datetime(at.year, at.month, at.day)
    return at.astimezone(dt.UTC).replace(tzinfo=None) if at.tzinfo else at


def materialise(
    connection: duckdb.DuckDBPyConnection, source: str | pa.Table, keys: Collection[str]
) -> Entities:
    """Store the entities, whole, with as_of in UTC; `source` is quoted SQL or Arrow."""
    name = f"holdfast_entities_{uuid4().hex}"
    if isinstance(source, str):
        return _store(connection, source, name, keys)
    lower = [column.lower() for column in source.column_names]
    doubled = sorted({column for column in lower if lower.count(column) > 1})
    if doubled:
        raise FeatureError(f"the entities have the column {doubled[0]} more than once; rename one")
    for i, field in enumerate(source.schema):
        # an empty or all-NULL column of a frame has no type of its own
        if pa.types.is_null(field.type) and field.name.lower() == AS_OF:
            nulls = source.column(i).cast(pa.timestamp("us"))
            source = source.set_column(i, field.name, nulls)
    view = f"holdfast_incoming_{uuid4().hex}"
    connection.register(view, source)
    try:
        return _store(connection, quoted(view), name, keys)
    finally:
        connection.unregister(view)


def _store(
    connection: duckdb.DuckDBPyConnection, source: str, name: str, keys: Collection[str]
) -> Entities:
    """Check the columns of a relation, and store it."""
    try:
        shape = connection.sql(f"select * from {source}")  # noqa: S608 - quoted
    except duckdb.Error as error:
        raise FeatureError(f"the entities cannot be read: {str(error).splitlines()[0]}") from error
    types = {name: str(dtype) for name, dtype in zip(shape.columns, shape.types, strict=True)}
    here = {column.lower() for column in types}
    for required in (*sorted(keys), AS_OF):
        if required.lower() not in here:
            raise FeatureError(
                f"the entities have no column {required}; they have {', '.join(types)}"
            )
    selected = []
    for column, dtype in types.items():
        if column.lower() == AS_OF:
            selected.append(f"{_as_utc(column, dtype)} as {quoted(column)}")
            types[column] = "TIMESTAMP"
        elif dtype.startswith("ENUM"):
            selected.append(f"cast({quoted(column)} as varchar) as {quoted(column)}")
            types[column] = "VARCHAR"
        else:
            selected.append(quoted(column))
    relation = quoted("temp", "main", name)
    created = connection.execute(
        f"create temp table {quoted(name)} as select {', '.join(selected)} from {source}"  # noqa: S608 - quoted
    ).fetchone()
    return Entities(relation, types, created[0] if created else 0)


def _as_utc(column: str, dtype: str) -> str:
    """Write as_of as a timestamp in UTC without a time zone."""
    if dtype == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {quoted(column)})"
    if dtype == "DATE" or dtype.startswith("TIMESTAMP"):
        return f"cast({quoted(column)} as timestamp)"
    raise FeatureError(
        f"the column {column} of the entities must be a timestamp or a date, but it is {dtype}; "
        "convert it first"
    )


def spine_of(
    connection: duckdb.DuckDBPyConnection,
    entities: Entities,
    keys: tuple[str, ...],
    types: Mapping[str, str],
) -> str:
    """Store the distinct keys and times of the entities, in the types of the warehouse's keys."""
    for key in keys:
        if key in types:
            _check_key(connection, entities, entities.column(key), types[key])
    columns = [f"{key_sql(entities, key, types)} as {quoted(key)}" for key in keys]
    columns.append(f"{quoted(entities.column(AS_OF))} as {AS_OF}")
    known = " and ".join(f"{quoted(entities.column(key))} is not null" for key in (*keys, AS_OF))
    name = f"holdfast_spine_{uuid4().hex}"
    connection.execute(
        f"create temp table {quoted(name)} as select distinct {', '.join(columns)} "  # noqa: S608 - quoted
        f"from {entities.relation} where {known}"
    )
    return quoted("temp", "main", name)


def key_sql(entities: Entities, key: str, types: Mapping[str, str], prefix: str = "") -> str:
    """Write a key of the entities in the type that the warehouse has for it."""
    column = entities.column(key)
    if types.get(key, entities.columns[column]) == entities.columns[column]:
        return prefix + quoted(column)
    return f"cast({prefix}{quoted(column)} as {types[key]})"


def _check_key(
    connection: duckdb.DuckDBPyConnection, entities: Entities, column: str, wanted: str
) -> None:
    """Refuse keys that are, or may be, others in the warehouse's type, such as '007' as 7."""
    given = entities.columns[column]
    if given == wanted:
        return
    name = quoted(column)
    advice = f"it is {wanted} in the warehouse, so convert it first"
    if given.lstrip("U").startswith(_NUMBERS) and wanted == "VARCHAR":
        # 17 could be '17', '017' or 'C17'; to guess would give a customer the features of nobody
        present = connection.execute(
            f"select 1 from {entities.relation} where {name} is not null limit 1"  # noqa: S608 - quoted
        ).fetchone()
        if present is not None:
            raise FeatureError(f"the column {column} of the entities is {given}, but {advice}")
    changed = connection.execute(
        f"select {name} from {entities.relation} where {name} is not null and "  # noqa: S608 - quoted
        f"try_cast(try_cast({name} as {wanted}) as {given}) is distinct from {name} limit 1"
    ).fetchone()
    if changed is not None:
        raise FeatureError(
            f"the column {column} of the entities has the {given} {changed[0]!r}, but {advice}"
        )
