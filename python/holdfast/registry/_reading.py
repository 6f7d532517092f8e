"""Registered models as the last build left them, with what was measured of them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from holdfast.contract import RESTORE, ModelError, ModelFile, check_row
from holdfast.registry._errors import RegistryError
from holdfast.registry._model import Figure, RegisteredModel
from holdfast.registry._rows import REGISTRY_SCHEMA
from holdfast.registry._stages import Stage
from holdfast.warehouse.project import Project

__all__ = [
    "find_model",
    "list_models",
    "matching",
    "read_file",
    "read_models",
    "reading",
    "relation_of",
]


def list_models(project: Project, *, task: str | None = None) -> list[RegisteredModel]:
    """List the models of a project, the champion of each task first.

    Parameters
    ----------
    project
        A built project, from `holdfast.warehouse.project.open_project`.
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
    holdfast.warehouse.project.ProjectError
        If the warehouse cannot be read, or was built by another version.

    Examples
    --------
    >>> from holdfast.warehouse.project import open_project
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
    holdfast.warehouse.project.ProjectError
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
    columns = [name for name in REGISTRY_SCHEMA.names if name not in ("onnx", "score_sql")]
    cursor = connection.execute(
        f"""
        select {", ".join(columns)}, length(score_sql) as sql_characters
        from {project.relation("model_registry")}
        """  # noqa: S608 - the relation is dbt's own, quoted
    )
    models = []
    for facts in cursor.fetchall():
        row = dict(zip([*columns, "sql_characters"], facts, strict=True))
        model = RegisteredModel.from_row(row)
        found = {
            "test": figures.get((model.evaluated_as, "test")),
            "live": figures.get((model.model_id, "live")),
        }
        measured = {split: known for split, known in found.items() if known}
        models.append(dataclasses.replace(model, figures=measured))
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
    raise RegistryError(f"there is no model '{model_id}'; `holdfast models list` shows all models")


def relation_of(project: Project, model: str) -> str:
    """Give the quoted name of a dbt model of whatever package, such as a task's own."""
    return str(project.node(model)["relation_name"])


def read_file(
    project: Project, connection: duckdb.DuckDBPyConnection, model: RegisteredModel
) -> bytes:
    """Read a model's ONNX file, and verify it by its hash and its row."""
    relation = relation_of(project, f"{model.task}_model")
    rows = connection.execute(
        f"select distinct onnx from {relation} where model_id = ?",  # noqa: S608 - quoted by dbt
        [model.model_id],
    ).fetchall()
    blob = rows[0][0] if rows else None
    if blob is None:
        raise RegistryError(f"the registry has no file of the model {model.model_id}. {RESTORE}")
    actual = hashlib.sha256(blob).hexdigest()
    if actual != (model.onnx_sha256 or "").strip().lower():
        raise RegistryError(
            f"the file of the model {model.model_id} was changed after training: its SHA-256 is "
            f"{actual[:12]}…, stored is {(model.onnx_sha256 or '')[:12]}…. {RESTORE}"
        )
    try:
        check_row(ModelFile.from_bytes(bytes(blob)), model.row, relation)
    except ModelError as error:
        raise RegistryError(str(error)) from None
    return bytes(blob)


def _stage_rank(stage: str) -> int:
    """Give the place of a stage in a list; one that nobody knows comes last."""
    stages = list(Stage)
    return stages.index(Stage(stage)) if stage in stages else len(stages)
