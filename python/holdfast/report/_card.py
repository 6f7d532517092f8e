"""A model card: what a model is, how good it was, what it cannot do, how to make it again."""

from __future__ import annotations

from pathlib import Path

import duckdb

from holdfast.files import write_aside
from holdfast.registry import (
    RegisteredModel,
    RegistryError,
    Stage,
    champion_of,
    matching,
    read_file,
    read_models,
    reading,
)
from holdfast.report._assets import environment
from holdfast.report._card_sections import LARGE_DRIFT, LEAST_SEGMENT, Bin, Card, Facts, card_of
from holdfast.report._shell import shell
from holdfast.warehouse.project import Project

__all__ = ["card_parts", "write_card"]


def write_card(project: Project, output: Path, model_id: str | None = None) -> RegisteredModel:
    """Write the model card of a model as one HTML file that needs nothing else.

    The sections follow Mitchell et al. 2019, Model Cards for Model Reporting
    (https://doi.org/10.1145/3287560.3287596). A card holds figures over many rows only, nothing
    of any one customer.

    Parameters
    ----------
    project
        A built project, from `holdfast.warehouse.project.open_project`.
    output
        The file to write; a former one is replaced.
    model_id
        The id of the model, or its first characters; the champion of churn when None.

    Returns
    -------
    RegisteredModel
        The model that the card describes.

    Raises
    ------
    RegistryError
        If there is no such model, or the file cannot be written.
    holdfast.warehouse.project.ProjectError
        If the warehouse cannot be read.

    Examples
    --------
    >>> write_card(open_project(Path("my_shop")), Path("card.html")).stage  # doctest: +SKIP
    'champion'
    """
    with reading(project) as connection:
        models = read_models(project, connection)
        model = _choose(models, model_id)
        # a card must not describe another model than the file that it names
        read_file(project, connection, model)
        facts = _read_facts(project, connection, model)
    html = _render(project, model, card_of(project, model, models, facts))
    write_aside(output, html.encode(), error=RegistryError)
    return model


def card_parts(project: Project, model_id: str) -> Card:
    """Give the sections and charts of a model card, to be put into another page.

    Parameters
    ----------
    project
        A built project, from `holdfast.warehouse.project.open_project`.
    model_id
        The id of the model, or its first characters.

    Returns
    -------
    Card
        Its sections and charts.

    Raises
    ------
    RegistryError
        If there is no such model.
    holdfast.warehouse.project.ProjectError
        If the warehouse cannot be read.
    """
    with reading(project) as connection:
        models = read_models(project, connection)
        model = matching(models, model_id)
        # a card must not describe another model than the file that it names
        read_file(project, connection, model)
        facts = _read_facts(project, connection, model)
    return card_of(project, model, models, facts)


def _choose(models: list[RegisteredModel], model_id: str | None) -> RegisteredModel:
    """Choose the model of an id, else the champion of churn, else the only one."""
    if model_id is not None:
        return matching(models, model_id)
    tasks = sorted({model.task for model in models if model.stage == Stage.CHAMPION})
    if "churn" in tasks:
        tasks = ["churn"]
    champion = champion_of(models, tasks[0]) if len(tasks) == 1 else None
    if champion is None:
        raise RegistryError(
            "there is no champion to describe; name a model of `holdfast models list`"
        )
    return champion


def _read_facts(
    project: Project, connection: duckdb.DuckDBPyConnection, model: RegisteredModel
) -> Facts:
    """Read descriptions, calibration, segments and drift."""
    descriptions = dict(
        connection.execute(
            f"select feature, description from {project.relation('feature_registry')}"  # noqa: S608
        ).fetchall()
    )
    bins: dict[str, list[Bin]] = {}
    for split, *values in connection.execute(
        f"""
        select split, predicted, observed, observed_lower, observed_upper, row_count, gain
        from {project.relation("model_calibration")}
        where as_of is null and segment is null
            and (model_id = ? and split = 'live' or model_id = ? and split = 'test')
        order by split, bin
        """,  # noqa: S608 - the relation is dbt's own, quoted
        [model.model_id, model.evaluated_as],
    ).fetchall():
        bins.setdefault(split, []).append(Bin(*values))
    segments = connection.execute(
        f"""
        select
            segment,
            cast(max(value) filter (where metric = 'row_count') as bigint) as row_count,
            max(value) filter (where metric in ('auroc', 'gini')) as ranking,
            max(value) filter (
                where metric in ('mean_probability', 'mean_prediction')
            ) as predicted,
            max(value) filter (where metric in ('base_rate', 'mean_label')) as observed,
        from {project.relation("model_evaluations")}
        where model_id = ? and split = 'test' and segment is not null
        group by segment
        having row_count >= ?
        order by segment
        """,  # noqa: S608 - the relation is dbt's own, quoted
        [model.evaluated_as, LEAST_SEGMENT],
    ).fetchall()
    drift = connection.execute(
        f"""
        select feature, unexpected_psi, unexpected_missing_rate_change
        from {project.relation("feature_drift")}
        where
            model_id = ?
            and (unexpected_psi >= ? or abs(unexpected_missing_rate_change) >= 0.1)
        order by unexpected_psi desc, feature
        """,  # noqa: S608 - the relation is dbt's own, quoted
        [model.model_id, LARGE_DRIFT],
    ).fetchall()
    return Facts(descriptions, bins, segments, drift)


def _render(project: Project, model: RegisteredModel, card: Card) -> str:
    """Put the page together."""
    html = (
        environment()
        .get_template("card.html.j2")
        .render(
            title=f"{model.task}: {model.algorithm.replace('_', ' ')}",
            project=project.manifest["metadata"].get("project_name") or "",
            model=model,
            card=card,
            **shell({"charts": card.charts}, ("page.js",)),
        )
    )
    return html + "\n"
