"""The dbt project that a command works on, and what is said where it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
import yaml

from holdfast.warehouse.project import Project, ProjectError, open_project


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that dbt has built, as far as its files tell."""
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    outputs = {
        "dev": {"type": "duckdb", "path": "shop.duckdb"},
        "test": {"type": "duckdb", "path": "folder/test.duckdb"},
        "memory": {"type": "duckdb", "path": ":memory:"},
    }
    (tmp_path / "profiles.yml").write_text(
        yaml.safe_dump({"shop": {"target": "dev", "outputs": outputs}})
    )
    (tmp_path / "dbt_project.yml").write_text(
        yaml.safe_dump({"name": "shop", "profile": "shop", "target-path": "made"})
    )
    node = {"relation_name": '"shop"."main"."customer_retention"'}
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "manifest.json").write_text(
        json.dumps({"nodes": {"model.holdfast.customer_retention": node}})
    )
    (tmp_path / "made" / "run_results.json").write_text(json.dumps({"results": []}))
    return tmp_path


def test_warehouse_is_that_of_the_target(directory: Path) -> None:
    project = open_project(directory)
    assert project.warehouse == directory.resolve() / "shop.duckdb"
    assert project.relation("customer_retention") == '"shop"."main"."customer_retention"'
    assert project.run_results == {"results": []}
    other = open_project(directory, target="test")
    assert other.warehouse == directory.resolve() / "folder" / "test.duckdb"


def test_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"is no dbt project .*--project-dir"):
        open_project(tmp_path)


@pytest.mark.parametrize("name", ["manifest.json", "run_results.json"])
@pytest.mark.parametrize("content", [None, '{"nodes": '])
def test_project_that_was_not_built_to_the_end_is_refused(
    directory: Path, name: str, content: str | None
) -> None:
    file = directory / "made" / name
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(ProjectError, match="was not built yet; run `dbt build`"):
        open_project(directory)


def test_target_that_is_no_file_or_is_not_there_is_refused(directory: Path) -> None:
    with pytest.raises(ProjectError, match="'memory' of the profile 'shop' is no DuckDB file"):
        open_project(directory, target="memory")
    with pytest.raises(ProjectError, match="nowhere"):
        open_project(directory, target="nowhere")


def test_project_without_a_profile_is_refused(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(directory / "nobody"))
    (directory / "profiles.yml").unlink()
    with pytest.raises(ProjectError, match=r"there is no profiles\.yml in"):
        open_project(directory)


def test_model_of_another_package_is_no_relation_of_holdfast(directory: Path) -> None:
    with pytest.raises(ProjectError, match="no Holdfast model 'orders'; is the package in"):
        open_project(directory).relation("orders")


def test_warehouse_that_is_not_there_is_not_made(directory: Path) -> None:
    project = open_project(directory)
    for read_only in (True, False):
        with pytest.raises(ProjectError, match="there is no warehouse at"):
            project.connect(read_only=read_only)
    assert not project.warehouse.exists()


def test_file_that_is_no_warehouse_is_refused(directory: Path) -> None:
    project = open_project(directory)
    project.warehouse.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(ProjectError, match="cannot be opened"):
        project.connect()


def test_table_or_column_of_another_version_is_told(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path / "shop.duckdb", {"nodes": {}}, {})
    with duckdb.connect() as connection:
        for sql in ("from no_table", "select no_column from range(1)"):
            refused = pytest.raises(ProjectError, match="this version of Holdfast builds; run `dbt")
            with refused, project.of_this_version():
                connection.execute(sql)
        # what is wrong in other ways is no question of versions
        with pytest.raises(duckdb.ConversionException), project.of_this_version():
            connection.execute("select cast('x' as integer)")
