"""Predictions as arrays, read from Arrow and sorted; and what is measured of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from holdfast.measuring._bootstrap import groups_of
from holdfast.measuring._errors import MeasuringError
from holdfast.measuring._ranks import TENTHS, Doubles

__all__ = ["Metrics", "Rows", "Slice", "add_tenths", "defined", "read_slices"]

# value, and lower and upper end of its interval; NaN where there is none
Metrics: TypeAlias = dict[str, tuple[float, float, float]]


@dataclass(frozen=True)
class Rows:
    """Predictions from the highest to the lowest; of equal ones the lower customer comes first.

    Parameters
    ----------
    predicted, outcome
        What was predicted, and what came.
    groups
        The group that each row's customer is drawn with.
    dates
        The observation date, by its number.
    """

    predicted: Doubles
    outcome: Doubles
    groups: NDArray[np.int16]
    dates: NDArray[np.int16]

    def __getitem__(self, chosen: NDArray[np.bool_]) -> Rows:
        """Give some of the rows, in the same order."""
        return Rows(*(values[chosen] for values in vars(self).values()))


@dataclass(frozen=True)
class Slice:
    """Rows that are measured together: all, those of a date, or those of a segment."""

    segment: str | None
    as_of: Any
    rows: Rows


def defined(value: float) -> float | None:
    """Give None for what is not defined."""
    return None if math.isnan(value) else value


def add_tenths(metrics: dict[str, float], counts: NDArray[Any], **columns: Doubles) -> None:
    """Add the metrics of each tenth that has rows."""
    for number in range(TENTHS):
        if counts[number]:
            metrics[f"row_count_decile_{number + 1}"] = float(counts[number])
            for name, values in columns.items():
                metrics[f"{name}_decile_{number + 1}"] = float(values[number])


def read_slices(predictions: pa.Table, *, is_numeric: bool) -> Iterator[Slice]:
    """Give what is measured together of predictions, once it is clear that all can be measured."""
    named = "predicted_value" if is_numeric else "probability"
    wanted = ["customer_id", "as_of", named, "outcome"]
    missing = [name for name in wanted if name not in predictions.column_names]
    if missing:
        raise MeasuringError(
            f"The predictions have no column {missing[0]!r}; they need {', '.join(wanted)}. "
            f"They have {', '.join(predictions.column_names)}."
        )
    if predictions.num_rows == 0:
        return
    predicted, outcome = _numbers(predictions, named), _numbers(predictions, "outcome")
    if not is_numeric:
        _check(predicted, named, (predicted >= 0) & (predicted <= 1), "from 0 to 1")
        _check(outcome, "outcome", (outcome == 0) | (outcome == 1), "0 or 1")
    customers, groups = _customers(predictions)
    dates, times = _coded(predictions["as_of"].cast(pa.timestamp("us")), "as_of")
    # By the outcome first, for a task may have several rows of a customer and a date: the order in
    # which an engine gives the rows must not decide between equal predictions.
    order = np.argsort(outcome if is_numeric else outcome.astype(np.int8), kind="stable")
    order = order[np.argsort((customers * len(times) + dates)[order], kind="stable")]
    order = order[np.argsort(-predicted[order], kind="stable")]
    rows = Rows(predicted[order], outcome[order], groups[customers[order]], dates[order])
    del predicted, outcome, customers, dates
    if "segment" in predictions.column_names:
        segments, names = _segments(predictions["segment"])
        segments = segments[order]
    else:
        segments, names = np.full(len(order), -1), []
    del order
    everybody = rows if not names else rows[segments < 0]
    if len(everybody.outcome):
        yield Slice(None, None, everybody)
    for number, time in enumerate(times):
        here = everybody.dates == number
        if here.any():
            yield Slice(None, time, everybody[here])
    for number, name in enumerate(names):
        yield Slice(name, None, rows[segments == number])


def _numbers(predictions: pa.Table, name: str) -> Doubles:
    """Give a column as numbers, all of which are there."""
    column = predictions[name]
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    values: Doubles = column.cast(pa.float64()).to_numpy()
    _check(values, name, np.isfinite(values), "a finite number")
    return values


def _check(values: Doubles, name: str, is_right: NDArray[np.bool_], allowed: str) -> None:
    """Refuse a column of which a value is not what it must be."""
    if not is_right.all():
        wrong = values[~is_right]
        raise MeasuringError(
            f"The column {name!r} must be {allowed} in every row; {len(wrong):,} of "
            f"{len(values):,} are not, such as {'NULL or NaN' if np.isnan(wrong[0]) else wrong[0]}."
            " Leave out rows whose outcome is not known."
        )


def _coded(column: pa.ChunkedArray, name: str) -> tuple[NDArray[np.int16], list[Any]]:
    """Give the number of each value among the values in order, and these."""
    if column.null_count:
        raise MeasuringError(f"The column {name!r} is NULL in {column.null_count:,} rows.")
    codes, values = _ranked(column)
    if len(values) > np.iinfo(np.int16).max:
        raise MeasuringError(
            f"The column {name!r} has {len(values):,} values, too many to measure."
        )
    return codes.astype(np.int16), values.to_pylist()


def _customers(predictions: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    """Give the number of each row's customer in the order of ids, and the group of each number."""
    column = predictions["customer_id"]
    if column.null_count:
        raise MeasuringError(f"The column 'customer_id' is NULL in {column.null_count:,} rows.")
    codes, customers = _ranked(column)
    return codes, groups_of(customers)


def _ranked(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.Array]:
    """Give the rank of each value among the distinct ones, from 0, and these in order."""
    encoded = pc.dictionary_encode(column).combine_chunks()
    order = pc.sort_indices(encoded.dictionary)
    rank = np.empty(len(order), np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    return rank[encoded.indices.to_numpy()], encoded.dictionary.take(order)


def _segments(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """Give the number of each row's segment, -1 for everybody, and the segments."""
    encoded = pc.dictionary_encode(column.cast(pa.string())).combine_chunks()
    return pc.fill_null(
        encoded.indices.cast(pa.int64()), -1
    ).to_numpy(), encoded.dictionary.to_pylist()
