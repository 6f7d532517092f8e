"""Changing the champion by hand: promotion and rollback, each in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from holdfast.registry._errors import RegistryError
from holdfast.registry._model import RegisteredModel
from holdfast.registry._reading import matching, read_file, read_models, relation_of
from holdfast.registry._stages import champion_of, check_promotable, stages_after_promotion
from holdfast.warehouse.project import Project

__all__ = ["Change", "promote", "reigns", "rollback"]


@dataclass(frozen=True)
class Change:
    """A change of champion.

    Attributes
    ----------
    task
        The task.
    champion
        The id of the model that scores from the next build on.
    former
        The id of the one before, None where there was none.
    former_stage
        Its stage now: archived, or challenger.
    """

    task: str
    champion: str
    former: str | None
    former_stage: str | None


def promote(project: Project, model_id: str) -> Change:
    """Make a model the champion of its task.

    The former champion is archived. Where the promoted model is the older one, or has other
    features, the former stays as a challenger instead: a build counts challengers among the
    trainings there were, and does not train at once to undo what was decided here.

    Parameters
    ----------
    project
        A built project, from `holdfast.warehouse.project.open_project`.
    model_id
        The id of the model, or its first characters.

    Returns
    -------
    Change
        What changed. Scores change with the next `dbt build`.

    Raises
    ------
    RegistryError
        If there is no such model, it is champion already, a baseline or a champion's twin, its
        file does not match its hash or cannot be run, or it predicts something else than the
        champion; nothing is changed then.
    holdfast.warehouse.project.ProjectError
        If the warehouse cannot be written to.

    Examples
    --------
    >>> promote(open_project(Path("my_shop")), "3b5c105d").champion  # doctest: +SKIP
    '3b5c105de2d094d2'
    """
    with _changing(project) as connection:
        models = read_models(project, connection)
        model = matching(models, model_id)
        return _crown(project, connection, models, model, "promote")


def rollback(project: Project, *, task: str = "churn") -> Change:
    """Make the champion before the present one champion again.

    Each further rollback goes one champion further back. `model_champions` holds who was champion
    from when; the one rolled back from is found there, and may be promoted again.

    Parameters
    ----------
    project
        A built project.
    task
        The task whose champion steps back.

    Returns
    -------
    Change
        What changed. Scores change with the next `dbt build`.

    Raises
    ------
    RegistryError
        If there was no champion before, or it cannot score any more; nothing is changed then.
    holdfast.warehouse.project.ProjectError
        If the warehouse cannot be written to.

    Examples
    --------
    >>> rollback(open_project(Path("my_shop"))).former_stage  # doctest: +SKIP
    'challenger'
    """
    with _changing(project) as connection:
        models = read_models(project, connection)
        if all(model.task != task for model in models):
            raise RegistryError(f"there is no model of the task '{task}'")
        notes = connection.execute(
            f"""
            select model_id, changed_by
            from {project.relation("model_champions")}
            where task = ?
            order by champion_from
            """,  # noqa: S608 - the relation is dbt's own, quoted
            [task],
        ).fetchall()
        present = champion_of(models, task)
        earlier = reigns(notes)
        if present is not None and earlier and earlier[-1] == present.model_id:
            earlier.pop()
        if not earlier:
            raise RegistryError(
                f"no champion of the task '{task}' is known before the present one; "
                "`holdfast models list` shows the models that `holdfast models promote` can take"
            )
        return _crown(project, connection, models, matching(models, earlier[-1]), "rollback")


def reigns(notes: Sequence[tuple[str, str]]) -> list[str]:
    """Give the champions that can be gone back to, the last one at the end.

    Parameters
    ----------
    notes
        (model_id, changed_by) of every change of a task's champion, oldest first.

    Returns
    -------
    list of str
        Their ids; a rollback takes away those after the one it went back to.

    Examples
    --------
    >>> reigns([("a", "build"), ("b", "build"), ("a", "rollback"), ("c", "build")])
    ['a', 'c']
    """
    stack: list[str] = []
    for model_id, changed_by in notes:
        if changed_by == "rollback" and model_id in stack:
            while stack[-1] != model_id:
                stack.pop()
        else:
            stack.append(model_id)
    return stack


@contextmanager
def _changing(project: Project) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, in one transaction that an error takes back."""
    with project.connect(read_only=False) as connection, project.of_this_version():
        connection.execute("begin transaction")
        try:
            yield connection
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("commit")


def _crown(
    project: Project,
    connection: duckdb.DuckDBPyConnection,
    models: list[RegisteredModel],
    model: RegisteredModel,
    changed_by: str,
) -> Change:
    """Check a model, make it champion and note it."""
    former = champion_of(models, model.task)
    check_promotable(model, models, former)
    _check_runs(project, connection, model)
    stages = stages_after_promotion(model, former)
    registry = relation_of(project, f"{model.task}_model")
    for model_id, stage in stages.items():
        connection.execute(
            f"update {registry} set stage = ? where model_id = ?",  # noqa: S608 - quoted by dbt
            [stage.value, model_id],
        )
    connection.execute(
        f"""
        insert into {project.relation("model_champions")} by name
        select ? as task, ? as model_id, ? as champion_from, ? as changed_by
        """,
        [model.task, model.model_id, dt.datetime.now(dt.UTC).replace(tzinfo=None), changed_by],
    )
    return Change(
        model.task,
        model.model_id,
        None if former is None else former.model_id,
        None if former is None else stages[former.model_id].value,
    )


def _check_runs(
    project: Project, connection: duckdb.DuckDBPyConnection, model: RegisteredModel
) -> None:
    """Refuse a model whose file does not match its hash or its row, or cannot be run."""
    from holdfast.scoring import ModelError, OnnxModel

    try:
        OnnxModel.from_bytes(read_file(project, connection, model), sha256=model.onnx_sha256)
    except ModelError as error:
        raise RegistryError(f"the model {model.model_id} cannot score: {error}") from None
