"""Log-odds of held-out dates: how good they are, and how far to stretch them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["best_intercept", "fit_slope", "loss_given_rates", "shrunk_slope", "sigmoid"]

# Held-out rows are few in a small shop; beyond these a slope says more of them than of the model.
_LEAST, _MOST = 0.5, 1.5
_MOST_STEPS = 50


def fit_slope(
    log_odds: Sequence[NDArray[np.float64]], outcomes: Sequence[NDArray[np.int64]]
) -> float:
    """Return the slope of a logistic regression of outcomes on log-odds, an intercept per part.

    It is sigmoid calibration (Platt 1999) without its intercept. The parts are held-out dates, and
    each has a base rate of its own, that of its season; carried on to other dates, an intercept
    would make their probabilities wrong. Only the slope is kept, which says whether the model is
    too sure of itself.

    Parameters
    ----------
    log_odds
        Of rows that the model was not fitted on, an array per part.
    outcomes
        0 or 1, likewise.

    Returns
    -------
    float
        Below 1 where predictions are too extreme; kept between 0.5 and 1.5. 1 where the rows
        cannot tell.

    Examples
    --------
    >>> sure = np.array([-2.0, -2.0, -2.0, 2.0, 2.0, 2.0])
    >>> fit_slope([sure], [np.array([0, 0, 1, 1, 1, 0])]) < 0.6
    True
    """
    # a part of one outcome, or of equal scores, has nothing to say of the slope
    parts = [
        (score - score.mean(), y)
        for score, y in zip(log_odds, outcomes, strict=True)
        if len(y) and 0 < y.sum() < len(y) and np.ptp(score) > 0
    ]
    if not parts:
        return 1.0
    slope = 1.0
    intercepts = [float(np.log(y.mean() / (1.0 - y.mean()))) for _, y in parts]
    for _ in range(_MOST_STEPS):
        gradient = curvature = 0.0
        for index, (score, y) in enumerate(parts):
            intercepts[index] = best_intercept(slope * score, y, intercepts[index])
            probability = sigmoid(intercepts[index] + slope * score)
            spread = probability * (1.0 - probability)
            centre = (spread @ score) / spread.sum()
            # the part's intercept moves along with the slope, and takes its share of the curvature
            gradient += float((y - probability) @ score)
            curvature += float(spread @ (score - centre) ** 2)
        step = float(np.clip(gradient / curvature, -0.5, 0.5)) if curvature > 0 else 0.0
        slope = float(np.clip(slope + step, _LEAST, _MOST))
        if abs(step) < 1e-9:
            break
    return slope


def shrunk_slope(
    log_odds: Sequence[NDArray[np.float64]], outcomes: Sequence[NDArray[np.int64]]
) -> float:
    """Return the slope of `fit_slope`, drawn to 1 by as much as the parts are few.

    The models of the folds learned from fewer dates than the one that is stretched, and each fold
    is one season. Of n folds the slope goes n / (n + 1) of the way from 1.

    Parameters
    ----------
    log_odds, outcomes
        As for `fit_slope`.

    Returns
    -------
    float

    Examples
    --------
    >>> scores, outcomes = np.array([-2.0, -2.0, 2.0, 2.0]), np.array([0, 1, 1, 0])
    >>> fit_slope([scores], [outcomes]), shrunk_slope([scores], [outcomes])
    (0.5, 0.75)
    """
    return 1.0 + (fit_slope(log_odds, outcomes) - 1.0) * len(outcomes) / (len(outcomes) + 1.0)


def loss_given_rates(
    log_odds: NDArray[np.float64], y: NDArray[np.int64], as_of: NDArray[np.datetime64] | None
) -> NDArray[np.float64]:
    """Return the summed log loss when the base rate of each date is known.

    Held-out dates have rates of their own, which no setting of a model could have told. Compared as
    they are, settings would be chosen by whose error in the rate happened to be the least.

    Parameters
    ----------
    log_odds
        Shape (k, n): k models on the same held-out rows.
    y
        Outcome 0 or 1, shape (n,).
    as_of
        Date of each row, shape (n,); None for all alike.

    Returns
    -------
    numpy.ndarray
        Shape (k,).

    Examples
    --------
    >>> y = np.array([0, 0, 1, 1])
    >>> low, high = loss_given_rates(np.array([[-9.0, -9, -8, -8], [1.0, 1, 2, 2]]), y, None)
    >>> bool(abs(low - high) < 1e-6)
    True
    """
    dates = np.zeros(len(y), dtype=np.int64) if as_of is None else as_of
    total = np.zeros(len(log_odds))
    for date in np.unique(dates):
        here = dates == date
        outcome = y[here]
        score = log_odds[:, here]
        if 0 < outcome.sum() < len(outcome):
            score = score + _best_intercepts(score, outcome)[:, None]
        total += (np.logaddexp(0.0, score) - outcome * score).sum(axis=1)
    return total


def _best_intercepts(score: NDArray[np.float64], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return for each row of scores the intercept at which the mean prediction is the rate."""
    start = float(np.log(y.mean() / (1.0 - y.mean())))
    intercepts: NDArray[np.float64] = start - score.mean(axis=1)
    for _ in range(_MOST_STEPS):
        probability = sigmoid(score + intercepts[:, None])
        spread = np.maximum((probability * (1.0 - probability)).sum(axis=1), 1e-12)
        steps = np.clip((y.sum() - probability.sum(axis=1)) / spread, -2.0, 2.0)
        intercepts += steps
        if np.abs(steps).max() < 1e-8:
            break
    return intercepts


def best_intercept(score: NDArray[np.float64], y: NDArray[np.int64], start: float) -> float:
    """Return the intercept at which the mean prediction is the observed rate."""
    intercept = start
    for _ in range(_MOST_STEPS):
        probability = sigmoid(intercept + score)
        spread = float((probability * (1.0 - probability)).sum())
        if spread <= 0.0:
            break
        step = float(np.clip((y - probability).sum() / spread, -2.0, 2.0))
        intercept += step
        if abs(step) < 1e-10:
            break
    return intercept


def sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logistic function without overflow."""
    from scipy.special import expit

    result: NDArray[np.float64] = expit(log_odds)
    return result
