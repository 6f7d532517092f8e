"""Small warehouses made by hand, as a build of some version would leave them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from holdfast.warehouse.project import Project

MakeProject = Callable[..., Project]


@pytest.fixture
def project(tmp_path: Path) -> MakeProject:
    """Give a function that makes a warehouse by SQL, and the project around it."""

    def make(
        *statements: str,
        personal: tuple[tuple[str, str], ...] = (),
        meta: Mapping[str, str] | None = None,
    ) -> Project:
        warehouse = tmp_path / "shop.duckdb"
        with duckdb.connect(str(warehouse)) as connection:
            for statement in statements:
                connection.execute(statement)
            tables = connection.execute(
                "select table_name, list(column_name) from duckdb_columns() "
                "where database_name = current_database() and not internal group by table_name"
            ).fetchall()
        nodes: dict[str, Any] = {
            f"model.holdfast.{table}": {
                "name": table,
                "package_name": "holdfast",
                "resource_type": "model",
                "schema": "main",
                "alias": table,
                "relation_name": f'"shop"."main"."{table}"',
                "config": {"meta": dict(meta or {})},
                "columns": {
                    column: {"config": {"meta": {"pii": (table, column) in personal}}}
                    for column in columns
                },
            }
            for table, columns in tables
        }
        manifest = {
            "nodes": nodes,
            "metadata": {"project_name": "</script><img src=x onerror=alert(1)>"},
        }
        return Project(tmp_path, warehouse, manifest, {"results": []})

    return make
