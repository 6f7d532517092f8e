"""Holdfast as a package in a project of a user's own."""

from __future__ import annotations

import pytest

from projects import ROOT, UserProject

SCHEMA_MACRO = """
{% macro generate_schema_name(custom_schema_name, node) %}
    {{- return('dwh_' ~ (custom_schema_name or 'base')) -}}
{% endmacro %}
"""


def test_dbt_runs_no_sql_of_the_python_tests() -> None:
    """Whatever ends in .sql below tests/ is a test of dbt's, in every project with the package."""
    folders = {path.relative_to(ROOT / "tests").parts[0] for path in ROOT.glob("tests/**/*.sql")}
    assert folders == {"data", "generic"}


@pytest.mark.slow
def test_a_project_with_one_orders_table_gets_scores_and_nothing_of_the_demo(
    user_project: UserProject,
) -> None:
    """The folder of the project has a space and a quote in its name."""
    user_project.dbt("build")
    nodes = user_project.manifest["nodes"]
    assert not [name for name in nodes if name.startswith("seed.")]
    assert user_project.manifest["sources"] == {}
    scored = user_project.query(
        "select count(*), min(churn_probability), max(churn_probability) "
        "from churn_scores where status = 'scored'"
    )[0]
    assert scored[0] > 100
    assert 0 <= scored[1] < scored[2] <= 1
    for table in ("customer_spine", "churn_scores", "churn_reasons", "customer_retention"):
        assert user_project.columns(table)["customer_id"] == "BIGINT", table


@pytest.mark.slow
def test_a_project_parses_without_warnings_and_has_the_metrics(user_project: UserProject) -> None:
    user_project.dbt("--warn-error", "parse", "--no-partial-parse")
    assert {
        "metric.holdfast.holdfast_active_customers",
        "metric.holdfast.holdfast_churn_rate",
        "metric.holdfast.holdfast_retention_rate",
        "metric.holdfast.holdfast_value_at_risk",
    } <= set(user_project.manifest["metrics"])


@pytest.mark.slow
def test_schemas_follow_the_users_own_rule_and_text_ids_stay_text(
    user_project: UserProject,
) -> None:
    (user_project.directory / "macros").mkdir()
    (user_project.directory / "macros" / "generate_schema_name.sql").write_text(SCHEMA_MACRO)
    # ids with quotes and letters outside ASCII, and an instant with a time zone
    user_project.execute(
        "create or replace table raw.orders as select * replace ("
        "'Kund''in \"' || customer_id || 'é' as customer_id, "
        "ordered_at at time zone 'UTC' as ordered_at) from raw.orders"
    )
    # a model of the user's own with the name of one of Holdfast's
    (user_project.directory / "models").mkdir()
    (user_project.directory / "models" / "stg_orders.sql").write_text("select 1 as their_own")
    user_project.write(models={"holdfast": {"+schema": "retention"}})
    user_project.dbt("build")
    schemas = user_project.query(
        "select distinct schema_name from duckdb_tables() where schema_name != 'raw'"
    )
    assert schemas == [("dwh_retention",)]
    assert user_project.columns("dwh_retention.churn_scores")["customer_id"] == "VARCHAR"
    assert user_project.query(
        "select count(*) from dwh_retention.customer_retention "
        "where customer_id not in (select customer_id from raw.orders)"
    ) == [(0,)]
    assert user_project.query(
        "select count(*) from dwh_retention.stg_holdfast__orders "
        "where ordered_at not in (select ordered_at at time zone 'UTC' from raw.orders)"
    ) == [(0,)]
    assert user_project.query(
        "select count(*) > 100 from dwh_retention.churn_scores where status = 'scored'"
    ) == [(True,)]
