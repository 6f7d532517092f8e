"""Rows of the model registry: their Arrow schema, their ids, and what is noted in them."""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any, TypeAlias

import pyarrow as pa

__all__ = [
    "REGISTRY_SCHEMA",
    "Row",
    "library_versions",
    "registry_table",
    "to_json",
]

Row: TypeAlias = dict[str, Any]

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
    """Make an Arrow table of registry rows; no rows give an empty table of the same schema.

    Examples
    --------
    >>> registry_table([{"model_id": "3b5c105d", "task": "churn"}])["task"].to_pylist()
    ['churn']
    """
    return pa.Table.from_pylist(rows, schema=REGISTRY_SCHEMA)


def to_json(value: Any) -> str:
    """Write JSON with sorted keys; NaN and infinity are refused, for no reader accepts them.

    Examples
    --------
    >>> to_json({"seed": 7, "label": "churned"})
    '{"label": "churned", "seed": 7}'
    """
    return json.dumps(value, sort_keys=True, allow_nan=False)


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that made a model."""
    return {name: metadata.version(name) for name in _LIBRARIES}
