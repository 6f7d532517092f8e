"""Replaying the past: what the models would have said at each date, beside what came."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast import measuring
from holdfast.errors import HoldfastError
from holdfast.registry import RegisteredModel, champion_of
from holdfast.tasks import TaskSettings
from holdfast.training._train import train
from holdfast.warehouse.project import Project
from holdfast.warehouse.quoting import quoted

__all__ = [
    "BACKTEST_OF_VALUES_SCHEMA",
    "BACKTEST_SCHEMA",
    "BacktestError",
    "backtest",
    "backtest_project",
]

logger = logging.getLogger("holdfast.backtest")

BACKTEST_SCHEMA = pa.schema(
    [
        ("as_of", pa.timestamp("us")),
        ("status", pa.string()),
        ("row_count", pa.int64()),
        ("base_rate", pa.float64()),
        ("mean_probability", pa.float64()),
        ("auroc", pa.float64()),
        ("log_loss", pa.float64()),
        ("baseline_auroc", pa.float64()),
        ("algorithm", pa.string()),
        ("training_row_count", pa.int64()),
        ("training_to", pa.timestamp("us")),
    ]
)

# the same where a number is predicted
BACKTEST_OF_VALUES_SCHEMA = pa.schema(
    [
        ("as_of", pa.timestamp("us")),
        ("status", pa.string()),
        ("row_count", pa.int64()),
        ("mean_label", pa.float64()),
        ("mean_prediction", pa.float64()),
        ("rmse", pa.float64()),
        ("mae", pa.float64()),
        ("r2", pa.float64()),
        ("gini", pa.float64()),
        ("baseline_rmse", pa.float64()),
        ("baseline_gini", pa.float64()),
        ("algorithm", pa.string()),
        ("training_row_count", pa.int64()),
        ("training_to", pa.timestamp("us")),
    ]
)

# the model of one feature
_BASELINES = {"classification": "days_since_last_order", "regression": "one_feature"}
# what decides whether a build trains; a replay always does, and has no former models
_OF_THE_BUILD = ("as_of_date", "retrain", "retrain_after_days", "reset")


class BacktestError(HoldfastError):
    """The past of a task cannot be replayed as asked."""


def backtest(
    session: Any,
    training_set: str,
    settings: Mapping[str, Any] | None = None,
    *,
    last: int = 6,
) -> pa.Table:
    """Train at each of the last dates on what was known then, and compare with what came.

    For an observation date t, the models learn from the rows whose label was known at t, that is
    from as_of's that lie at least lead plus horizon days before it; the one that becomes champion
    scores the rows of t. This is a walk-forward evaluation with an expanding window (Tashman
    2000, "Out-of-sample tests of forecasting accuracy").

    Parameters
    ----------
    session
        DuckDB connection, which may be read-only. It is neither closed nor changed.
    training_set
        Quoted name of a table, or a query in brackets: ``customer_id``, ``as_of``, the label and
        the features, as `holdfast.training.train` takes it.
    settings
        As `holdfast.tasks.TaskSettings.from_mapping` takes them; when to train is left aside.
    last
        How many observation dates to replay, the latest whose labels are known.

    Returns
    -------
    pyarrow.Table
        One row per date, the oldest first, of the schema `BACKTEST_SCHEMA`, or of
        `BACKTEST_OF_VALUES_SCHEMA` where the task predicts a number. The status is ``scored``, or
        ``not_enough_history`` where no model could be trained on what was known then; the figures
        of the model are NULL there. AUROC, R² and Gini are NULL where all rows came out alike.

    Raises
    ------
    BacktestError
        `last` is less than 1, or no row has a label.
    holdfast.training.TrainingError
        A setting or a column must be put right first.

    Examples
    --------
    >>> import duckdb
    >>> table = backtest(duckdb.connect(), '''(
    ...     select customer_id, timestamp '2024-01-01' + to_months(month::integer) as as_of,
    ...         hash(customer_id, month) % 400 < customer_id as churned,
    ...         customer_id::float as days_since_order
    ...     from range(300) as c(customer_id), range(12) as m(month)
    ... )''', last=2)
    >>> table["status"].to_pylist()
    ['scored', 'scored']
    """
    if last < 1:
        raise BacktestError(f"the number of dates to replay must be 1 or more; got {last}")
    kept = {name: value for name, value in (settings or {}).items() if name not in _OF_THE_BUILD}
    checked = TaskSettings.from_mapping(kept)
    label = quoted(checked.task.label)
    dates = session.execute(
        f"""
        select distinct cast(as_of as timestamp) as as_of
        from {training_set}
        where {label} is not null
        order by as_of desc
        limit {int(last)}
        """  # noqa: S608 - the caller quotes the table
    ).fetchall()
    if not dates:
        raise BacktestError(
            "the training set has no row with a known label; more history or a shorter horizon "
            "would help"
        )
    rows = []
    for number, (as_of,) in enumerate(reversed(dates), start=1):
        logger.info("Replaying %s (%d of %d).", f"{as_of:%Y-%m-%d}", number, len(dates))
        rows.append(_replay(session, training_set, kept, checked, as_of))
    is_numeric = checked.task.target == "regression"
    schema = BACKTEST_OF_VALUES_SCHEMA if is_numeric else BACKTEST_SCHEMA
    return pa.Table.from_pylist(rows, schema=schema)


def backtest_project(project: Project, *, task: str = "churn", last: int = 6) -> pa.Table:
    """Replay the past of a task of a dbt project that has been built.

    Parameters
    ----------
    project
        The project, as `holdfast.warehouse.project.open_project` gives it.
    task
        The task; it is declared in the var `holdfast_tasks`.
    last
        As for `backtest`.

    Returns
    -------
    pyarrow.Table
        As `backtest`.

    Raises
    ------
    BacktestError
        The project has no such task, or it cannot be replayed.
    holdfast.warehouse.project.ProjectError
        The warehouse cannot be read.

    Examples
    --------
    >>> from holdfast.warehouse.project import open_project
    >>> backtest_project(open_project(Path("shop")), last=3)  # doctest: +SKIP
    """
    settings = _settings(project, task)
    training_set = project.node(f"{task}_training_set")["relation_name"]
    with project.connect() as connection:
        try:
            return backtest(connection, training_set, settings, last=last)
        except duckdb.CatalogException as error:
            raise BacktestError(
                f"{project.warehouse} does not hold what the last dbt command built; run "
                f"`dbt build` for this target ({str(error).splitlines()[0]})"
            ) from None


def _replay(
    session: Any,
    training_set: str,
    settings: Mapping[str, Any],
    checked: TaskSettings,
    as_of: Any,
) -> dict[str, Any]:
    """Train on what was known at one date, and score its rows."""
    label, is_numeric = quoted(checked.task.label), checked.task.target == "regression"
    moment = f"timestamp '{as_of:%Y-%m-%d %H:%M:%S.%f}'"
    known = (
        f"(select * from {training_set} "  # noqa: S608 - the caller quotes the table
        f"where cast(as_of as timestamp) + interval {checked.task.gap_days} day <= {moment})"
    )
    rows = f"{training_set} where cast(as_of as timestamp) = {moment} and {label} is not null"
    outcome = f"cast({label} as {'double' if is_numeric else 'integer'})"
    outcomes = f"select {outcome} from {rows} order by {_order(checked)}"  # noqa: S608
    y = session.sql(outcomes).to_arrow_table().column(0).to_numpy()
    row: dict[str, Any] = {
        "as_of": as_of,
        "status": "not_enough_history",
        "row_count": len(y),
        "mean_label" if is_numeric else "base_rate": float(y.mean()),
    }
    trained = train(session, known, None, {**settings, "as_of_date": as_of.date()})
    models = [RegisteredModel.from_row(row) for row in trained.to_pylist()]
    champion = champion_of(models, checked.task.name)
    if champion is None:
        return row
    given = _predict(session, rows, champion, checked)
    name = _BASELINES[checked.task.target]
    baseline = next((model for model in models if model.algorithm == name), None)
    simple = None if baseline is None else _predict(session, rows, baseline, checked)
    return {
        **row,
        "status": "scored",
        **(_of_values if is_numeric else _of_probabilities)(y, given, simple),
        "algorithm": champion.algorithm,
        "training_to": champion.training_to,
        "training_row_count": champion.row_count,
    }


def _order(checked: TaskSettings) -> str:
    """Give the columns that put the rows of a date in one order."""
    return ", ".join(quoted(name) for name in checked.task.entity)


def _predict(
    session: Any, rows: str, model: RegisteredModel, checked: TaskSettings
) -> NDArray[np.float64]:
    """Score rows with the very file that was registered."""
    from holdfast.scoring import OnnxModel

    assert model.onnx is not None  # it was trained a moment ago
    stored = OnnxModel.from_bytes(model.onnx, model.onnx_sha256)
    listed = ", ".join(f"cast({quoted(name)} as float)" for name in stored.feature_names)
    query = f"select {listed} from {rows} order by {_order(checked)}"  # noqa: S608
    table = session.sql(query).to_arrow_table()
    features = np.column_stack([_floats(column) for column in table.columns])
    return stored.predict(features).astype(np.float64)


def _floats(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Give a column as numbers; what is NULL or infinite is missing, as in training."""
    values: NDArray[np.float32] = column.to_numpy().astype(np.float32)
    values[np.isinf(values)] = np.nan
    return values


def _of_probabilities(
    y: NDArray[Any], given: NDArray[np.float64], simple: NDArray[np.float64] | None
) -> dict[str, float | None]:
    """Measure probabilities, beside those of the baseline."""
    return {
        "mean_probability": float(given.mean()),
        "auroc": measuring.auroc(y, given),
        "log_loss": measuring.log_loss(y, given, measuring.MODEL_RESOLUTION),
        "baseline_auroc": None if simple is None else measuring.auroc(y, simple),
    }


def _of_values(
    y: NDArray[Any], given: NDArray[np.float64], simple: NDArray[np.float64] | None
) -> dict[str, float | None]:
    """Measure predicted numbers, beside those of the baseline."""
    return {
        "mean_prediction": float(given.mean()),
        "rmse": measuring.rmse(y, given),
        "mae": measuring.mae(y, given),
        "r2": measuring.r2(y, given),
        "gini": measuring.gini(y, given),
        "baseline_rmse": None if simple is None else measuring.rmse(y, simple),
        "baseline_gini": None if simple is None else measuring.gini(y, simple),
    }


def _settings(project: Project, task: str) -> dict[str, Any]:
    """Give the settings of a task's training, as the last dbt command rendered them."""
    tasks: dict[str, dict[str, Any]] = project.node("model_registry")["config"]["meta"]["tasks"]
    if task not in tasks:
        raise BacktestError(
            f"the project in {project.directory} has no task {task!r}; it has the tasks "
            f"{', '.join(tasks)}"
        )
    return tasks[task]
