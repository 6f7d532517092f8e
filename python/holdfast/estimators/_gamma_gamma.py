"""Gamma-Gamma: the value of a customer's next order, from the values of those so far.

The values of a customer's orders are gamma with shape p, and a rate that differs by customer (gamma
with q and gamma). So a customer's own mean counts the more, the more orders there are.

Colombo & Jiang 1999, "A stochastic RFM model", Journal of Interactive Marketing 13(3); Fader &
Hardie 2013, "The gamma-gamma model of monetary value", http://www.brucehardie.com/notes/025/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holdfast.errors import TrainingError

__all__ = ["GammaGamma", "fit_gamma_gamma"]

_Doubles: TypeAlias = NDArray[np.float64]

# Of the logarithms of p and q, and of gamma with money in units of the mean order. Beyond them all
# orders of a customer, or all customers, are alike to within a few percent.
_LOG_BOUNDS = (7.0, 7.0, 14.0)
# With q at 1 or below, the mean of a customer's mean order is infinite.
_LEAST_Q = 1.01
# Of the mean log-likelihood per order. Where a search gives up within rounding of the optimum, a
# little more is accepted.
_LARGEST_GRADIENT, _WITHIN_ROUNDING = 1e-5, 1e-3
# A ten-thousandth of a customer who knows nothing: where one or two customers leave the optimum on
# a long flat ridge it says where to stop, and beside a hundred it is lost.
_PRIOR = 1e-4
_MOST_SEARCHES = 5


@dataclass(frozen=True)
class GammaGamma:
    """Fitted parameters, in the currency of the data.

    Parameters
    ----------
    p
        Shape of the gamma distribution of a customer's orders.
    q, gamma
        Shape and rate of the gamma distribution of the customers' rates.
    log_likelihood
        Natural logarithm, of all customers together.
    customer_count
        Customers that were fitted on.
    """

    p: float
    q: float
    gamma: float
    log_likelihood: float
    customer_count: int

    def expected_value(self, orders: ArrayLike, mean_value: ArrayLike) -> _Doubles:
        """Return the expected value of a customer's next order, shape (n,).

        Parameters
        ----------
        orders, mean_value
            As for `fit_gamma_gamma`.

        Examples
        --------
        >>> cdnow = GammaGamma(6.25, 3.74, 15.44, -4055.9, 946)
        >>> cdnow.expected_value([1, 5], [50.0, 50.0]).round(2).tolist()
        [45.49, 48.81]
        """
        m, z = (np.asarray(each, dtype=np.float64) for each in (orders, mean_value))
        result: _Doubles = self.p * (self.gamma + m * z) / (self.p * m + self.q - 1.0)
        return result


def fit_gamma_gamma(
    orders: ArrayLike, mean_value: ArrayLike, *, weight: ArrayLike | None = None
) -> GammaGamma:
    """Fit the model by maximum likelihood; the same data give the same parameters.

    Parameters
    ----------
    orders
        Number of orders whose value is known, 1 or more, shape (n,).
    mean_value
        Their mean value, above 0, shape (n,).
    weight
        How many customers are alike, shape (n,); 1 by default.

    Returns
    -------
    GammaGamma
        Where a parameter tends to infinity (all orders are alike), it stays at a bound beyond
        which predictions hardly change.

    Raises
    ------
    TrainingError
        There is no value to fit on, one is not above 0, or the search does not converge.

    Examples
    --------
    >>> fit_gamma_gamma([1, 2, 3, 5], [10.0, 25.0, 8.0, 40.0]).customer_count
    4
    """
    from scipy.optimize import minimize

    m, z = (np.asarray(each, dtype=np.float64) for each in (orders, mean_value))
    count = np.ones(m.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    if m.ndim != 1 or m.shape != z.shape or m.shape != count.shape or not len(m):
        raise TrainingError(
            f"A Gamma-Gamma model needs arrays of one length, not of shapes {m.shape}, {z.shape} "
            f"and {count.shape}. Give one number of orders and one mean value per customer."
        )
    right = np.isfinite(m) & np.isfinite(z) & (m >= 1) & (z > 0) & (count > 0)
    if not right.all():
        first = int(np.argmin(right))
        raise TrainingError(
            f"{int((~right).sum())} customers have no value to fit on, the first with {m[first]} "
            f"orders of mean value {z[first]}. Give customers with orders above zero only."
        )
    order = np.lexsort((count, z, m))
    m, z, count = m[order], z[order], count[order]
    total = float(count.sum())
    scale = float((z * count).sum() / total)
    share, money = count / total, z / scale
    high = np.array(_LOG_BOUNDS)
    low = -high
    low[1] = np.log(_LEAST_Q)
    start = np.array([0.0, np.log(2.0), 0.0])
    for _ in range(_MOST_SEARCHES):
        found = minimize(
            lambda at: _with_prior(at, _loss(at, m, money, share), total),
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(low, high, strict=True)),
            options={"maxiter": 2000, "maxfun": 4000, "ftol": 0.0, "gtol": 1e-6},
        )
        # at a bound only the way back counts, as for the orders
        gradient = found.x - np.clip(found.x - found.jac, low, high)
        steepness = float(np.abs(gradient).max() / (share @ m))
        if steepness <= _LARGEST_GRADIENT or np.array_equal(start, found.x):
            break
        start = found.x
    if steepness > _WITHIN_ROUNDING:
        raise TrainingError(
            f"The Gamma-Gamma model of {len(m)} customers did not converge: {found.message}. Look "
            "for order values that cannot be right."
        )
    p, q, gamma = np.exp(found.x).tolist()
    log_likelihood = -_loss(found.x, m, money, share)[0] * total - total * np.log(scale)
    return GammaGamma(p, q, gamma * scale, float(log_likelihood), round(total))


def _with_prior(at: _Doubles, loss: tuple[float, _Doubles], total: float) -> tuple[float, _Doubles]:
    """Add what draws the logged parameters to 0 where the data do not care."""
    weight = _PRIOR / total
    return loss[0] + weight * float(at @ at), loss[1] + 2.0 * weight * at


def _loss(
    log_parameters: _Doubles, m: _Doubles, z: _Doubles, share: _Doubles
) -> tuple[float, _Doubles]:
    """Return the mean negative log-likelihood of the means, and its gradient by the logs."""
    from scipy.special import digamma, gammaln

    p, q, gamma = np.exp(log_parameters)
    shape, total = p * m, m * z
    log_all = np.log(gamma + total)
    value = (
        gammaln(shape + q)
        - gammaln(shape)
        - gammaln(q)
        + q * np.log(gamma)
        + (shape - 1.0) * np.log(z)
        + shape * np.log(m)
        - (shape + q) * log_all
    )
    gradient = np.array(
        [
            share @ (m * (digamma(shape + q) - digamma(shape) + np.log(total) - log_all)),
            share @ (digamma(shape + q) - digamma(q) + np.log(gamma) - log_all),
            share @ (q / gamma - (shape + q) / (gamma + total)),
        ]
    )
    return -float(share @ value), -gradient * np.array([p, q, gamma])
