"""What models of texts have in common: one per script, kept with all former ones in a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.registry import RelationName, Row, find_registry
from holdfast.run import is_reset
from holdfast.texts import clean, scripts_of

__all__ = ["ARCHIVED", "CURRENT", "FITTED", "by_script", "former_rows", "in_order"]

CURRENT, ARCHIVED = "current", "archived"
FITTED = "fitted"


def former_rows(session: Any, registry: RelationName, schema: pa.Schema) -> list[Row]:
    """Read the models that there are; none where the table is new or history begins anew."""
    table = None if is_reset(session) else find_registry(session, registry)
    if table is None:
        return []
    listed = ", ".join(schema.names)
    found: list[Row] = session.sql(f"select {listed} from {table}").to_arrow_table().to_pylist()  # noqa: S608 - dbt quotes it
    return found


def by_script(texts: Any) -> tuple[list[str], dict[str, NDArray[np.int64]]]:
    """Clean texts for learning, and tell which of them are of each script, in its order.

    Texts without a letter are of none.
    """
    cleaned = [text.lower() for text in clean(texts).to_pylist()]
    script = scripts_of(cleaned)
    names = sorted(set(script.tolist()) - {""})
    return cleaned, {name: np.flatnonzero(script == name) for name in names}


def in_order(rows: list[Row], schema: pa.Schema) -> pa.Table:
    """Lay models out in the order of learning."""
    ordered = sorted(rows, key=lambda row: (row["fitted_at"], row["model_id"]))
    return pa.Table.from_pylist(ordered, schema=schema)
