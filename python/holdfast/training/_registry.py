"""Rows of the model registry: their Arrow schema, their ids, and the former rows."""

from __future__ import annotations

import hashlib
import json
from importlib import metadata
from typing import Any, Protocol, TypeAlias

import ibis
import pyarrow as pa

from holdfast.errors import TrainingError
from holdfast.quoting import quoted
from holdfast.warehouse.relations import Source

__all__ = [
    "REGISTRY_SCHEMA",
    "RelationName",
    "Row",
    "carry_over",
    "find_registry",
    "library_versions",
    "model_id",
    "read_former",
    "registry_table",
    "to_json",
]

Row: TypeAlias = dict[str, Any]


class RelationName(Protocol):
    """The name of a relation in its parts, as `dbt.this` has them."""

    database: str
    schema: str
    identifier: str


REGISTRY_SCHEMA = pa.schema(
    [
        ("model_id", pa.string()),
        ("task", pa.string()),
        ("algorithm", pa.string()),
        ("stage", pa.string()),
        ("trained_at", pa.timestamp("us")),
        ("training_from", pa.timestamp("us")),
        ("training_to", pa.timestamp("us")),
        ("row_count", pa.int64()),
        ("positive_count", pa.int64()),
        ("feature_names", pa.list_(pa.string())),
        ("feature_hash", pa.string()),
        ("parameters", pa.string()),
        ("metrics", pa.string()),
        ("onnx", pa.binary()),
        ("onnx_sha256", pa.string()),
        ("score_sql", pa.string()),
        ("library_versions", pa.string()),
    ]
)

_LIBRARIES = (
    "duckdb",
    "ibis-framework",
    "numpy",
    "onnx",
    "onnxruntime",
    "pyarrow",
    "scikit-learn",
    "skl2onnx",
)


def registry_table(rows: list[Row]) -> pa.Table:
    """Make an Arrow table of registry rows; no rows give an empty table of the same schema."""
    return pa.Table.from_pylist(rows, schema=REGISTRY_SCHEMA)


def model_id(task: str, algorithm: str, blob: bytes) -> str:
    """Name a model by its content, so that the same training gives the same id."""
    digest = hashlib.sha256()
    for part in (task.encode(), algorithm.encode(), blob):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()[:16]


def to_json(value: Any) -> str:
    """Write JSON with sorted keys; NaN and infinity are refused, for no reader accepts them."""
    return json.dumps(value, sort_keys=True, allow_nan=False)


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that made a model."""
    return {name: metadata.version(name) for name in _LIBRARIES}


def read_former(source: Source, task: str) -> list[Row]:
    """Read the registry rows of a task; those of archived models come without their file."""
    table = source.table
    missing = [name for name in REGISTRY_SCHEMA.names if name not in table.columns]
    if missing:
        raise TrainingError(
            f"The model registry has no column {missing[0]!r}. Restore it, or move the table "
            "aside so that the next build makes a new one."
        )
    # By name: a registry with further columns, or in another order, is fine.
    expression = (
        table.filter(table["task"] == task)
        .select(
            **{name: table[name] for name in REGISTRY_SCHEMA.names if name != "onnx"},
            onnx=ibis.ifelse(table["stage"] == "archived", ibis.null("binary"), table["onnx"]),
        )
        .order_by("model_id")
    )
    batches = list(source.batches(expression))
    rows: list[Row] = []
    for batch in batches:
        rows.extend(batch.select(REGISTRY_SCHEMA.names).cast(REGISTRY_SCHEMA).to_pylist())
    return rows


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
    """Put rows in the place of the former ones of the same id, and keep all other former rows."""
    former = session.sql(f"select * from {registry}").to_arrow_table()  # noqa: S608 - dbt quotes it
    replaced = set(rows["model_id"].to_pylist())
    is_kept = [model not in replaced for model in former["model_id"].to_pylist()]
    # the type is told, because an empty list has none: a registry may still be without a model
    kept = former.filter(pa.array(is_kept, pa.bool_()))
    table = pa.concat_tables([kept.select(REGISTRY_SCHEMA.names).cast(REGISTRY_SCHEMA), rows])
    lost = set(former["model_id"].to_pylist()) - set(table["model_id"].to_pylist())
    if lost:
        raise TrainingError(f"The models {sorted(lost)} would be lost; nothing was written.")
    return table.sort_by([("trained_at", "ascending"), ("model_id", "ascending")])
