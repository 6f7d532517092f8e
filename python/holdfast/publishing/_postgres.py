"""Publishing to Postgres, for tools that speak nothing else: one transaction that swaps tables."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import logging
import math
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from holdfast import __version__
from holdfast.publishing._dates import Shown, refuse_other_dates, refuse_vanished_scores
from holdfast.publishing._errors import PublishError
from holdfast.publishing._marts import MANIFEST, Mart
from holdfast.publishing._publish import (
    Columns,
    published_columns,
    refuse_emptied,
    what_it_shows,
    without_forgotten,
)
from holdfast.warehouse.quoting import quoted

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

__all__ = ["publish_to_postgres"]

logger = logging.getLogger("holdfast.publishing")

_TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "UTINYINT": "smallint",
    "INTEGER": "integer",
    "USMALLINT": "integer",
    "BIGINT": "bigint",
    "UINTEGER": "bigint",
    "UBIGINT": "numeric(20)",
    "HUGEINT": "numeric(39)",
    "UHUGEINT": "numeric(39)",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "UUID": "uuid",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "INTERVAL": "interval",
    "BLOB": "bytea",
    "JSON": "jsonb",
}
_CHUNK_ROWS = 50_000
# how long one attempt may hold up those who come after it, and for how long to go on trying
_LOCK_TIMEOUT = "2s"
_PATIENCE_SECONDS = 300
_LONGEST_NAME = 63  # bytes
_ASIDE = "new "
_ADVISORY_LOCK = 0x686F6C64  # any number that is ours

_MANIFEST_COLUMNS = {
    "publication_id": "text",
    "published_at": "timestamp",
    "as_of_date": "date",
    "model_id": "text",
    "table_name": "text",
    "row_count": "bigint",
    "column_count": "bigint",
    "source": "text",
    "owner": "text",
    "holdfast_version": "text",
    "code_version": "text",
}


def publish_to_postgres(
    connection: duckdb.DuckDBPyConnection,
    marts: Sequence[Mart],
    dsn: str,
    *,
    schema: str = "holdfast",
    source: str,
    owner: Mapping[str, str] | None = None,
    take_over: bool = False,
    allow_empty: bool = False,
    forgotten: str | None = None,
    code_version: str | None = None,
) -> dict[str, int]:
    """Publish marts as tables of a Postgres schema, all of them in one transaction.

    Every table is loaded beside the former one and takes its place, with its permissions, when all
    are loaded; queries see the former publication until then, and the new one afterwards. The
    swap waits for running queries, two seconds at a time, so that new ones do not queue behind it.

    Parameters
    ----------
    connection
        A connection to the warehouse; a cursor of it does the work.
    marts
        What to publish, from `find_marts`.
    dsn
        How libpq is to connect, a URI or `key=value` pairs. It is not written anywhere.
    schema
        The schema, made where it is missing.
    source, code_version
        The name of the warehouse and the version of the project's code, for the manifest.
    owner, take_over, allow_empty, forgotten
        As `publish` has them; the owner is kept as a hash, which tells no path.

    Returns
    -------
    dict
        The rows of each table.

    Raises
    ------
    PublishError
        If psycopg is not installed, the server refuses, a table of that name is not Holdfast's,
        or a view depends on a former table. Nothing is changed then.

    Examples
    --------
    >>> publish_to_postgres(connection, marts, "host=db dbname=bi", source="shop")  # doctest: +SKIP
    {'customer_retention': 1500}
    """
    if not marts:
        raise PublishError("there is no mart to publish")
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    publication_id = f"{now:%Y%m%dT%H%M%S.%f}Z-{secrets.token_hex(4)}"
    facts: dict[str, Any] = {
        "publication_id": publication_id,
        "published_at": now,
        "source": source,
        "owner": _hashed(owner or {"warehouse": source}),
        "holdfast_version": __version__,
        "code_version": code_version,
    }
    _refuse_long_names(schema, marts)
    with connection.cursor() as cursor, _connected(dsn) as server:
        marts, remark = without_forgotten(cursor, marts, forgotten)
        if remark:
            logger.warning("Published to Postgres%s", remark)
        cursor.execute("begin transaction")
        if not _has_schema(server, schema):
            # not `if not exists`, which wants the right to make schemas where there is one, too
            server.execute(f"create schema {quoted(schema)}")
        # two publications at once: the second begins when the first is done
        server.execute("select pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
        former = _former_tables(server, schema)
        _refuse_strangers(server, schema, [mart.name for mart in marts], former)
        published = _former_manifest(server, schema) if former else []
        _refuse_owner(schema, published, facts["owner"], take_over=take_over)
        refuse_other_dates(cursor, marts)
        refuse_vanished_scores(
            cursor,
            marts,
            _shown(published),
            remedy=f"to publish without scores anyway, drop the table {schema}.{MANIFEST}",
        )
        rows: list[dict[str, Any]] = []
        for mart in marts:
            columns = published_columns(cursor, mart)
            count = _load(cursor, server, schema, mart, columns)
            facts |= what_it_shows(cursor, mart, mart.relation, columns)
            rows.append({"table_name": mart.name, "row_count": count, "column_count": len(columns)})
        if not allow_empty:
            refuse_emptied(
                {row["table_name"]: row["row_count"] for row in rows},
                {row["table_name"]: row["row_count"] for row in published},
            )
        _load_manifest(server, schema, [{**facts, **row} for row in rows])
        names = [*(mart.name for mart in marts), MANIFEST]
        _swap(server, schema, names, gone=former - set(names))
    return {row["table_name"]: row["row_count"] for row in rows}


@contextmanager
def _connected(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect, in a transaction; the DSN may hold a password, so no message repeats it."""
    try:
        import psycopg
    except ImportError:
        raise PublishError(
            "publishing to Postgres needs the extra `postgres`; "
            "in the folder of your clone: pip install './holdfast[postgres]'"
        ) from None
    try:
        # whatever the environment or the server's own encoding: texts go over as UTF-8
        server = psycopg.connect(dsn, client_encoding="utf8")
    except psycopg.ProgrammingError:
        raise PublishError(
            "the DSN cannot be read; write it as 'host=… dbname=… user=…' or as "
            "'postgresql://user@host/dbname'"
        ) from None
    except psycopg.OperationalError as error:
        raise PublishError(f"no connection to Postgres{_told(str(error), dsn)}") from None
    try:
        with server:
            yield server
    except psycopg.Error as error:
        told = " ".join(str(error).split())
        raise PublishError(f"Postgres refused, and nothing was changed: {told}") from None
    except duckdb.Error as error:
        told = str(error).splitlines()[0]
        raise PublishError(f"a mart cannot be read, and nothing was changed: {told}") from None


def _told(message: str, dsn: str) -> str:
    """Give libpq's message unless something of the password is in it."""
    _, _, secret = dsn.rpartition("@")[0].partition("://")[2].partition(":")
    stated = re.search(r"password\s*=\s*('(?:[^'\\]|\\.)*'|\S+)", dsn)
    pieces = [*re.split("[:@/]", secret), stated.group(1).strip("'") if stated else ""]
    if any(piece and piece in message for piece in pieces):
        return "; check host, user and password in the DSN"
    return f": {' '.join(message.split())}"


def _former_tables(server: psycopg.Connection[Any], schema: str) -> set[str]:
    """Give the tables of the former publication."""
    manifest = f"{quoted(schema)}.{MANIFEST}"
    found = server.execute("select to_regclass(%s)", [manifest]).fetchone()
    if found is None or found[0] is None:
        return set()
    rows = server.execute(f"select table_name from {manifest}").fetchall()
    return {name for (name,) in rows} | {MANIFEST}


def _former_manifest(server: psycopg.Connection[Any], schema: str) -> list[dict[str, Any]]:
    """Give the rows of the former publication's manifest, by column; an older one has fewer."""
    cursor = server.execute(f"select * from {quoted(schema)}.{MANIFEST}")
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _refuse_owner(
    schema: str, published: Sequence[Mapping[str, Any]], owner: str, *, take_over: bool
) -> None:
    """Refuse a schema that another project, target, warehouse or schema publishes to."""
    former = {row.get("owner") for row in published} - {None}
    if former and former != {owner} and not take_over:
        sources = ", ".join(sorted({str(row["source"]) for row in published}))
        raise PublishError(
            f"the schema {schema} is published from the warehouse {sources} of another project, "
            "target, folder or schema; publish to another schema, or take it over with "
            "`holdfast publish --postgres --take-over`"
        )


def _hashed(owner: Mapping[str, str]) -> str:
    """Give a short name of an owner that tells nothing of this machine."""
    return hashlib.sha256(json.dumps(dict(owner), sort_keys=True).encode()).hexdigest()[:16]


def _has_schema(server: psycopg.Connection[Any], schema: str) -> bool:
    """Whether the schema is there."""
    found = server.execute("select 1 from pg_namespace where nspname = %s", [schema]).fetchone()
    return found is not None


def _refuse_long_names(schema: str, marts: Sequence[Mart]) -> None:
    """Refuse names that Postgres would cut."""
    for what, name, room in [
        ("the schema", schema, _LONGEST_NAME),
        *(("the table", mart.name, _LONGEST_NAME - len(_ASIDE)) for mart in marts),
    ]:
        if len(name.encode()) > room:
            raise PublishError(
                f"{what} {name} has a name of {len(name.encode())} bytes, of which Postgres keeps "
                f"{room}; give it a shorter one, a model by its alias"
            )


def _shown(published: Sequence[Mapping[str, Any]]) -> Shown | None:
    """Tell what the former publication shows."""
    if not published:
        return None
    dates = [row["as_of_date"] for row in published if row.get("as_of_date") is not None]
    models = [row["model_id"] for row in published if row.get("model_id") is not None]
    return (max(dates, default=None), max(models, default=None))


def _refuse_strangers(
    server: psycopg.Connection[Any], schema: str, names: Sequence[str], former: set[str]
) -> None:
    """Refuse to replace a table that no publication made."""
    rows = server.execute(
        "select relname from pg_class where relnamespace = %s::regnamespace and relname = any(%s)",
        [quoted(schema), list(names)],
    ).fetchall()
    strangers = sorted({name for (name,) in rows} - former)
    if strangers:
        raise PublishError(
            f"the schema {schema} has a {strangers[0]} that Holdfast did not publish; remove it, "
            "or publish to another schema"
        )


def _load(
    cursor: duckdb.DuckDBPyConnection,
    server: psycopg.Connection[Any],
    schema: str,
    mart: Mart,
    columns: Columns,
) -> int:
    """Load a mart into a table beside its place."""
    import pyarrow.csv as csv

    table = _aside(schema, mart.name)
    for name in columns:
        if len(name.encode()) > _LONGEST_NAME:
            raise PublishError(
                f"the column {name} of {mart.name} has a name of {len(name.encode())} bytes, of "
                f"which Postgres keeps {_LONGEST_NAME}; give it a shorter one"
            )
    types = {name: _postgres_type(dtype) for name, dtype in columns.items()}
    listed = ", ".join(f"{quoted(name)} {dtype}" for name, dtype in types.items())
    server.execute(f"create table {table} ({listed})")
    texts = ", ".join(_as_text(name, dtype, types[name]) for name, dtype in columns.items())
    reader = cursor.execute(f"select {texts} from {mart.relation}").to_arrow_reader(_CHUNK_ROWS)
    rows = 0
    with server.cursor().copy(f"copy {table} from stdin (format csv)") as copy:
        for batch in reader:
            batch = _with_plain_json(batch, columns, types)
            # Arrow puts texts in quotes and leaves NULL out, by which Postgres tells them apart
            text = io.BytesIO()
            csv.write_csv(batch, text, csv.WriteOptions(include_header=False))
            copy.write(text.getbuffer())
            rows += batch.num_rows
    counted = server.execute(f"select count(*) from {table}").fetchone()
    wanted = cursor.execute(f"select count(*) from {mart.relation}").fetchone()
    if counted is None or wanted is None or not counted[0] == wanted[0] == rows:
        raise PublishError(f"{mart.name} has other rows in Postgres than in the warehouse")
    _comment(server, f"table {table}", mart.description)
    for name in columns:
        told = mart.descriptions.get(name.lower(), "")
        _comment(server, f"column {table}.{quoted(name)}", told)
    return rows


def _with_plain_json(
    batch: pa.RecordBatch, columns: Columns, types: Mapping[str, str]
) -> pa.RecordBatch:
    """Write NaN and infinity inside lists and structs as texts, as Postgres itself does in JSON."""
    import pyarrow as pa

    for place, (name, dtype) in enumerate(columns.items()):
        if types[name] != "jsonb" or not ("FLOAT" in dtype or "DOUBLE" in dtype):
            continue
        told = [
            _plain_json(text) if text and ("NaN" in text or "Infinity" in text) else text
            for text in batch.column(place).to_pylist()
        ]
        batch = batch.set_column(place, batch.schema.field(place), pa.array(told, pa.string()))
    return batch


def _plain_json(text: str) -> str:
    """Write the numbers that JSON does not know as texts."""

    def plain(value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        if isinstance(value, list):
            return [plain(item) for item in value]
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return value

    return json.dumps(plain(json.loads(text)), ensure_ascii=False)


def _load_manifest(
    server: psycopg.Connection[Any], schema: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Load the table that says what this publication is."""
    table = _aside(schema, MANIFEST)
    listed = ", ".join(f"{name} {dtype}" for name, dtype in _MANIFEST_COLUMNS.items())
    server.execute(f"create table {table} ({listed})")
    values = ", ".join(["%s"] * len(_MANIFEST_COLUMNS))
    for row in rows:
        server.execute(
            f"insert into {table} values ({values})",
            [row.get(name) for name in _MANIFEST_COLUMNS],
        )


def _swap(
    server: psycopg.Connection[Any], schema: str, names: Sequence[str], *, gone: set[str]
) -> None:
    """Let the loaded tables take their places; what is no mart any more goes."""
    import psycopg

    for name in names:
        _keep_grants(server, schema, name)
    server.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            with server.transaction():
                for name in sorted({*names, *gone}):
                    server.execute(f"drop table if exists {quoted(schema)}.{quoted(name)}")
                for name in names:
                    aside = _aside(schema, name)
                    server.execute(f"alter table {aside} rename to {quoted(name)}")
            return
        except psycopg.errors.LockNotAvailable:
            if time.monotonic() > deadline:
                raise PublishError(
                    f"a transaction has been reading the former tables of {schema} for "
                    f"{_PATIENCE_SECONDS // 60} minutes; nothing was changed"
                ) from None
            time.sleep(0.2)


def _keep_grants(server: psycopg.Connection[Any], schema: str, name: str) -> None:
    """Grant on the loaded table what is granted on the former one."""
    rows = server.execute(
        """
        select
            case when acl.grantee = 0 then 'public' else acl.grantee::regrole::text end,
            acl.privilege_type,
            acl.is_grantable
        from pg_class, aclexplode(relacl) as acl
        where oid = to_regclass(%s) and acl.grantee != relowner
        """,
        [f"{quoted(schema)}.{quoted(name)}"],
    ).fetchall()
    for grantee, privilege, is_grantable in rows:
        option = " with grant option" if is_grantable else ""
        server.execute(f"grant {privilege} on {_aside(schema, name)} to {grantee}{option}")


def _aside(schema: str, name: str) -> str:
    """Name the table that is being loaded; Postgres cuts names at 63 bytes."""
    return f"{quoted(schema)}.{quoted(_ASIDE + name)}"


def _comment(server: psycopg.Connection[Any], place: str, told: str) -> None:
    """Take a description along."""
    if told:
        from psycopg import sql

        server.execute(sql.SQL("comment on {} is {}").format(sql.SQL(place), sql.Literal(told)))


def _postgres_type(dtype: str) -> str:
    """Give the Postgres type of a DuckDB type; lists, structs and maps become JSON."""
    if dtype.startswith("DECIMAL(") and not dtype.endswith("]"):
        return dtype.replace("DECIMAL", "numeric")
    if dtype.startswith("ENUM(") and not dtype.endswith("]"):
        return "text"
    return _TYPES.get(dtype, "jsonb")


def _as_text(name: str, dtype: str, target: str) -> str:
    """Write the expression that gives a column as text that Postgres reads."""
    column = quoted(name)
    if target == "bytea":
        return f"'\\x' || hex({column}) as {column}"
    if target == "jsonb" and dtype != "JSON":
        return f"cast(to_json({column}) as varchar) as {column}"
    return f"cast({column} as varchar) as {column}"
