"""Buy till you die: how many orders a customer will place, from the dates of those so far.

While a customer lives, orders follow each other as every k-th event of a hidden Poisson process
whose rate differs by customer (gamma with r and alpha); so the larger k, the more regular they are.
After every order the customer may stop for good, with a probability that differs too (beta with a
and b). In BG models the first order is spared, in MBG models it is not.

- BG/NBD (k = 1): Fader, Hardie & Lee 2005, https://doi.org/10.1287/mksc.1040.0098
- MBG/NBD: Batislam, Denizel & Filiztekin 2007, https://doi.org/10.1016/j.ijresmar.2006.12.005;
  Hoppe & Wagner 2007, "Customer base analysis: the case for a central variant of the
  betageometric/NBD model", Marketing ZFP 29(2)
- (M)BG/CNBD-k: Platzer & Reutterer 2016, https://doi.org/10.1287/mksc.2015.0963; Reutterer, Platzer
  & Schroeder 2021, https://doi.org/10.1016/j.ijresmar.2020.09.002

What is expected of a customer needs no hypergeometric function, and no approximation for k > 1:
which of the k stages the hidden process has reached, and how many of its events will come, follow
from the history as a finite mixture of negative binomials.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holdfast.errors import TrainingError

__all__ = ["Btyd", "choose_btyd", "fit_btyd"]

_Doubles: TypeAlias = NDArray[np.float64]

# Of the logarithm of every parameter, with time in units of the mean age. Data without dropout, or
# with customers all alike, have their optimum at infinity; beyond this, predictions hardly change.
_LOG_BOUND = 8.0
# Of the mean log-likelihood per order; a fit that stops above it has not converged. Where a search
# gives up within rounding of the optimum, a little more is accepted.
_LARGEST_GRADIENT, _WITHIN_ROUNDING = 1e-5, 1e-3
# Where customers hardly differ, the optimum is a long flat ridge, and a search may give up on it.
_MOST_SEARCHES = 5
# A ten-thousandth of a customer who knows nothing: it says where on a ridge to stop.
_PRIOR = 1e-4
# Closed forms divide by a - 1 and a - 2; so near to them the likelihood tells no difference.
_POLES = (1.0, 2.0)
_NEAREST_TO_POLE = 1e-4
_MOST_REGULAR = 6
# The likelihood is unimodal in k; two steps down leave no doubt, one might be noise.
_STEPS_DOWN = 2
# The number of hidden events beyond which the sums stop: their mean, and so many of its standard
# deviations and of the mean lengths of a geometric tail. What is left out is below 1e-8.
_DEVIATIONS, _TAILS = 5.0, 14.0
_MOST_EVENTS = 20_000
_CELLS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Btyd:
    """A fitted model, in the time unit of the data.

    Parameters
    ----------
    k
        Regularity: 1 is purely random, larger is more regular.
    stops_at_first
        Whether a customer may stop right after the first order (MBG), or only later (BG).
    r, alpha
        Shape and rate of the gamma distribution of the hidden rates.
    a, b
        Of the beta distribution of the probability to stop after an order.
    log_likelihood
        Natural logarithm, of all customers together.
    customer_count
        Customers that were fitted on.
    """

    k: int
    stops_at_first: bool
    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    customer_count: int

    @property
    def algorithm(self) -> str:
        """The model's usual name, such as ``mbg_cnbd_2``."""
        family = "mbg" if self.stops_at_first else "bg"
        return f"{family}_nbd" if self.k == 1 else f"{family}_cnbd_{self.k}"

    def alive(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> _Doubles:
        """Return the probability that a customer has not stopped, shape (n,).

        Parameters
        ----------
        frequency, recency, age
            As for `fit_btyd`.

        Examples
        --------
        >>> cdnow = Btyd(1, False, 0.243, 4.414, 0.793, 2.426, -9582.4, 2357)
        >>> cdnow.alive([0, 2], [0, 30.43], [38.86, 38.86]).round(3).tolist()
        [1.0, 0.727]
        """
        x, t_x, t = (np.asarray(each, dtype=np.float64) for each in (frequency, recency, age))
        events = self.r + self.k * x
        since = events * np.log((self.alpha + t) / (self.alpha + t_x))
        survived = _logsumexp(_stage_logs(self.k, events, self.alpha + t, t - t_x))
        log_odds_stopped = self._log_stop(x) + since - survived
        result: _Doubles = np.exp(-np.logaddexp(0.0, log_odds_stopped))
        return result

    def expected_orders(
        self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, horizon: float
    ) -> _Doubles:
        """Return the number of orders expected within the horizon, shape (n,).

        Of a customer who lives at stage j, the hidden events to come are negative binomial with
        shape ``r + k x + j``; m of them are ``(m + j) // k`` orders, unless the customer stops
        before. So the sum runs over m, and the probability to have stopped is summed in closed
        form.

        Parameters
        ----------
        frequency, recency, age
            As for `fit_btyd`.
        horizon
            Length of the window that begins at the end of the age, in the same unit.

        Examples
        --------
        >>> cdnow = Btyd(1, False, 0.243, 4.414, 0.793, 2.426, -9582.4, 2357)
        >>> cdnow.expected_orders([2], [30.43], [38.86], 39).round(3).tolist()
        [1.226]
        """
        x, t_x, t = (np.asarray(each, dtype=np.float64) for each in (frequency, recency, age))
        # What comes depends on recency by the stage alone: computed once per count and age.
        pairs, position = np.unique(np.column_stack([x, t]), axis=0, return_inverse=True)
        if_alive = np.zeros((self.k, len(pairs)))
        for stage in range(self.k):
            for rows, orders, probability in self._futures(pairs, stage, horizon):
                lasting = self._orders_until_stop(pairs[rows, 0][:, None], orders)
                if_alive[stage, rows] = (probability * lasting).sum(axis=1)
        weights = self.stages(x, t_x, t)
        by_stage = (weights * if_alive[:, position.reshape(-1)]).sum(axis=0)
        result: _Doubles = self.alive(x, t_x, t) * by_stage
        return result

    def at_least(
        self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, horizon: float, most: int
    ) -> _Doubles:
        """Return the probability of at least 1, 2, … `most` orders within the horizon.

        Parameters
        ----------
        frequency, recency, age, horizon
            As for `expected_orders`.
        most
            The last number of orders that is asked about.

        Returns
        -------
        ndarray, shape (most, n)

        Examples
        --------
        >>> cdnow = Btyd(1, False, 0.243, 4.414, 0.793, 2.426, -9582.4, 2357)
        >>> cdnow.at_least([2], [30.43], [38.86], 39, 2).round(3)[:, 0].tolist()
        [0.555, 0.315]
        """
        x, t_x, t = (np.asarray(each, dtype=np.float64) for each in (frequency, recency, age))
        pairs, position = np.unique(np.column_stack([x, t]), axis=0, return_inverse=True)
        asked = np.arange(1.0, most + 1.0)[:, None]
        weights = self.stages(x, t_x, t)
        found = np.zeros((most, len(x)))
        for stage in range(self.k):
            reached = np.zeros((most, len(pairs)))
            for rows, orders, probability in self._futures(pairs, stage, horizon):
                for index in range(most):
                    reached[index, rows] = (probability * (orders >= asked[index])).sum(axis=1)
            reached *= self._not_stopped_before(pairs[:, 0][None, :], asked)
            found += weights[stage] * reached[:, position.reshape(-1)]
        result: _Doubles = self.alive(x, t_x, t) * found
        return result

    def stages(self, x: _Doubles, t_x: _Doubles, t: _Doubles) -> _Doubles:
        """Return the probability of each stage of the hidden process, if alive, shape (k, n)."""
        logs = _stage_logs(self.k, self.r + self.k * x, self.alpha + t, t - t_x)
        result: _Doubles = np.exp(logs - _logsumexp(logs))
        return result

    def _log_stop(self, x: _Doubles) -> _Doubles:
        """Return the log-odds of having stopped after the last order; minus infinity if spared."""
        before = x + (1.0 if self.stops_at_first else 0.0)
        log_odds = np.log(self.a / (self.b + np.maximum(before, 1.0) - 1.0))
        return np.where(before >= 1.0, log_odds, -np.inf)

    def _b_if_alive(self, x: _Doubles) -> _Doubles:
        """Return the second parameter of the beta distribution, of a customer who lives."""
        return self.b + x + (1.0 if self.stops_at_first else 0.0)

    def _orders_until_stop(self, x: _Doubles, orders: _Doubles) -> _Doubles:
        """Return how many orders of those that would come are placed before the customer stops."""
        from scipy.special import gammaln

        a, b = self.a, self._b_if_alive(x)
        lasting = (
            gammaln(b + orders) - gammaln(a + b + orders - 1) - gammaln(b) + gammaln(a + b - 1)
        )
        result: _Doubles = (a + b - 1.0) / (1.0 - a) * np.expm1(lasting)
        # a + b - 1 may be at a pole where a and b are both tiny; no order then is none either way
        return np.where(orders > 0, result, 0.0)

    def _not_stopped_before(self, x: _Doubles, order: _Doubles) -> _Doubles:
        """Return the probability that a customer who lives is there for the n-th order to come."""
        from scipy.special import gammaln

        a, b = self.a, self._b_if_alive(x)
        result: _Doubles = np.exp(
            gammaln(b + order - 1.0) - gammaln(b) + gammaln(a + b) - gammaln(a + b + order - 1.0)
        )
        return result

    def _futures(
        self, pairs: _Doubles, stage: int, horizon: float
    ) -> Iterator[tuple[NDArray[np.intp], _Doubles, _Doubles]]:
        """Give blocks of customers, with the orders that would come and their probability."""
        from scipy.special import gammaln

        shape = self.r + self.k * pairs[:, 0] + stage
        spread = horizon / (self.alpha + pairs[:, 1])
        last = np.minimum(_last_event(shape, spread), _MOST_EVENTS).astype(np.int64)
        order = np.argsort(last, kind="stable")
        at = 0
        while at < len(order):
            # rows are sorted, so a block is as wide as its last row
            size = max(1, int(_CELLS_AT_ONCE // (last[order[at]] + 1)))
            rows = order[at : at + size]
            while len(rows) > 1 and len(rows) * (last[rows[-1]] + 1) > 2 * _CELLS_AT_ONCE:
                rows = rows[: (len(rows) + 1) // 2]
            at += len(rows)
            events = np.arange(last[rows[-1]] + 1, dtype=np.float64)
            s = shape[rows][:, None]
            logs = (
                gammaln(s + events)
                - gammaln(s)
                - gammaln(events + 1.0)
                - s * np.log1p(spread[rows])[:, None]
                - events * np.log1p(1.0 / spread[rows])[:, None]
            )
            yield rows, np.floor((events + stage) / self.k)[None, :], np.exp(logs)


def _last_event(shape: _Doubles, spread: _Doubles) -> _Doubles:
    """Return the number of hidden events beyond which nothing counts."""
    mean = shape * spread
    deviation = np.sqrt(mean * (1.0 + spread))
    result: _Doubles = np.ceil(mean + _DEVIATIONS * deviation + _TAILS * (1.0 + spread))
    return result


def _stage_logs(k: int, events: _Doubles, rate: _Doubles, silence: _Doubles) -> _Doubles:
    """Return the log-weight of each stage that the hidden process may be at, shape (k, n)."""
    from scipy.special import gammaln

    stage = np.arange(k, dtype=np.float64)[:, None]
    with np.errstate(divide="ignore"):
        passed = np.log(np.maximum(silence, 0.0) / rate)
    # 0 * -inf is no number, and the first stage is there without any silence
    moved = np.where(stage > 0, stage * np.where(stage > 0, passed, 0.0), 0.0)
    result: _Doubles = gammaln(events + stage) - gammaln(events) - gammaln(stage + 1.0) + moved
    return result


def _logsumexp(logs: _Doubles) -> _Doubles:
    """Return the logarithm of a sum over the first axis; the first term is finite."""
    most = logs.max(axis=0)
    result: _Doubles = most + np.log(np.exp(logs - most).sum(axis=0))
    return result


def fit_btyd(
    frequency: ArrayLike,
    recency: ArrayLike,
    age: ArrayLike,
    log_gaps: ArrayLike | None = None,
    *,
    weight: ArrayLike | None = None,
    k: int = 1,
    stops_at_first: bool = True,
) -> Btyd:
    """Fit a model of the family by maximum likelihood; the same data give the same parameters.

    Parameters
    ----------
    frequency
        Repeat orders x: orders less the first, shape (n,). Orders of one moment are one.
    recency
        Time from first to last order t_x, 0 without a repeat order, shape (n,); any unit.
    age
        Time from first order to the observation T, shape (n,), in the same unit.
    log_gaps
        Sum of the logarithms of the times between orders, in the same unit, shape (n,). They change
        the likelihood for k > 1, not the parameters; without them it cannot be told which k fits.
    weight
        How many customers have this history, shape (n,); 1 by default.
    k
        Regularity of the orders, 1 or more.
    stops_at_first
        Whether a customer may stop right after the first order.

    Returns
    -------
    Btyd
        Where a parameter tends to infinity or zero (nobody stops, all are alike), it stays at a
        bound beyond which predictions hardly change.

    Raises
    ------
    TrainingError
        The numbers are not those of a history, nobody has ordered twice, or the search does not
        converge.

    Examples
    --------
    >>> fit_btyd([0, 0, 1, 3, 0, 6], [0, 0, 9, 20, 0, 35], [30, 35, 38, 28, 39, 37]).algorithm
    'mbg_nbd'
    """
    histories = _Histories.from_columns(frequency, recency, age, log_gaps, weight)
    return histories.fit(k, stops_at_first)


def choose_btyd(
    frequency: ArrayLike,
    recency: ArrayLike,
    age: ArrayLike,
    log_gaps: ArrayLike,
    *,
    weight: ArrayLike | None = None,
) -> list[Btyd]:
    """Fit MBG models, with k as large as the likelihood asks for, and BG models beside them.

    All have four parameters, so the likelihood itself tells which k fits best. The first model of
    the list is the one to use: the best of the MBG models. By a BG model every customer with one
    order lives for ever, which no shop can use; BG/NBD and the BG model of the same k stand beside
    it to compare.

    Parameters
    ----------
    frequency, recency, age, log_gaps, weight
        As for `fit_btyd`.

    Returns
    -------
    list of Btyd
        The chosen model, then the others: MBG and BG, by k.

    Raises
    ------
    TrainingError
        As for `fit_btyd`.

    Examples
    --------
    >>> x, t_x, t = [0, 1, 3, 0, 6], [0, 9, 20, 0, 35], [35, 38, 28, 39, 37]
    >>> choose_btyd(x, t_x, t, [0, 2, 6, 0, 9])[0].stops_at_first
    True
    """
    histories = _Histories.from_columns(frequency, recency, age, log_gaps, weight)
    models: list[Btyd] = []
    for k in range(1, _MOST_REGULAR + 1):
        models.append(histories.fit(k, True, models[-1] if models else None))
        chosen = max(models, key=lambda model: model.log_likelihood)
        if k - chosen.k >= _STEPS_DOWN:
            break
    models += [histories.fit(k, False) for k in sorted({1, chosen.k})]
    return [chosen, *(model for model in models if model is not chosen)]


@dataclass(frozen=True)
class _Histories:
    """Distinct histories with their shares; what depends on x alone is computed once per x."""

    x: _Doubles
    t_x: _Doubles
    t: _Doubles
    share: _Doubles
    counts: _Doubles
    position: NDArray[np.intp]
    count_share: _Doubles
    scale: float
    customer_count: int
    log_gaps: float
    repeats: float

    @classmethod
    def from_columns(
        cls,
        frequency: ArrayLike,
        recency: ArrayLike,
        age: ArrayLike,
        log_gaps: ArrayLike | None,
        weight: ArrayLike | None,
    ) -> _Histories:
        """Check what is given, bring time to units of the mean age, and count equal customers."""
        x, t_x, t, gaps, count = _checked(frequency, recency, age, log_gaps, weight)
        total = float(count.sum())
        scale = float((t * count).sum() / total)
        # the order of customers must change nothing, not even the last bit of a sum
        order = np.lexsort((gaps, t, t_x, x))
        log_gap_sum = float((gaps[order] * count[order]).sum())
        x, t_x, t, count = x[order], t_x[order], t[order], count[order]
        is_new = np.ones(len(x), dtype=bool)
        is_new[1:] = (x[1:] != x[:-1]) | (t_x[1:] != t_x[:-1]) | (t[1:] != t[:-1])
        first = np.flatnonzero(is_new)
        share = np.add.reduceat(count, first) / total
        counts, inverse = np.unique(x[first], return_inverse=True)
        position: NDArray[np.intp] = inverse.reshape(-1)
        count_share: _Doubles = np.bincount(position, weights=share).astype(np.float64)
        repeats = float((x * count).sum())
        return cls(
            x[first],
            t_x[first] / scale,
            t[first] / scale,
            share,
            counts,
            position,
            count_share,
            scale,
            round(total),
            log_gap_sum,
            repeats,
        )

    def fit(self, k: int, stops_at_first: bool, before: Btyd | None = None) -> Btyd:
        """Fit one model, from the one before it in k where there is one."""
        from scipy.optimize import minimize
        from scipy.special import gammaln

        start = np.zeros(4)
        if before is not None:
            # k events where there was one: the hidden process runs that much faster
            faster = before.alpha / self.scale * before.k / k
            start = np.log([before.r, faster, before.a, before.b])
        start = np.clip(start, -_LOG_BOUND, _LOG_BOUND)
        orders = 1.0 + self.repeats / self.customer_count
        for _ in range(_MOST_SEARCHES):
            found = minimize(
                lambda at: self._with_prior(at, self.loss(at, k, stops_at_first)),
                start,
                jac=True,
                method="L-BFGS-B",
                bounds=[(-_LOG_BOUND, _LOG_BOUND)] * 4,
                options={"maxiter": 2000, "maxfun": 4000, "ftol": 0.0, "gtol": 1e-6},
            )
            # At a bound only the way back counts. The line search may give up within rounding of
            # the optimum, so the gradient decides, not the success that scipy reports.
            gradient = found.x - np.clip(found.x - found.jac, -_LOG_BOUND, _LOG_BOUND)
            steepness = float(np.abs(gradient).max()) / orders
            if steepness <= _LARGEST_GRADIENT or np.array_equal(start, found.x):
                break
            start = found.x
        if steepness > _WITHIN_ROUNDING:
            raise TrainingError(
                f"The BTYD model of {self.customer_count} customers did not converge: "
                f"{found.message}. Give it more customers or a longer history."
            )
        r, alpha, a, b = np.exp(found.x).tolist()
        for pole in _POLES:
            if abs(a - pole) < _NEAREST_TO_POLE:
                a = pole + (_NEAREST_TO_POLE if a >= pole else -_NEAREST_TO_POLE)
        # Every order of a history is a density in time, so a change of unit moves the likelihood.
        log_likelihood = (
            -self.loss(found.x, k, stops_at_first)[0] * self.customer_count
            - k * self.repeats * np.log(self.scale)
            + (k - 1) * self.log_gaps
            - self.repeats * float(gammaln(k))
        )
        return Btyd(
            k,
            stops_at_first,
            r,
            alpha * self.scale,
            a,
            b,
            float(log_likelihood),
            self.customer_count,
        )

    def _with_prior(self, at: _Doubles, loss: tuple[float, _Doubles]) -> tuple[float, _Doubles]:
        """Add what draws the logged parameters to 0 where the data do not care."""
        weight = _PRIOR / self.customer_count
        return loss[0] + weight * float(at @ at), loss[1] + 2.0 * weight * at

    def loss(
        self, log_parameters: _Doubles, k: int, stops_at_first: bool
    ) -> tuple[float, _Doubles]:
        """Return the mean negative log-likelihood and its gradient by the logged parameters.

        The gaps between orders add a constant for every k, which `fit` adds in the end.
        """
        from scipy.special import digamma, gammaln

        r, alpha, a, b = np.exp(log_parameters)
        x, weight = self.counts, self.count_share
        survived = x + (1.0 if stops_at_first else 0.0)
        may_stop = survived > 0
        last = np.maximum(survived, 1.0) - 1.0
        gammas = (
            gammaln(r + k * x)
            - gammaln(r)
            + gammaln(a + b)
            - gammaln(a + b + survived)
            + gammaln(b + survived)
            - gammaln(b)
        )
        log_stop = np.where(may_stop, np.log(a / (b + last)), -np.inf)
        events, rate = r + k * self.x, alpha + self.t
        log_alive, log_last = np.log(rate), np.log(alpha + self.t_x)
        stages = _stage_logs(k, events, rate, self.t - self.t_x)
        in_stages = _logsumexp(stages)
        living = in_stages - events * log_alive
        stopped = log_stop[self.position] - events * log_last
        either = np.logaddexp(living, stopped)
        value = weight @ gammas + r * np.log(alpha) + self.share @ either

        of_stopped = np.exp(stopped - either) * self.share
        of_living = self.share - of_stopped
        by_r = weight @ (digamma(r + k * x) - digamma(r)) + np.log(alpha)
        by_r += -of_living @ log_alive - of_stopped @ log_last
        by_alpha = r / alpha - of_living @ (events / rate)
        by_alpha -= of_stopped @ (events / (alpha + self.t_x))
        if k > 1:
            stage = np.arange(k)[:, None]
            held = np.exp(stages - in_stages) * of_living
            by_r += (held * (digamma(events + stage) - digamma(events))).sum()
            by_alpha -= (held * stage / rate).sum()
        stopped_by_count = np.bincount(self.position, weights=of_stopped)
        by_both = weight @ (digamma(a + b) - digamma(a + b + survived))
        by_a = by_both + of_stopped.sum() / a
        by_b = by_both + weight @ (digamma(b + survived) - digamma(b))
        by_b -= stopped_by_count[may_stop] @ (1.0 / (b + last[may_stop]))
        gradient = np.array([by_r, by_alpha, by_a, by_b])
        return -float(value), -gradient * np.array([r, alpha, a, b])


def _checked(
    frequency: ArrayLike,
    recency: ArrayLike,
    age: ArrayLike,
    log_gaps: ArrayLike | None,
    weight: ArrayLike | None,
) -> tuple[_Doubles, _Doubles, _Doubles, _Doubles, _Doubles]:
    """Return the columns as numbers, or refuse what cannot be a history."""
    x, t_x, t = (np.asarray(each, dtype=np.float64) for each in (frequency, recency, age))
    gaps = np.zeros(x.shape) if log_gaps is None else np.asarray(log_gaps, dtype=np.float64)
    count = np.ones(x.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    columns = (x, t_x, t, gaps, count)
    if x.ndim != 1 or any(each.shape != x.shape for each in columns):
        shapes = ", ".join(str(each.shape) for each in columns)
        raise TrainingError(
            f"A BTYD model needs arrays of one length, not of shapes {shapes}. Give one frequency, "
            "recency, age, sum of log gaps and weight per history."
        )
    # Written so that a NaN counts as wrong.
    right = np.isfinite(np.vstack(columns)).all(axis=0) & (x >= 0) & (t_x >= 0) & (t_x <= t)
    right &= ((x == 0) | (x >= 1)) & ((x == 0) | (t_x > 0)) & (count > 0)
    if not right.all():
        first = [float(each[int(np.argmin(right))]) for each in columns]
        raise TrainingError(
            f"{int((~right).sum())} histories are not possible, the first with frequency, recency, "
            f"age, log gaps and weight {first}. Give whole repeat orders, 0 <= recency <= age, a "
            "recency above 0 where there is a repeat order, and count orders of one moment as one."
        )
    if not (x > 0).any():
        raise TrainingError(
            f"None of the {len(x)} customers ordered at two different times, so a BTYD model has "
            "nothing to fit. Give it a longer history."
        )
    return columns
