"""What a publication says of where it comes from."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["code_version", "warehouse_of"]


def warehouse_of(connection: DuckDBPyConnection) -> Path | None:
    """Give the file of the database that a connection works in; None where it is no file."""
    with connection.cursor() as cursor:
        row = cursor.execute(
            "select path from duckdb_databases() where database_name = current_database()"
        ).fetchone()
    path = Path(row[0]) if row and row[0] else None
    return path.absolute() if path is not None and path.is_file() else None


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
