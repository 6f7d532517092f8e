from __future__ import annotations

import os
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from holdfast.errors import TrainingError
from holdfast.estimators import GammaGamma, fit_gamma_gamma
from holdfast.estimators._gamma_gamma import _loss

SHARED_DATA = Path(
    os.environ.get("HOLDFAST_SHARED_DATA", Path(__file__).resolve().parents[4] / "shared" / "data")
)


def test_fit_gives_the_published_parameters_on_the_cdnow_sample():
    """Fader & Hardie 2013: p 6.25, q 3.74, gamma 15.44 from the repeat orders."""
    path = SHARED_DATA / "cdnow_sample.parquet"
    if not path.is_file():
        pytest.skip(f"{path} is not there; set HOLDFAST_SHARED_DATA to the folder that holds it")
    rows = duckdb.sql(
        f"""
        with days as (
            select customer_id, date, sum(dollar_value) as value
            from '{str(path).replace("'", "''")}'
            where date <= date '1997-09-30'
            group by all
        ),
        numbered as (
            select *, row_number() over (partition by customer_id order by date) as place from days
        )
        select count(*), avg(value)
        from numbered
        where place > 1
        group by customer_id
        having avg(value) > 0
        """
    ).fetchall()
    model = fit_gamma_gamma(*np.array(rows, dtype=np.float64).T)
    assert model.customer_count == 946
    np.testing.assert_allclose([model.p, model.q, model.gamma], [6.25, 3.74, 15.44], atol=6e-3)
    assert model.log_likelihood == pytest.approx(-4055.92, abs=0.01)


def simulate(count: int, truth: GammaGamma, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return numbers of orders, mean values, and the value of the next order."""
    random = np.random.default_rng(seed)
    rate = random.gamma(truth.q, 1 / truth.gamma, count)
    orders = random.integers(1, 9, count)
    mean = random.gamma(truth.p * orders, 1 / rate) / orders
    return orders.astype(np.float64), mean, random.gamma(truth.p, 1 / rate)


def test_fit_finds_the_parameters_and_the_expected_value_comes_on_average():
    truth = GammaGamma(4.0, 6.0, 50.0, 0.0, 1)
    orders, mean, following = simulate(40_000, truth, 1)
    found = fit_gamma_gamma(orders, mean)
    for name in ("p", "q", "gamma"):
        assert getattr(found, name) == pytest.approx(getattr(truth, name), rel=0.1)
    expected = found.expected_value(orders, mean)
    for group in (orders == 1, orders == 8, mean > np.quantile(mean, 0.9)):
        off = (following - expected)[group]
        assert abs(off.mean()) < 4 * off.std() / np.sqrt(group.sum())


def test_gradient_is_that_of_the_likelihood():
    orders, mean, _ = simulate(300, GammaGamma(4.0, 6.0, 50.0, 0.0, 1), 2)
    share = np.full(300, 1 / 300)
    for point in ([0.0, 0.5, 0.0], [1.0, 2.0, 3.0]):
        at = np.array(point)
        by_differences = approx_fprime(at, lambda at: _loss(at, orders, mean, share)[0], 1e-7)
        found = _loss(at, orders, mean, share)[1]
        np.testing.assert_allclose(found, by_differences, rtol=1e-4, atol=1e-5)


def test_order_and_currency_change_nothing_but_gamma():
    orders, mean, _ = simulate(500, GammaGamma(4.0, 6.0, 50.0, 0.0, 1), 3)
    once = fit_gamma_gamma(orders, mean)
    place = np.random.default_rng(0).permutation(500)
    assert fit_gamma_gamma(orders[place], mean[place]) == once
    cents = fit_gamma_gamma(orders, mean * 100)
    assert (cents.p, cents.q) == pytest.approx((once.p, once.q), rel=1e-4)
    assert cents.gamma == pytest.approx(once.gamma * 100, rel=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 500), st.floats(1e-4, 1e9)), min_size=1, max_size=30))
def test_any_values_are_fitted(customers):
    orders, mean = np.array(customers, dtype=np.float64).T
    model = fit_gamma_gamma(orders, mean)
    expected = model.expected_value(orders, mean)
    assert np.isfinite(expected).all()
    assert (expected > 0).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (([1, 2], [10.0, 0.0]), "1 customers have no value to fit on"),
        (([0, 2], [10.0, 5.0]), "1 customers have no value to fit on"),
        (([1, 2], [10.0]), "arrays of one length"),
        (([], []), "arrays of one length"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_the_reason(values, message):
    with pytest.raises(TrainingError, match=message):
        fit_gamma_gamma(*values)
