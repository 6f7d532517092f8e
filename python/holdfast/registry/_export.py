"""A model as a file of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from holdfast.files import write_aside
from holdfast.registry._errors import RegistryError
from holdfast.registry._model import RegisteredModel
from holdfast.registry._reading import matching, read_file, read_models, reading
from holdfast.warehouse.project import Project

__all__ = ["export_model", "export_sql"]


def export_model(project: Project, model_id: str, output: Path) -> RegisteredModel:
    """Write a model's ONNX file, verified by its hash.

    The file is complete in itself: ONNX Runtime alone runs it. Its input `features` takes a
    float32 matrix [rows, features] with the features in the order of `feature_names`, which the
    file names in its metadata too, and NaN where a value is missing; the second column of its
    output `probabilities` is the probability of the event. A model that predicts a number has the
    output `values`, of one column, instead.

    Parameters
    ----------
    project
        A built project, from `holdfast.warehouse.project.open_project`.
    model_id
        The id of the model, or its first characters.
    output
        The file to write. A former one is replaced in one step, once the new one is complete.

    Returns
    -------
    RegisteredModel
        The model that was written.

    Raises
    ------
    RegistryError
        If there is no such model, its file does not match its hash, or `output` cannot be
        written.
    holdfast.warehouse.project.ProjectError
        If the warehouse cannot be read.

    Examples
    --------
    >>> export_model(open_project(Path(".")), "3b5c105d", Path("churn.onnx"))  # doctest: +SKIP
    """
    with reading(project) as connection:
        model = matching(read_models(project, connection), model_id)
        blob = read_file(project, connection, model)
    write_aside(output, blob, error=RegistryError)
    return model


def export_sql(
    project: Project,
    model_id: str,
    output: Path,
    *,
    dialect: str = "duckdb",
    relation: str = "customer_features",
    keys: Sequence[str] = ("customer_id", "as_of"),
) -> tuple[RegisteredModel, int]:
    """Write a model as a query that scores a relation, in the SQL of some engine.

    Parameters
    ----------
    project
        A built project, from `holdfast.warehouse.project.open_project`.
    model_id
        The id of the model, or its first characters.
    output
        The file to write.
    dialect
        duckdb, spark, postgres, snowflake or bigquery.
    relation
        What the query selects from; it has the features, by name, and the keys.
    keys
        Columns that the query hands through.

    Returns
    -------
    tuple of RegisteredModel and int
        The model, and how many characters its SQL has.

    Raises
    ------
    RegistryError
        As `export_model`.
    holdfast.sql.SqlError
        If the model cannot be written in the dialect, or takes too much SQL.

    Examples
    --------
    >>> export_sql(project, "3b5c105d", Path("churn.sql"), dialect="spark")  # doctest: +SKIP
    """
    from holdfast.sql import SqlModel

    with reading(project) as connection:
        model = matching(read_models(project, connection), model_id)
        blob = read_file(project, connection, model)
    text = SqlModel.from_bytes(blob).query(
        relation, keys=keys, dialect=dialect, output=f"{model.task}_{model.word}"
    )
    note = f"-- {model.task}, {model.algorithm} {model.model_id}: {len(text):,} characters\n"
    write_aside(output, (note + text).encode(), error=RegistryError)
    return model, len(text)
