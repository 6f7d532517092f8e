"""The dashboard as code: every chart runs on what a build publishes."""

from __future__ import annotations

import importlib.util
import shutil
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
import yaml

from projects import ROOT, DbtProject

FOLDER = ROOT / "examples" / "dashboards"
# Nothing has been approved or sent in the demo, and there are no groups to compare.
EMPTY_IN_THE_DEMO = {"decisions_contact_list", "decisions_approvals", "decisions_fairness"}
SQL = sorted(file.stem for file in (FOLDER / "sql").glob("*.sql"))


def load_superset() -> ModuleType:
    """Import the script, which is not part of the package."""
    spec = importlib.util.spec_from_file_location("superset_dashboard", FOLDER / "superset.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


superset = load_superset()


@pytest.fixture(scope="module")
def published(built_demo: DbtProject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the demo's published file, for tests to change."""
    copy = tmp_path_factory.mktemp("published") / "holdfast.duckdb"
    shutil.copy(built_demo.directory / "serving" / "holdfast.duckdb", copy)
    return copy


@pytest.mark.parametrize("name", SQL)
def test_sql_of_every_chart_runs_on_the_published_file(published: Path, name: str) -> None:
    with duckdb.connect(str(published), read_only=True) as connection:
        rows = connection.execute(superset.read_sql(name)).fetchall()
    assert bool(rows) is (name not in EMPTY_IN_THE_DEMO)


def test_every_query_has_a_chart_and_every_format_a_column(published: Path) -> None:
    definition = superset.read_definition()
    charts = [chart for page in definition["pages"] for chart in page["charts"]]
    assert {chart["sql"] for chart in charts} == set(SQL)
    with duckdb.connect(str(published), read_only=True) as connection:
        given = {
            column
            for name in SQL
            for column in superset.query_columns(connection, name, superset.read_sql(name))
        }
    assert set(superset.column_formats(definition)) <= given


def test_demo_gets_all_charts_and_their_parts_find_each_other(published: Path) -> None:
    files, left_out = superset.bundle(published)
    assert left_out == {}
    kinds: dict[str, dict[str, Any]] = {"datasets": {}, "charts": {}}
    for path, content in files.items():
        kind = path.split("/")[0]
        if kind in kinds:
            assert content["uuid"] not in kinds[kind]
            kinds[kind][content["uuid"]] = content
    for dataset in kinds["datasets"].values():
        assert dataset["database_uuid"] == files["databases/holdfast.yaml"]["uuid"]
    for chart in kinds["charts"].values():
        dataset = kinds["datasets"][chart["dataset_uuid"]]
        given = {column["column_name"] for column in dataset["columns"]}
        assert set(chart["params"].get("all_columns", [])) <= given
    position = files["dashboards/retention.yaml"]["position"]
    placed = [part for part in position.values() if isinstance(part, dict)]
    shown = [part["meta"]["uuid"] for part in placed if part["type"] == "CHART"]
    assert sorted(shown) == sorted(kinds["charts"])
    for part in placed:
        assert all(part["id"] in position[child]["parents"] for child in part.get("children", []))


def test_a_column_that_disappears_stops_with_the_name_of_the_query(
    published: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "holdfast.duckdb"
    shutil.copy(published, changed)
    with duckdb.connect(str(changed)) as connection:
        connection.execute("alter table churn_overview drop column value_at_risk")
    with pytest.raises(superset.DashboardError, match=r"overview_risk\.sql does not run"):
        superset.bundle(changed)
    assert superset.main([str(changed), "--output", str(tmp_path / "out.zip")]) == 1
    assert not (tmp_path / "out.zip").exists()


def test_a_chart_of_a_column_that_its_query_does_not_give_stops() -> None:
    chart = {"title": "Risk", "sql": "risk", "kind": "bar", "x": "segment", "y": "customers"}
    superset.check_chart(chart, {"segment": "VARCHAR", "customers": "BIGINT"})
    with pytest.raises(superset.DashboardError, match="'Risk' shows customers"):
        superset.check_chart(chart, {"segment": "VARCHAR"})
    ordered = {**chart, "order": "-gain"}
    with pytest.raises(superset.DashboardError, match="'Risk' shows gain"):
        superset.check_chart(ordered, {"segment": "VARCHAR", "customers": "BIGINT"})


def test_charts_of_systems_that_are_off_are_left_out_and_told(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    orders_only = tmp_path / "holdfast.duckdb"
    shutil.copy(published, orders_only)
    with duckdb.connect(str(orders_only)) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
        for (name,) in tables:
            if name.startswith(("support_", "feedback_", "price_suggestions")):
                connection.execute(f'drop table "{name}"')
    output = tmp_path / "out.zip"
    assert superset.main([str(orders_only), "--output", str(output)]) == 0
    told = capsys.readouterr().out
    assert (
        "Left out 'Price changes worth a look': the published file has no price_suggestions."
        in told
    )
    with zipfile.ZipFile(output) as archive:
        dashboard = yaml.safe_load(archive.read("holdfast/dashboards/retention.yaml"))
    tabs = [
        part["meta"]["text"]
        for part in dashboard["position"].values()
        if isinstance(part, dict) and part["type"] == "TAB"
    ]
    assert "Offers and campaigns" in tabs
    assert "Service" not in tabs


def test_the_zip_is_the_same_each_time_and_ids_do_not_depend_on_the_file(
    published: Path, tmp_path: Path
) -> None:
    files, _ = superset.bundle(published, "postgresql://reader@host/shop")
    superset.write_zip(files, tmp_path / "one.zip")
    superset.write_zip(dict(reversed(files.items())), tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    others, _ = superset.bundle(published, replace=True)
    assert {path: one.get("uuid") for path, one in files.items()} == {
        path: one.get("uuid") for path, one in others.items()
    }
    # Superset takes the one for dashboards only, and the other for all that it has
    assert [of["metadata.yaml"]["type"] for of in (files, others)] == ["Dashboard", "assets"]
    assert files["databases/holdfast.yaml"]["sqlalchemy_uri"] == "postgresql://reader@host/shop"


def test_a_file_that_is_not_there_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert superset.main([str(tmp_path / "none.duckdb")]) == 1
    assert "Run `dbt build`, which publishes it." in capsys.readouterr().err
