"""Holdfast's models beside a project's own of the same names, in schemas and tables as it likes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from projects import ROOT, UserProject, run, write_user_project

pytestmark = pytest.mark.slow

MACROS = """
{% macro generate_schema_name(custom_schema_name, node) %}
    {{- return('dwh_' ~ (custom_schema_name or 'base')) -}}
{% endmacro %}

{% macro generate_alias_name(custom_alias_name=none, node=none) %}
    {{- return('t_' ~ (custom_alias_name or node.name)) -}}
{% endmacro %}
"""
# the clock, and where tables stand
OTHERWISE = ("trained_at", "scored_at", "champion_from", "relation", "sql")


def tables_of_holdfast() -> list[str]:
    """Give the name of every table that the package builds."""
    names = []
    for path in (ROOT / "models").rglob("*.yml"):
        for model in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", []):
            names.append(model.get("config", {}).get("alias") or model["name"])
    return sorted(names)


def write(folder: Path, orders: Path) -> UserProject:
    """Write a user's project with the orders of a small shop."""
    project = write_user_project(folder)
    project.orders(
        f"select customer_id, order_id, ordered_at, amount from read_parquet('{orders}')"
    )
    return project


# a model of the project may not be called as those of the inputs are; test_declarations.py has that
TAKEN = [name for name in tables_of_holdfast() if not name.startswith("stg_holdfast__")]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, simulated_orders: Path) -> UserProject:
    """Build a project that has no models of its own."""
    project = write(tmp_path_factory.mktemp("plain") / "project", simulated_orders)
    project.dbt("build")
    return project


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory, simulated_orders: Path) -> UserProject:
    """Build a project that has a model of each of Holdfast's names, and rules for names."""
    project = write(tmp_path_factory.mktemp("crowded") / "project", simulated_orders)
    (project.directory / "macros").mkdir()
    (project.directory / "macros" / "names.sql").write_text(MACROS)
    models = project.directory / "models"
    models.mkdir()
    for name in TAKEN:
        (models / f"{name}.sql").write_text(
            "{{ config(materialized='table') }} select 'mine' as theirs, -1 as customer_id"
        )
    project.write(models={"holdfast": {"+schema": "retention"}})
    project.dbt("build")
    return project


def test_every_model_of_holdfast_has_a_name_that_says_whose_it_is() -> None:
    paths = [p for p in (ROOT / "models").rglob("*") if p.suffix in (".sql", ".py")]
    assert len(paths) > 50
    assert {p.stem for p in paths if "holdfast__" not in p.stem} == set()
    assert len(tables_of_holdfast()) == len(paths)
    assert not any(name.startswith("holdfast__") for name in tables_of_holdfast())


def test_no_ref_in_the_package_can_find_a_model_of_the_project() -> None:
    folders = ("models", "macros", "tests/data", "tests/generic")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    texts = [path for path in paths if path.suffix in (".sql", ".py", ".yml")]
    found = [
        (path.name, ref)
        for path in texts
        for ref in re.findall(r"\bref\(([^()]*)\)", path.read_text(encoding="utf-8"))
        if not re.match(r"['\"]holdfast['\"],", ref)
    ]
    # by a name that the project gives, and in the examples of comments and messages
    assert {ref for _, ref in found} <= {
        "name", "project_name, name", "task.name ~ '_' ~ step", "", "'my_project', 'orders'",
        "'customer_tiers'", "'my_moments'",
    }, found  # fmt: skip


def test_tables_of_holdfast_hold_what_they_hold_without_the_others(
    plain: UserProject, crowded: UserProject
) -> None:
    nodes = plain.manifest["nodes"].values()
    built = {node["alias"] for node in nodes if node["resource_type"] == "model"}
    # those of inputs that this shop does not have are switched off
    assert set(tables_of_holdfast()) >= built
    compared = 0
    for table in sorted(built):
        ours = f"dwh_retention.t_{table}"
        # a mean over threads ends differently in its last digits
        columns = [
            f'round("{name}", 9)' if dtype == "DOUBLE" else f'"{name}"'
            for name, dtype in crowded.columns(ours).items()
            if name not in OTHERWISE
        ]
        rows = "select " + ", ".join(columns) + " from {} order by all"
        expected = plain.query(rows.format(f"main.{table}"))
        assert crowded.query(rows.format(ours)) == expected, table
        compared += bool(expected)
    assert compared > 30


def test_tables_of_the_project_are_its_own(crowded: UserProject) -> None:
    assert len(TAKEN) > 40
    for table in TAKEN:
        assert crowded.query(f"select * from dwh_base.t_{table}") == [("mine", -1)], table


def test_neither_reads_nor_tests_the_models_of_the_other(crowded: UserProject) -> None:
    nodes = crowded.manifest["nodes"]
    tested = 0
    for unique_id, node in nodes.items():
        if node["package_name"] != "holdfast":
            continue
        foreign = [on for on in node["depends_on"]["nodes"] if on.startswith("model.shop.")]
        assert foreign == [], unique_id
        if node.get("attached_node"):
            tested += 1
            assert node["attached_node"].startswith("model.holdfast."), unique_id
    assert tested > 100


def test_commands_tell_and_publish_the_tables_of_holdfast(
    plain: UserProject, crowded: UserProject
) -> None:
    def said(project: UserProject, *words: str) -> str:
        text = run("holdfast", *words, cwd=project.directory, check=True).stdout
        return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "when it was trained", text)

    def customers(text: str) -> list[str]:
        return text[text.index("Act on these first") :].split("\n\n")[0].splitlines()

    assert customers(said(crowded, "summary")) == customers(said(plain, "summary"))
    assert "dwh_retention" in said(crowded, "summary")
    assert said(crowded, "features", "list") == said(plain, "features", "list")
    assert said(crowded, "models", "list") == said(plain, "models", "list")
    said(crowded, "publish", "--output", "again.duckdb")
    with duckdb.connect(str(crowded.directory / "again.duckdb"), read_only=True) as published:
        tables = "select table_name from duckdb_tables() where table_name != 'holdfast_manifest'"
        found = {name for (name,) in published.execute(tables).fetchall()}
        rows = published.execute("select count(*) from t_customer_retention").fetchone()
    assert len(found) == len(plain.marts)
    assert found <= {f"t_{name}" for name in tables_of_holdfast()}
    assert [rows] == plain.query("select count(*) from customer_retention")
    for project in (plain, crowded):
        said(project, "report", "--output", "page.html")
    page: Any = (crowded.directory / "page.html").read_text(encoding="utf-8")
    assert len(page) == pytest.approx(len((plain.directory / "page.html").read_text()), rel=0.01)
    assert "mine" not in re.findall(r"<td[^>]*>(\w+)</td>", page)
