"""How good probabilities are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.measuring._bootstrap import drawn, intervals
from holdfast.measuring._costs import Costs
from holdfast.measuring._ranks import BINS, TENTHS, Doubles, Ties, find_ties, parts, ratio
from holdfast.measuring._rows import Metrics, Rows, add_tenths, defined

__all__ = [
    "MODEL_RESOLUTION",
    "auroc",
    "brier",
    "log_loss",
    "log_losses",
    "measure_probabilities",
]

# About the resolution of a float32 probability near one: what a model file can tell apart.
MODEL_RESOLUTION = 1e-7
_NEWTON_STEPS = 12


def log_losses(outcome: NDArray[Any], probability: Doubles, smallest: float = 1e-15) -> Doubles:
    """Give each row's negative log-likelihood in nats.

    Parameters
    ----------
    outcome
        0 or 1.
    probability
        From 0 to 1.
    smallest
        Probabilities are kept so far off 0 and 1; `MODEL_RESOLUTION` where models compete.
    """
    clipped = np.clip(probability, smallest, 1.0 - smallest)
    return -np.where(outcome == 1, np.log(clipped), np.log1p(-clipped))


def log_loss(outcome: NDArray[Any], probability: Doubles, smallest: float = 1e-15) -> float:
    """Give the mean of `log_losses`."""
    return float(np.mean(log_losses(outcome, probability, smallest)))


def brier(outcome: NDArray[Any], probability: Doubles) -> float:
    """Give the mean squared difference of probability and outcome."""
    return float(np.mean(np.square(probability - outcome)))


def auroc(outcome: NDArray[Any], probability: Doubles) -> float | None:
    """Give the probability that a row with outcome 1 has the higher prediction; ties count half.

    None where all outcomes are alike.

    Examples
    --------
    >>> auroc(np.array([1, 0, 1]), np.array([0.9, 0.5, 0.5]))
    0.75
    """
    order = np.argsort(-probability, kind="stable")
    return defined(_auroc(find_ties(probability[order], outcome[order].astype(np.float64))))


def _auroc(ties: Ties) -> float:
    """Count the pairs of unlike outcomes that are in the right order."""
    positives = ties.total.sum()
    negatives = ties.row_count.sum() - positives
    above = np.cumsum(ties.total)
    pairs = np.sum((ties.row_count - ties.total) * (above - ties.total / 2.0))
    return float(ratio(pairs, positives * negatives))


def _average_precision(ties: Ties) -> float:
    """Sum precision times the recall gained over the thresholds."""
    precision = np.cumsum(ties.total) / np.cumsum(ties.row_count)
    return float(ratio(np.sum(ties.total * precision), ties.total.sum()))


def _recalibration(ties: Ties) -> tuple[float, float]:
    """Give slope and intercept of a logistic regression of the outcome on the log-odds.

    By Newton's method from a slope of 0. NaN where all predictions are equal, and where a threshold
    separates the outcomes, which have no finite slope.
    """
    row_count, positives = ties.row_count.astype(np.float64), ties.total
    undefined = (math.nan, math.nan)
    if not 0 < positives.sum() < row_count.sum():
        return undefined
    clipped = np.clip(ties.predicted, 1e-15, 1.0 - 1e-15)
    log_odds = np.log(clipped / (1.0 - clipped))
    centre = float(row_count @ log_odds / row_count.sum())
    x = log_odds - centre
    intercept = math.log(positives.sum() / (row_count.sum() - positives.sum()))
    slope, step = 0.0, 1.0
    for _ in range(_NEWTON_STEPS):
        with np.errstate(over="ignore"):
            fitted = 1.0 / (1.0 + np.exp(-(intercept + slope * x)))
        residual = positives - row_count * fitted
        weight = row_count * fitted * (1.0 - fitted)
        weighted = weight * x
        h, hx, hxx = float(weight.sum()), float(weighted.sum()), float(weighted @ x)
        g, gx = float(residual.sum()), float(residual @ x)
        determinant = h * hxx - hx * hx
        # next to nothing where all probabilities are the same: no slope fits better than another
        if not determinant > 1e-9 * h * h:
            return undefined
        step = (h * gx - hx * g) / determinant
        intercept += (hxx * g - hx * gx) / determinant
        slope += step
        # the error of the next one would be the square of this
        if abs(step) < 1e-10 * max(abs(slope), 1.0):
            break
    if not abs(step) < 1e-9 * max(abs(slope), 1.0):
        return undefined
    return slope, intercept - slope * centre


def _maximum_profit(ties: Ties, costs: Costs) -> tuple[float, float]:
    """Give the best profit of a threshold per row, and the share of rows above it."""
    row_count = ties.row_count.sum()
    rows, positives = np.cumsum(ties.row_count), np.cumsum(ties.total)
    profit = (positives * costs.of_churner - (rows - positives) * costs.of_stayer) / row_count
    # of equal profits the one with the fewest contacts
    best = int(np.argmax(profit))
    if not profit[best] > 0:
        return 0.0, 0.0
    return float(profit[best]), float(rows[best] / row_count)


def _contacted(dates: NDArray[np.int16], costs: Costs) -> NDArray[np.bool_]:
    """Tell who is contacted: at each date those with the highest predictions."""
    by_date = np.argsort(dates, kind="stable")
    row_count = np.bincount(dates)
    first = np.cumsum(row_count) - row_count
    position = np.empty(len(dates), np.int64)
    position[by_date] = np.arange(len(dates)) - np.repeat(first, row_count)
    chosen: NDArray[np.bool_] = position < costs.contacts(row_count)[dates]
    return chosen


def measure_probabilities(rows: Rows, costs: Costs) -> Metrics:
    """Give all metrics of some rows, one at least, sorted from the highest probability down."""
    probability, outcome = rows.predicted, rows.outcome
    row_count = len(outcome)
    ties = find_ties(probability, outcome)
    loss = log_losses(outcome, probability)
    squared_error = np.square(probability - outcome)
    contacted = outcome[_contacted(rows.dates, costs)]
    earned = contacted.sum() * costs.of_churner - (1.0 - contacted).sum() * costs.of_stayer
    slope, intercept = _recalibration(ties)
    maximum_profit, maximum_share = _maximum_profit(ties, costs)

    tenth = parts(np.arange(row_count), row_count, TENTHS)
    counts, positives, predicted = (
        np.bincount(tenth, weights=values, minlength=TENTHS)
        for values in (None, outcome, probability)
    )
    calibration_error = float(np.sum(np.abs(positives - predicted)) / row_count)
    metrics = {
        "row_count": float(row_count),
        "base_rate": float(outcome.mean()),
        "mean_probability": float(probability.mean()),
        "auroc": _auroc(ties),
        "average_precision": _average_precision(ties),
        "log_loss": float(loss.mean()),
        "brier": float(squared_error.mean()),
        "expected_calibration_error": calibration_error,
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "precision_at_budget": float(contacted.mean()),
        "profit_at_budget": float(earned / row_count),
        "maximum_profit": maximum_profit,
        "maximum_profit_share": maximum_share,
    }
    rate = positives.sum() / row_count
    add_tenths(
        metrics, counts,
        predicted=ratio(predicted, counts), observed=ratio(positives, counts),
        lift=ratio(ratio(positives, counts), rate),
        gain=ratio(np.cumsum(positives), positives.sum()),
    )  # fmt: skip
    return _with_intervals(metrics, _replicates(rows, loss, squared_error))


def _replicates(rows: Rows, loss: Doubles, squared_error: Doubles) -> dict[str, Doubles]:
    """Give the metrics that have intervals in each replicate, with ranks in fiftieths."""
    row_count = len(loss)
    bins = parts(np.arange(row_count), row_count, BINS)
    table = drawn(
        rows.groups, bins, BINS, [None, rows.outcome, rows.predicted, loss, squared_error]
    )
    count, positives = table[..., 0], table[..., 1]
    above = np.cumsum(positives, axis=1)
    all_rows, all_positives, _, all_loss, all_squares = np.moveaxis(table.sum(axis=1), -1, 0)
    pairs = np.sum((count - positives) * (above - positives / 2.0), axis=1)
    precision = np.nan_to_num(ratio(above, np.cumsum(count, axis=1)))
    tenths = table.reshape(len(table), TENTHS, BINS // TENTHS, -1).sum(axis=2)
    distance = np.abs(tenths[..., 1] - tenths[..., 2]).sum(axis=1)
    observed = ratio(tenths[..., 1], tenths[..., 0])
    lift = ratio(observed, ratio(all_positives, all_rows)[:, None])
    return {
        "auroc": ratio(pairs, all_positives * (all_rows - all_positives)),
        "average_precision": ratio(np.sum(positives * precision, axis=1), all_positives),
        "log_loss": ratio(all_loss, all_rows),
        "brier": ratio(all_squares, all_rows),
        "expected_calibration_error": ratio(distance, all_rows),
        **{f"observed_decile_{k + 1}": observed[:, k] for k in range(TENTHS)},
        **{f"lift_decile_{k + 1}": lift[:, k] for k in range(TENTHS)},
    }


def _with_intervals(metrics: dict[str, float], replicates: dict[str, Doubles]) -> Metrics:
    """Put intervals beside the values, moved by what fiftieths of the ranks cost in exactness."""
    measured: Metrics = {name: (value, math.nan, math.nan) for name, value in metrics.items()}
    for name, (undrawn, mean, lower, upper) in intervals(replicates).items():
        if name not in metrics:
            continue
        value = metrics[name]
        if name == "expected_calibration_error":
            # a mean of distances: noise raises it in the rows, and in the replicates once more
            measured[name] = (value, max(0.0, 2.0 * value - upper), upper - (mean - value))
        else:
            measured[name] = (value, lower + (value - undrawn), upper + (value - undrawn))
    return measured
