"""Scoring a file with a model of a project."""

from __future__ import annotations

from pathlib import Path

from holdfast.registry._errors import RegistryError
from holdfast.registry._model import RegisteredModel
from holdfast.registry._reading import matching, read_file, read_models, reading, relation_of
from holdfast.registry._stages import champion_of
from holdfast.warehouse.project import Project

__all__ = ["score_project_file"]


def score_project_file(
    project: Project,
    source: Path,
    output: Path,
    *,
    task: str = "churn",
    model_id: str | None = None,
    overwrite: bool = False,
) -> tuple[RegisteredModel, int]:
    """Score a file with the champion of a task, or with the model named.

    Parameters
    ----------
    project
        A built project, from `holdfast.warehouse.project.open_project`.
    source, output
        The Parquet or CSV file to read, with the model's features among its columns, and the one
        to write, see `holdfast.scoring.score_file`.
    task
        Whose champion scores.
    model_id
        A model of any task and stage in its place: its id, or its first characters.
    overwrite
        Whether a former output may be replaced.

    Returns
    -------
    tuple of RegisteredModel and int
        The model that scored, and the number of rows.

    Raises
    ------
    RegistryError
        If there is no champion, or not exactly one, or no such model.
    HoldfastError
        If a file cannot be read or written, or a feature is missing or no number.

    Examples
    --------
    >>> score_project_file(
    ...     open_project(Path(".")), Path("new.parquet"), Path("scores.parquet")
    ... )  # doctest: +SKIP
    """
    from holdfast.scoring import score_file

    with reading(project) as connection:
        models = read_models(project, connection)
        model = _champion(models, task) if model_id is None else matching(models, model_id)
        # before the features are asked for by the names that the row gives
        read_file(project, connection, model)
        count = score_file(
            connection,
            relation_of(project, f"{model.task}_model"),
            model.model_id,
            source,
            output,
            task=model.task,
            word=model.word,
            overwrite=overwrite,
        )
    return model, count


def _champion(models: list[RegisteredModel], task: str) -> RegisteredModel:
    """Give the champion of a task, or say how to do without one."""
    champion = champion_of(models, task)
    if champion is None:
        raise RegistryError(
            f"the task '{task}' must have one champion, it has none; name a model with --model, "
            "or see `holdfast models list`"
        )
    return champion
