"""The machine: memory, disk, and what a build may use of them; and the published file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from holdfast.doctor._checks import Check
from holdfast.publishing import PublishError, publish_path
from holdfast.warehouse.project import Project

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["check_machine", "check_published"]

_GIB = 2**30


def check_machine(
    connection: DuckDBPyConnection, warehouse: Path, settings: Mapping[str, str]
) -> Iterator[Check]:
    """Tell the settings of memory and disk, and warn where they do not fit the machine."""
    found = connection.execute(
        "select current_setting('memory_limit'), current_setting('threads'), "
        "current_setting('temp_directory')"
    ).fetchone()
    assert found is not None
    # what the profile says counts in a build; this connection has DuckDB's own defaults
    memory = settings.get("memory_limit") or settings.get("max_memory") or str(found[0])
    threads = settings.get("threads") or str(found[1])
    temporary = settings.get("temp_directory") or str(found[2])
    limit, physical = _bytes(memory), _physical_memory()
    too_much = bool(limit and physical and limit > physical)
    yield Check(
        "machine",
        "memory",
        "warning" if too_much else "ok",
        f"DuckDB may use {memory} with {threads} threads"
        + (f"; the machine has {physical / _GIB:.1f} GiB" if physical else ""),
        "set memory_limit in the profile below what the machine has" if too_much else "",
        {"memory_limit": memory, "threads": threads, "physical": physical},
    )
    size = warehouse.stat().st_size
    free = shutil.disk_usage(warehouse.resolve().parent).free
    is_short = free < max(_GIB, 2 * size)
    yield Check(
        "machine",
        "disk",
        "warning" if is_short else "ok",
        f"the warehouse takes {size / _GIB:.2f} GiB and {free / _GIB:.1f} GiB are free; "
        f"spills go to {temporary or 'nowhere'}",
        "a build writes new tables beside the old ones; keep twice the size of the warehouse free"
        if is_short
        else "",
        {"warehouse": size, "free": free, "temp_directory": temporary},
    )


def check_published(project: Project, *, publishes: bool) -> Iterator[Check]:
    """Open the published file as a BI tool would."""
    try:
        file = publish_path(project)
        if not file.exists():
            yield Check(
                "published file",
                str(file),
                "warning" if publishes else "note",
                "not there" if publishes else "not there; the var holdfast_publish is false",
                "a build that ends without failed marts writes it; or run `holdfast publish`"
                if publishes
                else "",
            )
            return
        with duckdb.connect(str(file), read_only=True) as connection:
            row = connection.execute("select count(*) from duckdb_tables()").fetchone()
    except (PublishError, duckdb.Error) as error:
        yield Check(
            "published file",
            str(project.warehouse.parent),
            "error",
            f"cannot be read ({type(error).__name__}: {str(error).splitlines()[0]})",
            "delete it and run `holdfast publish`",
        )
        return
    tables = row[0] if row else 0
    yield Check(
        "published file", str(file), "ok", f"readable, {tables} tables", facts={"tables": tables}
    )


def _physical_memory() -> int:
    """Give the memory of the machine in bytes, or 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


def _bytes(told: str) -> float:
    """Give a size as DuckDB writes it in bytes, or 0 where it is none.

    Examples
    --------
    >>> _bytes("1.5 GiB"), _bytes("2GB")
    (1610612736.0, 2000000000.0)
    """
    number = told.strip().rstrip("BbiIKkMmGgTt ").strip()
    unit = told.strip()[len(number) :].strip().lower()
    base = 1024 if "i" in unit else 1000
    try:
        return float(float(number) * base ** "bkmgt".index(unit[0] if unit else "b"))
    except ValueError:
        return 0.0
