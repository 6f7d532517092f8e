"""The table of evaluations: what is due is measured, all else is kept."""

from __future__ import annotations

import json
import logging
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from duckdb import ColumnExpression, ConstantExpression, DuckDBPyRelation

from holdfast.measuring import METRICS_SCHEMA, Costs, evaluate, evaluate_values
from holdfast.registry._former import RelationName, find_registry
from holdfast.run import is_reset
from holdfast.warehouse.quoting import quoted

__all__ = ["EVALUATIONS_SCHEMA", "update_evaluations"]

logger = logging.getLogger("holdfast.registry")

EVALUATIONS_SCHEMA = pa.schema(
    [("model_id", pa.string()), ("task", pa.string()), ("split", pa.string()), *METRICS_SCHEMA]
)


def update_evaluations(
    session: Any, predictions: DuckDBPyRelation, evaluations: RelationName
) -> pa.Table:
    """Measure what is due, and return the whole table of evaluations: what dbt writes.

    Due are models that are new, whose rows have become more or other ones, or that were measured
    with other settings. The table carries itself over, so that no way of running dbt loses a
    figure, `--full-refresh` included; only `holdfast_reset` begins anew.

    Parameters
    ----------
    session
        The DuckDB connection of the dbt run. It is neither closed nor changed.
    predictions
        The rows of `model_predictions`.
    evaluations
        The table of evaluations, with ``database``, ``schema`` and ``identifier``, as ``dbt.this``
        has them; it need not exist yet.

    Returns
    -------
    pyarrow.Table
        All rows, of the schema `EVALUATIONS_SCHEMA`.

    Raises
    ------
    MeasuringError
        A prediction cannot be measured.

    Examples
    --------
    >>> def model(dbt, session):
    ...     predictions = dbt.ref("holdfast", "holdfast__model_predictions")
    ...     return update_evaluations(session, predictions, dbt.this)
    """
    former = _read_former(session, evaluations)
    known = _known(former)
    measured = []
    for model in _present(predictions):
        settings = json.loads(model["settings"])
        if not _is_due(model, settings["number"], known.get((model["model_id"], model["split"]))):
            continue
        rows = _read(predictions, model)
        if model["target"] == "regression":
            metrics = evaluate_values(rows.rename_columns({"predicted": "predicted_value"}))
        else:
            renamed = rows.rename_columns({"predicted": "probability"})
            metrics = evaluate(renamed, Costs(**settings["costs"]))
        measured.append(_of_model(model, metrics, settings["number"]))
    logger.info("Measured %d models and splits; the others had not changed.", len(measured))
    replaced = {(table["model_id"][0].as_py(), table["split"][0].as_py()) for table in measured}
    pairs = zip(former["model_id"].to_pylist(), former["split"].to_pylist(), strict=True)
    kept = former.filter(pa.array([pair not in replaced for pair in pairs], pa.bool_()))
    return pa.concat_tables([kept, *measured])


def _present(predictions: DuckDBPyRelation) -> list[dict[str, Any]]:
    """Give what there is to measure: a row per model and split, with count and mean of outcomes."""
    keys = "task, target, model_id, split, settings"
    everybody = predictions.filter("segment is null")
    found = everybody.aggregate(
        f"{keys}, count(*) as row_count, avg(outcome) as mean_outcome", keys
    ).order("task, model_id, split")
    rows: list[dict[str, Any]] = found.to_arrow_table().to_pylist()
    return rows


def _read(predictions: DuckDBPyRelation, model: dict[str, Any]) -> pa.Table:
    """Read the predictions of one model in one split, segments among them."""
    rows = predictions
    for name in ("task", "model_id", "split"):
        rows = rows.filter(ColumnExpression(name) == ConstantExpression(model[name]))
    return rows.project("customer_id, as_of, predicted, outcome, segment").to_arrow_table()


def _of_model(model: dict[str, Any], metrics: pa.Table, settings: float) -> pa.Table:
    """Put the model beside its metrics, and the settings among them."""
    stamp = pa.Table.from_pylist(
        [{"metric": "settings", "value": float(settings)}], schema=METRICS_SCHEMA
    )
    table = pa.concat_tables([metrics, stamp])
    for position, name in enumerate(("model_id", "task", "split")):
        table = table.add_column(position, name, pa.repeat(model[name], table.num_rows))
    return table.cast(EVALUATIONS_SCHEMA)


def _is_due(model: dict[str, Any], settings: float, known: dict[str, float] | None) -> bool:
    """Tell whether a model has to be measured."""
    mean = model["mean_outcome"]
    before = {} if known is None else known
    former = before.get("base_rate", before.get("mean_label"))
    if before.get("settings") != settings or before.get("row_count") != model["row_count"]:
        return True
    return former is None or mean is None or abs(former - mean) > 1e-9 * max(abs(mean), 1.0)


def _known(former: pa.Table) -> dict[tuple[str, str], dict[str, float]]:
    """Give the figures of former builds over all rows, by model and split."""
    told = pa.array(["row_count", "base_rate", "mean_label", "settings"])
    is_wanted = pc.and_(
        pc.and_(pc.is_null(former["as_of"]), pc.is_null(former["segment"])),
        pc.is_in(former["metric"], value_set=told),
    )
    known: dict[tuple[str, str], dict[str, float]] = {}
    for row in former.filter(is_wanted).to_pylist():
        known.setdefault((row["model_id"], row["split"]), {})[row["metric"]] = row["value"]
    return known


def _read_former(session: Any, name: RelationName) -> pa.Table:
    """Read the evaluations of former builds; none at the first build, and none after a reset."""
    relation = find_registry(session, name)
    if relation is None or is_reset(session):
        return EVALUATIONS_SCHEMA.empty_table()
    former = session.sql(f"select * from {relation}")  # noqa: S608 - find_registry quotes it
    # by name: a table of a former version may lack a column, or have another
    listed = ", ".join(
        quoted(column) if column in former.columns else f"null as {quoted(column)}"
        for column in EVALUATIONS_SCHEMA.names
    )
    return former.project(listed).to_arrow_table().cast(EVALUATIONS_SCHEMA)
