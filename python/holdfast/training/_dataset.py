"""Reading a training set out of the warehouse through Ibis, as Arrow, into one float32 matrix."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import duckdb
import ibis
import numpy as np
import pyarrow as pa
from ibis.backends.sql.datatypes import DuckDBType
from numpy.typing import NDArray

from holdfast.training._errors import TrainingError

__all__ = ["Dataset", "Source", "describe", "open_source", "read_dataset"]

logger = logging.getLogger("holdfast.training")

Matrix: TypeAlias = NDArray[np.float32]

_KEYS = ("customer_id", "as_of")
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


@dataclass(frozen=True)
class Description:
    """What can be known of a training set without reading its rows.

    `features` maps the name of each feature to its type, in column order; `last_as_of` is that of
    the rows whose label is known, None when there are none.
    """

    features: dict[str, str]
    row_count: int
    last_as_of: np.datetime64 | None

    def feature_hash(self, *, label: str, horizon_days: int, lead_days: int) -> str:
        """Hash the features and the definition of the label, whatever the column order."""
        definition = {
            "features": sorted(self.features.items()),
            "label": label,
            "horizon_days": horizon_days,
            "lead_days": lead_days,
        }
        return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:16]


def describe(source: Source, label: str) -> Description:
    """Check the columns of a training set and count its rows with a known label."""
    schema = source.table.schema()
    missing = [name for name in (*_KEYS, label) if name not in schema]
    if missing:
        raise TrainingError(
            f"The training set has no column {missing[0]!r}; it has {', '.join(schema.names)}. "
            "Add the column, or name the right one in the settings."
        )
    if not schema[label].is_boolean():
        raise TrainingError(
            f"The label {label!r} must be boolean, but it is {schema[label]}. Cast it in the "
            "training set."
        )
    if not (schema["as_of"].is_timestamp() or schema["as_of"].is_date()):
        raise TrainingError(
            f"The column 'as_of' must be a timestamp, but it is {schema['as_of']}. Cast it in the "
            "training set."
        )
    features: dict[str, str] = {}
    for name, dtype in schema.items():
        if name in (*_KEYS, label):
            continue
        if not (dtype.is_numeric() or dtype.is_boolean()):
            raise TrainingError(
                f"The feature {name!r} is of type {dtype}, but a feature must be numeric or "
                "boolean. Encode it as numbers in SQL, or leave it out of the training set."
            )
        features[name] = str(dtype)
    if not features:
        raise TrainingError("The training set has no feature columns. Add at least one.")
    known = source.table.filter(source.table[label].notnull())
    (totals,) = source.rows(
        known.aggregate(
            row_count=known.count(),
            keyless=(known["customer_id"].isnull() | known["as_of"].isnull()).sum(),
            last_as_of=known["as_of"].max(),
        )
    )
    if totals["keyless"]:
        raise TrainingError(
            f"{totals['keyless']} rows of the training set have no customer_id or no as_of. "
            "Filter them in the spine."
        )
    last = totals["last_as_of"]
    if isinstance(last, dt.datetime) and last.tzinfo is not None:
        last = last.astimezone(dt.UTC).replace(tzinfo=None)
    last_as_of = None if last is None else np.datetime64(last, "us")
    return Description(features, int(totals["row_count"]), last_as_of)


@dataclass(frozen=True)
class Dataset:
    """Training rows in memory, sorted by as_of and customer.

    Parameters
    ----------
    names
        Feature names, length F.
    features
        Features, float32, shape (n, F); missing is NaN.
    y
        Outcome 0 or 1, int64, shape (n,).
    as_of
        Observation, datetime64[us], shape (n,).
    customer
        Stable 64-bit hash of the customer, shape (n,).
    """

    names: tuple[str, ...]
    features: Matrix
    y: NDArray[np.int64]
    as_of: NDArray[np.datetime64]
    customer: NDArray[np.uint64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.y)

    def rows(self, keep: NDArray[Any]) -> Dataset:
        """Return the rows that a mask or an index picks."""
        return Dataset(
            self.names, self.features[keep], self.y[keep], self.as_of[keep], self.customer[keep]
        )

    def columns(self, names: tuple[str, ...]) -> Matrix:
        """Return the matrix of some features, in the order asked for, C-contiguous."""
        if names == self.names:
            return self.features
        position = {name: index for index, name in enumerate(self.names)}
        return np.ascontiguousarray(self.features[:, [position[name] for name in names]])

    def fingerprint(self) -> str:
        """Hash keys, labels and features, in row order."""
        digest = hashlib.sha256(json.dumps(self.names).encode())
        for values in (self.as_of.view(np.int64), self.customer, self.y, self.features):
            digest.update(np.ascontiguousarray(values).data)
        return digest.hexdigest()


def read_dataset(source: Source, label: str, description: Description) -> Dataset:
    """Read the rows with a known label; infinite values become missing, with a warning."""
    table = source.table
    names = tuple(description.features)
    # A position as the column's name, so that no feature can collide with a key.
    columns = {
        f"f{index}": table[name] if dtype == "float32" else table[name].cast("float32")
        for index, (name, dtype) in enumerate(description.features.items())
    }
    as_of = table["as_of"]
    if as_of.type().is_date():
        as_of = as_of.cast("timestamp")
    expression = (
        table.filter(table[label].notnull())
        .order_by(["as_of", "customer_id"])
        .select(
            as_of=as_of, customer=table["customer_id"].cast("string"), y=table[label], **columns
        )
    )
    count = description.row_count
    features = np.empty((count, len(names)), dtype=np.float32)
    y = np.empty(count, dtype=np.int64)
    moments = np.empty(count, dtype=np.int64)
    customers: list[pa.Array] = []
    position = 0
    for batch in source.batches(expression):
        end = position + batch.num_rows
        if end > count:
            break
        moments[position:end] = _microseconds(batch.column(0))
        customers.append(batch.column(1).cast(pa.string()))
        y[position:end] = batch.column(2).to_numpy(zero_copy_only=False)
        for index in range(len(names)):
            features[position:end, index] = batch.column(3 + index).to_numpy(zero_copy_only=False)
        position = end
    if position != count:
        raise TrainingError(
            "The training set changed while it was read. Run the build again when nothing else "
            "writes to it."
        )
    _blank_infinities(features, names)
    # NULL and NaN may differ in their bits, and so may zeros; one form makes hashes comparable.
    features[np.isnan(features)] = np.nan
    features += np.float32(0)
    codes, hashes, texts = _encode(customers)
    as_ofs = moments.view("datetime64[us]")
    _refuse_duplicates(as_ofs, codes, texts)
    return Dataset(names, features, y, as_ofs, hashes[codes])


def _microseconds(moments: pa.Array) -> NDArray[np.int64]:
    """Return microseconds since 1970 in UTC, whatever the zone and unit of the column."""
    # Without the column's own zone the cast would read the instant as a local time.
    unified = moments.cast(pa.timestamp("us", tz=moments.type.tz)).cast(pa.int64())
    values: NDArray[np.int64] = unified.to_numpy(zero_copy_only=False)
    return values


def _blank_infinities(features: Matrix, names: tuple[str, ...]) -> None:
    """Turn infinite values into missing ones and name the columns."""
    for index, name in enumerate(names):
        infinite = np.isinf(features[:, index])
        if infinite.any():
            features[infinite, index] = np.nan
            logger.warning(
                "Feature %s has %d infinite values; they count as missing. Guard the division "
                "in its SQL with nullif.",
                name,
                int(infinite.sum()),
            )


def _encode(
    customers: list[pa.Array],
) -> tuple[NDArray[np.intp], NDArray[np.uint64], list[str]]:
    """Return a code per row, a stable hash per code and the text per code."""
    encoded = pa.chunked_array(customers, type=pa.string()).combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    texts = encoded.dictionary.to_pylist()
    digests = b"".join(hashlib.sha256(text.encode()).digest()[:8] for text in texts)
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.intp)
    return codes, np.frombuffer(digests, dtype="<u8").astype(np.uint64), texts


def _refuse_duplicates(
    as_of: NDArray[np.datetime64], codes: NDArray[np.intp], texts: list[str]
) -> None:
    """Refuse two rows of one customer at one as_of; sorted rows have them side by side."""
    same = (as_of[1:] == as_of[:-1]) & (codes[1:] == codes[:-1])
    if same.any():
        first = int(np.argmax(same))
        raise TrainingError(
            f"The training set has {int(same.sum()) + 1} or more rows for the same customer and "
            f"as_of, first for customer {texts[codes[first]]!r} at {as_of[first]}. Make "
            "(customer_id, as_of) unique in the spine."
        )
