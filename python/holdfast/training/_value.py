"""What customers are worth: the buy-till-you-die models of a build, and how far off they were.

The models are fitted at every build, for that takes a second or two: on all customers of a small
shop, and on a sample of a large one, always the same customers. Nothing has to be kept, and no
model grows old.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.errors import TrainingError
from holdfast.estimators import Btyd, GammaGamma, choose_btyd, fit_btyd, fit_gamma_gamma
from holdfast.threads import one_thread

__all__ = ["BTYD_SCHEMA", "HORIZONS", "OrderDays", "calibrate", "fit_value_models"]

logger = logging.getLogger("holdfast.training")

_Doubles: TypeAlias = NDArray[np.float64]

HORIZONS = (90, 365)
# The parameters of so many customers are known to a few in a hundred, and their total to one.
_MOST_CUSTOMERS = 20_000
# Customers with a repeat order; with fewer, the figures are marked.
_LEAST_REPEATERS = 30
_YEAR = 365
# A ratio of a few orders says little, so each stands beside so many that came as expected.
_PRIOR_ORDERS = 10.0
_LEAST_RATIO, _LARGEST_RATIO = 0.2, 5.0
# What another season showed is partly the season, so its ratio counts by two thirds, in logarithms;
# benchmarks/value_level.py compares the rules on three shops.
_OF_ANOTHER_SEASON = 2.0 / 3.0
# A horizon shorter than this has too little in it to tell a level.
_LEAST_DAYS = 7

BTYD_SCHEMA = pa.schema(
    [
        ("as_of", pa.timestamp("us")),
        ("role", pa.string()),
        ("fitted_as_of", pa.timestamp("us")),
        ("algorithm", pa.string()),
        ("is_chosen", pa.bool_()),
        ("status", pa.string()),
        ("model_id", pa.string()),
        ("k", pa.int64()),
        ("stops_at_first", pa.bool_()),
        ("r", pa.float64()),
        ("alpha", pa.float64()),
        ("a", pa.float64()),
        ("b", pa.float64()),
        ("log_likelihood", pa.float64()),
        ("customer_count", pa.int64()),
        ("repeat_customer_count", pa.int64()),
        ("orders_per_day", pa.float64()),
        ("spend_p", pa.float64()),
        ("spend_q", pa.float64()),
        ("spend_gamma", pa.float64()),
        ("spend_log_likelihood", pa.float64()),
        *(
            column
            for days in HORIZONS
            for column in (
                (f"order_ratio_{days}d", pa.float64()),
                (f"spend_ratio_{days}d", pa.float64()),
                (f"calibrated_from_{days}d", pa.timestamp("us")),
                (f"calibrated_over_{days}d", pa.int64()),
            )
        ),
        ("parameters", pa.string()),
    ]
)


@dataclass(frozen=True)
class OrderDays:
    """Days on which customers ordered, sorted by customer and day.

    Parameters
    ----------
    customer
        Number of the customer, shape (n,).
    day, known
        Day of the orders, and the first day after which they were known, in days since 1970.
    orders, spend
        How many there were that day, and what they came to.
    """

    customer: NDArray[np.int64]
    day: NDArray[np.int64]
    known: NDArray[np.int64]
    orders: _Doubles
    spend: _Doubles

    def before(self, day: int) -> OrderDays:
        """Return what was known at the beginning of a day."""
        return self._of((self.day < day) & (self.known < day))

    def _of(self, rows: NDArray[np.bool_]) -> OrderDays:
        """Return some of the rows."""
        return OrderDays(
            self.customer[rows],
            self.day[rows],
            self.known[rows],
            self.orders[rows],
            self.spend[rows],
        )

    def histories(self, day: int) -> Histories:
        """Return what each customer had done by the beginning of a day; all rows lie before it."""
        start = np.flatnonzero(np.append(True, self.customer[1:] != self.customer[:-1]))
        end = np.append(start[1:], len(self.customer))
        gaps = np.ones(len(self.day))
        gaps[1:] = np.maximum(np.diff(self.day), 1)
        gaps[start] = 1.0
        first = self.day[start]
        count = (end - start).astype(np.float64)
        return Histories(
            self.customer[start],
            count - 1.0,
            (self.day[end - 1] - first).astype(np.float64),
            (day - first).astype(np.float64),
            np.add.reduceat(np.log(gaps), start),
            np.add.reduceat(self.spend, start) / count,
        )


@dataclass(frozen=True)
class Histories:
    """Customers by their number: repeat order days, recency, age, sum of log gaps, mean value."""

    customer: NDArray[np.int64]
    x: _Doubles
    t_x: _Doubles
    t: _Doubles
    log_gaps: _Doubles
    value: _Doubles


@dataclass(frozen=True)
class Calibration:
    """How far a model fitted earlier was off, over a horizon that is over.

    Parameters
    ----------
    orders, spend
        Actual over expected.
    from_day, days
        The horizon it was measured over.
    """

    orders: float = 1.0
    spend: float = 1.0
    from_day: int | None = None
    days: int | None = None


def fit_value_models(session: Any, orders: Any, dates: Any) -> pa.Table:
    """Fit the models of all dates that are asked about, and measure their level.

    Parameters
    ----------
    session
        The DuckDB connection of the dbt run. It is neither closed nor changed.
    orders
        The relation `btyd_orders`: customer_id, order_date, order_count, spend, known_at.
    dates
        The relation `btyd_dates`: as_of, role, fitted_as_of.

    Returns
    -------
    pyarrow.Table
        One row per as_of and model, of the schema `BTYD_SCHEMA`; `is_chosen` tells the one to use.
        Where nothing could be fitted, one row with the status ``no_model``.

    Examples
    --------
    >>> def model(dbt, session):
    ...     orders = dbt.ref("holdfast", "holdfast__btyd_orders")
    ...     return fit_value_models(session, orders, dbt.ref("holdfast", "holdfast__btyd_dates"))
    """
    days = _read(session, orders)
    asked = session.execute(
        f"""
        select
            as_of,
            role,
            fitted_as_of,
            cast(as_of as date) - date '1970-01-01' as day,
            cast(fitted_as_of as date) - date '1970-01-01' as fitted_day
        from ({dates.sql_query()}) as dates
        order by as_of asc nulls last
        """  # noqa: S608 - a relation of dbt's own
    ).fetchall()
    # a limit to one thread reaches only libraries that are loaded
    import scipy.optimize  # noqa: F401

    rows: list[dict[str, Any]] = []
    with one_thread():
        fits = _Fits(days)
        for as_of, role, fitted_as_of, day, fitted_day in asked:
            asked_about = {"as_of": as_of, "role": role, "fitted_as_of": fitted_as_of}
            # nothing is tested over the longer horizon
            horizons = HORIZONS if role == "scoring" else HORIZONS[:1]
            found = fits.rows(day, fitted_day, horizons)
            rows.extend({**asked_about, **row} for row in found)
    return pa.Table.from_pylist(rows, schema=BTYD_SCHEMA)


class _Fits:
    """The models of one build; dates that share a day of fitting share the models."""

    def __init__(self, days: OrderDays) -> None:
        self._days = days
        self._at = cache(self._fit_at)

    def rows(
        self, day: int, fitted_day: int, horizons: tuple[int, ...]
    ) -> Iterator[dict[str, Any]]:
        """Give the rows of one date, without the date itself."""
        models, money, told = self._at(fitted_day)
        if not models:
            yield {"algorithm": "none", "is_chosen": True, "status": "no_model", **told}
            return
        chosen = models[0]
        known = self._days.before(fitted_day)
        ratios: dict[str, Any] = {}
        for horizon in horizons:
            found = calibrate(known, chosen, day, fitted_day, horizon)
            begins = None if found.from_day is None else np.datetime64(found.from_day, "D")
            ratios |= {
                f"order_ratio_{horizon}d": found.orders,
                f"spend_ratio_{horizon}d": found.spend,
                f"calibrated_from_{horizon}d": None
                if begins is None
                else begins.astype("M8[us]").item(),
                f"calibrated_over_{horizon}d": found.days,
            }
        for model in models:
            row = _row(model, money) | told
            yield row | {"is_chosen": model is chosen, **(ratios if model is chosen else {})}

    def _fit_at(self, day: int) -> tuple[list[Btyd], GammaGamma | None, dict[str, Any]]:
        """Fit all models on what was known on a day."""
        known = self._days.before(day)
        if not len(known.day):
            return [], None, {"customer_count": 0, "repeat_customer_count": 0}
        told = _counts(known)
        past = known.histories(day)
        try:
            models = choose_btyd(past.x, past.t_x, past.t, past.log_gaps)
        except TrainingError as error:
            logger.info("No model of the number of orders: %s", error)
            return [], None, told
        enough = told["repeat_customer_count"] >= _LEAST_REPEATERS
        told["status"] = "fitted" if enough else "fitted_on_too_little"
        return models, _fit_money(past), told


def calibrate(
    known: OrderDays, model: Btyd, day: int, fitted_day: int, horizon: int
) -> Calibration:
    """Measure how far the model, fitted earlier, was off in a horizon that is over.

    The horizon is that of the same season a year before, where the orders reach back far enough
    beyond it, for the level of most shops goes up and down with the year. Otherwise it is the last
    that is complete, and where the history is shorter than two horizons, its second half; its ratio
    counts by two thirds then, for it tells of another season.

    Parameters
    ----------
    known
        What was known at `fitted_day`.
    model
        The model to measure; its parameters are fitted again on what lies before the horizon.
    day
        The day whose horizon is to be predicted.
    fitted_day
        The day at whose beginning `known` was known.
    horizon
        Length of the horizon in days.

    Returns
    -------
    Calibration
        Ratios of 1 where there is too little to measure.
    """
    begins = int(known.day.min())
    cut, length, share = day - _YEAR, horizon, 1.0
    if cut - begins < horizon or cut + horizon > fitted_day:
        share = _OF_ANOTHER_SEASON
        length = min(horizon, (fitted_day - begins) // 2)
        cut = fitted_day - length
    earlier = known.before(cut)
    if length < _LEAST_DAYS or not len(earlier.day):
        return Calibration()
    past = earlier.histories(cut)
    try:
        then = fit_btyd(past.x, past.t_x, past.t, k=model.k, stops_at_first=model.stops_at_first)
    except TrainingError as error:
        logger.info("The level of orders could not be measured: %s", error)
        return Calibration()
    expected_days = then.expected_orders(past.x, past.t_x, past.t, length)
    is_after = (known.day >= cut) & (known.day < cut + length)
    is_after &= np.isin(known.customer, past.customer)
    expected = _orders_per_day(earlier) * expected_days.sum()
    orders = _ratio(known.orders[is_after].sum(), expected) ** share
    money = _fit_money(past)
    if money is None:
        return Calibration(orders, 1.0, cut, length)
    expected_spend = expected_days * money.expected_value(past.x + 1.0, past.value)
    unit = float(past.value.mean())
    spend = _ratio(known.spend[is_after].sum() / unit, expected_spend.sum() / unit) ** share
    return Calibration(orders, spend, cut, length)


def _ratio(actual: float, expected: float) -> float:
    """Return actual over expected, each beside as many as came as expected."""
    ratio = (float(actual) + _PRIOR_ORDERS) / (float(expected) + _PRIOR_ORDERS)
    return float(np.clip(ratio, _LEAST_RATIO, _LARGEST_RATIO))


def _orders_per_day(days: OrderDays) -> float:
    """Return how many orders a day with an order has."""
    return float(days.orders.sum() / len(days.day))


def _fit_money(past: Histories) -> GammaGamma | None:
    """Fit the values of orders; None where they cannot be fitted."""
    try:
        return fit_gamma_gamma(past.x + 1.0, past.value)
    except TrainingError as error:
        logger.info("No model of the value of orders: %s", error)
        return None


def _counts(known: OrderDays) -> dict[str, Any]:
    """Return what is told of the customers that were fitted on."""
    per_customer = np.unique(known.customer, return_counts=True)[1]
    return {
        "customer_count": len(per_customer),
        "repeat_customer_count": int((per_customer > 1).sum()),
        "orders_per_day": _orders_per_day(known),
    }


def _row(model: Btyd, money: GammaGamma | None) -> dict[str, Any]:
    """Write a model as a row."""
    parameters: dict[str, Any] = {
        "k": model.k,
        "stops_at_first": model.stops_at_first,
        "r": model.r,
        "alpha": model.alpha,
        "a": model.a,
        "b": model.b,
    }
    of_spend = {} if money is None else {"p": money.p, "q": money.q, "gamma": money.gamma}
    told = json.dumps({**parameters, "spend": of_spend or None}, sort_keys=True)
    return {
        "algorithm": model.algorithm,
        "model_id": hashlib.sha256(told.encode()).hexdigest()[:16],
        **parameters,
        "log_likelihood": model.log_likelihood,
        **{f"spend_{name}": value for name, value in of_spend.items()},
        "spend_log_likelihood": None if money is None else money.log_likelihood,
        "parameters": told,
    }


def _read(session: Any, orders: Any) -> OrderDays:
    """Read the order days, of a sample where there are many customers."""
    relation = f"({orders.sql_query()})"
    customers = session.execute(
        f"select count(distinct customer_id) from {relation} as orders"  # noqa: S608
    ).fetchone()[0]
    every = -(-customers // _MOST_CUSTOMERS)
    sampled = (
        f"where md5_number_lower(cast(customer_id as varchar)) % {every} = 0" if every > 1 else ""
    )
    table = session.execute(
        f"""
        select
            dense_rank() over (order by customer_id asc nulls last) as customer,
            order_date - date '1970-01-01' as day,
            cast(known_at as date) - date '1970-01-01' as known,
            cast(order_count as double) as orders,
            cast(spend as double) as spend
        from {relation} as orders
        {sampled}
        order by customer_id asc nulls last, order_date asc nulls last
        """  # noqa: S608 - a relation of dbt's own
    ).fetchnumpy()
    customer, day, known = (
        np.asarray(table[name]).astype(np.int64) for name in ("customer", "day", "known")
    )
    count, spend = (np.asarray(table[name]).astype(np.float64) for name in ("orders", "spend"))
    # what is loaded before its day is over is known when it is
    return OrderDays(customer, day, np.maximum(known, day), count, spend)
