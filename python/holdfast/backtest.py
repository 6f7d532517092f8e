"""Replaying the past: what the models would have said at each date, beside what came."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast import measuring, terminal
from holdfast.errors import HoldfastError
from holdfast.project import Project
from holdfast.quoting import quoted

if TYPE_CHECKING:
    from holdfast.training import TrainingSettings

__all__ = [
    "BACKTEST_OF_VALUES_SCHEMA",
    "BACKTEST_SCHEMA",
    "BacktestError",
    "backtest",
    "backtest_project",
    "check_output",
    "describe_backtest",
    "write_table",
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

# what is told of each date, under which heading
_SHOWN = {"auroc": "AUROC", "baseline_auroc": "recency", "log_loss": "log loss"}
_SHOWN_OF_VALUES = {
    "rmse": "RMSE",
    "baseline_rmse": "one feature",
    "r2": "R2",
    "gini": "Gini",
    "baseline_gini": "one feature",
}

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
        As `holdfast.training.TrainingSettings` has them; when to train is left aside.
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
    from holdfast.training import TrainingSettings

    if last < 1:
        raise BacktestError(f"the number of dates to replay must be 1 or more; got {last}")
    kept = {name: value for name, value in (settings or {}).items() if name not in _OF_THE_BUILD}
    checked = TrainingSettings.from_mapping(kept)
    label = quoted(checked.label)
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
    is_numeric = checked.target == "regression"
    schema = BACKTEST_OF_VALUES_SCHEMA if is_numeric else BACKTEST_SCHEMA
    return pa.Table.from_pylist(rows, schema=schema)


def backtest_project(project: Project, *, task: str = "churn", last: int = 6) -> pa.Table:
    """Replay the past of a task of a dbt project that has been built.

    Parameters
    ----------
    project
        The project, as `holdfast.project.open_project` gives it.
    task
        The task; its models are named `<task>_model` and `<task>_training_set`.
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
    holdfast.project.ProjectError
        The warehouse cannot be read.

    Examples
    --------
    >>> from holdfast.project import open_project
    >>> backtest_project(open_project(Path("shop")), last=3)  # doctest: +SKIP
    """
    model = _node(project, f"{task}_model")
    training_set = _node(project, f"{task}_training_set")["relation_name"]
    settings = {"task": task, **(model["config"].get("meta") or {}).get("training", {})}
    with project.connect() as connection:
        try:
            return backtest(connection, training_set, settings, last=last)
        except duckdb.CatalogException as error:
            raise BacktestError(
                f"{project.warehouse} does not hold what the last dbt command built; run "
                f"`dbt build` for this target ({str(error).splitlines()[0]})"
            ) from None


def describe_backtest(figures: pa.Table) -> str:
    """Tell the figures of a replay in a table.

    Parameters
    ----------
    figures
        What `backtest` returned.

    Returns
    -------
    str
        A line per date.

    Examples
    --------
    >>> print(describe_backtest(BACKTEST_SCHEMA.empty_table()).splitlines()[0])
      as of  rows  observed  predicted  AUROC  recency  log loss  model
    """
    is_numeric = "rmse" in figures.column_names
    observed, predicted = (
        ("mean_label", "mean_prediction") if is_numeric else ("base_rate", "mean_probability")
    )
    shown = _SHOWN_OF_VALUES if is_numeric else _SHOWN
    lines = [("as of", "rows", "observed", "predicted", *shown.values(), "model")]
    for row in figures.to_pylist():
        means = (row[observed], row[predicted])
        lines.append(
            (
                f"{row['as_of']:%Y-%m-%d}",
                f"{row['row_count']:,}",
                *(terminal.number(m, 2) if is_numeric else terminal.percent(m) for m in means),
                *(terminal.number(row[name], 3) for name in shown),
                row["algorithm"] or row["status"],
            )
        )
    return terminal.table(lines, right=range(1, 4 + len(shown)))


def check_output(path: Path) -> None:
    """Refuse a file that `write_table` could not write, before the work is done.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    BacktestError
        The name ends neither in .csv nor in .parquet, or the folder is not there.

    Examples
    --------
    >>> check_output(Path("figures.xlsx"))
    Traceback (most recent call last):
    ...
    holdfast.backtest.BacktestError: figures.xlsx must end in .csv or .parquet
    """
    if path.suffix not in (".csv", ".parquet"):
        raise BacktestError(f"{path} must end in .csv or .parquet")
    if not path.parent.is_dir():
        raise BacktestError(f"there is no folder {path.parent}; make it first")


def write_table(table: pa.Table, path: Path) -> None:
    """Write figures as CSV or Parquet, by the ending of the file's name.

    Parameters
    ----------
    table
        What `backtest` returned.
    path
        The file; one that is there is replaced.

    Raises
    ------
    BacktestError
        As `check_output`.

    Examples
    --------
    >>> write_table(pa.table({"auroc": [0.8]}), Path("figures.csv"))  # doctest: +SKIP
    """
    from pyarrow import csv, parquet

    check_output(path)
    writers = {".csv": csv.write_csv, ".parquet": parquet.write_table}
    writers[path.suffix](table, path)


def _replay(
    session: Any,
    training_set: str,
    settings: Mapping[str, Any],
    checked: TrainingSettings,
    as_of: Any,
) -> dict[str, Any]:
    """Train on what was known at one date, and score its rows."""
    from holdfast.training import train

    label, is_numeric = quoted(checked.label), checked.target == "regression"
    moment = f"timestamp '{as_of:%Y-%m-%d %H:%M:%S.%f}'"
    known = (
        f"(select * from {training_set} "  # noqa: S608 - the caller quotes the table
        f"where cast(as_of as timestamp) + interval {checked.gap_days} day <= {moment})"
    )
    rows = f"{training_set} where cast(as_of as timestamp) = {moment} and {label} is not null"
    outcome = f"cast({label} as {'double' if is_numeric else 'integer'})"
    outcomes = f"select {outcome} from {rows} order by customer_id"  # noqa: S608
    y = session.sql(outcomes).to_arrow_table().column(0).to_numpy()
    row: dict[str, Any] = {
        "as_of": as_of,
        "status": "not_enough_history",
        "row_count": len(y),
        "mean_label" if is_numeric else "base_rate": float(y.mean()),
    }
    models = train(session, known, None, {**settings, "as_of_date": as_of.date()}).to_pylist()
    champion = next((model for model in models if model["stage"] == "champion"), None)
    if champion is None:
        return row
    given = _predict(session, rows, champion)
    name = _BASELINES[checked.target]
    baseline = next((model for model in models if model["algorithm"] == name), None)
    simple = None if baseline is None else _predict(session, rows, baseline)
    return {
        **row,
        "status": "scored",
        **(_of_values if is_numeric else _of_probabilities)(y, given, simple),
        **{name: champion[name] for name in ("algorithm", "training_to")},
        "training_row_count": champion["row_count"],
    }


def _predict(session: Any, rows: str, model: Mapping[str, Any]) -> NDArray[np.float64]:
    """Score rows with the very file that was registered."""
    from holdfast.scoring import OnnxModel

    stored = OnnxModel.from_bytes(model["onnx"], model["onnx_sha256"])
    listed = ", ".join(f"cast({quoted(name)} as float)" for name in stored.feature_names)
    table = session.sql(f"select {listed} from {rows} order by customer_id").to_arrow_table()  # noqa: S608
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


def _node(project: Project, name: str) -> dict[str, Any]:
    """Give the node of a model by its name, in whatever package."""
    nodes: list[dict[str, Any]] = [
        node
        for node in project.manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"] == name
    ]
    if len(nodes) != 1:
        tasks = sorted(
            node["name"].removesuffix("_training_set")
            for node in project.manifest["nodes"].values()
            if node["resource_type"] == "model" and node["name"].endswith("_training_set")
        )
        raise BacktestError(
            f"the project in {project.directory} has {len(nodes)} models named {name!r}; it has "
            f"the tasks {', '.join(tasks) or 'none'}"
        )
    return nodes[0]
