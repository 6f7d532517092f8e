"""The models of a task, written from its declaration: a line of code and a yml for each step."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from holdfast.errors import HoldfastError
from holdfast.scaffold._steps import left_to_the_project, steps_of

__all__ = ["ScaffoldError", "TaskFiles", "describe_task_files", "plan_task", "write_task_files"]

# their models are in the package
_SHIPPED = ("churn", "winback", "future_spend", "future_orders")


class ScaffoldError(HoldfastError):
    """A task's models cannot be written."""


@dataclass(frozen=True)
class TaskFiles:
    """The files of a task's models.

    Attributes
    ----------
    task
        The task's name.
    files
        The text of each file to write.
    kept
        The files that hold a model, or its properties, already; they stay as they are.
    to_write
        The models that no declaration can tell, each with what the project has to write.
    """

    task: str
    files: Mapping[Path, str]
    kept: tuple[Path, ...]
    to_write: Mapping[str, str]


def plan_task(directory: Path, task: str) -> TaskFiles:
    """Plan the files of a task's models, from its declaration in `dbt_project.yml`.

    Parameters
    ----------
    directory
        The folder of `dbt_project.yml`.
    task
        The name of a task that the var `holdfast_tasks` declares.

    Returns
    -------
    TaskFiles
        What `write_task_files` writes.

    Raises
    ------
    ScaffoldError
        If the folder is no dbt project, or the task is not declared there as it must be.

    Examples
    --------
    >>> files = plan_task(Path("shop"), "return")  # doctest: +SKIP
    """
    settings = _project_settings(directory)
    declaration = _declaration(settings, task)
    folders = [directory / str(path) for path in settings.get("model-paths") or ["models"]]
    there = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    described = [path for path in there if path.suffix in (".yml", ".yaml")]
    files: dict[Path, str] = {}
    kept: list[Path] = []
    for step in steps_of(task, declaration):
        code = folders[0] / task / f"{step.model}.{step.ending}"
        yml = code.with_suffix(".yml")
        twins = [p for p in there if p.stem == step.model and p.suffix in (".sql", ".py")]
        says = re.compile(rf"^\s*-\s*name:\s*['\"]?{step.model}['\"]?\s*(#.*)?$", re.MULTILINE)
        properties = [p for p in described if p == yml or says.search(_read(p))]
        if twins:
            kept += twins
        else:
            files[code] = step.code
        if properties:
            kept += properties
        else:
            files[yml] = step.yml()
    to_write = {
        model: what
        for model, what in left_to_the_project(task, declaration).items()
        if not any(path.stem == model and path.suffix in (".sql", ".py") for path in there)
    }
    return TaskFiles(task, files, tuple(dict.fromkeys(kept)), to_write)


def write_task_files(plan: TaskFiles) -> None:
    """Write the planned files; one that has come into being since is not touched.

    Parameters
    ----------
    plan
        What `plan_task` returned.

    Raises
    ------
    ScaffoldError
        If one of the files is there now.
    """
    for path, text in plan.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            raise ScaffoldError(f"{path} already exists and was not changed") from None


def describe_task_files(plan: TaskFiles, directory: Path, *, dry_run: bool = False) -> str:
    """Tell what is, or would be, written.

    Parameters
    ----------
    plan
        What `plan_task` returned.
    directory
        The folder that paths are told from.
    dry_run
        Whether nothing was written; the text of the files is told, too.

    Returns
    -------
    str
        A line per file, and what is left to do.
    """
    lines = ["Would write:" if dry_run else "Wrote:"] if plan.files else ["Nothing to write."]
    for path, text in plan.files.items():
        lines.append(f"  {_relative(path, directory)}")
        if dry_run:
            lines += [*(f"    {line}".rstrip() for line in text.splitlines()), ""]
    if plan.kept:
        lines.append("Already there, not changed:")
        lines += [f"  {_relative(path, directory)}" for path in plan.kept]
    for model, what in plan.to_write.items():
        lines.append(f"Yours to write: {model}, {what}.")
    if plan.files and not dry_run and not plan.to_write:
        lines.append("`dbt build` trains the task, scores and measures it.")
    return "\n".join(lines)


def _relative(path: Path, directory: Path) -> Path:
    """Give a path as seen from a folder that it is in."""
    return path.relative_to(directory) if path.is_relative_to(directory) else path


def _read(path: Path) -> str:
    """Read a file of whatever encoding for the names in it."""
    return path.read_text(encoding="utf-8", errors="replace")


def _project_settings(directory: Path) -> dict[str, Any]:
    """Read `dbt_project.yml`, its Jinja unrendered."""
    path = directory / "dbt_project.yml"
    if not path.is_file():
        raise ScaffoldError(
            f"{directory.resolve()} is not a dbt project (no dbt_project.yml); run the command in "
            "the project, or name it with --project-dir"
        )
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ScaffoldError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    return settings if isinstance(settings, dict) else {}


def _declaration(settings: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Give the declaration of a task, where it says enough to write its models."""
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", task):
        raise ScaffoldError(
            f"the name of a task must consist of letters, digits and _; got: {task}"
        )
    if task.lower() in _SHIPPED:
        raise ScaffoldError(f"{task} is a task of Holdfast's own; its models are in the package")
    variables = settings.get("vars") or {}
    scopes = [variables, *(variables.get(key) for key in (settings.get("name"), "holdfast"))]
    found = [s["holdfast_tasks"] for s in scopes if isinstance(s, dict) and "holdfast_tasks" in s]
    declared = found[0] if found else {}
    if not isinstance(declared, dict):
        raise ScaffoldError(
            "the var `holdfast_tasks` in dbt_project.yml must be a mapping of names to "
            f"declarations; got: {declared}. A list of names is no longer supported: declare "
            f"each of your tasks in it, without churn.\n{_example(task)}"
        )
    if task not in declared:
        near = difflib.get_close_matches(task, [str(name) for name in declared], 1)
        meant = f"; did you mean {near[0]}?" if near else "."
        raise ScaffoldError(
            f"dbt_project.yml declares no task {task}{meant} To add one:\n{_example(task)}"
        )
    declaration = declared[task]
    if not isinstance(declaration, dict) or not isinstance(declaration.get("label"), str):
        raise ScaffoldError(
            f"the task {task} in dbt_project.yml needs a mapping with a `label` and "
            f"`horizon_days`, such as:\n{_example(task)}"
        )
    event = declaration.get("event")
    if event is not None and not (isinstance(event, dict) and {"model", "at"} <= event.keys()):
        raise ScaffoldError(
            f"the `event` of the task {task} in dbt_project.yml must have `model` and `at`, such "
            f"as:\n{_example(task)}"
        )
    return declaration


def _example(task: str) -> str:
    """Write a declaration to begin with."""
    return (
        "vars:\n"
        "  holdfast_tasks:\n"
        f"    {task}:\n"
        "      label: returned\n"
        "      event: {model: orders, at: ordered_at, where: amount < 0}\n"
        "      horizon_days: 60"
    )
