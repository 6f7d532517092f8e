"""The semantic layer in a project that has one of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from projects import ROOT, UserProject

DAYS = """
{{ config(materialized='table') }}
select cast(range as date) as date_day
from range(timestamp '2020-01-01', timestamp '2030-01-01', interval 1 day)
"""
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


def semantic_yml(name: str) -> dict[str, Any]:
    """Read one of the files that define Holdfast's semantic layer."""
    text = (ROOT / "models" / "semantic" / name).read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def without_prefix(name: str) -> str:
    return name.removeprefix("holdfast_")


def same_names_of_the_users_own() -> dict[str, Any]:
    """Define what Holdfast defines, by the names and labels that a user would have taken.

    What Holdfast has as a dimension is a measure there, the worst that MetricFlow knows.
    """
    holdfast_models = semantic_yml("_semantic_models.yml")["semantic_models"]
    dimensions = [
        without_prefix(one["name"]) for own in holdfast_models for one in own["dimensions"]
    ]
    metrics = semantic_yml("_metrics.yml")
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
                    {"name": name, "agg": "sum", "expr": "1"} for name in dimensions[position::2]
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
            for metric in metrics["metrics"]
        ],
        "saved_queries": [
            {
                "name": without_prefix(query["name"]),
                "label": query["label"],
                "query_params": {"metrics": ["churn_rate"]},
            }
            for query in metrics["saved_queries"]
        ],
        "exposures": [
            {**exposure, "name": without_prefix(exposure["name"]), "depends_on": ["ref('days')"]}
            for exposure in semantic_yml("_exposures.yml")["exposures"]
        ],
        "groups": semantic_yml("_groups.yml")["groups"],
    }


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
    user_project.write(vars={"holdfast_orders": "raw.orders", "holdfast_time_spine": False})
    user_project.dbt("--warn-error", "parse", "--no-partial-parse")
    assert time_spines(user_project) == ["days"]
    # neither the model nor its tests are left
    listed = user_project.dbt("--quiet", "list", "--select", "package:holdfast").stdout
    assert "holdfast__customer_retention" in listed
    assert "calendar_days" not in listed


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
