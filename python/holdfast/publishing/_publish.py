"""Write the marts aside, verify what was written, and show it in one step."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from holdfast import __version__
from holdfast.publishing._dates import refuse_other_dates, refuse_vanished_scores, shown_in
from holdfast.publishing._errors import PublishError
from holdfast.publishing._marts import MANIFEST, Mart
from holdfast.publishing._shelf import Shelf
from holdfast.warehouse.quoting import quoted, text
from holdfast.warehouse.search import columns_holding

__all__ = [
    "Columns",
    "Publication",
    "publish",
    "published_columns",
    "refuse_emptied",
    "what_it_shows",
    "without_forgotten",
]

# what DuckDB 1.0 and everything later reads
_STORAGE_VERSION = "v1.0.0"
# what the function churn_what_if reads
_MODEL_FEATURES = "model.holdfast.holdfast__customer_model_features"
# above so many rows a table's Parquet is more than one file
_LARGE = 1_000_000
_FILE_SIZE = "256MB"
# Parquet has no integers of 128 bits: DuckDB would write doubles, in which two ids can be one
_LARGE_WHOLE = ("HUGEINT", "UHUGEINT")
_DECIMAL = "decimal(38, 0)"

Columns = dict[str, str]


@dataclass(frozen=True)
class Publication:
    """What was published.

    Attributes
    ----------
    publication_id
        Its name; it begins with the time.
    published_at
        When, UTC.
    file, parquet
        The DuckDB file, and the folder of the same tables as Parquet.
    row_counts
        The rows of each table.
    remark
        What else there is to say of it; empty when nothing.
    """

    publication_id: str
    published_at: dt.datetime
    file: Path
    parquet: Path
    row_counts: dict[str, int]
    remark: str = ""

    def __str__(self) -> str:
        rows = sum(self.row_counts.values())
        return (
            f"Published {len(self.row_counts)} tables ({rows:,} rows) to {self.file}{self.remark}"
        )


@dataclass(frozen=True)
class _Copied:
    """A mart in the publication, and what its rows add up to in the warehouse."""

    mart: Mart
    columns: Columns
    row_count: int
    checksum: str


def publish(
    connection: duckdb.DuckDBPyConnection,
    marts: Sequence[Mart],
    file: Path,
    *,
    source: str,
    owner: Mapping[str, str] | None = None,
    take_over: bool = False,
    allow_empty: bool = False,
    registry: str | None = None,
    forgotten: str | None = None,
    code_version: str | None = None,
) -> Publication:
    """Publish marts as a DuckDB file with Parquet beside it.

    The marts are read in one transaction, written aside, read back and compared (columns and
    types, row counts, checksums), flushed to disk, and put in the place of the former file by
    renaming. Who has that open keeps reading it; who opens it anew sees the new one. On any error
    the former file stays as it was.

    Parameters
    ----------
    connection
        A connection to the warehouse; a cursor of it does the work.
    marts
        What to publish, from `find_marts`.
    file
        The DuckDB file to replace. Its folder is made where it is missing.
    source
        The name of the warehouse, for the manifest.
    owner
        Whose the file is: the project, target, warehouse and schema that publish. It is refused
        to any other owner. Default: the source alone.
    take_over
        Whether to take the file from another owner.
    allow_empty
        Whether a table may be published without rows that had some before.
    registry
        The relation of the models. The one that scored `customer_retention` goes along as the SQL
        function `churn_probability`, unless it is too large for one.
    forgotten
        The relation of the forgotten customers (`customer_id`). A mart in which one of them is
        found by value is left out; of Holdfast's own marts that is an error.
    code_version
        The version of the project's code, for the manifest.

    Returns
    -------
    Publication
        What was published.

    Raises
    ------
    PublishError
        If the file cannot be written, what was written is not what the warehouse holds, the marts
        are not of one day, or the scores that the former file shows are gone.

    Examples
    --------
    >>> publish(connection, find_marts(manifest["nodes"]), Path("serving/holdfast.duckdb"),
    ...         source="shop")  # doctest: +SKIP
    """
    if not marts:
        raise PublishError("there is no mart to publish")
    shelf = Shelf(file)
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    publication_id = f"{now:%Y%m%dT%H%M%S.%f}Z-{secrets.token_hex(4)}"
    owned_by = owner or {"warehouse": source}
    with connection.cursor() as cursor, shelf.claimed(owned_by, take_over=take_over):
        try:
            facts = {
                "publication_id": publication_id,
                "published_at": now,
                "as_of_date": None,
                "model_id": None,
                "currency": next((m.currency for m in marts if m.is_own and m.currency), None),
                "source": source,
                "holdfast_version": __version__,
                "code_version": code_version,
                "duckdb_version": duckdb.__version__,
            }
            clean, remark = without_forgotten(cursor, marts, forgotten)
            had_forgotten = _shows_forgotten(cursor, marts, shelf.file, forgotten)
            publication = _write(cursor, clean, shelf, facts, registry, allow_empty=allow_empty)
            if had_forgotten:
                # a removal was cut off before it came to the publication
                shelf.drop_former_sets(publication_id)
            return dataclasses.replace(publication, remark=publication.remark + remark)
        except (duckdb.Error, OSError) as error:
            # only the first line: DuckDB puts a stack behind it
            raise PublishError(
                f"{shelf.file} could not be published and was not changed: "
                f"{str(error).splitlines()[0]}"
            ) from error
        finally:
            shelf.drop(publication_id)


def published_columns(cursor: duckdb.DuckDBPyConnection, mart: Mart) -> Columns:
    """Give the columns of a mart that are published, with their types, and check its contract.

    Raises
    ------
    PublishError
        If the relation is not there, or has not the columns that its contract declares.
    """
    try:
        found = _describe(cursor, f"select * from {mart.relation}")
    except duckdb.CatalogException:
        raise PublishError(
            f"{mart.relation} is not in the warehouse; run `dbt build` first"
        ) from None
    columns = {name: dtype for name, dtype in found.items() if name.lower() not in mart.personal}
    if mart.has_contract:
        _check_contract(cursor, mart, found)
    if not columns:
        raise PublishError(f"every column of {mart.name} is marked as personal data")
    for name in mart.partition_by:
        if name not in columns:
            raise PublishError(
                f"{mart.name} is set to be partitioned by {name}, which is not one of its columns"
            )
    return columns


def without_forgotten(
    cursor: duckdb.DuckDBPyConnection, marts: Sequence[Mart], forgotten: str | None
) -> tuple[list[Mart], str]:
    """Leave out the marts in which a forgotten customer is found by value.

    Parameters
    ----------
    cursor
        A connection to the warehouse.
    marts
        What is to be published.
    forgotten
        The relation of the forgotten customers; None where there is none.

    Returns
    -------
    list of Mart, str
        What may be published, and what is to be said of the others.

    Raises
    ------
    PublishError
        If it is one of Holdfast's own marts.
    """
    if forgotten is None or not _has_rows(cursor, forgotten):
        return [*marts], ""
    clean, told = [], []
    for mart in marts:
        columns = _forgotten_columns(cursor, mart, mart.relation, forgotten)
        if not columns:
            clean.append(mart)
        elif mart.is_own:
            raise PublishError(
                f"{mart.relation} holds customers who were forgotten; run `dbt build`, and "
                "`holdfast forget` again if they are still there"
            )
        else:
            told.append(
                f"; left out {mart.name}, whose {' and '.join(columns)} still "
                f"hold{'s' if len(columns) == 1 else ''} forgotten customers (rebuild it, with "
                "--full-refresh if it is incremental; mark a column that holds no customer ids "
                "with `meta: {customer_ids: false}`)"
            )
    return clean, "".join(told)


def _forgotten_columns(
    cursor: duckdb.DuckDBPyConnection, mart: Mart, relation: str, forgotten: str
) -> list[str]:
    """Give the columns of a mart that hold a forgotten customer."""
    try:
        columns = _describe(cursor, f"select * from {relation}")
    except duckdb.CatalogException:
        # what is missing is told where it is copied
        return []
    if mart.is_own:
        columns = {name: dtype for name, dtype in columns.items() if name == "customer_id"}
    columns = {name: dtype for name, dtype in columns.items() if name.lower() not in mart.personal}
    ids = f"select customer_id from {forgotten}"
    return columns_holding(cursor, relation, columns, ids, mart.tells_customers)


def _has_rows(cursor: duckdb.DuckDBPyConnection, relation: str) -> bool:
    """Whether a relation is there and has rows."""
    try:
        return cursor.execute(f"select 1 from {relation} limit 1").fetchone() is not None
    except duckdb.CatalogException:
        return False


def _shows_forgotten(
    cursor: duckdb.DuckDBPyConnection, marts: Sequence[Mart], file: Path, forgotten: str | None
) -> bool:
    """Whether what is published now still shows somebody who was forgotten."""
    if forgotten is None or not file.exists() or not _has_rows(cursor, forgotten):
        return False
    alias = quoted(f"former {secrets.token_hex(4)}")
    with _attached(cursor, file, alias, "read_only"):
        return any(
            _forgotten_columns(cursor, mart, f"{alias}.main.{quoted(mart.name)}", forgotten)
            for mart in marts
        )


def refuse_emptied(counts: Mapping[str, int], former: Mapping[str, int]) -> None:
    """Refuse to replace tables that have rows by tables that have none.

    Parameters
    ----------
    counts, former
        The rows of each table, now and in the present publication.

    Raises
    ------
    PublishError
        If a table would lose all of its rows.
    """
    emptied = [name for name, count in counts.items() if not count and former.get(name)]
    if emptied:
        more = f" and {len(emptied) - 1} more" if len(emptied) > 1 else ""
        raise PublishError(
            f"{emptied[0]}{more} would lose all rows, of which {former[emptied[0]]:,} are "
            "published, so nothing was published; if that is meant, set the var "
            "`holdfast_publish_empty: true` or run `holdfast publish --allow-empty`"
        )


def what_it_shows(
    cursor: duckdb.DuckDBPyConnection, mart: Mart, relation: str, columns: Columns
) -> dict[str, object]:
    """Tell as of which date the customers are shown, and by which model they are scored.

    Only `customer_retention` says so; of any other mart nothing is told.
    """
    is_it = mart.unique_id == "model.holdfast.holdfast__customer_retention"
    if not is_it or not {"as_of_date", "model_id"} <= columns.keys():
        return {}
    row = cursor.execute(f"select max(as_of_date), max(model_id) from {relation}").fetchone()
    assert row is not None
    return {"as_of_date": row[0], "model_id": row[1]}


def _write(
    cursor: duckdb.DuckDBPyConnection,
    marts: Sequence[Mart],
    shelf: Shelf,
    facts: dict[str, Any],
    registry: str | None,
    *,
    allow_empty: bool,
) -> Publication:
    """Write a publication aside, verify it, and show it."""
    publication_id = facts["publication_id"]
    aside, folder = shelf.aside(publication_id)
    alias = quoted(f"holdfast {publication_id}")
    with _attached(cursor, aside, alias, f"read_write, storage_version '{_STORAGE_VERSION}'"):
        copied = _copy(cursor, marts, alias)
        refuse_other_dates(cursor, marts)
        refuse_vanished_scores(
            cursor,
            marts,
            shown_in(shelf.file),
            remedy=f"to publish without scores anyway, remove {shelf.file}",
        )
        if not allow_empty:
            counts = {table.mart.name: table.row_count for table in copied}
            refuse_emptied(counts, _former_counts(cursor, shelf.file))
        for table in copied:
            relation = f"{alias}.main.{quoted(table.mart.name)}"
            facts |= what_it_shows(cursor, table.mart, relation, table.columns)
        _write_manifest(cursor, alias, copied, facts)
        _write_comments(cursor, alias, copied)
        remark = _write_function(cursor, alias, registry, facts["model_id"])
        remark = remark or _write_what_if(cursor, alias, copied, facts["model_id"])
    if aside.with_name(f"{aside.name}.wal").exists():
        raise PublishError(f"{aside} was not written completely; check whether the disk is full")
    folder.mkdir(parents=True)
    with _attached(cursor, aside, alias, "read_only"):
        whole_numbers = _large_whole_numbers(cursor, copied, alias)
        for table in copied:
            _verify(cursor, table, f"{alias}.main.{quoted(table.mart.name)}", "the DuckDB file")
            _write_parquet(cursor, table, alias, folder / table.mart.name, whole_numbers)
        tables = [_facts_of(table) for table in copied]
    told = json.dumps({**facts, "tables": tables}, default=str, indent=2)
    (folder / "manifest.json").write_text(told + "\n", encoding="utf-8")
    shelf.show(publication_id)
    return Publication(
        publication_id,
        facts["published_at"],
        shelf.file,
        shelf.sets / publication_id,
        {table.mart.name: table.row_count for table in copied},
        remark,
    )


def _former_counts(cursor: duckdb.DuckDBPyConnection, file: Path) -> dict[str, int]:
    """Give the rows of each table of the present publication; none where there is none."""
    if not file.exists():
        return {}
    alias = quoted(f"former {secrets.token_hex(4)}")
    with _attached(cursor, file, alias, "read_only"):
        rows = cursor.execute(
            f"select table_name, row_count from {alias}.main.{MANIFEST}"
        ).fetchall()
    return {str(name): int(count) for name, count in rows}


def _copy(cursor: duckdb.DuckDBPyConnection, marts: Sequence[Mart], alias: str) -> list[_Copied]:
    """Copy the marts, all as of one moment."""
    copied = []
    cursor.execute("begin transaction")
    for mart in marts:
        columns = published_columns(cursor, mart)
        listed = ", ".join(map(quoted, columns))
        try:
            cursor.execute(
                f"create table {alias}.main.{quoted(mart.name)} as "
                f"select {listed} from {mart.relation}"
            )
        except (duckdb.InvalidInputException, duckdb.NotImplementedException) as error:
            raise PublishError(f"{mart.name}: {str(error).splitlines()[0]}") from None
        row_count, checksum = _sums(cursor, mart.relation, columns)
        copied.append(_Copied(mart, columns, row_count, checksum))
    cursor.execute("commit")
    return copied


def _write_manifest(
    cursor: duckdb.DuckDBPyConnection,
    alias: str,
    copied: Sequence[_Copied],
    facts: dict[str, object],
) -> None:
    """Write the table that says what this publication is: one row per table."""
    cursor.execute(
        f"""
        create table {alias}.main.{MANIFEST} (
            publication_id varchar, published_at timestamp, as_of_date date, model_id varchar,
            currency varchar, table_name varchar, row_count bigint, column_count bigint,
            checksum varchar, source varchar, holdfast_version varchar, code_version varchar,
            duckdb_version varchar
        )
        """
    )
    for table in copied:
        row = {**facts, **_facts_of(table)}
        names = ", ".join(row)
        cursor.execute(
            f"insert into {alias}.main.{MANIFEST} ({names}) values ({', '.join('?' for _ in row)})",
            list(row.values()),
        )


def _facts_of(table: _Copied) -> dict[str, object]:
    """Give the manifest's columns that are a table's own."""
    return {
        "table_name": table.mart.name,
        "row_count": table.row_count,
        "column_count": len(table.columns),
        "checksum": table.checksum,
    }


def _write_comments(
    cursor: duckdb.DuckDBPyConnection, alias: str, copied: Sequence[_Copied]
) -> None:
    """Take the descriptions along, for the tools that show them."""
    for table in copied:
        relation = f"{alias}.main.{quoted(table.mart.name)}"
        if table.mart.description:
            cursor.execute(f"comment on table {relation} is {text(table.mart.description)}")
        for column in table.columns:
            told = table.mart.descriptions.get(column.lower())
            if told:
                cursor.execute(f"comment on column {relation}.{quoted(column)} is {text(told)}")


def _write_function(
    cursor: duckdb.DuckDBPyConnection, alias: str, registry: str | None, model_id: str | None
) -> str:
    """Write the model that scored as a function; say so where it cannot be one."""
    if registry is None or model_id is None:
        return ""
    from holdfast.contract import ROW_COLUMNS, ModelError, ModelFile, check_row
    from holdfast.sql import SqlError, create_churn_function

    listed = ", ".join(ROW_COLUMNS)
    row = cursor.execute(
        f"select onnx, onnx_sha256, {listed} from {registry} where model_id = ?", [model_id]
    ).fetchone()
    if row is None:
        return f", without a function: the model {model_id} is no longer in the registry"
    told = {"model_id": model_id, **dict(zip(ROW_COLUMNS, row[2:], strict=True))}
    try:
        check_row(ModelFile.from_bytes(row[0], row[1]), told, registry)
        create_churn_function(cursor, row[0], row[1], name=f"{alias}.main.churn_probability")
    except (SqlError, ModelError) as error:
        return f", without the function churn_probability: {error}"
    return ""


def _write_what_if(
    cursor: duckdb.DuckDBPyConnection,
    alias: str,
    copied: Sequence[_Copied],
    model_id: str | None,
) -> str:
    """Write the function that asks the model that scored, where its features are published."""
    found = [table for table in copied if table.mart.unique_id == _MODEL_FEATURES]
    if model_id is None or not found:
        return ""
    from holdfast.sql import create_what_if_function

    name = found[0].mart.name
    models = cursor.execute(f"select distinct model_id from {alias}.main.{quoted(name)}").fetchall()
    if models != [(model_id,)]:
        return (
            f", without the function churn_what_if: {name} has the features of another model than "
            "the one that scored; run `dbt build`"
        )
    create_what_if_function(cursor, table=name, schema=f"{alias}.main")
    return ""


def _write_parquet(
    cursor: duckdb.DuckDBPyConnection,
    table: _Copied,
    alias: str,
    folder: Path,
    whole_numbers: Columns,
) -> None:
    """Write a table as Parquet, a large one in parts, and verify it."""
    options = "format parquet, compression zstd"
    relation = f"{alias}.main.{quoted(table.mart.name)}"
    output = folder
    if table.row_count <= _LARGE:
        folder.mkdir()
        output = folder / "part_0.parquet"
    elif table.mart.partition_by:
        listed = ", ".join(map(quoted, table.mart.partition_by))
        options += f", partition_by ({listed}), write_partition_columns true"
    else:
        options += f", file_size_bytes '{_FILE_SIZE}'"
    select = ", ".join(
        f"cast({quoted(name)} as {whole_numbers[name.lower()]}) as {quoted(name)}"
        if dtype in _LARGE_WHOLE
        else quoted(name)
        for name, dtype in table.columns.items()
    )
    copied = f"(select {select} from {relation})"
    cursor.execute(f"copy {copied} to {text(str(output))} ({options})")
    written = f"read_parquet({text(f'{folder}/**/*.parquet')}, hive_partitioning = false)"
    kept = _describe(cursor, f"select * from {written}")
    if kept.keys() != table.columns.keys():
        raise PublishError(f"{table.mart.name} has other columns as Parquet: {', '.join(kept)}")
    # some types come back as others; cast to what they were, they must be the same values
    back = ", ".join(
        f"cast({quoted(name)} as {dtype}) as {quoted(name)}"
        for name, dtype in table.columns.items()
    )
    try:
        same = _sums(cursor, f"(select {back} from {written})", table.columns) == (
            table.row_count,
            table.checksum,
        )
    except duckdb.ConversionException:
        same = False
    if not same:
        changed = [f"{n} ({t} as {kept[n]})" for n, t in table.columns.items() if kept[n] != t]
        raise PublishError(
            f"{table.mart.name} as Parquet is not what was written"
            + (f"; cast what Parquet cannot hold: {', '.join(changed)}" if changed else "")
        )


def _large_whole_numbers(
    cursor: duckdb.DuckDBPyConnection, copied: Sequence[_Copied], alias: str
) -> Columns:
    """Choose how Parquet, which has no integers of 128 bits, holds the columns of such types.

    A decimal of 38 digits holds most; where one value is larger, the column is text, and so is
    every column of that name, so that the tables still join.
    """
    types: Columns = {}
    for table in copied:
        for name, dtype in table.columns.items():
            if dtype not in _LARGE_WHOLE:
                continue
            relation = f"{alias}.main.{quoted(table.mart.name)}"
            row = cursor.execute(
                f"select count({quoted(name)}) = count(try_cast({quoted(name)} as {_DECIMAL})) "
                f"from {relation}"
            ).fetchone()
            assert row is not None
            if not row[0]:
                types[name.lower()] = "varchar"
            types.setdefault(name.lower(), _DECIMAL)
    return types


def _verify(cursor: duckdb.DuckDBPyConnection, table: _Copied, relation: str, where: str) -> None:
    """Compare what was written with what the warehouse held."""
    columns = _describe(cursor, f"select * from {relation}")
    if columns != table.columns:
        raise PublishError(f"{table.mart.name} has other columns in {where}: {columns}")
    found = _sums(cursor, relation, columns)
    if found != (table.row_count, table.checksum):
        raise PublishError(
            f"{table.mart.name} in {where} is not what the warehouse holds: {found[0]:,} rows "
            f"instead of {table.row_count:,}, checksum {found[1]} instead of {table.checksum}"
        )


def _check_contract(cursor: duckdb.DuckDBPyConnection, mart: Mart, found: Columns) -> None:
    """Compare the columns of a mart with those that its yml declares."""
    declared = {name: dtype for name, dtype in mart.types.items() if dtype.lower() != "id"}
    listed = ", ".join(f"cast(null as {t}) as {quoted(name)}" for name, t in declared.items())
    wanted = _describe(cursor, f"select {listed}") if declared else {}
    have = {name.lower(): dtype for name, dtype in found.items()}
    for name in mart.types:
        if have.get(name) is None or have[name] != wanted.get(name, have[name]):
            raise PublishError(
                f"{mart.relation} does not keep its contract: {name} is "
                f"{have.get(name, 'missing')} instead of {mart.types[name]}; run `dbt build`"
            )


def _describe(cursor: duckdb.DuckDBPyConnection, select: str) -> Columns:
    """Give the columns of a query and their types, in order."""
    return {row[0]: row[1] for row in cursor.execute(f"describe {select}").fetchall()}


def _sums(cursor: duckdb.DuckDBPyConnection, relation: str, columns: Columns) -> tuple[int, str]:
    """Give the number of rows and the sum of their hashes, whatever their order."""
    listed = ", ".join(map(quoted, columns))
    hashed = f"cast(coalesce(sum(hash({listed})), 0) as varchar)" if columns else "''"
    row = cursor.execute(f"select count(*), {hashed} from {relation}").fetchone()
    assert row is not None
    return int(row[0]), str(row[1])


@contextmanager
def _attached(
    cursor: duckdb.DuckDBPyConnection, file: Path, alias: str, option: str
) -> Iterator[None]:
    """Attach a database file, and let go of it whatever happens."""
    cursor.execute(f"attach {text(str(file))} as {alias} ({option})")
    try:
        yield
    except BaseException:
        # the detach writes the last blocks, and fails where they found no room
        for statement in ("rollback", f"detach {alias}"):
            try:
                cursor.execute(statement)
            except duckdb.Error:
                continue
        raise
    cursor.execute(f"detach {alias}")
