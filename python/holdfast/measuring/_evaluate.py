"""Every metric of some predictions, one a row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.measuring._costs import Costs
from holdfast.measuring._probabilities import measure_probabilities
from holdfast.measuring._ranks import Doubles
from holdfast.measuring._rows import Metrics, Slice, read_slices
from holdfast.measuring._values import measure_values
from holdfast.threads import one_thread

__all__ = ["METRICS_SCHEMA", "evaluate", "evaluate_values"]

METRICS_SCHEMA = pa.schema(
    [
        ("as_of", pa.timestamp("us")),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("lower", pa.float64()),
        ("upper", pa.float64()),
        ("segment", pa.string()),
    ]
)


def evaluate(predictions: pa.Table, costs: Costs | None = None) -> pa.Table:
    """Measure the probabilities that one model gave.

    Parameters
    ----------
    predictions
        ``customer_id`` (whole numbers or text), ``as_of`` (timestamp), ``probability`` (0 to 1),
        ``outcome`` (0 or 1) and, where wanted, ``segment``: rows in which it is NULL are all rows,
        those of a segment come beside them. Other columns are left aside.
    costs
        What contacts cost and bring; without them the package's defaults.

    Returns
    -------
    pyarrow.Table
        A row per slice and metric, of the schema `METRICS_SCHEMA`: all rows (``as_of`` and
        ``segment`` NULL), each date, and each segment. A value is NULL where it is not defined,
        such as AUROC of one class, and ``lower`` and ``upper``, the ends of a 95 % bootstrap
        interval, where none is computed. docs/models.md defines the metrics. No rows give none.

    Raises
    ------
    MeasuringError
        A column is missing, or a value is NULL, NaN or out of its range.

    Examples
    --------
    >>> import datetime as dt
    >>> predictions = pa.table({
    ...     "customer_id": [1, 2, 3, 4],
    ...     "as_of": [dt.datetime(2026, 1, 1)] * 4,
    ...     "probability": [0.9, 0.6, 0.4, 0.1],
    ...     "outcome": [1, 0, 1, 0],
    ... })
    >>> metrics = {row["metric"]: row["value"] for row in evaluate(predictions).to_pylist()}
    >>> metrics["auroc"], metrics["base_rate"]
    (0.75, 0.5)
    """
    charged = costs or Costs()
    slices = read_slices(predictions, is_numeric=False)
    return _table((each, measure_probabilities(each.rows, charged)) for each in slices)


def evaluate_values(predictions: pa.Table) -> pa.Table:
    """Measure the numbers that one model predicted.

    Parameters
    ----------
    predictions
        As `evaluate` takes them, with ``predicted_value`` in place of ``probability``; ``outcome``
        is the number that came.

    Returns
    -------
    pyarrow.Table
        As of `evaluate`.

    Raises
    ------
    MeasuringError
        As of `evaluate`.

    Examples
    --------
    >>> import datetime as dt
    >>> predictions = pa.table({
    ...     "customer_id": ["a", "b"],
    ...     "as_of": [dt.datetime(2026, 1, 1)] * 2,
    ...     "predicted_value": [10.0, 20.0],
    ...     "outcome": [12.0, 16.0],
    ... })
    >>> metrics = {row["metric"]: row["value"] for row in evaluate_values(predictions).to_pylist()}
    >>> metrics["mae"], metrics["gini"]
    (3.0, 1.0)
    """
    slices = read_slices(predictions, is_numeric=True)
    return _table(((each, measure_values(each.rows)) for each in slices), relative=True)


def _table(measured: Iterable[tuple[Slice, Metrics]], *, relative: bool = False) -> pa.Table:
    """Lay metrics out in rows, rounded: a sum in another order ends differently."""
    names: list[str] = []
    slices: list[tuple[Any, str | None]] = []
    figures: list[tuple[float, float, float]] = []
    # the products of the bootstrap are small: threads would wait for each other
    with one_thread():
        for each, metrics in measured:
            names += metrics
            slices += [(each.as_of, each.segment)] * len(metrics)
            figures += metrics.values()
    rounded = _rounded(np.array(figures, np.float64).reshape(-1, 3), relative=relative)
    return pa.table(
        {
            "as_of": [as_of for as_of, _ in slices],
            "metric": names,
            **{
                name: pa.array(rounded[:, number], from_pandas=True)
                for number, name in enumerate(("value", "lower", "upper"))
            },
            "segment": [segment for _, segment in slices],
        },
        schema=METRICS_SCHEMA,
    )


def _rounded(values: Doubles, *, relative: bool) -> Doubles:
    """Round to twelve decimals, or where numbers may be large to twelve digits, halves up."""
    digits = np.full(values.shape, 12.0)
    if relative:
        size = np.where(np.isnan(values), 1.0, np.maximum(np.abs(values), 1.0))
        digits -= np.ceil(np.log10(size))
    power = 10.0 ** np.abs(digits)
    scaled = np.where(digits < 0, values / power, values * power)
    whole = np.trunc(scaled)
    whole += np.where(np.abs(scaled - whole) >= 0.5, np.sign(scaled), 0.0)
    rounded: Doubles = np.where(digits < 0, whole * power, whole / power)
    return rounded
