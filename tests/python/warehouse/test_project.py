"""The dbt project that a command works on, and what is said where it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
import yaml

from holdfast.warehouse import profile
from holdfast.warehouse.profile import read_profile
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
    with pytest.raises(ProjectError, match=r"is not a dbt project .*--project-dir"):
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


def write_settings(directory: Path, **settings: object) -> None:
    (directory / "dbt_project.yml").write_text(
        yaml.safe_dump({"name": "shop", "profile": "shop", **settings})
    )


def test_artifacts_are_where_dbt_writes_them(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # an older build's files lie where dbt once wrote
    (directory / "target").mkdir()
    for name in ("manifest.json", "run_results.json"):
        (directory / "target" / name).write_text(json.dumps({"nodes": {}, "results": ["old"]}))
    write_settings(directory, **{"target-path": "{{ env_var('OUT', 'ma' ~ 'de') }}"})
    assert open_project(directory).run_results == {"results": []}
    monkeypatch.setenv("OUT", "elsewhere")
    with pytest.raises(ProjectError, match="was not built yet; run `dbt build`"):
        open_project(directory)
    assert open_project(directory, target_path=Path("made")).run_results == {"results": []}
    for name in ("DBT_TARGET_PATH", "DBT_ENGINE_TARGET_PATH"):
        monkeypatch.setenv(name, str(directory / "made"))
        assert open_project(directory).run_results == {"results": []}
        monkeypatch.delenv(name)
    monkeypatch.delenv("OUT")
    write_settings(directory, **{"target-path": "{{ env_var('NOT_THERE') }}"})
    with pytest.raises(ProjectError, match="NOT_THERE"):
        open_project(directory)


def test_target_of_the_environment_is_taken(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBT_TARGET", "test")
    assert open_project(directory).target == "test"
    assert open_project(directory, target="dev").target == "dev"


def rewrite(directory: Path, name: str, **changes: object) -> None:
    path = directory / "made" / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_artifacts_of_another_target_or_project_are_refused(directory: Path) -> None:
    rewrite(directory, "run_results.json", args={"target": "test"})
    with pytest.raises(ProjectError, match=r"for the target 'test', and this is 'dev'; name it"):
        open_project(directory)
    assert open_project(directory, target="test").target == "test"
    rewrite(directory, "run_results.json", args={})
    with pytest.raises(ProjectError, match="for the target 'dev', and this is 'test'"):
        open_project(directory, target="test")
    rewrite(directory, "manifest.json", metadata={"project_name": "another"})
    with pytest.raises(ProjectError, match="written by the project 'another', and this is 'shop'"):
        open_project(directory)
    node = {
        "package_name": "holdfast",
        "relation_name": '"lake"."main"."churn_scores"',
        "database": "lake",
    }
    rewrite(directory, "manifest.json", metadata={}, nodes={"model.holdfast.churn_scores": node})
    with pytest.raises(ProjectError, match="database 'lake', which the target 'dev' does not know"):
        open_project(directory)


@pytest.mark.parametrize(
    ("scored_at", "is_told"), [("2026-07-01 10:00:01", True), ("2026-07-01 09:59:59", False)]
)
def test_artifacts_older_than_the_last_scores_are_told(
    directory: Path, caplog: pytest.LogCaptureFixture, scored_at: str, is_told: bool
) -> None:
    node = {"relation_name": '"shop"."main"."churn_scores"'}
    rewrite(
        directory,
        "manifest.json",
        metadata={"generated_at": "2026-07-01T09:30:00.5Z"},
        nodes={"model.holdfast.holdfast__churn_scores": node},
    )
    rewrite(directory, "run_results.json", metadata={"generated_at": "2026-07-01T10:00:00.5Z"})
    with duckdb.connect(str(directory / "shop.duckdb")) as connection:
        connection.execute(
            f"create table churn_scores as select '{scored_at}'::timestamp scored_at"
        )
    project = open_project(directory)
    for _ in range(2):
        project.connect().close()
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == int(is_told)
    if is_told:
        assert "was scored at 2026-07-01 10:00:01 UTC, after dbt wrote" in told[0]
        assert "name its --target-path, or run `dbt build`" in told[0]


def test_a_warehouse_without_scores_tells_nothing_of_its_age(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rewrite(directory, "manifest.json", metadata={"generated_at": "2026-07-01T09:30:00Z"})
    duckdb.connect(str(directory / "shop.duckdb")).close()
    open_project(directory).connect().close()
    assert caplog.records == []


def attach(directory: Path, *attached: dict[str, object], **more: object) -> None:
    dev = {"type": "duckdb", "path": "shop.duckdb", "attach": [*attached], **more}
    (directory / "profiles.yml").write_text(
        yaml.safe_dump({"shop": {"target": "dev", "outputs": {"dev": dev}}})
    )
    node = {
        "package_name": "holdfast",
        "relation_name": '"lake"."main"."churn_scores"',
        "database": "lake",
    }
    rewrite(directory, "manifest.json", nodes={"model.holdfast.churn_scores": node})


def test_attached_databases_are_attached(directory: Path) -> None:
    for name in ("shop", "files/the lake's"):
        (directory / name).parent.mkdir(exist_ok=True)
        with duckdb.connect(str(directory / f"{name}.duckdb")) as connection:
            connection.execute("create table churn_scores as select 7 as customer_id")
    attach(
        directory,
        {"path": "files/the lake's.duckdb", "alias": "lake"},
        {"path": "gone.duckdb", "alias": "gone"},
        {"path": "postgres://me:hidden@nowhere:1/shop", "type": "postgres", "alias": "server"},
    )
    project = open_project(directory)
    assert "hidden" not in repr(project)
    count = f"select count(*) from {project.relation('churn_scores')}"
    with project.connect() as connection:
        assert connection.execute(count).fetchall() == [(1,)]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            connection.execute("delete from lake.churn_scores")
    with project.connect(read_only=False) as connection:
        connection.execute("delete from lake.churn_scores")
        assert connection.execute(count).fetchall() == [(0,)]
    assert not (directory / "gone.duckdb").exists()


def test_attached_database_that_models_lie_in_must_be_there(directory: Path) -> None:
    with duckdb.connect(str(directory / "shop.duckdb")):
        pass
    attach(directory, {"path": "gone.duckdb", "alias": "lake"})
    for read_only in (True, False):
        with pytest.raises(ProjectError, match="the database 'lake', which the profile attaches"):
            open_project(directory).connect(read_only=read_only)
    address = "postgres://me:hidden@nowhere:1/shop"
    attach(directory, {"path": address, "type": "postgres", "alias": "lake"})
    with pytest.raises(ProjectError) as refused:
        open_project(directory).connect()
    assert "hidden" not in str(refused.value)


def test_models_may_lie_in_a_file_attached_to_memory(directory: Path) -> None:
    with duckdb.connect(str(directory / "file.duckdb")) as connection:
        connection.execute("create table churn_scores as select 7 as customer_id")
    attach(directory, {"path": "file.duckdb", "alias": "lake"}, path=":memory:", database="lake")
    project = open_project(directory)
    assert project.warehouse == directory.resolve() / "file.duckdb"
    with project.connect() as connection:
        assert connection.execute("select current_database()").fetchall() == [("lake",)]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            connection.execute("delete from lake.churn_scores")
        assert connection.execute(f"from {project.relation('churn_scores')}").fetchall() == [(7,)]


@pytest.mark.parametrize("target", [None, "dev", "test", "dotted"])
def test_plain_profile_is_read_as_dbt_reads_it(
    directory: Path, target: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = {
        "dev": {"type": "duckdb", "path": "shop.duckdb", "threads": 2, "schema": "main"},
        "test": {"type": "duckdb", "path": "folder/test.duckdb", "plugins": []},
        "dotted": {"type": "duckdb", "path": "My.Shop.v2.duckdb"},
    }
    told = {"shop": {"target": "dev", "outputs": outputs}}
    (directory / "profiles.yml").write_text(yaml.safe_dump(told))
    plain = read_profile(directory, target, None)
    for name, value in (("", ""), ("DBT_TARGET", "test"), ("DBT_TARGET_PATH", "elsewhere")):
        if name:
            monkeypatch.setenv(name, value)
        plain = read_profile(directory, target, None)
        by_dbt = profile._have_dbt_read(directory, str(directory), target, None)
        assert plain == by_dbt


@pytest.mark.parametrize(
    "output",
    [
        {"path": "{{ 'shop' }}.duckdb"},
        {"path": "shop.duckdb", "attach": [{"path": "other.duckdb"}]},
        {"path": "shop.duckdb", "settings": {"threads": 1}},
        {"path": "shop.duckdb", "database": "shop"},
    ],
)
def test_all_else_is_left_to_dbt(
    directory: Path, output: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"shop": {"target": "dev", "outputs": {"dev": {"type": "duckdb", **output}}}}
    (directory / "profiles.yml").write_text(yaml.safe_dump(told))
    asked = []
    real = profile._have_dbt_read
    monkeypatch.setattr(profile, "_have_dbt_read", lambda *a: asked.append(a) or real(*a))
    assert read_profile(directory, None, None).warehouse == directory / "shop.duckdb"
    assert len(asked) == 1
