"""Several forecasts of the same numbers, measured on the same rows: which one is to be used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.measuring._evaluate import evaluate_values

__all__ = ["COMPARISON_SCHEMA", "compare_forecasts"]

COMPARISON_SCHEMA = pa.schema(
    [
        ("task", pa.string()),
        ("algorithm", pa.string()),
        ("stage", pa.string()),
        ("split", pa.string()),
        ("as_of", pa.timestamp("us")),
        ("segment", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("lower", pa.float64()),
        ("upper", pa.float64()),
        ("row_count", pa.int64()),
    ]
)
_KEPT = ("gini", "mae", "rmse", "mean_label", "mean_prediction")
# What two models are compared by: the order of customers, the error of one, the sum of all.
_JUDGED_BY = ("gini", "mae", "total_error")


def compare_forecasts(predictions: pa.Table) -> pa.Table:
    """Measure what several models expected of the same customers, and say which is in use.

    The model in use is the one that is better than each other in two of three, which are what the
    figures are used for: the normalised Gini coefficient (whom to choose), the mean absolute error
    (what to expect of one), and the absolute error of the total (what to plan with). Where none is,
    the lower squared error decides; alone it would not do, since a few large customers make it.

    Parameters
    ----------
    predictions
        ``task``, ``algorithm``, ``customer_id``, ``as_of``, ``predicted`` (at the recalibrated
        level), ``predicted_raw``, ``lower`` and ``upper`` (the bounds of an interval, NULL where
        there is none) and ``outcome``. All algorithms of a task have the same rows.

    Returns
    -------
    pyarrow.Table
        Of the schema `COMPARISON_SCHEMA`, for all dates together (``as_of`` NULL) and for each:
        gini, mae, rmse, mean_label and mean_prediction with 95 % intervals where there are any,
        total_error and total_error_raw (predicted total / actual total - 1), and coverage_80 (the
        share of outcomes within the bounds). ``stage`` is in_use or candidate.

    Examples
    --------
    >>> import datetime as dt
    >>> predictions = pa.table({
    ...     "task": ["spend"] * 4,
    ...     "algorithm": ["a", "a", "b", "b"],
    ...     "customer_id": [1, 2, 1, 2],
    ...     "as_of": [dt.datetime(2026, 1, 1)] * 4,
    ...     "predicted": [10.0, 20.0, 14.0, 14.0],
    ...     "predicted_raw": [10.0, 20.0, 28.0, 28.0],
    ...     "lower": [5.0, 10.0, None, None],
    ...     "upper": [15.0, 30.0, None, None],
    ...     "outcome": [12.0, 16.0, 12.0, 16.0],
    ... })
    >>> found = compare_forecasts(predictions).to_pylist()
    >>> {row["algorithm"]: row["stage"] for row in found}
    {'a': 'candidate', 'b': 'in_use'}
    """
    rows: list[dict[str, Any]] = []
    for task in sorted(pc.unique(predictions["task"]).to_pylist()):
        of_task = predictions.filter(pc.equal(predictions["task"], task))
        measured = {
            algorithm: _measure(of_task.filter(pc.equal(of_task["algorithm"], algorithm)))
            for algorithm in sorted(pc.unique(of_task["algorithm"]).to_pylist())
        }
        chosen = _chosen(
            {
                algorithm: {row["metric"]: row["value"] for row in found if row["as_of"] is None}
                for algorithm, found in measured.items()
            }
        )
        for algorithm, found in measured.items():
            stage = "in_use" if algorithm == chosen else "candidate"
            noted = {"task": task, "algorithm": algorithm, "stage": stage, "split": "test"}
            rows += [{**noted, "segment": None, **row} for row in found]
    return pa.Table.from_pylist(rows, COMPARISON_SCHEMA)


def _measure(rows: pa.Table) -> list[dict[str, Any]]:
    """Give the metrics of one model, as rows without its name."""
    plain = rows.select(["customer_id", "as_of", "outcome"])
    given = evaluate_values(plain.append_column("predicted_value", rows["predicted"])).to_pylist()
    columns = {
        name: rows[name].cast(pa.float64()).to_numpy()
        for name in ("predicted", "predicted_raw", "lower", "upper", "outcome")
    }
    as_of = rows["as_of"].cast(pa.timestamp("us")).to_numpy()
    found = []
    for date in [None, *np.unique(as_of)]:
        at = np.ones(len(as_of), bool) if date is None else as_of == date
        moment = None if date is None else date.item()
        metrics = [
            {name: row[name] for name in ("metric", "value", "lower", "upper")}
            for row in given
            if row["as_of"] == moment and row["segment"] is None and row["metric"] in _KEPT
        ]
        of_date = {name: values[at] for name, values in columns.items()}
        # exact sums: the warehouse gives the rows in any order
        total = math.fsum(of_date["outcome"])
        for name, predicted in (("total_error", "predicted"), ("total_error_raw", "predicted_raw")):
            error = math.fsum(of_date[predicted]) / total - 1.0 if total > 0.0 else None
            metrics.append({"metric": name, "value": error})
        known = np.isfinite(of_date["lower"]) & np.isfinite(of_date["upper"])
        if known.any():
            held = (of_date["lower"] <= of_date["outcome"]) & (
                of_date["outcome"] <= of_date["upper"]
            )
            metrics.append({"metric": "coverage_80", "value": float(held[known].mean())})
        found += [{"as_of": moment, "row_count": int(at.sum()), **each} for each in metrics]
    return found


def _chosen(figures: Mapping[str, Mapping[str, float | None]]) -> str:
    """Name the model that is better than each other in most of what they are judged by."""

    def is_better(one: str, other: str) -> bool:
        known = [
            # a higher gini is better, of the others less
            (-mine, -theirs) if metric == "gini" else (abs(mine), abs(theirs))
            for metric in _JUDGED_BY
            if (mine := figures[one][metric]) is not None
            and (theirs := figures[other][metric]) is not None
        ]
        wins = sum(mine < theirs for mine, theirs in known)
        return wins > sum(mine > theirs for mine, theirs in known)

    for one in figures:
        if all(is_better(one, other) for other in figures if other != one):
            return one
    return min(figures, key=lambda each: figures[each]["rmse"] or 0.0)
