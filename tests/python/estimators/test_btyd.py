from __future__ import annotations

import os
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.special import gammaln, hyp2f1
from scipy.stats import beta as beta_distribution
from scipy.stats import gamma as gamma_distribution

from holdfast.errors import TrainingError
from holdfast.estimators import Btyd, choose_btyd, fit_btyd
from holdfast.estimators._btyd import _Histories
from holdfast.training._value import OrderDays, calibrate

SHARED_DATA = Path(
    os.environ.get("HOLDFAST_SHARED_DATA", Path(__file__).resolve().parents[4] / "shared" / "data")
)
CDNOW = Btyd(1, False, 0.243, 4.414, 0.793, 2.426, -9582.4, 2357)
REGULAR = Btyd(3, True, 3.0, 12.0, 0.9, 4.0, 0.0, 1)


def shared(name: str) -> str:
    path = SHARED_DATA / name
    if not path.is_file():
        pytest.skip(f"{path} is not there; set HOLDFAST_SHARED_DATA to the folder that holds it")
    return str(path).replace("'", "''")


def simulate(
    truth: Btyd, count: int, age: float, horizon: float, seed: int
) -> dict[str, np.ndarray]:
    """Return histories, whether customers live at their end, and the orders of the horizon."""
    random = np.random.default_rng(seed)
    rate = random.gamma(truth.r, 1 / truth.alpha, count)
    stop = random.beta(truth.a, truth.b, count)
    ages = random.uniform(age / 2, age, count)
    x, t_x, log_gaps, later = (np.zeros(count) for _ in range(4))
    at = np.zeros(count)
    lives = random.random(count) >= stop if truth.stops_at_first else np.ones(count, bool)
    alive = lives.copy()
    while lives.any():
        gap = random.gamma(truth.k, 1, count) / rate
        at = at + gap
        before = lives & (at < ages)
        within = lives & (at >= ages) & (at < ages + horizon)
        x[before] += 1
        t_x[before] = at[before]
        log_gaps[before] += np.log(gap[before])
        later[within] += 1
        stays = random.random(count) >= stop
        alive[before & ~stays] = False
        lives = (before | within) & stays
    return {"x": x, "t_x": t_x, "t": ages, "log_gaps": log_gaps, "alive": alive, "later": later}


@pytest.fixture(scope="module")
def regular() -> dict[str, np.ndarray]:
    return simulate(REGULAR, 60_000, 60, 30, 3)


def cdnow(until: str) -> np.ndarray:
    """Return x, t_x, T in weeks, sums of log gaps, and the orders of the 39 weeks after."""
    rows = duckdb.sql(
        f"""
        with days as (
            select distinct customer_id, date from '{shared("cdnow_sample.parquet")}'
        ),
        gaps as (
            select *, lag(date) over (partition by customer_id order by date) as former from days
        )
        select
            count(*) filter (where date <= date '{until}') - 1,
            date_diff('day', min(date), max(date) filter (where date <= date '{until}')) / 7e0,
            date_diff('day', min(date), date '{until}') / 7e0,
            coalesce(sum(ln(date_diff('day', former, date) / 7e0))
                filter (where date <= date '{until}'), 0),
            count(*) filter (where date > date '{until}')
        from gaps
        group by customer_id
        order by customer_id
        """
    ).fetchall()
    return np.array(rows, dtype=np.float64).T


def test_cdnow_gives_the_published_parameters_and_no_regularity():
    x, t_x, t, log_gaps, _ = cdnow("1997-09-30")
    models = {each.algorithm: each for each in choose_btyd(x, t_x, t, log_gaps)}
    bg = models["bg_nbd"]
    np.testing.assert_allclose(
        [bg.r, bg.alpha, bg.a, bg.b], [0.243, 4.414, 0.793, 2.426], atol=5e-4
    )
    assert bg.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert next(iter(models)) == "mbg_nbd"
    assert models["mbg_nbd"].log_likelihood > models["mbg_cnbd_2"].log_likelihood + 100
    assert models["mbg_nbd"].log_likelihood > bg.log_likelihood


def test_cdnow_is_predicted_as_well_as_published_and_its_total_is_put_right():
    x, t_x, t, log_gaps, actual = cdnow("1997-09-30")
    assert actual.sum() == 1882
    chosen = choose_btyd(x, t_x, t, log_gaps)[0]
    expected = chosen.expected_orders(x, t_x, t, 39)
    rows = duckdb.sql(
        f"""
        select
            dense_rank() over (order by customer_id),
            date - date '1970-01-01',
            count(*),
            sum(dollar_value)
        from '{shared("cdnow_sample.parquet")}'
        where date <= date '1997-09-30'
        group by customer_id, date
        order by customer_id, date
        """
    ).fetchall()
    customer, day, _, spend = np.array(rows, dtype=np.float64).T
    days = day.astype(np.int64)
    # two purchases of a day are one
    known = OrderDays(customer.astype(np.int64), days, days, np.ones(len(days)), spend)
    cut = int(np.datetime64("1997-10-01", "D").astype(np.int64))
    level = calibrate(known, chosen, cut, cut, 39 * 7)
    total = expected.sum() / actual.sum() - 1
    recalibrated = level.orders * expected.sum() / actual.sum() - 1
    mae = np.abs(expected - actual).mean()
    print(
        f"CDNOW {chosen.algorithm}: MAE {mae:.4f}, total {total:+.1%}, recalibrated over "
        f"{level.days} days {recalibrated:+.1%}, "
        f"MAE then {np.abs(level.orders * expected - actual).mean():.4f}"
    )
    assert mae <= 0.765
    assert abs(recalibrated) <= 0.08 < abs(total)


@pytest.mark.parametrize("stops_at_first", [True, False])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_gradient_is_that_of_the_likelihood(regular, k, stops_at_first):
    few = slice(0, 500)
    columns = (regular[name][few] for name in ("x", "t_x", "t", "log_gaps"))
    histories = _Histories.from_columns(*columns, None)
    for point in ([0.0, 0.0, 0.0, 0.0], [0.5, 2.0, -1.0, 2.0], [-2.0, 1.0, 2.0, -2.0]):
        at = np.array(point)
        by_differences = approx_fprime(
            at, lambda at: histories.loss(at, k, stops_at_first)[0], 1e-7
        )
        found = histories.loss(at, k, stops_at_first)[1]
        np.testing.assert_allclose(found, by_differences, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stops_at_first", [True, False])
@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("history", [(0, 0.0, 20.0, 0.0), (2, 9.0, 21.0, np.log(4.0 * 5.0))])
def test_likelihood_is_the_integral_over_rates_and_stopping(k, stops_at_first, history):
    x, t_x, t, log_gaps = history
    r, alpha, a, b = 0.7, 6.0, 0.8, 2.5
    survived = x + (1 if stops_at_first else 0)

    lives = quad(lambda p: (1 - p) ** survived * beta_distribution.pdf(p, a, b), 0, 1)[0]
    stopped = quad(lambda p: p * (1 - p) ** (survived - 1) * beta_distribution.pdf(p, a, b), 0, 1)[
        0
    ]

    def given_rate(rate: float) -> float:
        gaps = x * (k * np.log(rate) - gammaln(k)) + (k - 1) * log_gaps - rate * t_x
        silence = rate * (t - t_x)
        silent = np.exp(-silence) * sum(silence**j / np.exp(gammaln(j + 1)) for j in range(k))
        density = gamma_distribution.pdf(rate, r, scale=1 / alpha)
        return float(np.exp(gaps) * (silent * lives + (stopped if survived else 0.0)) * density)

    integral = quad(given_rate, 0, np.inf, limit=200)[0]
    # the same history as a data set of one, at given parameters
    histories = _Histories.from_columns([x, 1], [t_x, 1], [t, 2], [log_gaps, 0], [1.0, 1e-12])
    at = np.log([r, alpha / histories.scale, a, b])
    value = -histories.loss(at, k, stops_at_first)[0]
    value += x * (-k * np.log(histories.scale) - gammaln(k)) + (k - 1) * log_gaps
    assert value == pytest.approx(np.log(integral), rel=1e-6)


def test_expected_orders_of_bg_nbd_are_those_of_the_published_formula():
    """Fader, Hardie & Lee 2005, equation 10, with the hypergeometric function."""
    x, t_x, t = np.meshgrid([0.0, 1, 2, 5, 26], [0.2, 0.5, 1.0], [6.0, 38.86, 200.0])
    x, t = x.ravel(), t.ravel()
    t_x = np.where(x > 0, t_x.ravel() * t, 0.0)
    horizon = 39.0
    r, alpha, a, b = CDNOW.r, CDNOW.alpha, CDNOW.a, CDNOW.b
    ratio = (alpha + t) / (alpha + t + horizon)
    series = hyp2f1(r + x, b + x, a + b + x - 1, horizon / (alpha + t + horizon))
    numerator = (a + b + x - 1) / (a - 1) * (1 - ratio ** (r + x) * series)
    stopped = a / (b + np.maximum(x, 1) - 1) * ((alpha + t) / (alpha + t_x)) ** (r + x)
    published = numerator / (1 + (x > 0) * stopped)
    np.testing.assert_allclose(
        CDNOW.expected_orders(x, t_x, t, horizon), published, rtol=1e-6, atol=1e-9
    )


def test_the_published_customer_has_the_published_future():
    """The customer of the authors' spreadsheet: x = 2, t_x = 30.43, T = 38.86."""
    assert CDNOW.expected_orders([2], [30.43], [38.86], 39)[0] == pytest.approx(1.226, abs=5e-4)


def test_what_is_expected_comes_on_average(regular):
    columns = tuple(regular[name] for name in ("x", "t_x", "t"))
    alive = REGULAR.alive(*columns)
    expected = REGULAR.expected_orders(*columns, 30)
    reached = REGULAR.at_least(*columns, 30, 4)
    places = np.searchsorted(np.quantile(expected, np.linspace(0.1, 0.9, 9)), expected)
    for place in range(10):
        group = places == place
        count = group.sum()
        assert count > 1000
        spread = alive[group] * (1 - alive[group])
        assert abs((regular["alive"] - alive)[group].sum()) < 4 * np.sqrt(spread.sum()) + 1
        off = (regular["later"] - expected)[group]
        assert abs(off.mean()) < 4 * off.std() / np.sqrt(count)
        for index in range(4):
            p = reached[index, group]
            came = regular["later"][group] >= index + 1
            assert abs((came - p).sum()) < 4 * np.sqrt((p * (1 - p)).sum()) + 1


def test_at_least_adds_up_to_what_is_expected(regular):
    few = slice(0, 200)
    columns = tuple(regular[name][few] for name in ("x", "t_x", "t"))
    total = REGULAR.at_least(*columns, 30, 120).sum(axis=0)
    np.testing.assert_allclose(total, REGULAR.expected_orders(*columns, 30), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_regularity_that_customers_were_simulated_with_is_chosen(k):
    truth = Btyd(k, True, 3.0, 12.0 * 3 / k, 0.9, 4.0, 0.0, 1)
    made = simulate(truth, 3000, 60, 1, 7)
    chosen = choose_btyd(made["x"], made["t_x"], made["t"], made["log_gaps"])[0]
    assert chosen.k == k


def test_fit_finds_the_parameters_that_customers_were_simulated_with(regular):
    found = fit_btyd(*(regular[name] for name in ("x", "t_x", "t")), k=3)
    for name in ("r", "alpha", "a", "b"):
        assert getattr(found, name) == pytest.approx(getattr(REGULAR, name), rel=0.1)


def test_a_customer_with_one_order_may_have_stopped_by_mbg_only():
    mbg = Btyd(1, True, 0.5, 6.0, 0.9, 1.6, 0.0, 1)
    assert mbg.alive([0, 0], [0, 0], [1.0, 300.0]).max() < 1
    assert CDNOW.alive([0], [0], [1e6]).tolist() == [1.0]


def test_the_time_unit_changes_only_alpha_and_the_likelihood(regular):
    few = slice(0, 2000)
    x, t_x, t, log_gaps = (regular[name][few] for name in ("x", "t_x", "t", "log_gaps"))
    days = fit_btyd(x, t_x, t, log_gaps, k=2)
    weeks = fit_btyd(x, t_x / 7, t / 7, log_gaps - x * np.log(7), k=2)
    assert (weeks.r, weeks.a, weeks.b) == pytest.approx((days.r, days.a, days.b), rel=1e-4)
    assert weeks.alpha == pytest.approx(days.alpha / 7, rel=1e-4)
    changed = weeks.log_likelihood - days.log_likelihood
    assert changed == pytest.approx(x.sum() * np.log(7), rel=1e-6)


def test_order_and_weight_of_customers_say_the_same(regular):
    few = slice(0, 2000)
    columns = [regular[name][few] for name in ("x", "t_x", "t", "log_gaps")]
    once = fit_btyd(*columns, k=2)
    order = np.random.default_rng(0).permutation(2000)
    assert fit_btyd(*(column[order] for column in columns), k=2) == once
    thrice = fit_btyd(*columns, weight=np.full(2000, 3.0), k=2)
    assert (thrice.r, thrice.b) == pytest.approx((once.r, once.b), rel=1e-5)
    assert thrice.log_likelihood == pytest.approx(3 * once.log_likelihood, rel=1e-9)
    assert thrice.customer_count == 6000


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 900), st.floats(0, 1), st.integers(1, 3000)),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from([1, 2, 6]),
    st.tuples(*(st.floats(-7, 7) for _ in range(4))),
    st.sampled_from([1.0, 90.0, 365.0]),
)
def test_any_history_has_a_future_that_is_possible(customers, k, logs, horizon):
    x, share, t = np.array(customers, dtype=np.float64).T
    t_x = np.where(x > 0, np.maximum(share, 1e-6) * t, 0.0)
    r, alpha, a, b = np.exp(logs)
    a = a + 0.001 if min(abs(a - 1), abs(a - 2)) < 1e-4 else a
    model = Btyd(k, True, r, alpha, a, b, 0.0, 1)
    alive = model.alive(x, t_x, t)
    assert ((alive >= 0) & (alive <= 1)).all()
    expected = model.expected_orders(x, t_x, t, horizon)
    assert np.isfinite(expected).all()
    assert (expected >= -1e-9).all()
    reached = model.at_least(x, t_x, t, horizon, 3)
    assert (np.diff(reached, axis=0) <= 1e-9).all()
    assert (reached.sum(axis=0) <= expected + 1e-6 * (1 + expected)).all()


def test_customers_who_order_every_day_and_every_week_are_fitted():
    random = np.random.default_rng(4)
    t = random.integers(300, 900, 400).astype(np.float64)
    gap = np.where(np.arange(400) % 4 == 0, 1.0, 7.0)
    x = np.floor(t * random.uniform(0.3, 1.0, 400) / gap)
    chosen = choose_btyd(x, x * gap, t, x * np.log(gap))[0]
    assert chosen.k > 1
    expected = chosen.expected_orders(x, x * gap, t, 364)
    assert np.isfinite(expected).all()
    going = t - x * gap <= 7
    assert expected[going & (gap == 7)].mean() == pytest.approx(50, rel=0.15)


@pytest.mark.parametrize("customers", [1, 10])
@pytest.mark.parametrize("orders", [1.0, 40.0])
def test_customers_who_are_all_alike_are_fitted(customers, orders):
    x, t_x, t = (np.full(customers, each) for each in (orders, orders * 7, orders * 7 + 3))
    model = choose_btyd(x, t_x, t, x * np.log(7))[0]
    assert 0 < model.expected_orders(x[:1], t_x[:1], t[:1], 70)[0] < 14


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (([0, 1], [0, 5], [9, np.nan]), "1 histories are not possible"),
        (([0, 1], [0, 5], [9, 4]), "1 histories are not possible"),
        (([0, 2], [0, 0], [9, 9]), "count orders of one moment as one"),
        (([-1, 1], [0, 5], [9, 9]), "1 histories are not possible"),
        (([0, 1], [0, 5], [9]), r"not of shapes \(2,\), \(2,\), \(1,\)"),
        (([0, 0], [0, 0], [9, 9]), "None of the 2 customers ordered at two different times"),
        (([], [], []), "None of the 0 customers"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_the_reason(history, message):
    with pytest.raises(TrainingError, match=message):
        fit_btyd(*history)
