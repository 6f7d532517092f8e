"""What held-out dates say of predicted numbers: their level, and how far off single ones are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.estimators import Fold, OutOfFold

__all__ = ["forecast_notes"]

_Doubles = NDArray[np.float64]

# Share of outcomes that an interval is to hold.
COVERAGE = 0.8
_MOST_BINS = 10
# Fewer rows give no eightieth percentile worth the name.
_LEAST_ROWS = 50
# A level tells a season or a trend; anything beyond these tells that the model is wrong.
_LEAST_LEVEL, _MOST_LEVEL = 0.5, 2.0


def forecast_notes(
    folds: Sequence[Fold], given: Sequence[OutOfFold], gap_days: int
) -> dict[str, Any]:
    """Give what `customer_value` needs to know of a model that predicts numbers.

    Parameters
    ----------
    folds
        The rolling folds of the training.
    given
        Predictions of the held-out rows of each.
    gap_days
        Days from an observation until its label is known.

    Returns
    -------
    dict
        ``horizons``: for each held-out date, ascending, ``as_of``, the totals ``predicted`` and
        ``observed``, and ``row_count``. ``level``: the factor for the total, see `_level`.
        ``interval``: for bins of the prediction, ascending, the least prediction ``from`` and the
        factors ``lower`` and ``upper`` of the bounds that held 80 % of the outcomes.
    """
    predicted = np.concatenate([np.maximum(each, 0.0) for each in given])
    outcome = np.concatenate([fold.held_out.y for fold in folds]).astype(np.float64)
    as_of = np.concatenate([_dates(fold) for fold in folds])
    horizons: list[dict[str, Any]] = []
    at_level = predicted.copy()
    for date in np.unique(as_of):
        rows = as_of == date
        total, came = float(predicted[rows].sum()), float(outcome[rows].sum())
        if total > 0.0:
            at_level[rows] *= came / total
        horizons.append(
            {
                "as_of": str(date),
                "predicted": total,
                "observed": came,
                "row_count": int(rows.sum()),
            }
        )
    return {
        "level": _level(horizons, gap_days),
        "horizons": horizons,
        "interval": _interval(at_level, outcome),
    }


def _dates(fold: Fold) -> NDArray[np.datetime64]:
    """Give the date of each held-out row; where none is known, all have the same."""
    held_out = fold.held_out
    if held_out.as_of is not None:
        return held_out.as_of
    return np.full(len(held_out.y), np.datetime64("1970-01-01", "us"))


def _level(horizons: Sequence[dict[str, Any]], gap_days: int) -> float:
    """Give what predictions are multiplied by so that their total is that of the last horizon.

    1 unless that would have helped before: of two held-out dates, the one before whose horizon was
    over when the later one began gives the factor that was known then. If the totals multiplied by
    it were nearer to what came than the plain ones, on average of the logarithms of their ratios,
    the latest factor is used. Where the shop has seasons, the last quarter often says less of the
    next one than the model does, which knows the month.
    """
    ratios = [
        (np.datetime64(each["as_of"]), float(np.log(each["observed"] / each["predicted"])))
        for each in horizons
        if each["observed"] > 0.0 and each["predicted"] > 0.0
    ]
    gap = np.timedelta64(gap_days, "D")
    plain, corrected = [], []
    for as_of, ratio in ratios:
        known = [earlier for date, earlier in ratios if date + gap <= as_of]
        if known:
            plain.append(abs(ratio))
            corrected.append(abs(ratio - known[-1]))
    if not plain or np.mean(corrected) >= np.mean(plain):
        return 1.0
    return float(np.clip(np.exp(ratios[-1][1]), _LEAST_LEVEL, _MOST_LEVEL))


def _interval(predicted: _Doubles, outcome: _Doubles) -> list[dict[str, float]]:
    """Give bins of the prediction with the factors that hold 80 % of the outcomes in each.

    This is split conformal prediction on the ratio of outcome and prediction, by groups (Vovk
    2012, "Conditional validity of inductive conformal predictors"). Predictions come at the level
    of their own date: the folds that learned from few dates miss the level by more than a model of
    all does, and on earlier dates plain ratios held 62 to 81 % instead of 72 to 87 %. Where a
    tenth or more of the outcomes is zero, the interval begins there, and ends where 80 % lie below.
    """
    known = predicted > 0.0
    order = np.argsort(predicted[known], kind="stable")
    predicted, outcome = predicted[known][order], outcome[known][order]
    count = max(1, min(_MOST_BINS, len(predicted) // _LEAST_ROWS))
    if len(predicted) < _LEAST_ROWS:
        return []
    bins = []
    for rows in np.array_split(np.arange(len(predicted)), count):
        ratio = np.sort(outcome[rows] / predicted[rows])
        tail = (1.0 - COVERAGE) / 2.0
        lower = _quantile(ratio, tail, np.floor)
        upper = _quantile(ratio, COVERAGE if lower <= 0.0 else 1.0 - tail, np.ceil)
        bins.append({"from": float(predicted[rows[0]]), "lower": max(lower, 0.0), "upper": upper})
    bins[0]["from"] = 0.0
    return bins


def _quantile(ordered: _Doubles, share: float, rounded: Any) -> float:
    """Give the value of the conformal rank: one more row is to come, and may lie outside all."""
    rank = int(np.clip(rounded(share * (len(ordered) + 1)), 1, len(ordered)))
    return float(ordered[rank - 1])
