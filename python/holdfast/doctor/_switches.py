"""What is switched on and off, and why, as dbt's manifest has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import duckdb

from holdfast.doctor._checks import Check
from holdfast.warehouse.project import Project, ProjectError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["check_models", "check_switches"]


def check_switches(
    project: Project, variables: Mapping[str, Any], inputs: Mapping[str, bool]
) -> Iterator[Check]:
    """Tell which inputs, feature views and systems are on, and why the others are off.

    Parameters
    ----------
    project
        The project.
    variables
        Its vars.
    inputs
        Whether each input is set.
    """
    off = [name for name, there in inputs.items() if not there]
    if off:
        yield Check(
            "switched on and off",
            "inputs",
            "note",
            f"not set: {', '.join(off)}",
            facts={"on": [name for name, there in inputs.items() if there], "off": off},
        )
    on, disabled = _enabled(project), _disabled(project)
    views = {node["name"]: node for node in on if _folder(node) == "features"}
    yield Check(
        "switched on and off",
        "feature views",
        "ok",
        f"on: {', '.join(sorted(_short(name) for name in views if name.endswith('_features')))}",
        facts={"on": sorted(map(_short, views))},
    )
    for node in disabled:
        if _folder(node) == "features":
            yield _off(f"feature view {_short(node['name'])}", _reason(node, inputs))
    systems = {node["fqn"][2] for node in on if _folder(node) == "systems"}
    yield Check(
        "switched on and off",
        "systems",
        "ok",
        f"on: {', '.join(sorted(systems))}",
        facts={"on": sorted(systems)},
    )
    needs = _needs(project)
    listed = variables.get("holdfast_systems")
    for system in sorted({n["fqn"][2] for n in disabled if _folder(n) == "systems"} - systems):
        if isinstance(listed, list) and system not in listed:
            why = "the var holdfast_systems does not name it"
        elif system in needs:
            why = f"it needs the input {' or '.join(needs[system])}"
        else:
            why = "the vars of the project switch it off"
        yield _off(f"system {system}", why)


def check_models(connection: DuckDBPyConnection, project: Project) -> Iterator[Check]:
    """Tell which model scores each task, and how many customers have a score."""
    try:
        registry, scores = project.relation("model_registry"), project.relation("churn_scores")
        champions = dict(
            connection.execute(
                f"select task, min(algorithm) from {registry} where stage = 'champion' "
                "group by task"
            ).fetchall()
        )
        statuses = dict(
            connection.execute(
                f"select status, count(*) from {scores} where as_of = (select max(as_of) from "
                f"{scores}) group by status order by status"
            ).fetchall()
        )
    except (ProjectError, duckdb.Error):
        yield Check(
            "models", "scores", "warning", "there are none yet", "run `dbt build` to the end"
        )
        return
    for task, algorithm in sorted(champions.items()):
        yield Check("models", task, "ok", f"{algorithm} scores", facts={"champion": algorithm})
    if "churn" not in champions:
        yield Check(
            "models",
            "churn",
            "warning",
            "no model is trained",
            "a build says why in its log; most often the history is shorter than the horizon of "
            "churn plus its test months (var holdfast_churn_horizon_days)",
        )
    told = ", ".join(f"{count:,} {status}" for status, count in statuses.items())
    scored = sum(count for status, count in statuses.items() if status == "scored")
    yield Check(
        "models",
        "churn scores of the last build",
        "ok" if scored else "warning",
        told or "none",
        "" if scored else "nobody was scored; see the model above and holdfast_min_history_days",
        {"statuses": statuses},
    )


def _off(name: str, why: str) -> Check:
    return Check("switched on and off", name, "note", f"off: {why}", facts={"why": why})


def _enabled(project: Project) -> list[dict[str, Any]]:
    return [
        node
        for node in project.manifest["nodes"].values()
        if node.get("package_name") == "holdfast" and node.get("resource_type") == "model"
    ]


def _disabled(project: Project) -> list[dict[str, Any]]:
    """Give the models that are switched off; those that exist to be configured are left out."""
    found = [node for nodes in (project.manifest.get("disabled") or {}).values() for node in nodes]
    return [
        node
        for node in found
        if node.get("package_name") == "holdfast" and node.get("resource_type") == "model"
    ]


def _folder(node: Mapping[str, Any]) -> str:
    return str(node["fqn"][1]) if len(node.get("fqn") or ()) > 2 else ""


def _short(name: str) -> str:
    return name.removeprefix("holdfast__")


def _reason(node: Mapping[str, Any], inputs: Mapping[str, bool]) -> str:
    """Say why a model is off, from the condition in its code."""
    named = re.findall(r"has_input\('(\w+)'\)", str(node.get("raw_code") or ""))
    missing = [name for name in named if not inputs.get(name)]
    if missing:
        return f"it needs the input {', '.join(missing)}"
    return "the vars of the project switch it off"


def _needs(project: Project) -> dict[str, list[str]]:
    """Give the inputs of which a system needs one, as the dbt package declares them."""
    macro = (project.manifest.get("macros") or {}).get("macro.holdfast.has_system") or {}
    return {
        system: re.findall(r"'(\w+)'", inputs)
        for system, inputs in re.findall(r"'(\w+)': \[([^\]]*)\]", str(macro.get("macro_sql")))
    }
