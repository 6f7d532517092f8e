"""How well a ranking finds those whom a treatment changes, on rows of a randomised trial.

Nobody is seen both with and without the treatment, so no row has an error. What can be measured is
what happens to groups: those at the top of a ranking against all. Every function takes rows with
`treated` 0 or 1, the outcome, and the probability with which each row was treated, and needs that
probability to be known, as it is where a control group was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holdfast.measuring._errors import MeasuringError

__all__ = [
    "Estimate",
    "Trial",
    "auuc",
    "gain_curve",
    "policy_value",
    "qini",
    "uplift_by_tenth",
]

_Doubles: TypeAlias = NDArray[np.float64]

_NORMAL = 1.959963984540054
# So few rows of an arm say nothing that an interval could hold.
_LEAST_OF_AN_ARM = 2


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval.

    Examples
    --------
    >>> Estimate.of(0.5, 0.1).lower > 0
    True
    """

    value: float
    lower: float
    upper: float

    @classmethod
    def of(cls, value: float, error: float) -> Estimate:
        """Make one of a value and its standard error."""
        return cls(value, value - _NORMAL * error, value + _NORMAL * error)

    @property
    def error(self) -> float:
        """The standard error."""
        return (self.upper - self.lower) / (2.0 * _NORMAL)


@dataclass(frozen=True)
class Trial:
    """Rows of a randomised trial.

    Parameters
    ----------
    treated
        Whether each row was treated, shape (n,).
    outcome
        What came of it, shape (n,).
    propensity
        Probability with which it was treated, shape (n,), above 0 and below 1.
    group
        Whose row it is, shape (n,), whole numbers: rows of one customer are no independent
        witnesses. None where each row is another's.
    expected_treated, expected_control
        What a model that has not seen the row expects of it in either arm, shape (n,). They make
        intervals narrower and change no expectation; without them the means of the arms are taken.

    Examples
    --------
    >>> trial = Trial.of([1, 1, 0, 0], [1.0, 1.0, 0.0, 1.0])
    >>> float(trial.effects().mean())
    0.5
    """

    treated: NDArray[np.bool_]
    outcome: _Doubles
    propensity: _Doubles
    group: NDArray[np.int64] | None = None
    expected_treated: _Doubles | None = None
    expected_control: _Doubles | None = None

    @classmethod
    def of(
        cls,
        treated: ArrayLike,
        outcome: ArrayLike,
        propensity: ArrayLike | None = None,
        group: ArrayLike | None = None,
        expected_treated: ArrayLike | None = None,
        expected_control: ArrayLike | None = None,
    ) -> Trial:
        """Make one of what is like an array, and refuse what is no trial.

        Parameters
        ----------
        treated, outcome, propensity, group, expected_treated, expected_control
            As above; without `propensity`, the share that was treated.

        Raises
        ------
        MeasuringError
            An arm has fewer than two rows, a length differs, or a number is missing.
        """
        arm = np.asarray(treated)
        values = np.asarray(outcome, dtype=np.float64)
        if arm.ndim != 1 or arm.shape != values.shape:
            raise MeasuringError(
                f"treated and outcome need one value per row; their shapes are {arm.shape} and "
                f"{values.shape}."
            )
        if not np.isin(arm, (0, 1)).all():
            raise MeasuringError("treated must be 0 or 1 in each row. Measure one offer at a time.")
        is_treated = arm.astype(bool)
        count = int(is_treated.sum())
        if min(count, len(arm) - count) < _LEAST_OF_AN_ARM:
            raise MeasuringError(
                f"{count} of {len(arm)} rows were treated: nothing can be said of an effect "
                f"without {_LEAST_OF_AN_ARM} rows or more in either arm. Keep a control group."
            )
        share = (
            np.full(len(arm), count / len(arm))
            if propensity is None
            else np.broadcast_to(np.asarray(propensity, dtype=np.float64), arm.shape)
        )
        if not (np.isfinite(values).all() and ((share > 0.0) & (share < 1.0)).all()):
            raise MeasuringError(
                "outcome must be a number in every row, and propensity above 0 and below 1. Leave "
                "out rows whose outcome is not known yet."
            )
        codes = None
        if group is not None:
            codes = np.unique(np.asarray(group), return_inverse=True)[1].astype(np.int64)
        expected = [
            None if given is None else np.asarray(given, dtype=np.float64)
            for given in (expected_treated, expected_control)
        ]
        return cls(is_treated, values, share, codes, *expected)

    def __len__(self) -> int:
        return len(self.outcome)

    def effects(self) -> _Doubles:
        """Return for each row a number whose expectation is the effect on rows like it.

        It is the augmented inverse propensity score (Robins, Rotnitzky & Zhao 1994): noisy for one
        row, right on average whatever the models expect.
        """
        weight = np.where(self.treated, 1.0 / self.propensity, 1.0 / (1.0 - self.propensity))
        with_it, without = (
            _arm_mean(self.outcome, weight, arm) if given is None else given
            for given, arm in (
                (self.expected_treated, self.treated),
                (self.expected_control, ~self.treated),
            )
        )
        rest = self.outcome - np.where(self.treated, with_it, without)
        scores: _Doubles = with_it - without + np.where(self.treated, rest, -rest) * weight
        return scores

    def mean(self, values: _Doubles) -> Estimate:
        """Return the mean of a number per row, its error by customers."""
        centred = values - values.mean()
        if self.group is not None:
            centred = np.bincount(self.group, weights=centred)
        error = float(np.sqrt(np.square(centred).sum())) / len(values)
        return Estimate.of(float(values.mean()), error)

    def average_effect(self) -> Estimate:
        """Return the effect on an average row."""
        return self.mean(self.effects())


def _arm_mean(outcome: _Doubles, weight: _Doubles, arm: NDArray[np.bool_]) -> float:
    """Return the mean outcome of an arm, as it would be had all rows been in it."""
    return float(np.average(outcome[arm], weights=weight[arm]))


def gain_curve(score: ArrayLike, trial: Trial) -> tuple[_Doubles, _Doubles]:
    """Return what treating the top of a ranking brings, per customer of the whole population.

    At a share s the gain is s times the difference of the arms' means among the s with the highest
    scores. Rows with equal scores come in together. It is `uplift_curve` of scikit-uplift divided
    by the number of rows, and `get_cumgain` of causalml likewise.

    Parameters
    ----------
    score
        The higher, the earlier treated, shape (n,).
    trial
        The rows.

    Returns
    -------
    tuple of numpy.ndarray
        Shares from 0 to 1, and gains.

    Examples
    --------
    >>> trial = Trial.of([1, 0, 1, 0], [1.0, 0.0, 0.0, 0.0])
    >>> gain_curve([2.0, 2.0, 1.0, 1.0], trial)[1].tolist()
    [0.0, 0.5, 0.5]
    """
    scores = _checked(score, trial)
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    weight = np.where(trial.treated, 1.0 / trial.propensity, 1.0 / (1.0 - trial.propensity))[order]
    outcome, treated = trial.outcome[order], trial.treated[order]
    mean = []
    for arm in (treated, ~treated):
        total = np.cumsum(np.where(arm, outcome * weight, 0.0))[ends]
        count = np.cumsum(np.where(arm, weight, 0.0))[ends]
        mean.append(np.divide(total, count, out=np.zeros(len(ends)), where=count > 0.0))
    share = (ends + 1.0) / len(order)
    gain = share * (mean[0] - mean[1])
    return np.append(0.0, share), np.append(0.0, gain)


def auuc(score: ArrayLike, trial: Trial) -> float:
    """Return the area under the gain curve, in units of the outcome per customer.

    Examples
    --------
    >>> trial = Trial.of([1, 0, 1, 0], [1.0, 0.0, 0.0, 0.0])
    >>> auuc([2.0, 2.0, 1.0, 1.0], trial)
    0.375
    """
    share, gain = gain_curve(score, trial)
    return float(np.trapezoid(gain, share))


def qini(score: ArrayLike, trial: Trial) -> Estimate:
    """Return the area between the gain curve and that of a random order.

    It is `auuc` less half of the average effect, not divided by anything: 0.007 means that, with
    the share to treat drawn at random, the ranking brings 0.007 visits (orders, euros) more per
    customer than chance. The interval is that of the covariance of effect and rank, which the area
    estimates, with customers as the units.

    Parameters
    ----------
    score
        The higher, the earlier treated, shape (n,).
    trial
        The rows.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> trial = Trial.of([1, 0, 1, 0], [1.0, 0.0, 0.0, 0.0])
    >>> qini([2.0, 2.0, 1.0, 1.0], trial).value
    0.125
    """
    share, gain = gain_curve(score, trial)
    value = float(np.trapezoid(gain, share)) - float(gain[-1]) / 2.0
    effects = trial.effects()
    error = trial.mean((effects - effects.mean()) * (0.5 - _rank(_checked(score, trial)))).error
    return Estimate.of(value, error)


def uplift_by_tenth(score: ArrayLike, trial: Trial, parts: int = 10) -> list[Estimate]:
    """Return the effect in each tenth of the ranking, the highest scores first.

    Rows with equal scores stand in the order in which they are given.

    Examples
    --------
    >>> trial = Trial.of([1, 0, 1, 0] * 2, [1.0, 0.0, 0.0, 0.0] * 2)
    >>> [each.value for each in uplift_by_tenth([2, 2, 1, 1] * 2, trial, parts=2)]
    [1.0, 0.0]
    """
    order = np.argsort(-_checked(score, trial), kind="stable")
    effects = trial.effects()
    found = []
    for rows in np.array_split(order, parts):
        if len(rows):
            inside = Trial(
                trial.treated[rows],
                trial.outcome[rows],
                trial.propensity[rows],
                None if trial.group is None else trial.group[rows],
                None if trial.expected_treated is None else trial.expected_treated[rows],
                None if trial.expected_control is None else trial.expected_control[rows],
            )
            has_both = 0 < inside.treated.sum() < len(rows)
            scores = inside.effects() if has_both else effects[rows]
            found.append(inside.mean(scores))
    return found


def policy_value(
    treat: ArrayLike, trial: Trial, *, cost: ArrayLike = 0.0, gain: float = 1.0
) -> Estimate:
    """Return what a policy brings per customer, over treating nobody.

    Parameters
    ----------
    treat
        Whom the policy treats, shape (n,); or with which probability.
    trial
        The rows.
    cost
        Of a treatment, for all or shape (n,).
    gain
        What a unit of the outcome is worth.

    Returns
    -------
    Estimate
        In money per customer, those who are left alone included.

    Examples
    --------
    >>> trial = Trial.of([1, 0, 1, 0], [1.0, 0.0, 0.0, 0.0])
    >>> policy_value([1, 1, 0, 0], trial, cost=0.5, gain=10.0).value > 0
    True
    """
    chosen = np.asarray(treat, dtype=np.float64)
    if chosen.shape != trial.outcome.shape:
        raise MeasuringError(
            f"treat needs one value per row; it has shape {chosen.shape}, and there are "
            f"{len(trial)} rows."
        )
    return trial.mean(chosen * (gain * trial.effects() - np.asarray(cost, dtype=np.float64)))


def _checked(score: ArrayLike, trial: Trial) -> _Doubles:
    """Refuse scores that are not one finite number per row."""
    scores = np.asarray(score, dtype=np.float64)
    if scores.shape != trial.outcome.shape or not np.isfinite(scores).all():
        raise MeasuringError(
            f"score needs one finite number per row; it has shape {scores.shape}, and there are "
            f"{len(trial)} rows."
        )
    return scores


def _rank(scores: _Doubles) -> _Doubles:
    """Return the place of each row from the top as a share, equal scores sharing theirs."""
    values, code, count = np.unique(-scores, return_inverse=True, return_counts=True)
    del values
    middle = (np.cumsum(count) - count / 2.0) / len(scores)
    place: _Doubles = middle[code]
    return place
