"""BG/NBD: how often customers buy, and when they stop, from three numbers per customer.

While a customer lives, orders come as a Poisson process whose rate differs by customer (gamma with
r and alpha); after every repeat order the customer may stop for good, with a probability that
differs too (beta with a and b). Fader, Hardie & Lee 2005, "Counting your customers the easy way",
Marketing Science 24(2), https://doi.org/10.1287/mksc.1040.0098.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto

from holdfast.contract import Graph, OnnxHeader, finish
from holdfast.errors import TrainingError

__all__ = [
    "BGNBD_FEATURES",
    "BgNbd",
    "BgNbdModel",
    "bgnbd_nodes",
    "fit_bgnbd",
    "fit_bgnbd_model",
    "has_histories",
]

BGNBD_FEATURES = ("orders_lifetime", "days_since_order", "first_order_age_days")

_FITTING_ROWS = "each customer once: the latest row, carried to the last as_of without an order"

_Doubles: TypeAlias = NDArray[np.float64]

# Of the logarithm of every parameter, with time in units of the mean age. Data without dropout, or
# with customers all alike, have their optimum at infinity; beyond this, predictions hardly change.
_LOG_BOUND = 10.0
# Of the mean log-likelihood per customer; a fit that stops above it has not converged.
_LARGEST_GRADIENT = 1e-5
# Where customers hardly differ, the optimum is a long flat ridge, and a search may give up on it.
_MOST_SEARCHES = 5


@dataclass(frozen=True)
class BgNbd:
    """Fitted parameters of a BG/NBD, in the time unit of the data.

    Parameters
    ----------
    r, alpha
        Shape and rate of the gamma distribution of order rates; alpha is in time units.
    a, b
        Of the beta distribution of the probability to stop after an order.
    log_likelihood
        Natural logarithm, of all customers together.
    customer_count
        Customers that were fitted on.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    customer_count: int

    def alive(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> _Doubles:
        """Return the probability that a customer has not stopped, shape (n,).

        It is 1 for every customer without a repeat order, whatever the silence since: as a churn
        score use `silent`.

        Parameters
        ----------
        frequency, recency, age
            As for `fit_bgnbd`.

        Examples
        --------
        >>> cdnow = BgNbd(0.243, 4.414, 0.793, 2.426, -9582.4, 2357)
        >>> cdnow.alive([0, 2], [0, 30.43], [38.86, 38.86]).round(3).tolist()
        [1.0, 0.727]
        """
        x, t_x, t = (np.asarray(each, dtype=np.float64) for each in (frequency, recency, age))
        # One logarithm of a ratio, not two logarithms: exact near 1, so a large x does no harm.
        since = np.log((self.alpha + t) / (self.alpha + t_x))
        stop = np.log(self.a / (self.b + np.maximum(x, 1.0) - 1.0))
        log_odds_stopped = np.where(x >= 1.0, stop + (self.r + x) * since, -np.inf)
        result: _Doubles = np.exp(-np.logaddexp(0.0, log_odds_stopped))
        return result

    def silent(
        self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, horizon: float
    ) -> _Doubles:
        """Return the probability of no order within the horizon, shape (n,).

        Whoever lives has an order rate that is gamma with r + x and alpha + T, so orders nothing
        with probability ((alpha + T) / (alpha + T + horizon)) ** (r + x).

        Parameters
        ----------
        frequency, recency, age
            As for `fit_bgnbd`.
        horizon
            Length of the window that begins at the end of the age, in the same unit.

        Examples
        --------
        >>> cdnow = BgNbd(0.243, 4.414, 0.793, 2.426, -9582.4, 2357)
        >>> cdnow.silent([0, 2], [0, 30.43], [38.86, 38.86], 39).round(3).tolist()
        [0.855, 0.445]
        """
        x, t = np.asarray(frequency, dtype=np.float64), np.asarray(age, dtype=np.float64)
        pause = np.log((self.alpha + t) / (self.alpha + t + horizon))
        orders = 1.0 - np.exp((self.r + x) * pause)
        result: _Doubles = 1.0 - self.alive(x, recency, t) * orders
        return result


def fit_bgnbd(frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> BgNbd:
    """Fit a BG/NBD by maximum likelihood; the same data give the same parameters.

    Parameters
    ----------
    frequency
        Repeat orders x: orders less the first, shape (n,).
    recency
        Time from first to last order t_x, 0 without a repeat order, shape (n,); any unit.
    age
        Time from first order to the observation T, shape (n,), in the same unit.

    Returns
    -------
    BgNbd
        Where a parameter tends to infinity or zero (nobody stops, all are alike), it stays at a
        bound beyond which predictions hardly change.

    Raises
    ------
    TrainingError
        The numbers are not those of a history, nobody has ordered twice, or the search does not
        converge.

    References
    ----------
    Fader, Hardie & Lee 2005, equation 6.

    Examples
    --------
    >>> model = fit_bgnbd([0, 0, 1, 3, 0, 6], [0, 0, 9, 20, 0, 35], [30, 35, 38, 28, 39, 37])
    >>> model.customer_count
    6
    """
    from scipy.optimize import minimize

    history = _checked(frequency, recency, age)
    scale = float(history[2].mean())
    weighed = _Histories.from_customers(*(history / np.array([[1.0], [scale], [scale]])))
    start = np.zeros(4)
    for _ in range(_MOST_SEARCHES):
        found = minimize(
            weighed.loss,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(-_LOG_BOUND, _LOG_BOUND)] * 4,
            options={"maxiter": 2000, "maxfun": 4000, "ftol": 0.0, "gtol": 1e-6},
        )
        # At a bound only the way back counts. The line search may give up within rounding of the
        # optimum, so the gradient decides, not the success that scipy reports.
        gradient = found.x - np.clip(found.x - found.jac, -_LOG_BOUND, _LOG_BOUND)
        if np.abs(gradient).max() <= _LARGEST_GRADIENT:
            break
        start = found.x
    else:
        raise TrainingError(
            f"The BG/NBD of {history.shape[1]} customers did not converge: {found.message}. Give "
            "it more customers or a longer history, or leave this model out."
        )
    r, alpha, a, b = np.exp(found.x).tolist()
    count = history.shape[1]
    # Every order of a history is a density in time, so a change of unit moves the likelihood.
    log_likelihood = -float(found.fun) * count - float(history[0].sum()) * np.log(scale)
    return BgNbd(r, alpha * scale, a, b, float(log_likelihood), count)


def _checked(frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> _Doubles:
    """Return x, t_x and T as rows, or refuse what cannot be a history."""
    columns = [np.asarray(each, dtype=np.float64) for each in (frequency, recency, age)]
    if columns[0].ndim != 1 or any(each.shape != columns[0].shape for each in columns):
        shapes = ", ".join(str(each.shape) for each in columns)
        raise TrainingError(
            f"A BG/NBD needs three arrays of one length, not of shapes {shapes}. Give one "
            "frequency, recency and age per customer."
        )
    history = np.vstack(columns)
    x, t_x, t = history
    # Written so that a NaN counts as wrong.
    right = np.isfinite(history).all(axis=0) & (x >= 0) & (t_x >= 0) & (t_x <= t)
    right &= (x == 0) | (x >= 1)
    if not right.all():
        first = history[:, int(np.argmin(right))].tolist()
        raise TrainingError(
            f"{int((~right).sum())} customers have no possible history, the first with frequency, "
            f"recency and age {first}. Give whole repeat orders and 0 <= recency <= age."
        )
    if not (x > 0).any() or not t_x.any():
        raise TrainingError(
            f"None of the {len(x)} customers ordered at two different times, so a BG/NBD has "
            "nothing to fit. Give it a longer history, or leave this model out."
        )
    return history


@dataclass(frozen=True)
class _Histories:
    """Distinct histories with their shares; what depends on x alone is computed once per x."""

    x: _Doubles
    t_x: _Doubles
    t: _Doubles
    share: _Doubles
    counts: _Doubles
    position: NDArray[np.intp]
    count_share: NDArray[Any]

    @classmethod
    def from_customers(cls, x: _Doubles, t_x: _Doubles, t: _Doubles) -> _Histories:
        """Count equal customers."""
        order = np.lexsort((t, t_x, x))
        x, t_x, t = x[order], t_x[order], t[order]
        is_new = np.ones(len(x), dtype=bool)
        is_new[1:] = (x[1:] != x[:-1]) | (t_x[1:] != t_x[:-1]) | (t[1:] != t[:-1])
        first = np.flatnonzero(is_new)
        share = np.diff(np.append(first, len(x))) / len(x)
        counts, position = np.unique(x[first], return_inverse=True)
        count_share = np.bincount(position, weights=share)
        return cls(x[first], t_x[first], t[first], share, counts, position, count_share)

    def loss(self, log_parameters: _Doubles) -> tuple[float, _Doubles]:
        """Return the mean negative log-likelihood and its gradient by the logged parameters."""
        from scipy.special import digamma, gammaln

        r, alpha, a, b = np.exp(log_parameters)
        k, weight = self.counts, self.count_share
        gammas = (
            gammaln(r + k)
            - gammaln(r)
            + gammaln(a + b)
            - gammaln(a + b + k)
            + gammaln(b + k)
            - gammaln(b)
        )
        log_stop = np.where(k > 0, np.log(a / (b + np.maximum(k, 1.0) - 1.0)), -np.inf)
        log_alive, log_last = np.log(alpha + self.t), np.log(alpha + self.t_x)
        exponent = r + self.x
        living = -exponent * log_alive
        stopped = log_stop[self.position] - exponent * log_last
        either = np.logaddexp(living, stopped)
        value = weight @ gammas + r * np.log(alpha) + self.share @ either

        of_stopped = np.exp(stopped - either) * self.share
        of_living = self.share - of_stopped
        stopped_by_count = np.bincount(self.position, weights=of_stopped)
        by_both = weight @ (digamma(a + b) - digamma(a + b + k))
        gradient = np.array(
            [
                weight @ (digamma(r + k) - digamma(r))
                + np.log(alpha)
                - of_living @ log_alive
                - of_stopped @ log_last,
                r / alpha
                - of_living @ (exponent / (alpha + self.t))
                - of_stopped @ (exponent / (alpha + self.t_x)),
                by_both + of_stopped.sum() / a,
                by_both
                + weight @ (digamma(b + k) - digamma(b))
                - stopped_by_count @ (1.0 / (b + np.maximum(k, 1.0) - 1.0)),
            ]
        )
        return -float(value), -gradient * np.array([r, alpha, a, b])


@dataclass(frozen=True)
class BgNbdModel:
    """A BG/NBD that predicts churn from `BGNBD_FEATURES`, in this order.

    A row with a value missing or infinite gets the base rate. Values out of order are put in
    order: below 0 is 0, and a silence cannot be longer than the age.

    Parameters
    ----------
    process
        Fitted in days.
    horizon_days
        Length of the window of the label, which begins at as_of.
    base_rate
        Share of churned rows in training.
    fitted_at
        The as_of that the customers were carried to, as text.
    """

    process: BgNbd
    horizon_days: int
    base_rate: float
    fitted_at: str

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """What was chosen before the fit, the rows above all."""
        return {
            "horizon_days": self.horizon_days,
            "fitting_rows": _FITTING_ROWS,
            "fitting_as_of": self.fitted_at,
            "fitting_row_count": self.process.customer_count,
        }

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of no order within the horizon, shape (n,)."""
        known, frequency, recency, age = _histories(features)
        silent = self.process.silent(frequency, recency, age, self.horizon_days)
        return np.where(known, silent, self.base_rate)

    def to_onnx(self, header: OnnxHeader) -> bytes:
        """Write the model as a deterministic ONNX file, which has no output `contributions`."""
        return _bgnbd_onnx(self, header)


def fit_bgnbd_model(
    features: NDArray[np.float32],
    y: NDArray[np.int64],
    names: tuple[str, ...],
    *,
    as_of: NDArray[np.datetime64],
    customer: NDArray[Any],
    horizon_days: int,
) -> BgNbdModel:
    """Fit a BG/NBD on a training set of customers observed at several dates.

    The rows of one date are customers active lately, which hides whoever stopped. So each customer
    enters once, by the latest row, carried to the last as_of of all: whoever left the active
    population has ordered nothing since, so only the age has grown. That holds where dates follow
    each other more closely than the population's activity window, and where customers leave it by
    silence alone. The outcomes are not fitted on; they give the base rate.

    Parameters
    ----------
    features
        `BGNBD_FEATURES`, float32, shape (n, 3), in days; rows with a missing value are not used.
    y
        Outcome 0 or 1, shape (n,).
    names
        Feature names, which must be `BGNBD_FEATURES`.
    as_of
        Observation, datetime64, shape (n,).
    customer
        The customer, anything that sorts, shape (n,).
    horizon_days
        Days of the label's window; it must begin at as_of, without a lead.

    Returns
    -------
    BgNbdModel

    Raises
    ------
    TrainingError
        Other features, or as `fit_bgnbd`.

    Examples
    --------
    >>> features = np.array([[1, 20, 20], [3, 10, 60], [5, 5, 90], [1, 80, 80]], dtype=np.float32)
    >>> model = fit_bgnbd_model(
    ...     features,
    ...     np.array([1, 0, 0, 1]),
    ...     BGNBD_FEATURES,
    ...     as_of=np.full(4, "2025-01-01", dtype="datetime64[D]"),
    ...     customer=np.arange(4),
    ...     horizon_days=90,
    ... )
    >>> model.hyperparameters["fitting_row_count"]
    4
    """
    _check_names(names)
    known, frequency, recency, age = _histories(features)
    if not known.any():
        raise TrainingError(
            f"None of the {len(features)} training rows has all of {', '.join(BGNBD_FEATURES)}, so "
            "a BG/NBD has nothing to fit. Fill these features, or leave this model out."
        )
    moment = as_of.astype("datetime64[us]")
    rows = np.flatnonzero(known)
    rows = rows[np.lexsort((moment[rows], customer[rows]))]
    is_last = np.append(customer[rows[1:]] != customer[rows[:-1]], True)
    rows = rows[is_last]
    passed = (moment.max() - moment[rows]) / np.timedelta64(1, "D")
    process = fit_bgnbd(frequency[rows], recency[rows], age[rows] + passed)
    # A certain base rate would have no log-odds to be stored as the base value.
    base_rate = float(np.clip(np.mean(y), 1e-6, 1.0 - 1e-6))
    return BgNbdModel(process, int(horizon_days), base_rate, str(moment.max()))


def has_histories(names: Iterable[str]) -> bool:
    """Tell whether what a BG/NBD reads is among some features."""
    return set(BGNBD_FEATURES) <= set(names)


def _check_names(names: tuple[str, ...]) -> None:
    """Refuse other features than the three."""
    if tuple(names) != BGNBD_FEATURES:
        raise TrainingError(
            f"A BG/NBD needs the features {', '.join(BGNBD_FEATURES)} in this order, got "
            f"{', '.join(names) or 'none'}. Add what is missing, or leave this model out."
        )


def _histories(
    features: NDArray[np.float32],
) -> tuple[NDArray[np.bool_], _Doubles, _Doubles, _Doubles]:
    """Return which rows are known, and repeat orders, recency and age, put in order."""
    known = np.asarray(np.isfinite(features).all(axis=1))
    wide = np.maximum(np.where(known[:, None], features, 0.0).astype(np.float64), 0.0)
    orders, silence, age = wide.T
    return known, np.maximum(orders - 1.0, 0.0), np.maximum(age - silence, 0.0), age


def _bgnbd_onnx(model: BgNbdModel, header: OnnxHeader) -> bytes:
    """Write `BgNbdModel.predict`, node by node, in double precision inside."""
    _check_names(header.feature_names)
    graph = Graph(len(BGNBD_FEATURES))
    one = graph.constant("one", 1.0)
    probability = bgnbd_nodes(graph, model, "features", one)
    graph.outputs(probability, one)
    base_value = float(np.log(model.base_rate / (1.0 - model.base_rate)))
    return finish(graph.model(has_contributions=False), header, base_value)


def bgnbd_nodes(graph: Graph, model: BgNbdModel, source: str, one: str) -> str:
    """Add the nodes of `BgNbdModel.predict` to a graph.

    Parameters
    ----------
    graph
        The graph.
    model
        What is written.
    source
        The tensor with `BGNBD_FEATURES`, float32 [N, 3].
    one
        The constant 1, double.

    Returns
    -------
    str
        The tensor with the probability, double [N, 1].
    """

    def constant(name: str, value: Any, dtype: Any = np.float64) -> str:
        """Add an initializer."""
        return graph.constant("silence_" + name, value, dtype)

    def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node with one output."""
        return graph.node(operator, inputs, "silence_" + output, **attributes)

    process = model.process
    zero = constant("zero", 0.0)
    r, alpha = constant("r", process.r), constant("alpha", process.alpha)
    a, b = constant("a", process.a), constant("b", process.b)
    horizon = constant("horizon_days", float(model.horizon_days))
    base_rate = constant("base_rate", model.base_rate)
    last_axis = constant("last_axis", [1], np.int64)
    wide = node("Cast", [source], "wide", to=TensorProto.DOUBLE)
    odd = node("Or", [node("IsNaN", [wide], "is_nan"), node("IsInf", [wide], "is_inf")], "is_odd")
    flags = node("Cast", [odd], "odd_flags", to=TensorProto.DOUBLE)
    odd_count = node("ReduceSum", [flags, last_axis], "odd_count", keepdims=1)
    unknown = node("Greater", [odd_count, zero], "is_unknown")
    tame = node("Max", [node("Where", [unknown, zero, wide], "filled"), zero], "tame")
    orders, silence, age = (
        node("Gather", [tame, constant(f"column_{index}", [index], np.int64)], name, axis=1)
        for index, name in enumerate(("orders", "silence", "age"))
    )
    frequency = node("Max", [node("Sub", [orders, one], "repeats"), zero], "frequency")
    recency = node("Max", [node("Sub", [age, silence], "active_days"), zero], "recency")

    shape = node("Add", [r, frequency], "shape")
    rate = node("Add", [alpha, age], "rate")
    since = node("Div", [rate, node("Add", [alpha, recency], "rate_at_last")], "since")
    silence_term = node("Mul", [shape, node("Log", [since], "log_since")], "silence_term")
    stops = node("Sub", [node("Max", [frequency, one], "least_one"), one], "stops")
    odds = node("Div", [a, node("Add", [b, stops], "b_after_stops")], "stop_odds")
    stopped = node("Add", [node("Log", [odds], "log_stop_odds"), silence_term], "log_odds_stopped")
    living = node("Sigmoid", [node("Neg", [stopped], "log_odds_alive")], "alive_if_repeat")
    has_repeat = node("GreaterOrEqual", [frequency, one], "has_repeat")
    alive = node("Where", [has_repeat, living, one], "alive")
    pause = node("Div", [rate, node("Add", [rate, horizon], "rate_at_end")], "pause")
    pauses = node("Mul", [shape, node("Log", [pause], "log_pause")], "log_no_order")
    buys = node("Sub", [one, node("Exp", [pauses], "no_order")], "order")
    silent = node("Sub", [one, node("Mul", [alive, buys], "alive_and_order")], "silent")
    return node("Where", [unknown, base_rate, silent], "probability")
