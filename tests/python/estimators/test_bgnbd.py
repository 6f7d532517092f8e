from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import duckdb
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from sklearn.metrics import log_loss, roc_auc_score

from holdfast.contract import OnnxHeader, predict_onnx
from holdfast.estimators import _bgnbd
from holdfast.estimators._bgnbd import (
    BGNBD_FEATURES,
    BgNbd,
    BgNbdModel,
    fit_bgnbd,
    fit_bgnbd_model,
)
from holdfast.scoring import ModelError, OnnxModel
from holdfast.training import TrainingError

SHARED_DATA = Path(
    os.environ.get("HOLDFAST_SHARED_DATA", Path(__file__).resolve().parents[4] / "shared" / "data")
)
HEADER = OnnxHeader("churn", "bg_nbd", "bg nbd", BGNBD_FEATURES)
CDNOW = BgNbd(0.243, 4.414, 0.793, 2.426, -9582.4, 2357)
NOBODY_STOPS = BgNbd(22026.0, 2e6, 4.5e-5, 22026.0, -1.0, 10)
MODELS = [
    BgNbdModel(CDNOW, 90, 0.25, "2025-01-01"),
    BgNbdModel(NOBODY_STOPS, 1, 0.999999, "2025-01-01"),
    BgNbdModel(BgNbd(1e-4, 1e-3, 2e4, 1e-4, -1.0, 10), 3650, 1e-6, "2025-01-01"),
]
BLOBS = [model.to_onnx(HEADER) for model in MODELS]
FILES = [OnnxModel.from_bytes(blob) for blob in BLOBS]


def shared(name: str) -> str:
    path = SHARED_DATA / name
    if not path.is_file():
        pytest.skip(f"{path} is not there; set HOLDFAST_SHARED_DATA to the folder that holds it")
    return str(path).replace("'", "''")


def simulate(
    count: int, truth: BgNbd, age: float, horizon: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return frequency, recency, age, and whether the horizon passed without an order."""
    random = np.random.default_rng(seed)
    rate = random.gamma(truth.r, 1 / truth.alpha, count)
    stop = random.beta(truth.a, truth.b, count)
    ages = random.uniform(age / 2, age, count)
    frequency, recency = np.zeros(count), np.zeros(count)
    silent = np.ones(count, dtype=bool)
    at, lives = np.zeros(count), np.ones(count, dtype=bool)
    while lives.any():
        at = at + random.exponential(1, count) / rate
        before = lives & (at < ages)
        frequency[before] += 1
        recency[before] = at[before]
        silent[lives & (at >= ages) & (at < ages + horizon)] = False
        lives = before & (random.random(count) >= stop)
    return frequency, recency, ages, silent


@pytest.fixture(scope="module")
def histories() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    frequency, recency, age, _ = simulate(4000, BgNbd(0.8, 20.0, 0.8, 3.0, 0, 0), 200, 90, 3)
    # Never upwards, so that no last order falls behind the observation.
    return frequency, np.floor(recency), np.floor(age)


def test_fit_gives_the_published_parameters_on_the_cdnow_sample():
    rows = duckdb.sql(
        f"""
        with days as (
            select distinct customer_id, date from '{shared("cdnow_sample.parquet")}'
            where date <= date '1997-09-30'
        )
        select
            count(*) - 1,
            date_diff('day', min(date), max(date)) / 7e0,
            date_diff('day', min(date), date '1997-09-30') / 7e0
        from days
        group by customer_id
        """
    ).fetchall()
    model = fit_bgnbd(*np.array(rows, dtype=np.float64).T)
    assert model.customer_count == 2357
    found = [model.r, model.alpha, model.a, model.b]
    np.testing.assert_allclose(found, [0.243, 4.414, 0.793, 2.426], atol=5e-4)
    assert model.log_likelihood == pytest.approx(-9582.4, abs=0.05)


def test_gradient_is_that_of_the_likelihood(histories):
    weighed = _bgnbd._Histories.from_customers(*histories)
    for point in ([0.0, 0.0, 0.0, 0.0], [0.5, 3.0, -1.0, 2.0], [-2.0, 4.0, 3.0, -2.0]):
        by_differences = approx_fprime(np.array(point), lambda at: weighed.loss(at)[0], 1e-7)
        np.testing.assert_allclose(
            weighed.loss(np.array(point))[1], by_differences, rtol=1e-4, atol=1e-5
        )


def test_fit_finds_the_parameters_that_customers_were_simulated_with():
    truth = BgNbd(0.8, 20.0, 0.8, 3.0, 0, 0)
    frequency, recency, age, _ = simulate(20_000, truth, 300, 90, 8)
    found = fit_bgnbd(frequency, recency, age)
    for name in ("r", "alpha", "a", "b"):
        assert getattr(found, name) == pytest.approx(getattr(truth, name), rel=0.1)


def test_silence_is_as_frequent_as_the_formula_says():
    truth = BgNbd(0.8, 20.0, 0.8, 3.0, 0, 0)
    frequency, recency, age, silent = simulate(60_000, truth, 200, 45, 5)
    expected = truth.silent(frequency, recency, age, 45)
    never = frequency == 0
    groups = [never, ~never] + [
        ~never & (expected >= low) & (expected < low + 0.1) for low in np.arange(0.0, 1.0, 0.1)
    ]
    assert sum(group.sum() >= 500 for group in groups) >= 10
    for group in groups:
        if group.sum() >= 500:
            mean = expected[group].mean()
            error = np.sqrt((expected[group] * (1 - expected[group])).sum()) / group.sum()
            assert abs(silent[group].mean() - mean) < 4 * error


def test_being_alive_is_certain_without_a_repeat_order_but_an_order_is_not():
    assert CDNOW.alive([0], [0], [1e6]).tolist() == [1.0]
    assert CDNOW.silent([0], [0], [38.86], 39)[0] > 0.8


def test_silence_grows_with_time_since_the_last_order_and_shrinks_with_the_horizon():
    recency = np.arange(10.0, 100.0)
    assert (np.diff(CDNOW.silent(np.full(90, 5), recency, np.full(90, 100), 30)) < 0).all()
    by_horizon = [CDNOW.silent([5], [90], [100], horizon)[0] for horizon in (1, 30, 90, 365)]
    assert (np.diff(by_horizon) < 0).all()


def test_the_time_unit_changes_only_alpha_and_the_likelihood(histories):
    frequency, recency, age = histories
    days, weeks = fit_bgnbd(*histories), fit_bgnbd(frequency, recency / 7, age / 7)
    assert (weeks.r, weeks.a, weeks.b) == pytest.approx((days.r, days.a, days.b), rel=1e-4)
    assert weeks.alpha == pytest.approx(days.alpha / 7, rel=1e-4)
    changed = weeks.log_likelihood - days.log_likelihood
    assert changed == pytest.approx(frequency.sum() * np.log(7), rel=1e-9)


def test_equal_customers_count_as_often_as_they_come(histories):
    once = fit_bgnbd(*histories)
    thrice = fit_bgnbd(*(np.tile(column, 3) for column in histories))
    assert (thrice.r, thrice.b) == pytest.approx((once.r, once.b), rel=1e-5)
    assert thrice.log_likelihood == pytest.approx(3 * once.log_likelihood, rel=1e-9)
    assert thrice.customer_count == 12_000


def test_the_order_of_customers_changes_nothing(histories):
    order = np.random.default_rng(0).permutation(len(histories[0]))
    assert fit_bgnbd(*(column[order] for column in histories)) == fit_bgnbd(*histories)


def test_customers_who_never_stop_are_fitted_too():
    random = np.random.default_rng(2)
    age = np.full(2000, 400.0)
    frequency = random.poisson(10, 2000).astype(float)
    recency = age * random.beta(np.maximum(frequency, 1), 1) * (frequency > 0)
    model = fit_bgnbd(frequency, recency, age)
    assert model.alive(frequency, recency, age).min() > 0.9
    share = model.silent(frequency, recency, age, 40).mean()
    assert share == pytest.approx(np.exp(-1), abs=0.02)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (([0, 1], [0, 5], [9, np.nan]), "1 customers have no possible history"),
        (([0, 1], [0, 5], [9, 4]), "1 customers have no possible history"),
        (([-1, 1], [0, 5], [9, 9]), "1 customers have no possible history"),
        (([0.5, 1], [1, 5], [9, 9]), "1 customers have no possible history"),
        (([0, 1], [0, 5], [9]), r"not of shapes \(2,\), \(2,\), \(1,\)"),
        (([0, 0], [0, 0], [9, 9]), "None of the 2 customers ordered at two different times"),
        (([], [], []), "None of the 0 customers"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_the_reason(history, message):
    with pytest.raises(TrainingError, match=message):
        fit_bgnbd(*history)


def test_a_search_that_has_not_converged_is_refused(histories, monkeypatch):
    monkeypatch.setattr(_bgnbd, "_LARGEST_GRADIENT", 0.0)
    with pytest.raises(TrainingError, match="did not converge"):
        fit_bgnbd(*histories)


def observed(histories) -> np.ndarray:
    """Histories as the three features."""
    frequency, recency, age = histories
    return np.column_stack([frequency + 1, age - recency, age]).astype(np.float32)


def fit_at_one_date(histories, y=None) -> BgNbdModel:
    count = len(histories[0])
    return fit_bgnbd_model(
        observed(histories),
        np.arange(count) % 2 if y is None else y,
        BGNBD_FEATURES,
        as_of=np.full(count, "2025-03-01", dtype="datetime64[us]"),
        customer=np.arange(count),
        horizon_days=90,
    )


def test_features_become_histories(histories):
    assert fit_at_one_date(histories).process == fit_bgnbd(*histories)


def test_each_customer_is_fitted_on_once_and_carried_to_the_last_date(histories):
    frequency, recency, age = histories
    count = len(age)
    latest = observed(histories)
    gone = (np.arange(count) % 2 == 0) & (latest[:, 1] >= 31)
    latest[gone] -= np.array([0, 31, 31], dtype=np.float32)
    earlier = np.array([[1, 2, 3]], dtype=np.float32).repeat(count, axis=0)
    months = np.where(gone, np.datetime64("2025-01-29"), np.datetime64("2025-03-01"))
    model = fit_bgnbd_model(
        np.vstack([latest, earlier]),
        np.zeros(2 * count, dtype=np.int64),
        BGNBD_FEATURES,
        as_of=np.append(months, np.full(count, "2024-06-01", dtype="datetime64[D]")),
        customer=np.tile(np.array([f"c{index}" for index in range(count)]), 2),
        horizon_days=90,
    )
    assert gone.sum() > 100
    assert model.process == fit_bgnbd(frequency, recency, age)


def test_rows_with_a_missing_value_are_not_fitted_on(histories):
    features = np.vstack([observed(histories), np.full((5, 3), np.nan, dtype=np.float32)])
    count = len(features)
    model = fit_bgnbd_model(
        features,
        np.zeros(count, dtype=np.int64),
        BGNBD_FEATURES,
        as_of=np.full(count, "2025-03-01", dtype="datetime64[D]"),
        customer=np.arange(count),
        horizon_days=90,
    )
    assert model.process == fit_bgnbd(*histories)


def test_outcomes_give_the_base_rate_and_nothing_else(histories):
    count = len(histories[0])
    few = fit_at_one_date(histories, np.arange(count) % 4 == 0)
    many = fit_at_one_date(histories, np.ones(count))
    assert few.process == many.process
    assert few.base_rate == 0.25
    assert many.base_rate < 1


def test_model_says_which_rows_it_was_fitted_on(histories):
    said = json.loads(json.dumps(fit_at_one_date(histories).hyperparameters))
    assert said["fitting_rows"].startswith("each customer once")
    assert said["fitting_as_of"].startswith("2025-03-01")
    assert said["fitting_row_count"] == 4000
    assert said["horizon_days"] == 90


def test_other_features_are_refused(histories):
    arguments = {
        "as_of": np.full(4000, "2025-03-01", dtype="datetime64[D]"),
        "customer": np.arange(4000),
        "horizon_days": 90,
    }
    with pytest.raises(TrainingError, match="in this order, got days_since_order, orders_lifetime"):
        fit_bgnbd_model(
            observed(histories)[:, :2],
            np.zeros(4000, dtype=np.int64),
            ("days_since_order", "orders_lifetime"),
            **arguments,
        )
    with pytest.raises(TrainingError, match="in this order"):
        MODELS[0].to_onnx(dataclasses.replace(HEADER, feature_names=("a", "b", "c")))


def test_rows_without_a_single_complete_history_are_refused():
    with pytest.raises(TrainingError, match="None of the 2 training rows has all of"):
        fit_bgnbd_model(
            np.full((2, 3), np.nan, dtype=np.float32),
            np.array([0, 1]),
            BGNBD_FEATURES,
            as_of=np.full(2, "2025-03-01", dtype="datetime64[D]"),
            customer=np.arange(2),
            horizon_days=90,
        )


ODD = [0.0, -0.0, 1.0, 1e-38, 1e-45, -1.0, -3.4e38, 3.4e38, np.inf, -np.inf, np.nan]
VALUE = st.one_of(
    st.sampled_from([float(np.float32(each)) for each in ODD]),
    st.integers(0, 4000).map(float),
    st.floats(width=32),
)


def agree(model: BgNbdModel, file: OnnxModel, features: np.ndarray) -> None:
    expected = model.predict(features)
    assert ((expected >= 0) & (expected <= 1)).all()
    np.testing.assert_allclose(file.predict(features), expected, rtol=0, atol=1e-6)


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(st.tuples(VALUE, VALUE, VALUE), min_size=1, max_size=9))
def test_file_agrees_with_the_model_on_any_row(rows):
    for model, file in zip(MODELS, FILES, strict=True):
        agree(model, file, np.array(rows, dtype=np.float32))


def test_file_agrees_where_many_orders_meet_a_tiny_silence():
    orders, silence = 10.0 ** np.arange(31), 10.0 ** np.arange(-30, 4)
    grid = np.meshgrid(orders, silence, [1.0, 100.0, 4000.0])
    features = np.column_stack([each.ravel() for each in grid]).astype(np.float32)
    for model, file in zip(MODELS, FILES, strict=True):
        agree(model, file, features)


def test_file_agrees_on_ordinary_rows(histories):
    for model, file in zip(MODELS, FILES, strict=True):
        agree(model, file, observed(histories))


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_row_with_a_value_missing_gets_the_base_rate(odd: float, column: int):
    features = np.array([[3, 20, 200], [3, 20, 200]], dtype=np.float32)
    features[1, column] = odd
    known, unknown = MODELS[0].predict(features)
    assert known == CDNOW.silent([2], [180], [200], 90)[0]
    assert unknown == 0.25


def test_values_out_of_order_are_put_in_order():
    odd = np.array([[0, 20, 20], [3, 300, 200], [3, -5, 200], [-4, -4, -4]], dtype=np.float32)
    tidy = np.array([[1, 20, 20], [3, 200, 200], [3, 0, 200], [1, 0, 0]], dtype=np.float32)
    np.testing.assert_array_equal(MODELS[0].predict(odd), MODELS[0].predict(tidy))


def test_file_is_read_by_scoring_which_says_that_it_has_no_contributions():
    model = FILES[0]
    features = np.array([[3, 20, 200], [np.nan, 1, 1]], dtype=np.float32)
    np.testing.assert_allclose(model.predict(features), MODELS[0].predict(features), atol=1e-6)
    assert model.base_value == pytest.approx(np.log(0.25 / 0.75))
    with pytest.raises(ModelError, match="contributions cannot be computed"):
        model.contributions(features)


def test_bytes_are_the_same_every_time():
    assert [model.to_onnx(HEADER) for model in MODELS] == BLOBS
    onnx.checker.check_model(onnx.load_from_string(BLOBS[0]), full_check=True)


def online_retail() -> dict[str, np.ndarray]:
    """The benchmark's rows with the three features, as the feature view counts them."""
    return duckdb.sql(
        f"""
        with orders as (
            select cast(customer_id as bigint)::varchar as customer_id, min(invoiced_at) as at
            from '{shared("online_retail_ii.parquet")}'
            where customer_id is not null and invoice_no not like 'C%'
                and quantity > 0 and unit_price > 0
            group by customer_id, invoice_no
        )
        select
            customer_id, tasks.as_of, split, churned,
            count(*)::float as orders_lifetime,
            date_sub('day', max(orders.at), tasks.as_of)::float as days_since_order,
            date_sub('day', min(orders.at), tasks.as_of)::float as first_order_age_days
        from '{shared("tasks/online_retail_ii_90d.parquet")}' as tasks
        join orders using (customer_id)
        where orders.at < tasks.as_of
        group by customer_id, tasks.as_of, split, churned
        order by tasks.as_of, customer_id
        """
    ).fetchnumpy()


def test_model_comes_near_the_published_figures_on_online_retail():
    rows = online_retail()
    features = np.column_stack([rows[name] for name in BGNBD_FEATURES])
    is_test = rows["split"] == "test"
    model = fit_bgnbd_model(
        features[~is_test],
        rows["churned"][~is_test],
        BGNBD_FEATURES,
        as_of=rows["as_of"][~is_test],
        customer=rows["customer_id"][~is_test].astype(str),
        horizon_days=90,
    )
    probability, y = model.predict(features[is_test]), rows["churned"][is_test]
    assert roc_auc_score(y, probability) > 0.755
    assert log_loss(y, probability) < 0.58
    gap = np.abs(predict_onnx(model.to_onnx(HEADER), features[is_test]) - probability).max()
    assert gap <= 1e-6
