"""The registry's table as a training finds it, and how its rows come back unharmed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pyarrow as pa

from holdfast.registry._errors import RegistryError
from holdfast.registry._model import RegisteredModel
from holdfast.registry._rows import REGISTRY_SCHEMA, Row
from holdfast.registry._stages import Stage
from holdfast.warehouse.quoting import quoted

__all__ = ["RelationName", "carry_over", "find_registry", "read_former"]


class RelationName(Protocol):
    """The name of a relation in its parts, as `dbt.this` has them."""

    database: str
    schema: str
    identifier: str


class _Source(Protocol):
    """A relation as an Ibis table, with the way to run expressions over it."""

    @property
    def table(self) -> Any: ...

    def batches(self, expression: Any) -> Iterator[pa.RecordBatch]: ...


def read_former(source: _Source, task: str) -> list[RegisteredModel]:
    """Read the registered models of a task; archived ones come without their file.

    Parameters
    ----------
    source
        The registry, on any engine of Ibis.
    task
        The task.

    Returns
    -------
    list of RegisteredModel
        By id, without figures.

    Raises
    ------
    RegistryError
        If the registry lacks a column.
    """
    # here and not above: the commands read the registry without Ibis
    import ibis

    table = source.table
    missing = [name for name in REGISTRY_SCHEMA.names if name not in table.columns]
    if missing:
        raise RegistryError(
            f"The model registry has no column {missing[0]!r}. Restore it, or move the table "
            "aside so that the next build makes a new one."
        )
    # By name: a registry with further columns, or in another order, is fine.
    is_archived = table["stage"] == Stage.ARCHIVED.value
    expression = (
        table.filter(table["task"] == task)
        .select(
            **{name: table[name] for name in REGISTRY_SCHEMA.names if name != "onnx"},
            onnx=ibis.ifelse(is_archived, ibis.null("binary"), table["onnx"]),
        )
        .order_by("model_id")
    )
    rows: list[Row] = []
    for batch in list(source.batches(expression)):
        rows.extend(batch.select(REGISTRY_SCHEMA.names).cast(REGISTRY_SCHEMA).to_pylist())
    return [RegisteredModel.from_row(row) for row in rows]


def find_registry(session: Any, name: RelationName) -> str | None:
    """Give the quoted name of the registry's table, or None where it is not there yet."""
    parts = [name.database, name.schema, name.identifier]
    found = session.execute(
        "select count(*) from duckdb_tables() "
        "where database_name = ? and schema_name = ? and table_name = ?",
        parts,
    ).fetchall()
    if not found[0][0]:
        return None
    return quoted(*parts)


def carry_over(session: Any, registry: str, rows: pa.Table) -> pa.Table:
    """Put rows in the place of the former ones of the same id, and keep all other former rows.

    Parameters
    ----------
    session
        DuckDB connection.
    registry
        Quoted name of the registry's table.
    rows
        The rows to upsert, of the schema `REGISTRY_SCHEMA`.

    Returns
    -------
    pyarrow.Table
        All rows, by the time of training.

    Raises
    ------
    RegistryError
        If a former model would be lost.
    """
    former = session.sql(f"select * from {registry}").to_arrow_table()  # noqa: S608 - dbt quotes it
    replaced = set(rows["model_id"].to_pylist())
    is_kept = [model not in replaced for model in former["model_id"].to_pylist()]
    # the type is told, because an empty list has none: a registry may still be without a model
    kept = former.filter(pa.array(is_kept, pa.bool_()))
    table = pa.concat_tables([kept.select(REGISTRY_SCHEMA.names).cast(REGISTRY_SCHEMA), rows])
    lost = set(former["model_id"].to_pylist()) - set(table["model_id"].to_pylist())
    if lost:
        raise RegistryError(f"The models {sorted(lost)} would be lost; nothing was written.")
    return table.sort_by([("trained_at", "ascending"), ("model_id", "ascending")])
