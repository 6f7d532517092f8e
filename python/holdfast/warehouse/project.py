"""The dbt project that a command works on: its warehouse file, its tables, its last build."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from holdfast.errors import HoldfastError

__all__ = ["Project", "ProjectError", "open_project"]


class ProjectError(HoldfastError):
    """The dbt project, its build or its warehouse cannot be read."""


@dataclass(frozen=True)
class Project:
    """A dbt project that has been built.

    Attributes
    ----------
    directory
        The folder of `dbt_project.yml`.
    warehouse
        The DuckDB file of the target.
    manifest
        What dbt knows of the project's nodes (`target/manifest.json`).
    run_results
        What the last dbt command did (`target/run_results.json`).
    target
        The name of the target of the profile.
    """

    directory: Path
    warehouse: Path
    manifest: dict[str, Any]
    run_results: dict[str, Any]
    target: str = ""

    def relation(self, model: str) -> str:
        """Give the quoted name of a Holdfast model in the warehouse.

        Parameters
        ----------
        model
            What the model is called, such as `customer_retention`; the name of its table.

        Returns
        -------
        str
            Such as `"warehouse"."main"."customer_retention"`.

        Raises
        ------
        ProjectError
            If the project has no such model.
        """
        nodes = self.manifest["nodes"]
        # Holdfast's models carry its name in front, so that no model of the project's is meant
        node = nodes.get(f"model.holdfast.holdfast__{model}") or nodes.get(
            f"model.holdfast.{model}"
        )
        if node is None:
            raise ProjectError(
                f"the project in {self.directory} has no Holdfast model '{model}'; is the package "
                "in packages.yml, and has `dbt deps` been run?"
            )
        return str(node["relation_name"])

    def node(self, model: str) -> dict[str, Any]:
        """Give what dbt knows of a model: Holdfast's, or where it has none of the name, any other.

        Parameters
        ----------
        model
            What the model is called, such as `churn_model` or `return_model`.

        Returns
        -------
        dict
            Its node in the manifest.

        Raises
        ------
        ProjectError
            If there is no such model, or several are.
        """
        nodes: dict[str, dict[str, Any]] = self.manifest["nodes"]
        own = nodes.get(f"model.holdfast.holdfast__{model}")
        found = (
            [own]
            if own
            else [
                node
                for node in nodes.values()
                if node["resource_type"] == "model" and node["name"] == model
            ]
        )
        if len(found) != 1:
            raise ProjectError(
                f"the project in {self.directory} has {len(found) or 'no'} "
                f"{'models' if found else 'model'} '{model}'"
            )
        return found[0]

    def connect(self, *, read_only: bool = True) -> duckdb.DuckDBPyConnection:
        """Open the warehouse.

        Parameters
        ----------
        read_only
            False to write to it.

        Returns
        -------
        duckdb.DuckDBPyConnection
            A connection; the caller closes it.

        Raises
        ------
        ProjectError
            If the file is not there, or another process is writing to it, or reading what is to be
            written.
        """
        if not self.warehouse.exists():
            raise ProjectError(f"there is no warehouse at {self.warehouse}; run `dbt build` first")
        try:
            return duckdb.connect(str(self.warehouse), read_only=read_only)
        except duckdb.IOException as error:
            told = (
                "cannot be opened, most likely because a build or a client is writing to it; try "
                "again when it is done"
                if read_only
                else "cannot be written to, most likely because a build or a client has it open; "
                "try again when it is closed"
            )
            reason = str(error).splitlines()[0]
            raise ProjectError(f"{self.warehouse} {told} ({reason})") from None

    @contextmanager
    def of_this_version(self) -> Iterator[None]:
        """Say what to do where the warehouse lacks a table or a column of this version.

        Raises
        ------
        ProjectError
            In place of DuckDB's errors of that kind.
        """
        try:
            yield
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise ProjectError(
                f"{self.warehouse} does not hold what this version of Holdfast builds; run "
                f"`dbt build` for this target ({str(error).splitlines()[0]})"
            ) from None


def open_project(directory: Path, *, target: str | None = None) -> Project:
    """Read a dbt project after a build.

    The profile is read by dbt itself, so whatever dbt understands there works here.

    Parameters
    ----------
    directory
        The folder of `dbt_project.yml`.
    target
        The target of the profile; the profile's default when None.

    Returns
    -------
    Project
        The project.

    Raises
    ------
    ProjectError
        If the folder is no dbt project, was not built, or its target is no DuckDB file.
    """
    directory = directory.resolve()
    project_file = directory / "dbt_project.yml"
    if not project_file.exists():
        raise ProjectError(
            f"{directory} is no dbt project (no dbt_project.yml); run the command in the project, "
            "or name it with --project-dir"
        )
    settings = yaml.safe_load(project_file.read_text(encoding="utf-8")) or {}
    artifacts = directory / settings.get("target-path", "target")
    try:
        manifest = json.loads((artifacts / "manifest.json").read_text(encoding="utf-8"))
        run_results = json.loads((artifacts / "run_results.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError) as error:
        raise ProjectError(f"the project was not built yet; run `dbt build` ({error})") from None
    target_name, warehouse = _warehouse_of(directory, settings, target)
    return Project(
        directory=directory,
        warehouse=directory / warehouse,
        manifest=manifest,
        run_results=run_results,
        target=target_name,
    )


def _warehouse_of(directory: Path, settings: dict[str, Any], target: str | None) -> tuple[str, str]:
    """Give the name of the target, and the path of the DuckDB file that dbt builds into."""
    import os
    from argparse import Namespace

    from dbt.config.runtime import load_profile
    from dbt.flags import set_from_args
    from dbt_common.exceptions import DbtBaseException

    # where dbt itself looks: the environment, then the project, then the home folder
    places = [os.environ.get("DBT_PROFILES_DIR"), str(directory), str(Path.home() / ".dbt")]
    profiles = next((p for p in places if p and (Path(p) / "profiles.yml").exists()), None)
    if profiles is None:
        raise ProjectError(f"there is no profiles.yml in {directory} or {places[-1]}")
    set_from_args(Namespace(PROFILES_DIR=profiles, project_dir=str(directory)), None)
    try:
        profile = load_profile(str(directory), {}, target_override=target)
    except DbtBaseException as error:
        raise ProjectError(f"the dbt profile cannot be read: {error}") from None
    path = getattr(profile.credentials, "path", None)
    if profile.credentials.type != "duckdb" or path in (None, ":memory:"):
        raise ProjectError(
            f"the target '{profile.target_name}' of the profile '{profile.profile_name}' is no "
            f"DuckDB file ({profile.credentials.type}, {path}); name another with --target"
        )
    return str(profile.target_name), str(path)
