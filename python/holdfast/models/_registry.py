"""Registered models as the last build left them, with what was measured of them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb

from holdfast.models._errors import RegistryError
from holdfast.project import Project

__all__ = [
    "Figure",
    "RegisteredModel",
    "find_model",
    "list_models",
    "matching",
    "read_file",
    "read_models",
    "reading",
    "relation_of",
]

_FACTS = (
    "model_id",
    "task",
    "algorithm",
    "stage",
    "trained_at",
    "training_from",
    "training_to",
    "row_count",
    "positive_count",
)
_STAGE_ORDER = ("champion", "challenger", "evaluated", "baseline", "archived")


@dataclass(frozen=True)
class Figure:
    """A metric with its 95 % interval; the ends are None where none was computed."""

    value: float | None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class RegisteredModel:
    """A row of `model_registry`, and its figures.

    Attributes
    ----------
    model_id, task, algorithm, stage
        Who it is; stage is champion, challenger, evaluated, baseline or archived.
    trained_at, training_from, training_to
        When it was trained (UTC), and the first and last observation date it learned from.
    row_count, positive_count
        Rows it learned from, and those of them with the event.
    feature_names
        The features, in the order in which the model takes them.
    feature_hash, onnx_sha256
        Hashes of its features and label, and of its file.
    sql_characters
        Length of its SQL; None where it is too large to be kept as SQL.
    parameters, metrics, library_versions
        What training noted of it.
    figures
        The evaluations over all dates together: {split: {metric: figure}}, split being test or
        live. Those of the test are its twin's where it was fitted again without unseen months.
    """

    model_id: str
    task: str
    algorithm: str
    stage: str
    trained_at: dt.datetime | None
    training_from: dt.datetime | None
    training_to: dt.datetime | None
    row_count: int | None
    positive_count: int | None
    feature_names: tuple[str, ...]
    feature_hash: str | None
    onnx_sha256: str | None
    sql_characters: int | None
    parameters: dict[str, Any]
    metrics: dict[str, Any]
    library_versions: dict[str, str]
    figures: dict[str, dict[str, Figure]] = field(default_factory=dict)

    @property
    def evaluated_as(self) -> str:
        """The model whose test figures stand for this one: its twin, or itself."""
        return str(self.parameters.get("evaluated_as") or self.model_id)

    @property
    def word(self) -> str:
        """What it predicts, as the names of columns end: probability, or value of a regression."""
        return "value" if self.parameters.get("target") == "regression" else "probability"

    def figure(self, metric: str, split: str = "test") -> Figure:
        """Give a metric over all dates; a figure of nothing where it was not measured."""
        return self.figures.get(split, {}).get(metric, Figure(None))


def list_models(project: Project, *, task: str | None = None) -> list[RegisteredModel]:
    """List the models of a project, the champion of each task first.

    Parameters
    ----------
    project
        A built project, from `holdfast.project.open_project`.
    task
        Only the models of this task.

    Returns
    -------
    list of RegisteredModel
        By task, stage, and newest first.

    Raises
    ------
    RegistryError
        If there is no such task.
    holdfast.project.ProjectError
        If the warehouse cannot be read, or was built by another version.

    Examples
    --------
    >>> from holdfast.project import open_project
    >>> list_models(open_project(Path("my_shop")))[0].stage  # doctest: +SKIP
    'champion'
    """
    with reading(project) as connection:
        models = read_models(project, connection)
    if task is not None:
        tasks = sorted({model.task for model in models})
        models = [model for model in models if model.task == task]
        if not models:
            raise RegistryError(
                f"there is no model of the task '{task}'; the registry has models of "
                f"{', '.join(tasks) or 'no task yet'}"
            )
    return models


def find_model(project: Project, model_id: str) -> RegisteredModel:
    """Find one model by its id, or by a beginning of it that no other has.

    Parameters
    ----------
    project
        A built project.
    model_id
        The id, or its first characters.

    Returns
    -------
    RegisteredModel

    Raises
    ------
    RegistryError
        If no model has that id, or several begin so.
    holdfast.project.ProjectError
        If the warehouse cannot be read.

    Examples
    --------
    >>> find_model(open_project(Path("my_shop")), "3b5c105d").algorithm  # doctest: +SKIP
    'logistic_regression'
    """
    with reading(project) as connection:
        return matching(read_models(project, connection), model_id)


@contextmanager
def reading(project: Project) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for reading; say what to do when its tables are not of this version."""
    with project.connect() as connection, project.of_this_version():
        yield connection


def read_models(project: Project, connection: duckdb.DuckDBPyConnection) -> list[RegisteredModel]:
    """Read all models and their figures, in the order in which they are listed."""
    figures: dict[tuple[str, str], dict[str, Figure]] = {}
    for model_id, split, metric, *values in connection.execute(
        f"""
        select model_id, split, metric, value, lower, upper
        from {project.relation("model_evaluations")}
        where as_of is null and segment is null
        """  # noqa: S608 - the relation is dbt's own, quoted
    ).fetchall():
        figures.setdefault((model_id, split), {})[metric] = Figure(*values)
    models = []
    for row in connection.execute(
        f"""
        select
            {", ".join(_FACTS)}, feature_names, feature_hash, onnx_sha256, length(score_sql),
            parameters, metrics, library_versions
        from {project.relation("model_registry")}
        """  # noqa: S608 - the relation is dbt's own, quoted
    ).fetchall():
        *facts, names, feature_hash, sha256, length, parameters, metrics, versions = row
        noted = json.loads(parameters or "{}")
        evaluated_as = noted.get("evaluated_as") or row[0]
        found = {"test": figures.get((evaluated_as, "test")), "live": figures.get((row[0], "live"))}
        models.append(
            RegisteredModel(
                **dict(zip(_FACTS, facts, strict=True)),
                feature_names=tuple(names or ()),
                feature_hash=feature_hash,
                onnx_sha256=sha256,
                sql_characters=length,
                parameters=noted,
                metrics=json.loads(metrics or "{}"),
                library_versions=json.loads(versions or "{}"),
                figures={split: values for split, values in found.items() if values},
            )
        )
    oldest = dt.datetime.min
    models.sort(key=lambda model: model.model_id)
    models.sort(key=lambda model: model.trained_at or oldest, reverse=True)
    models.sort(key=lambda model: (model.task, _stage_rank(model.stage)))
    return models


def matching(models: list[RegisteredModel], model_id: str) -> RegisteredModel:
    """Choose the model of an id, or of the beginning of one."""
    found = [model for model in models if model.model_id == model_id] or [
        model for model in models if model_id and model.model_id.startswith(model_id)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(model.model_id for model in found)
        raise RegistryError(f"several models begin with '{model_id}': {ids}; give more of the id")
    raise RegistryError(
        f"there is no model '{model_id}'; `holdfast models list` shows those there are"
    )


def relation_of(project: Project, model: str) -> str:
    """Give the quoted name of a dbt model of whatever package, such as a task's own."""
    return str(project.node(model)["relation_name"])


def read_file(
    project: Project, connection: duckdb.DuckDBPyConnection, model: RegisteredModel
) -> bytes:
    """Read a model's ONNX file and verify it by its hash."""
    rows = connection.execute(
        f"select onnx from {relation_of(project, model.task + '_model')} where model_id = ?",  # noqa: S608 - quoted by dbt
        [model.model_id],
    ).fetchall()
    blob = rows[0][0] if rows else None
    if blob is None:
        raise RegistryError(
            f"the registry holds no file of the model {model.model_id}; restore its row, or train "
            "anew with `dbt build --vars '{holdfast_retrain: true}'`"
        )
    actual = hashlib.sha256(blob).hexdigest()
    if actual != (model.onnx_sha256 or "").strip().lower():
        raise RegistryError(
            f"the file of the model {model.model_id} was changed after training: its SHA-256 is "
            f"{actual[:12]}…, stored is {(model.onnx_sha256 or '')[:12]}…; restore its row, or "
            "train anew with `dbt build --vars '{holdfast_retrain: true}'`"
        )
    return bytes(blob)


def _stage_rank(stage: str) -> int:
    """Give the place of a stage in a list."""
    return _STAGE_ORDER.index(stage) if stage in _STAGE_ORDER else len(_STAGE_ORDER)
