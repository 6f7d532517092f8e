"""The dbt project that a command works on: its warehouse file, its tables, its last build."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from holdfast.warehouse.profile import Opening, Profile, ProjectError, read_profile

__all__ = ["Project", "ProjectError", "open_project"]

logger = logging.getLogger("holdfast.warehouse")


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
    opening
        How the profile opens the warehouse, with the databases that it attaches.
    """

    directory: Path
    warehouse: Path
    manifest: dict[str, Any]
    run_results: dict[str, Any]
    target: str = ""
    opening: Opening = field(default_factory=Opening)

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

    @property
    def databases(self) -> frozenset[str]:
        """The databases that models lie in, in lower case, as the manifest names them."""
        return frozenset(
            str(node["database"]).lower()
            for node in self.manifest["nodes"].values()
            if node.get("relation_name") and node.get("database")
        )

    def connect(self, *, read_only: bool = True) -> duckdb.DuckDBPyConnection:
        """Open the warehouse, and attach what the profile attaches.

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
            # one in memory has nothing to be kept from writing
            connection = duckdb.connect(
                ":memory:" if self.opening.home else str(self.warehouse),
                read_only=read_only and not self.opening.home,
                config=dict(self.opening.config),
            )
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
        try:
            needed = self.databases | {self.opening.home.lower()}
            self.opening.prepare(connection, read_only=read_only, needed=needed)
            self._tell_if_older_than(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _tell_if_older_than(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Warn where the warehouse was scored after dbt last wrote what this project was read from.

        A command that goes by old artifacts takes relations and settings of another day for those
        of the last build.
        """
        written = _last_written(self.manifest, self.run_results)
        if written is None:
            return
        try:
            scores = self.relation("churn_scores")
            # the name is dbt's own, quoted
            query = f"select max(scored_at) from {scores}"  # noqa: S608
            found = connection.execute(query).fetchone()
        except (ProjectError, duckdb.Error):
            return
        scored = found and found[0]
        if isinstance(scored, dt.datetime) and scored.replace(tzinfo=dt.UTC) > written:
            _warn_once(
                f"{self.warehouse} was scored at {scored:%Y-%m-%d %H:%M:%S} UTC, after dbt wrote "
                f"what is read here of the project, at {written:%Y-%m-%d %H:%M:%S}. That build "
                "wrote its artifacts elsewhere, or was interrupted: name its --target-path, or "
                "run `dbt build`."
            )

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


@cache
def _warn_once(message: str) -> None:
    """Warn once, however often a command connects."""
    logger.warning(message)


def _last_written(*artifacts: dict[str, Any]) -> dt.datetime | None:
    """Give when dbt wrote the youngest of some artifacts, as far as they say it."""
    told = [(artifact.get("metadata") or {}).get("generated_at") for artifact in artifacts]
    moments = [dt.datetime.fromisoformat(moment) for moment in told if moment]
    return max(
        (at if at.tzinfo else at.replace(tzinfo=dt.UTC) for at in moments),
        default=None,
    )


def open_project(
    directory: Path, *, target: str | None = None, target_path: Path | None = None
) -> Project:
    """Read a dbt project after a build.

    What is more than the plain name of a file is read by dbt itself, so whatever dbt understands
    there works here: the Jinja in the profile, DBT_TARGET, DBT_TARGET_PATH, attached databases.

    Parameters
    ----------
    directory
        The folder of `dbt_project.yml`.
    target
        The target of the profile; the profile's default when None.
    target_path
        Where the build wrote its artifacts, if it was given `--target-path`.

    Returns
    -------
    Project
        The project.

    Raises
    ------
    ProjectError
        If the folder is no dbt project, was not built, its last build was of another target, or
        its target is no DuckDB file.
    """
    directory = directory.resolve()
    project_file = directory / "dbt_project.yml"
    if not project_file.exists():
        raise ProjectError(
            f"{directory} is not a dbt project (no dbt_project.yml); run the command in the "
            "project, or name it with --project-dir"
        )
    settings = yaml.safe_load(project_file.read_text(encoding="utf-8")) or {}
    try:
        profile = read_profile(directory, target, target_path)
    except ProjectError as error:
        usual = directory / str(target_path or settings.get("target-path") or "target")
        if (usual / "manifest.json").exists() or "DBT_TARGET_PATH" in os.environ:
            raise
        raise ProjectError(f"the project was not built yet; run `dbt build` ({error})") from None
    try:
        manifest, run_results = (
            json.loads((profile.artifacts / name).read_text(encoding="utf-8"))
            for name in ("manifest.json", "run_results.json")
        )
    except (FileNotFoundError, json.JSONDecodeError) as error:
        raise ProjectError(
            f"the project was not built yet; run `dbt build`, and name its --target-path here if "
            f"you give it one there ({error})"
        ) from None
    _check_origin(profile, manifest, run_results)
    return Project(
        directory=directory,
        warehouse=profile.warehouse,
        manifest=manifest,
        run_results=run_results,
        target=profile.target,
        opening=profile.opening,
    )


def _check_origin(profile: Profile, manifest: dict[str, Any], run_results: dict[str, Any]) -> None:
    """Refuse artifacts of another project, or of another target."""
    made_by = (manifest.get("metadata") or {}).get("project_name")
    if made_by not in (None, profile.project_name):
        raise ProjectError(
            f"{profile.artifacts} was written by the project '{made_by}', and this is "
            f"'{profile.project_name}'; run `dbt build` here, or name another --target-path"
        )
    told = f"name it with --target, or run `dbt build --target {profile.target}`"
    if "args" in run_results:
        built = (run_results["args"] or {}).get("target") or profile.default_target
        if built != profile.target:
            raise ProjectError(
                f"the last dbt command in {profile.artifacts} was for the target '{built}', and "
                f"this is '{profile.target}'; {told}"
            )
    strange = {
        str(node["database"])
        for node in manifest["nodes"].values()
        if node.get("package_name") == "holdfast"
        and node.get("relation_name")
        and node.get("database")
        and str(node["database"]).lower() not in profile.databases
    }
    if strange:
        raise ProjectError(
            f"{profile.artifacts} belongs to another target: its models are in the database "
            f"'{min(strange)}', which the target '{profile.target}' does not know; {told}"
        )
