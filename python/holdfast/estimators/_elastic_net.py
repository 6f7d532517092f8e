"""Logistic and linear regression with an elastic net, on a standardised design matrix."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["fit_elastic_net", "fit_elastic_net_to_values"]

_Doubles: TypeAlias = NDArray[np.float64]

_MOST_STEPS = 50
_MOST_SWEEPS = 200
# Of the mean loss per row; far below what a float32 probability can tell apart.
_TOLERANCE = 1e-10
_BLOCK_ROWS = 4_096


def fit_elastic_net(
    design: _Doubles,
    y: NDArray[np.int64],
    *,
    inverse_penalty: float,
    l1_ratio: float,
    start: _Doubles | None = None,
    signs: NDArray[np.int8] | None = None,
) -> _Doubles:
    """Minimise the log loss with a penalty on absolute and squared weights.

    Newton steps, each a penalised least squares problem over the Gram matrix that coordinate
    descent solves (Friedman, Hastie & Tibshirani 2010, "Regularization paths for generalized linear
    models via coordinate descent", https://doi.org/10.18637/jss.v033.i01). The cost is that of a
    few Gram matrices, whatever the penalty; scikit-learn's solver for this penalty, a stochastic
    one, took a hundred times as long on the same rows.

    Parameters
    ----------
    design
        Shape (n, k), columns of mean 0 and standard deviation 1 or less.
    y
        Outcome 0 or 1, both present, shape (n,).
    inverse_penalty, l1_ratio
        As ``C`` and ``l1_ratio`` of scikit-learn's LogisticRegression.
    start
        Where to begin: the result for a penalty nearby, shape (k + 1,).
    signs
        Of each weight: 1 for none below zero, -1 for none above, 0 for any; shape (k,).

    Returns
    -------
    numpy.ndarray
        Intercept and weights, shape (k + 1,); the intercept is not penalised.

    Examples
    --------
    >>> design = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    >>> fit_elastic_net(design, np.array([0, 1, 0, 0]), inverse_penalty=0.1, l1_ratio=1.0).round(2)
    array([-1.1,  0. ])
    """
    count = len(y)
    lasso = l1_ratio / (inverse_penalty * count)
    ridge = (1.0 - l1_ratio) / (inverse_penalty * count)
    solution = np.zeros(1 + design.shape[1])
    if start is None:
        share = float(y.mean())
        solution[0] = np.log(share / (1.0 - share))
    else:
        solution[:] = start

    def objective(candidate: _Doubles, log_odds: _Doubles) -> float:
        loss = (np.logaddexp(0.0, log_odds) - y * log_odds).mean()
        slopes = candidate[1:]
        return float(loss + lasso * np.abs(slopes).sum() + 0.5 * ridge * slopes @ slopes)

    log_odds = design @ solution[1:] + solution[0]
    value = objective(solution, log_odds)
    for _ in range(_MOST_STEPS):
        probability = np.exp(-np.logaddexp(0.0, -log_odds))
        gradient = _moments(design, probability - y) / count
        curvature = np.maximum(probability * (1.0 - probability), 1e-12) / count
        target = _solve(_gram(design, curvature), gradient, solution, lasso, ridge, signs)
        step, move = 1.0, target - solution
        along = design @ move[1:] + move[0]
        while True:
            tried = solution + step * move
            tried_value = objective(tried, log_odds + step * along)
            if tried_value <= value or step < 1e-6:
                break
            step /= 2.0
        gained = value - tried_value
        if gained > 0:
            solution, log_odds, value = tried, log_odds + step * along, tried_value
        if gained <= _TOLERANCE:
            break
    return solution


def fit_elastic_net_to_values(
    design: _Doubles,
    y: NDArray[np.float64],
    *,
    inverse_penalty: float,
    l1_ratio: float,
    start: _Doubles | None = None,
    signs: NDArray[np.int8] | None = None,
) -> _Doubles:
    """Minimise the squared error with a penalty on absolute and squared weights.

    The penalty acts on the outcome in standard deviations, so it means the same whatever the unit.

    Parameters
    ----------
    design
        As for `fit_elastic_net`.
    y
        Outcome, a number, shape (n,).
    inverse_penalty, l1_ratio
        As for `fit_elastic_net`.
    start
        Not used: the problem is solved in one step.
    signs
        As for `fit_elastic_net`.

    Returns
    -------
    numpy.ndarray
        Intercept and weights in the unit of the outcome, shape (k + 1,).

    Examples
    --------
    >>> design = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    >>> y = np.array([10.0, 30.0, 10.0, 30.0])
    >>> fit_elastic_net_to_values(design, y, inverse_penalty=1e6, l1_ratio=0.0).round(2)
    array([20., 10.])
    """
    count = len(y)
    mean, spread = float(y.mean()), float(y.std()) or 1.0
    gram = _gram(design, np.full(count, 1.0 / count))
    gradient = -_moments(design, (y - mean) / spread) / count
    lasso = l1_ratio / (inverse_penalty * count)
    ridge = (1.0 - l1_ratio) / (inverse_penalty * count)
    solution = _solve(gram, gradient, np.zeros(len(gram)), lasso, ridge, signs) * spread
    solution[0] += mean
    return solution


def _moments(design: _Doubles, values: _Doubles) -> _Doubles:
    """Return the sums of values times each column of the design, the intercept's first."""
    return np.append(values.sum(), design.T @ values)


def _gram(design: _Doubles, weights: _Doubles) -> _Doubles:
    """Return the weighted Gram matrix of the design and an intercept, which comes first.

    It is added up over blocks that fit the processor's cache, of which one at a time is copied; the
    product of a block with itself costs half of that of two matrices.
    """
    width = design.shape[1] + 1
    gram = np.zeros((width, width))
    block = np.empty((_BLOCK_ROWS, width))
    for start in range(0, len(design), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        roots = np.sqrt(weights[rows])
        here = block[: len(roots)]
        here[:, 0] = roots
        np.multiply(design[rows], roots[:, None], out=here[:, 1:])
        gram += here.T @ here
    return gram


def _solve(
    gram: _Doubles,
    gradient: _Doubles,
    at: _Doubles,
    lasso: float,
    ridge: float,
    signs: NDArray[np.int8] | None = None,
) -> _Doubles:
    """Minimise the quadratic model around a point with the penalty, the intercept left free."""
    penalised = np.ones(len(at))
    penalised[0] = 0.0
    diagonal = gram.diagonal() + ridge * penalised
    wanted = np.zeros(len(at)) if signs is None else np.append(0.0, signs.astype(float))
    if lasso == 0.0:
        # the smallest addition keeps columns that are copies of each other solvable
        matrix = gram + np.diag(ridge * penalised + 1e-12)
        return _solve_signed(matrix, matrix @ at - gradient - ridge * penalised * at, wanted)
    point = at.copy()
    # gradient of the quadratic at `point`, without the penalty
    slope = gradient.copy()
    thresholds = lasso * penalised
    active = np.arange(len(at))
    for sweep in range(_MOST_SWEEPS):
        largest = 0.0
        for j in active:
            curvature = gram[j, j]
            if curvature <= 0.0:
                continue
            pull = curvature * point[j] - slope[j]
            shrunk = np.sign(pull) * max(abs(pull) - thresholds[j], 0.0) / diagonal[j]
            if shrunk * wanted[j] < 0.0:
                shrunk = 0.0
            change = shrunk - point[j]
            if change:
                point[j] = shrunk
                slope += gram[:, j] * change
                largest = max(largest, abs(change) * curvature**0.5)
        if largest < 1e-7:
            if len(active) == len(at):
                break
            active = np.arange(len(at))
        elif sweep % 10 == 0:
            # most sweeps go over what is in use, every tenth over all
            active = np.arange(len(at))
        else:
            active = np.flatnonzero((point != 0.0) | (penalised == 0.0))
    return point


def _solve_signed(matrix: _Doubles, right: _Doubles, wanted: _Doubles) -> _Doubles:
    """Minimise a quadratic, ``matrix @ x = right`` where nothing is in the way, with wanted signs.

    Weights of the wrong sign are held at zero and the others solved anew; one that would leave zero
    in the right direction is let go (Lawson & Hanson 1974, "Solving Least Squares Problems").
    """
    free = np.ones(len(right), dtype=bool)
    for _ in range(10 * len(right)):
        solution = np.zeros(len(right))
        solution[free] = np.linalg.solve(matrix[np.ix_(free, free)], right[free])
        wrong = free & (solution * wanted < 0.0)
        if wrong.any():
            free &= ~wrong
            continue
        pull = (right - matrix @ solution) * wanted
        pull[free] = 0.0
        if pull.max(initial=0.0) <= 1e-9:
            break
        free[int(pull.argmax())] = True
    result: _Doubles = np.where(solution * wanted < 0.0, 0.0, solution)
    return result
