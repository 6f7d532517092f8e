"""The build of every day: fewer tests, the same tables, and a digest at its end."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from projects import DbtProject, UserProject, run

DAILY = ("build", "--exclude", "tag:holdfast_weekly")
NEXT_WEEK = "2026-07-08"
# when a row was written is another moment in another build
WRITTEN_AT = {"scored_at", "champion_from"}


def built_next_week(built: DbtProject, directory: Path, *words: str) -> tuple[DbtProject, str]:
    """Build a copy of a project for a later date, and give it and what dbt printed."""
    shutil.copytree(built.directory, directory)
    log = directory / "logs" / "dbt.log"
    log.unlink(missing_ok=True)
    said = run(
        *("dbt", "--no-use-colors", *words),
        cwd=directory,
        check=True,
        HOLDFAST_AS_OF_DATE=NEXT_WEEK,
    ).stdout
    return DbtProject(directory, directory / "warehouse.duckdb"), said


@pytest.fixture(scope="module")
def daily(
    built_demo: DbtProject, tmp_path_factory: pytest.TempPathFactory
) -> tuple[DbtProject, str]:
    """Build the demo for the next week as a scheduler would."""
    return built_next_week(built_demo, tmp_path_factory.mktemp("daily") / "demo", *DAILY)


@pytest.mark.slow
def test_a_daily_build_leaves_what_a_full_build_leaves(
    built_demo: DbtProject, daily: tuple[DbtProject, str], tmp_path: Path
) -> None:
    project, _ = daily
    full, _ = built_next_week(built_demo, tmp_path / "full", "build")
    weekly = {
        node["alias"]
        for node in full.manifest["nodes"].values()
        if node["resource_type"] == "model" and "holdfast_weekly" in node["tags"]
    }
    assert len(weekly) > 3
    # what is only shown of last week's evaluations
    weekly.add("recommendation_performance")
    tables = [name for (name,) in full.query("select table_name from duckdb_tables() order by 1")]
    assert len(tables) > 30
    with_rows = 0
    for table in tables:
        columns = full.columns(table)
        assert project.columns(table) == columns
        if table in weekly:
            continue
        listed = ", ".join(f'"{name}"' for name in columns if name not in WRITTEN_AT)
        registered = "where trained_at is not null" if table == "model_performance" else ""
        asked = f"select {listed} from {table} {registered} order by all"
        rows = full.query(asked)
        with_rows += bool(rows)
        assert project.query(asked) == rows, table
    assert with_rows > 30
    assert project.query("select distinct cast(as_of_date as varchar) from customer_retention") == [
        (NEXT_WEEK,)
    ]


@pytest.mark.slow
def test_a_daily_build_makes_every_model_and_publishes(daily: tuple[DbtProject, str]) -> None:
    project, said = daily
    results = json.loads((project.directory / "target" / "run_results.json").read_text())["results"]
    done = {result["unique_id"] for result in results}
    nodes = project.manifest["nodes"]
    weekly = {name for name, node in nodes.items() if "holdfast_weekly" in node["tags"]}
    assert {name for name in nodes if name.startswith("model.")} - weekly <= done
    assert not any(name.startswith("unit_test.") for name in done)
    left_out = {
        name
        for name, node in nodes.items()
        if name.startswith("test.")
        and node.get("attached_node") not in weekly
        # the demo shop has no events but those of its web site
        and node["config"]["enabled"]
    } - done
    assert {nodes[name]["test_metadata"]["name"] for name in left_out} == {"as_known_then"}
    published = [node for node in nodes.values() if node["config"].get("meta", {}).get("publish")]
    assert f"  Published {len(published)} tables" in said


@pytest.mark.slow
def test_a_date_of_the_environment_costs_no_parse(daily: tuple[DbtProject, str]) -> None:
    project, _ = daily
    log = (project.directory / "logs" / "dbt.log").read_text()
    assert "Partial parsing enabled" in log
    assert "Unable to do partial parsing" not in log


@pytest.mark.slow
def test_the_digest_sums_the_build_up(daily: tuple[DbtProject, str]) -> None:
    project, said = daily
    lines = re.sub(r"\n\d\d:\d\d:\d\d  ", "\n", said).splitlines()
    start = lines.index(f"Holdfast, as of {NEXT_WEEK}")
    digest = lines[start : start + 12]
    ((model_id, algorithm),) = project.query(
        "select model_id, algorithm from model_registry where task = 'churn' and stage = 'champion'"
    )
    assert digest[1].startswith(f"Model churn: champion {model_id} ({algorithm}) since 20")
    assert digest[1].endswith("; not trained: less than 30 days old, and its features are the same")
    counts = dict(project.query("select status, count(*) from customer_retention group by 1"))
    text = "\n".join(digest)
    assert f"\nScored: {counts['scored']:,} customers; not scored: " in text
    for status in counts.keys() - {"scored"}:
        assert f"{counts[status]:,} {status}" in text
    high = project.query("select count(*) from customer_retention where risk_band = 'high'")[0][0]
    assert f"\nAt risk: {high:,} of " in text
    waiting = project.query("select count(*) from decisions where status = 'needs_review'")[0][0]
    assert f"\nDecisions: {waiting:,} for review" in text
    assert "\nWarnings: " in text
    assert re.search(
        r"\nTime: \d+ s; by phase, added up over threads: inputs [\d.]+, features [\d.]+, "
        r"training [\d.]+, scoring [\d.]+, marts [\d.]+, tests [\d.]+, publishing [\d.]+",
        text,
    )


@pytest.mark.slow
def test_the_digest_of_a_part_says_what_was_not_part_of_it(
    daily: tuple[DbtProject, str], tmp_path: Path
) -> None:
    shutil.copytree(daily[0].directory, tmp_path / "demo")
    project = DbtProject(tmp_path / "demo", tmp_path / "demo" / "warehouse.duckdb")
    said = project.dbt("run", "--select", "holdfast__churn_drivers").stdout
    assert (
        f"Holdfast, as of {NEXT_WEEK}: customer_retention is from an earlier run; this one did not"
        in said
    )
    assert "; training was not part of this run" in said
    assert "; the earlier publication stays in place: `dbt run` runs no tests" in said
    # and a command that has nothing of Holdfast's prints none
    assert "Holdfast, as of" not in project.dbt("seed").stdout


@pytest.mark.slow
def test_a_daily_build_may_be_the_first_one(user_project: UserProject) -> None:
    said = user_project.dbt(*DAILY).stdout
    assert f"Published {len(user_project.marts)} tables" in said, said
    # the evaluations that every build makes
    assert user_project.query(
        "select distinct task from model_performance where trained_at is null order by 1"
    ) == [("value_orders",), ("value_spend",)]
