"""The semantic layer in a project that has one of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from projects import ROOT, DbtProject, UserProject

DAYS = """
{{ config(materialized='table') }}
select cast(range as date) as date_day
from range(timestamp '2020-01-01', timestamp '2030-01-01', interval 1 day)
"""
# Inputs with which every system is on; dbt parses without their tables.
ALL_INPUTS = {
    f"holdfast_{name}": f"raw.{name}"
    for name in ("orders", "order_items", "campaign_sends", "offers", "support_tickets")
}
TIME_SPINE = {
    "name": "days",
    "time_spine": {
        "standard_granularity_column": "date_day",
        "custom_granularities": [{"name": "fiscal_year", "column_name": "date_day"}],
    },
    "columns": [{"name": "date_day", "granularity": "day"}],
}


def with_time_spine(project: UserProject, **definitions: Any) -> None:
    """Give a project a time spine of its own, and what else its yml is to define."""
    models = project.directory / "models"
    models.mkdir()
    (models / "days.sql").write_text(DAYS)
    text = yaml.safe_dump({"models": [TIME_SPINE], **definitions}, sort_keys=False)
    (models / "days.yml").write_text(text)


def semantic_yml(kind: str) -> list[dict[str, Any]]:
    """Read one kind of what Holdfast's semantic layer defines, from all of its files."""
    files = sorted((ROOT / "models" / "semantic").glob("_*.yml"))
    loaded = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]
    return [one for file in loaded for one in file.get(kind, [])]


def without_prefix(name: str) -> str:
    return name.removeprefix("holdfast_")


def same_names_of_the_users_own() -> dict[str, Any]:
    """Define what Holdfast defines, by the names and labels that a user would have taken.

    What Holdfast has as a dimension is a measure there, the worst that MetricFlow knows.
    """
    holdfast_models = semantic_yml("semantic_models")
    dimensions = list(
        dict.fromkeys(
            without_prefix(one["name"]) for own in holdfast_models for one in own["dimensions"]
        )
    )
    return {
        "semantic_models": [
            {
                "name": without_prefix(own["name"]),
                "model": "ref('days')",
                "defaults": {"agg_time_dimension": "date_day"},
                "primary_entity": f"day_{position}",
                "dimensions": [
                    {"name": "date_day", "type": "time", "type_params": {"time_granularity": "day"}}
                ],
                "measures": [
                    {"name": name, "agg": "sum", "expr": "1"}
                    for name in dimensions[position :: len(holdfast_models)]
                ],
            }
            for position, own in enumerate(holdfast_models)
        ],
        "metrics": [
            {
                "name": without_prefix(metric["name"]),
                "label": metric["label"].removesuffix(" (Holdfast)"),
                "type": "simple",
                "type_params": {"measure": dimensions[0]},
            }
            for metric in semantic_yml("metrics")
        ],
        "saved_queries": [
            {
                "name": without_prefix(query["name"]),
                "label": query["label"],
                "query_params": {"metrics": ["churn_rate"]},
            }
            for query in semantic_yml("saved_queries")
        ],
        "exposures": [
            {**exposure, "name": without_prefix(exposure["name"]), "depends_on": ["ref('days')"]}
            for exposure in semantic_yml("exposures")
        ],
        "groups": semantic_yml("groups"),
    }


def defined(project: UserProject) -> set[str]:
    """Give the names of Holdfast's metrics in a project."""
    metrics = project.manifest["metrics"].values()
    return {metric["name"] for metric in metrics if metric["package_name"] == "holdfast"}


def time_spines(project: UserProject) -> list[str]:
    """Give the tables of the time spines that MetricFlow would find."""
    path = Path(project.directory, "target", "semantic_manifest.json")
    spines = json.loads(path.read_text(encoding="utf-8"))["project_configuration"]["time_spines"]
    return [spine["node_relation"]["alias"] for spine in spines]


@pytest.mark.slow
def test_a_project_with_the_same_names_and_its_own_time_spine_parses_without_warnings(
    user_project: UserProject,
) -> None:
    with_time_spine(user_project, **same_names_of_the_users_own())
    user_project.write(vars={**ALL_INPUTS, "holdfast_time_spine": False})
    user_project.dbt("--warn-error", "parse", "--no-partial-parse")
    assert time_spines(user_project) == ["days"]
    assert defined(user_project) == {one["name"] for one in semantic_yml("metrics")}
    # neither the model nor its tests are left
    listed = user_project.dbt("--quiet", "list", "--select", "package:holdfast").stdout
    assert "holdfast__customer_retention" in listed
    assert "calendar_days" not in listed


@pytest.mark.slow
def test_metrics_of_systems_that_are_off_are_off_too(user_project: UserProject) -> None:
    user_project.write(vars={**ALL_INPUTS, "holdfast_systems": []})
    user_project.dbt("--warn-error", "parse", "--no-partial-parse")
    always = {one["name"] for one in semantic_yml("metrics") if "config" not in one}
    assert defined(user_project) == always


def test_every_figure_and_dimension_stands_in_its_table(built_demo: DbtProject) -> None:
    path = Path(built_demo.directory, "target", "semantic_manifest.json")
    models = json.loads(path.read_text(encoding="utf-8"))["semantic_models"]
    assert {model["name"] for model in models} == {
        model["name"] for model in semantic_yml("semantic_models")
    }
    for model in models:
        parts = [*model["entities"], *model["dimensions"], *model["measures"]]
        expressions = ", ".join(part["expr"] or part["name"] for part in parts)
        table = model["node_relation"]["alias"]
        built_demo.query(f'select {expressions} from "{table}" limit 1')


@pytest.mark.slow
def test_a_build_with_two_time_spines_says_which_var_lets_the_users_own_be_taken(
    user_project: UserProject,
) -> None:
    with_time_spine(user_project)
    both = user_project.dbt("run", "--select", "days").stdout
    assert "The model days is a daily time spine, and so is calendar_days of Holdfast" in both
    assert "`holdfast_time_spine` to false" in both
    user_project.write(vars={"holdfast_orders": "raw.orders", "holdfast_time_spine": False})
    user_project.dbt("--warn-error", "run", "--select", "days")
