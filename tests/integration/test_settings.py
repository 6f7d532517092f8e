"""Settings that are not what they seem stop the build, and a sentence says what is so."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import pytest
import yaml

from projects import DbtProject, UserProject

ONE_VIEW = ("run", "--select", "stg_holdfast__orders")


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("holdfast_horizon_days", "did you mean holdfast_churn_horizon_days?"),
        ("holdfast_segements", "did you mean holdfast_segments?"),
        ("Holdfast_Orders", "did you mean holdfast_orders?"),
        ("holdfast_xyz", "Its vars are listed in README.md"),
    ],
)
@pytest.mark.slow
def test_an_unknown_var_of_the_command_line_stops_the_run(
    user_project: UserProject, name: str, guess: str
) -> None:
    said = user_project.dbt(*ONE_VIEW, "--vars", f"{{{name}: 1}}", check=False).stdout
    assert f"Holdfast has no var `{name}`, which is set in --vars" in said
    assert guess in said
    assert not user_project.has("stg_holdfast__orders")


@pytest.mark.slow
def test_vars_of_the_project_file_are_checked_too(user_project: UserProject) -> None:
    orders = {"holdfast_orders": "raw.orders"}
    user_project.write(vars={**orders, "holdfast_segements": ["country"]})
    said = user_project.dbt(*ONE_VIEW, check=False).stdout
    assert "`holdfast_segements`, which is set in dbt_project.yml; did you mean" in said
    for package in ("holdfast", "shop"):
        user_project.write(vars={**orders, package: {"holdfast_churn_horizon_days": 30}})
        said = user_project.dbt(*ONE_VIEW, check=False).stdout
        assert f"(below {package}) where only the package {package} reads it" in said
        assert "Move it to the top of `vars:`" in said
    # vars of other packages, and every var that the README lists, are let through
    user_project.write(vars={**orders, "dbt_utils": {"a": 1}, "their_own": 2})
    user_project.dbt(*ONE_VIEW)


@pytest.mark.slow
def test_least_rows_and_events_are_vars_and_the_message_tells_how_far_it_is(
    user_project: UserProject,
) -> None:
    words = ("run", "--select", "+holdfast__churn_scores", "--vars")
    result = user_project.dbt(*words, "{holdfast_min_rows: 1000000, holdfast_min_events: 2000}")
    said = result.stdout + result.stderr
    assert " of 1000000 rows, " in said
    assert " of 2000 events: about " in said
    assert " more months" in said
    assert "champion" not in said.split("No new model:")[1].splitlines()[0]
    user_project.dbt(*words, "{holdfast_min_rows: 50, holdfast_min_events: 5}")
    assert user_project.query("select count(*) from churn_model where stage = 'champion'") == [(1,)]


@pytest.mark.slow
def test_a_config_that_makes_views_of_all_models_is_refused(user_project: UserProject) -> None:
    user_project.write(models={"+materialized": "view"})
    said = user_project.dbt("run", check=False).stdout
    assert "more models of Holdfast views, but they must be tables" in said
    assert "models: {shop: {+materialized: view}}" in said
    assert not user_project.has("churn_model")
    user_project.write(models={"shop": {"+materialized": "view"}})
    user_project.dbt(*ONE_VIEW)


@pytest.mark.slow
def test_a_second_build_says_that_the_warehouse_is_in_use(user_project: UserProject) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('open', flush=True)\n"
            "input()",
            str(user_project.warehouse),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        said = user_project.dbt(*ONE_VIEW, check=False).stdout
    finally:
        holder.communicate("\n")
    assert "shop.duckdb is in use by another process" in said
    assert "run dbt again" in said
    assert "Traceback" not in said
    user_project.dbt(*ONE_VIEW)


@pytest.mark.slow
def test_a_target_that_is_no_duckdb_is_named(user_project: UserProject) -> None:
    """No other adapter is installed here, so its branch is called by name."""
    (user_project.directory / "macros").mkdir()
    (user_project.directory / "macros" / "other.sql").write_text(
        "{% macro begin_elsewhere() %}{{ holdfast.spark__begin_run({}) }}{% endmacro %}"
    )
    said = user_project.dbt("run-operation", "begin_elsewhere", check=False).stdout
    assert "the models of Holdfast need DuckDB: choose a target of type duckdb" in said


@pytest.mark.slow
def test_a_reset_says_what_it_drops_and_where_it_drops_nothing(demo: DbtProject) -> None:
    reset = ("--vars", "{holdfast_reset: true}")
    before = demo.query("from churn_scores order by all")
    for words in (("docs", "generate"), ("compile",), ("test", "--select", "orders_are_there")):
        said = demo.dbt(*words, *reset).stdout
        assert f"this `dbt {' '.join(words[: 2 if words[0] == 'docs' else 1])}` drops no" in said
    said = demo.dbt("run", *reset, "--select", "holdfast__churn_overview").stdout
    assert "this `dbt run` drops no history" in said
    assert demo.query("from churn_scores order by all") == before
    said = demo.dbt("run", *reset, "--select", "holdfast__churn_scores").stdout
    assert f"dropping {len(before)} rows of history" in said
    assert "holdout" not in said
    with duckdb.connect(str(demo.warehouse), read_only=True) as connection:
        assert connection.execute("select count(*) from churn_outcomes").fetchone() is not None


def test_every_var_that_the_readme_lists_is_known() -> None:
    import re

    from projects import ROOT

    listed = set(re.findall(r"`(holdfast_\w+)`", (ROOT / "README.md").read_text()))
    settings = (ROOT / "macros" / "settings" / "settings.sql").read_text()
    known = {f"holdfast_{name}" for name in re.findall(r"^        '(\w+)': \{", settings, re.M)}
    known |= set(re.findall(r"'(holdfast_\w+)'", settings))
    assert listed - known == set()
    assert yaml.safe_load((ROOT / "dbt_project.yml").read_text()).get("vars") is None
