"""dbt projects in folders of their own: the demo, and small ones as users would write them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# what a build of the demo reads
PROJECT_FILES = ("dbt_project.yml", "profiles.yml", "models", "macros", "seeds")


def run(
    *words: str | Path, cwd: Path, check: bool = False, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command with the tools of this environment first on the path."""
    settings = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "python"),
        # they are a third of a build of the demo, and test_demo_build runs them once
        "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test",
    }
    result = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**settings, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if check and result.returncode:
        pytest.fail(f"{' '.join(map(str, words))} failed:\n{result.stdout}\n{result.stderr}")
    return result


@dataclass
class DbtProject:
    """A dbt project in a folder of its own, and its warehouse."""

    directory: Path
    warehouse: Path

    def dbt(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run dbt in the project; a failure fails the test unless check is False."""
        return run("dbt", "--no-use-colors", *words, cwd=self.directory, check=check)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Give the rows of a query on the warehouse."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        """Change something in the warehouse."""
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute(sql)

    def columns(self, table: str) -> dict[str, str]:
        """Give the columns of a table and their types."""
        return {name: dtype for name, dtype, *_ in self.query(f"describe {table}")}

    def has(self, table: str) -> bool:
        """Tell whether a table is in the warehouse."""
        found = self.query(f"select count(*) from duckdb_tables() where table_name = '{table}'")
        return bool(found[0][0])

    @property
    def manifest(self) -> dict[str, Any]:
        """Give what dbt knows of the project."""
        text = (self.directory / "target" / "manifest.json").read_text(encoding="utf-8")
        manifest: dict[str, Any] = json.loads(text)
        return manifest

    @property
    def marts(self) -> set[str]:
        """Give the models that are published, by their names."""
        models = self.manifest["nodes"].values()
        return {node["name"] for node in models if node.get("meta", {}).get("publish") is True}


def copy_demo(directory: Path) -> DbtProject:
    """Lay out the demo project in a folder of its own; the tests of the repository stay behind."""
    directory.mkdir(parents=True)
    for name in PROJECT_FILES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, directory / name)
        else:
            shutil.copy(source, directory / name)
    for name in ("data", "generic"):
        shutil.copytree(ROOT / "tests" / name, directory / "tests" / name)
    return DbtProject(directory, directory / "warehouse.duckdb")


@dataclass
class UserProject(DbtProject):
    """A project as a user would write it, with its orders in the table raw.orders."""

    settings: dict[str, Any] = field(default_factory=dict)

    def write(self, **changes: Any) -> None:
        """Write dbt_project.yml, with some of its settings changed."""
        self.settings.update(changes)
        text = yaml.safe_dump(self.settings, sort_keys=False)
        (self.directory / "dbt_project.yml").write_text(text, encoding="utf-8")

    def orders(self, sql: str) -> None:
        """Make raw.orders from a query."""
        self.execute("create schema if not exists raw")
        self.execute(f"create or replace table raw.orders as {sql}")


def write_user_project(directory: Path) -> UserProject:
    """Write a user's project that has nothing but orders."""
    directory.mkdir(parents=True)
    project = UserProject(directory, directory / "shop.duckdb")
    project.write(
        name="shop",
        profile="shop",
        flags={"send_anonymous_usage_stats": False},
        vars={"holdfast_orders": "raw.orders"},
    )
    (directory / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}))
    output = {
        "type": "duckdb",
        "path": "shop.duckdb",
        "threads": 2,
        "plugins": [{"module": "holdfast.plugin"}],
    }
    profile = {"shop": {"target": "dev", "outputs": {"dev": output}}}
    (directory / "profiles.yml").write_text(yaml.safe_dump(profile))
    project.dbt("deps")
    return project
