"""What a publication says of where it comes from."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from holdfast.publishing._marts import Mart

__all__ = ["code_version", "owner_of", "warehouse_of"]


def warehouse_of(connection: DuckDBPyConnection) -> Path | None:
    """Give the file of the database that a connection works in; None where it is no file."""
    with connection.cursor() as cursor:
        row = cursor.execute(
            "select path from duckdb_databases() where database_name = current_database()"
        ).fetchone()
    path = Path(row[0]) if row and row[0] else None
    return path.absolute() if path is not None and path.is_file() else None


def owner_of(
    project: str,
    target: str,
    warehouse: Path | None,
    marts: Sequence[Mart],
    folder: Path | None = None,
) -> dict[str, str]:
    """Tell whose a publication is, so that no other one replaces it unasked.

    Parameters
    ----------
    project, target
        The dbt project and the target of its profile.
    warehouse
        The file of the warehouse; None where it is no file.
    marts
        What is published; the schema of Holdfast's own marts counts.
    folder
        Where the publication lies; the warehouse is named as seen from there, so that the two can
        move together. None names it in full.

    Returns
    -------
    dict
        `project`, `target`, `warehouse` and `schema`.
    """
    place = "memory"
    if warehouse is not None:
        place = os.path.realpath(warehouse)
        if folder is not None:
            place = os.path.relpath(place, os.path.realpath(folder))
    own = [mart for mart in marts if mart.unique_id.startswith("model.holdfast.")] or [*marts]
    schema = own[0].relation.rpartition(".")[0] if own else ""
    return {"project": project, "target": target, "warehouse": place, "schema": schema}


def code_version(directory: Path) -> str | None:
    """Give the commit of the project's code as git describes it; None where it has none."""
    try:
        told = subprocess.run(
            ["git", "-C", str(directory), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip() or None
