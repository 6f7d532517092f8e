"""How good predicted numbers are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.measuring._bootstrap import drawn, intervals
from holdfast.measuring._ranks import BINS, TENTHS, Doubles, Ties, find_ties, parts, ratio
from holdfast.measuring._rows import Metrics, Rows, add_tenths, defined

__all__ = ["gini", "mae", "measure_values", "r2", "rmse"]


def rmse(outcome: NDArray[Any], predicted: Doubles) -> float:
    """Give the root of the mean squared error."""
    return math.sqrt(np.mean(np.square(predicted - outcome)))


def mae(outcome: NDArray[Any], predicted: Doubles) -> float:
    """Give the mean absolute error."""
    return float(np.mean(np.abs(predicted - outcome)))


def r2(outcome: NDArray[Any], predicted: Doubles) -> float | None:
    """Give the share of the outcomes' variance that is explained; None where they are equal."""
    return defined(_r2(outcome, predicted, outcome - outcome.mean()))


def gini(outcome: NDArray[Any], predicted: Doubles) -> float | None:
    """Give the normalised Gini coefficient of a ranking by predicted values.

    It is the covariance of the outcome with its rank among the predictions, in units of that with
    its rank among the outcomes (Lerman & Yitzhaki 1984): 1 is the order of what came, 0 is chance.
    Equal values share their mean rank. None where all outcomes are equal.

    Examples
    --------
    >>> gini(np.array([3.0, 1.0, 2.0]), np.array([9.0, 4.0, 5.0]))
    1.0
    """
    order = np.argsort(-predicted, kind="stable")
    deviation = outcome - outcome.mean()
    by_outcome = _ties_by_outcome(outcome, deviation)
    return defined(_gini(find_ties(predicted[order], deviation[order]), by_outcome))


def _varies(outcome: NDArray[Any]) -> bool:
    """Tell whether outcomes differ; what is left of their deviations may be rounding."""
    return bool(outcome.max() > outcome.min())


def _r2(outcome: NDArray[Any], predicted: Doubles, deviation: Doubles) -> float:
    """As `r2`, with the deviations of the outcomes from their mean."""
    if not _varies(outcome):
        return math.nan
    error = predicted - outcome
    return float(1.0 - ratio(np.sum(error * error), np.sum(deviation * deviation)))


def _ties_by_outcome(outcome: NDArray[Any], deviation: Doubles) -> Ties:
    """Rank by what came: the best ranking that there is."""
    order = np.argsort(-outcome, kind="stable")
    return find_ties(outcome[order], deviation[order])


def _gini(by_prediction: Ties, by_outcome: Ties) -> float:
    """As `gini`, from ties with the sums of the outcomes' deviations."""
    if len(by_outcome.row_count) == 1:
        return math.nan
    # + 0.0: chance is 0, not -0
    return float(ratio(_covariance(by_prediction), _covariance(by_outcome))) + 0.0


def _covariance(ties: Ties) -> float:
    """Multiply deviations with the place of their group, from the middle of all."""
    middle = ties.row_count.sum() / 2.0
    return float(np.sum(ties.total * (ties.before + ties.row_count / 2.0 - middle)))


def measure_values(rows: Rows) -> Metrics:
    """Give all metrics of some rows, one at least, sorted from the highest prediction down."""
    predicted, outcome = rows.predicted, rows.outcome
    row_count = len(outcome)
    deviation = outcome - outcome.mean()
    by_prediction = find_ties(predicted, deviation)
    by_outcome = _ties_by_outcome(outcome, deviation)
    tenth = parts(np.arange(row_count), row_count, TENTHS)
    counts, totals, sums = (
        np.bincount(tenth, weights=values, minlength=TENTHS)
        for values in (None, outcome, predicted)
    )
    metrics = {
        "row_count": float(row_count),
        "mean_label": float(outcome.mean()),
        "mean_prediction": float(predicted.mean()),
        "rmse": rmse(outcome, predicted),
        "mae": mae(outcome, predicted),
        "r2": _r2(outcome, predicted, deviation),
        "gini": _gini(by_prediction, by_outcome),
    }
    total = float(outcome.sum())
    # a share of nothing, or of a loss, is none
    of_all = total if total > 0 else math.nan
    add_tenths(
        metrics, counts,
        predicted=ratio(sums, counts), observed=ratio(totals, counts),
        lift=ratio(ratio(totals, counts), of_all / row_count),
        gain=ratio(np.cumsum(totals), of_all),
    )  # fmt: skip
    replicates = _replicates(rows, deviation, tenth, by_prediction, by_outcome)
    measured: Metrics = {name: (value, math.nan, math.nan) for name, value in metrics.items()}
    for name, (undrawn, _, lower, upper) in intervals(replicates).items():
        if name in metrics:
            # fiftieths of the ranks cost some exactness, which is known
            moved = metrics[name] - undrawn
            measured[name] = (metrics[name], lower + moved, upper + moved)
    return measured


def _replicates(
    rows: Rows, deviation: Doubles, tenth: NDArray[np.int64], by_prediction: Ties, by_outcome: Ties
) -> dict[str, Doubles]:
    """Give the metrics that have intervals in each replicate, with ranks in fiftieths."""
    error = rows.predicted - rows.outcome
    table = drawn(
        rows.groups, tenth, TENTHS,
        [
            None, rows.outcome, rows.predicted, np.abs(error), error * error,
            deviation, deviation * deviation,
        ],
    )  # fmt: skip
    count, total, predicted, absolute, squares, off, off_squares = np.moveaxis(
        table.sum(axis=1), -1, 0
    )
    spread = off_squares - ratio(off * off, count)
    # a replicate of equal outcomes has a spread of nothing but rounding
    varies = spread > 1e-12 * off_squares
    best_order = np.argsort(-rows.outcome, kind="stable")
    ranking = ratio(
        _drawn_covariance(rows.groups, deviation, by_prediction),
        _drawn_covariance(rows.groups[best_order], deviation[best_order], by_outcome),
    )
    observed = ratio(table[..., 1], table[..., 0])
    mean = ratio(total, count)
    lift = ratio(observed, np.where(total > 0, mean, np.nan)[:, None])
    return {
        "mean_label": mean,
        "mean_prediction": ratio(predicted, count),
        "rmse": np.sqrt(ratio(squares, count)),
        "mae": ratio(absolute, count),
        "r2": np.where(varies, 1.0 - ratio(squares, spread), np.nan),
        "gini": np.where(varies, ranking, np.nan),
        **{f"observed_decile_{k + 1}": observed[:, k] for k in range(TENTHS)},
        **{f"lift_decile_{k + 1}": lift[:, k] for k in range(TENTHS)},
    }


def _drawn_covariance(groups: NDArray[np.int16], deviation: Doubles, ties: Ties) -> Doubles:
    """As `_covariance` in each replicate; equal values share their fiftieth."""
    bins = np.repeat(parts(ties.before, len(groups), BINS), ties.row_count)
    table = drawn(groups, bins, BINS, [None, deviation])
    count, off = table[..., 0], table[..., 1]
    middle = np.cumsum(count, axis=1) - count / 2.0
    covariance: Doubles = np.sum(off * (middle - count.sum(axis=1, keepdims=True) / 2.0), axis=1)
    return covariance
