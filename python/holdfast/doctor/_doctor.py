"""`holdfast doctor`: everything that can be wrong around a build, looked at in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import yaml

from holdfast.doctor._checks import Check
from holdfast.doctor._environment import check_package, check_plugin, check_versions
from holdfast.doctor._inputs import check_inputs, input_names, is_set
from holdfast.doctor._machine import check_machine, check_published
from holdfast.doctor._switches import check_models, check_switches
from holdfast.warehouse.profile import ProjectError, read_profile
from holdfast.warehouse.project import Project, open_project

__all__ = ["examine"]


def examine(
    directory: Path, *, target: str | None = None, target_path: Path | None = None
) -> list[Check]:
    """Look at a project, its environment, its warehouse and its inputs.

    Parameters
    ----------
    directory
        The folder of `dbt_project.yml`.
    target
        The target of the profile; its default when None.
    target_path
        Where the build wrote its artifacts, if it was given `--target-path`.

    Returns
    -------
    list of Check
        What was found, in the order in which it should be mended. It holds no personal data.

    Examples
    --------
    >>> [check.name for check in examine(Path("nowhere"))][-1]
    'project'
    """
    return list(_examined(directory, target, target_path))


def _examined(directory: Path, target: str | None, target_path: Path | None) -> Iterator[Check]:
    yield from check_versions()
    try:
        text = (directory / "dbt_project.yml").read_text(encoding="utf-8")
        settings = yaml.safe_load(text)
        if not isinstance(settings, dict):
            raise yaml.YAMLError("it is no mapping")
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        yield Check(
            "project",
            "project",
            "error",
            f"{directory} has no dbt_project.yml that can be read ({type(error).__name__})",
            "run the command in the project, name it with --project-dir, or run `holdfast init`",
        )
        return
    yield from check_package(directory, settings)
    try:
        profile = read_profile(directory.resolve(), target, target_path)
    except ProjectError as error:
        yield Check("profile", "profile", "error", str(error), "mend profiles.yml")
        return
    yield from check_plugin(profile)
    try:
        project = open_project(directory, target=target, target_path=target_path)
    except ProjectError as error:
        yield Check("build", "last build", "note", str(error), "run `dbt build`")
        yield from _unbuilt(profile.warehouse, profile.settings)
        return
    yield _last_build(project)
    yield from _built(project, settings, profile.settings)


def _last_build(project: Project) -> Check:
    """Tell how the last dbt command ended, by the names of what failed."""
    results = project.run_results.get("results") or []
    failed = [
        str(result.get("unique_id", "")).split(".")[2:3] or [""]
        for result in results
        if result.get("status") in ("error", "fail", "runtime error")
    ]
    if not failed:
        return Check("build", "last dbt command", "ok", f"{len(results):,} nodes, none failed")
    names = ", ".join(name for (name,) in failed[:3])
    return Check(
        "build",
        "last dbt command",
        "error",
        f"{len(failed)} of {len(results):,} nodes failed: {names}"
        + (", …" if len(failed) > 3 else ""),
        "its log, logs/dbt.log, says why and what to do",
        {"failed": [name for (name,) in failed]},
    )


def _unbuilt(warehouse: Path, settings: Mapping[str, str]) -> Iterator[Check]:
    """Look at the warehouse of a project that was not built yet."""
    if not warehouse.exists():
        yield Check(
            "warehouse", str(warehouse.resolve()), "note", "not there yet; a build makes it"
        )
        return
    try:
        connection = duckdb.connect(str(warehouse), read_only=True)
    except duckdb.Error as error:
        yield _closed(warehouse, error)
        return
    with connection:
        yield Check("warehouse", str(warehouse.resolve()), "ok", "can be opened")
        yield from check_machine(connection, warehouse, settings)


def _built(
    project: Project, settings: Mapping[str, Any], limits: Mapping[str, str]
) -> Iterator[Check]:
    """Look at a project after a build."""
    variables = _variables(settings)
    given = (project.run_results.get("args") or {}).get("vars")
    variables |= given if isinstance(given, dict) else {}
    is_demo = bool(
        variables.get(
            "holdfast_demo",
            settings.get("name") == "holdfast" and not variables.get("holdfast_orders"),
        )
    )
    try:
        connection = project.connect()
    except ProjectError as error:
        yield Check("warehouse", str(project.warehouse), "error", str(error), _WAIT)
        return
    with connection:
        # views over files name them from the project's folder
        connection.execute("set file_search_path = ?", [str(project.directory)])
        yield Check("warehouse", str(project.warehouse), "ok", "can be opened")
        inputs = {name: is_set(name, variables, is_demo=is_demo) for name in input_names()}
        yield from check_inputs(connection, project, variables, is_demo=is_demo)
        yield from check_switches(project, variables, inputs)
        yield from check_models(connection, project)
        yield from check_machine(connection, project.warehouse, limits)
    yield from check_published(project, publishes=variables.get("holdfast_publish") is not False)


def _variables(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give the vars as Holdfast sees them: those for the package come before those for all."""
    told = settings.get("vars")
    if not isinstance(told, dict):
        return {}
    own = told.get("holdfast")
    return {**told, **(own if isinstance(own, dict) else {})}


_WAIT = "wait for the build, or close the program that has it open"


def _closed(warehouse: Path, error: duckdb.Error) -> Check:
    return Check(
        "warehouse",
        str(warehouse),
        "error",
        f"cannot be opened ({str(error).splitlines()[0]})",
        _WAIT if "lock" in str(error) else "name another file in profiles.yml",
    )
