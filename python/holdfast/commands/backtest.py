"""`holdfast backtest`: what the models would have said at past dates, beside what came."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast import terminal
from holdfast.commands._options import add_project, add_task, project_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "EXAMPLE",
    "HELP",
    "add_arguments",
    "check_output",
    "describe_backtest",
    "run",
    "write_table",
]

HELP = "train as of past dates on what was known then, and compare with the actual outcomes"
EXAMPLE = "holdfast backtest --last 3 --output figures.csv"

# what is told of each date, under which heading
_SHOWN = {"auroc": "AUROC", "baseline_auroc": "recency", "log_loss": "log loss"}
_SHOWN_OF_VALUES = {
    "rmse": "RMSE",
    "baseline_rmse": "one feature",
    "r2": "R2",
    "gini": "Gini",
    "baseline_gini": "one feature",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command can be told."""
    add_project(parser)
    add_task(parser)
    parser.add_argument(
        "--last", type=int, default=6, help="how many observation dates to replay (default: 6)"
    )
    parser.add_argument(
        "--output", type=Path, help="also write the figures to this .csv or .parquet file"
    )


def run(options: argparse.Namespace) -> None:
    """Replay the past, print the figures, and write them where that was asked."""
    from holdfast.training import backtest_project

    if options.output is not None:
        check_output(options.output)
    # each date is a training run; only its warnings are of interest
    training = logging.getLogger("holdfast.training")
    level = training.level
    training.setLevel(logging.WARNING)
    try:
        figures = backtest_project(project_of(options), task=options.task, last=options.last)
    finally:
        training.setLevel(level)
    print(describe_backtest(figures), flush=True)
    if options.output is not None:
        write_table(figures, options.output)


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
    >>> from holdfast.training import BACKTEST_SCHEMA
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
    holdfast.training._backtest.BacktestError: figures.xlsx must end in .csv or .parquet
    """
    from holdfast.training import BacktestError

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
    >>> import pyarrow as pa
    >>> write_table(pa.table({"auroc": [0.8]}), Path("figures.csv"))  # doctest: +SKIP
    """
    from pyarrow import csv, parquet

    check_output(path)
    writers = {".csv": csv.write_csv, ".parquet": parquet.write_table}
    writers[path.suffix](table, path)
