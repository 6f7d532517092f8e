from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from holdfast.estimators import fit_btyd
from holdfast.training import _value, fit_value_models
from holdfast.training._value import BTYD_SCHEMA, OrderDays, calibrate

START = 18_000


def shop(customers: int, days: int, seed: int, *, level: float = 1.0, change: int = 0) -> OrderDays:
    """Make customers who order at random; from the day `change` on at another level."""
    random = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        day = float(random.integers(0, days // 2))
        rate = random.gamma(1.0, 1 / 25)
        while day < days:
            rows.append((customer + 1, START + int(day)))
            day += 1 + random.exponential(1 / (rate * (level if day >= change else 1.0)))
            if random.random() < 0.08:
                break
    customer, day = np.unique(np.array(rows), axis=0).T
    return OrderDays(customer, day, day, np.ones(len(day)), random.gamma(4.0, 10.0, len(day)))


def chosen(known: OrderDays, day: int) -> Any:
    past = known.histories(day)
    return fit_btyd(past.x, past.t_x, past.t)


def test_histories_are_those_of_the_days():
    days = OrderDays(
        np.array([1, 1, 1, 2]),
        np.array([10, 12, 20, 15]),
        np.array([10, 12, 20, 15]),
        np.ones(4),
        np.array([5.0, 7.0, 9.0, 4.0]),
    )
    past = days.histories(25)
    assert past.x.tolist() == [2, 0]
    assert past.t_x.tolist() == [10, 0]
    assert past.t.tolist() == [15, 10]
    assert past.log_gaps.tolist() == pytest.approx([np.log(2) + np.log(8), 0])
    assert past.value.tolist() == [7, 4]


def test_what_became_known_later_is_not_there_before():
    days = shop(50, 100, 1)
    late = OrderDays(days.customer, days.day, days.day + 5, days.orders, days.spend)
    assert late.before(START + 50).day.max() < START + 45
    assert days.before(START + 50).day.max() == START + 49


def test_the_level_is_that_of_the_same_season_a_year_before_where_history_reaches():
    known = shop(400, 700, 2)
    end = START + 700
    level = calibrate(known, chosen(known, end), end, end, 90)
    assert (level.from_day, level.days) == (end - 365, 90)
    later = calibrate(known, chosen(known, end), end + 60, end, 90)
    assert (later.from_day, later.days) == (end + 60 - 365, 90)


def test_the_level_is_that_of_the_last_horizon_where_history_is_shorter():
    known = shop(400, 300, 2)
    end = START + 300
    level = calibrate(known, chosen(known, end), end, end, 90)
    assert (level.from_day, level.days) == (end - 90, 90)


def test_the_level_is_that_of_the_second_half_of_a_short_history():
    known = shop(400, 120, 2)
    begins = int(known.day.min())
    level = calibrate(known, chosen(known, begins + 120), begins + 120, begins + 120, 365)
    assert (level.from_day, level.days) == (begins + 60, 60)


@pytest.mark.parametrize("change", [0.4, 1.0, 2.0])
def test_a_change_of_level_is_measured(change):
    known = shop(3000, 300, 3, level=change, change=210)
    steady = shop(3000, 300, 3)
    end = START + 300
    model = chosen(steady, end)
    ratio = calibrate(known, model, end, end, 90).orders
    of_steady = calibrate(steady, model, end, end, 90).orders
    assert of_steady == pytest.approx(1.0, abs=0.12)
    assert (ratio > of_steady * 1.2, ratio < of_steady / 1.2) == (change > 1, change < 1)


def test_of_a_few_days_no_level_is_told():
    known = shop(400, 12, 2)
    begins = int(known.day.min())
    model = fit_btyd([0, 1, 3, 0, 6], [0, 9, 20, 0, 35], [35, 38, 28, 39, 37])
    assert calibrate(known, model, begins + 12, begins + 12, 90) == _value.Calibration()


def relation(connection: Any, days: OrderDays) -> Any:
    table = {
        "customer_id": days.customer,
        "order_date": days.day.astype("datetime64[D]"),
        "order_count": days.orders.astype(np.int64),
        "spend": days.spend,
        "known_at": days.known.astype("datetime64[D]").astype("datetime64[us]"),
    }
    connection.register("rows_of_days", pa.table(table))
    connection.execute("create or replace table order_days as from rows_of_days")
    return connection.table("order_days")


def dates(connection: Any, *asked: tuple[int, str, int]) -> Any:
    moments = ", ".join(
        f"(epoch_ms({day} * 86400000::bigint), '{role}', epoch_ms({known} * 86400000::bigint))"
        for day, role, known in asked
    )
    connection.execute(
        f"create or replace table dates as from (values {moments}) as t (as_of, role, fitted_as_of)"
    )
    return connection.table("dates")


def fitted(days: OrderDays, *asked: tuple[int, str, int]) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        found = fit_value_models(connection, relation(connection, days), dates(connection, *asked))
    assert found.schema == BTYD_SCHEMA
    return found.to_pylist()


def test_one_model_per_date_is_in_use_and_the_same_days_give_the_same_models():
    days = shop(300, 400, 5)
    asked = ((START + 300, "held_out", START + 300), (START + 330, "held_out", START + 300))
    asked += ((START + 400, "scoring", START + 400),)
    rows = fitted(days, *asked)
    in_use = [row for row in rows if row["is_chosen"]]
    assert [row["role"] for row in in_use] == ["held_out", "held_out", "scoring"]
    assert in_use[0]["model_id"] == in_use[1]["model_id"] != in_use[2]["model_id"]
    assert {row["algorithm"] for row in rows} >= {"mbg_nbd", "bg_nbd"}
    assert all(row["order_ratio_90d"] for row in in_use)
    assert [row["order_ratio_365d"] is None for row in in_use] == [True, True, False]
    assert fitted(days, *asked) == rows


def test_nothing_after_a_date_changes_its_models():
    days = shop(300, 400, 6)
    asked = (START + 250, "held_out", START + 250)
    cut = days._of(days.day < START + 250)
    assert fitted(days, asked) == fitted(cut, asked)


def test_a_large_shop_is_fitted_on_a_sample(monkeypatch):
    days = shop(300, 200, 7)
    asked = (START + 200, "scoring", START + 200)
    everyone = fitted(days, asked)[0]["customer_count"]
    monkeypatch.setattr(_value, "_MOST_CUSTOMERS", 100)
    rows = fitted(days, asked)
    assert 50 < rows[0]["customer_count"] < 160 < everyone
    assert fitted(days, asked) == rows


@pytest.mark.parametrize("customers", [0, 1, 20])
def test_where_nobody_ordered_twice_there_is_no_model(customers):
    number = np.arange(1, customers + 1)
    days = OrderDays(number, START + number, START + number, np.ones(customers), np.ones(customers))
    (row,) = fitted(days, (START + 100, "scoring", START + 100))
    assert (row["algorithm"], row["status"], row["is_chosen"]) == ("none", "no_model", True)
    assert row["customer_count"] == customers
    assert row["r"] is None


def test_few_customers_who_came_back_are_marked():
    rows = fitted(shop(20, 200, 8), (START + 200, "scoring", START + 200))
    assert {row["status"] for row in rows} == {"fitted_on_too_little"}


@pytest.mark.parametrize("kind", ["all alike", "one customer", "absurd values", "every day"])
def test_odd_shops_are_fitted(kind):
    customers, count = (1, 60) if kind == "one customer" else (40, 60)
    customer = np.repeat(np.arange(1, customers + 1), count)
    gap = 1 if kind == "every day" else 5
    day = START + np.tile(np.arange(count) * gap, customers)
    spend = np.full(len(day), 10.0)
    if kind == "absurd values":
        spend[:] = 10.0 ** np.linspace(-4, 13, len(day))
    rows = fitted(
        OrderDays(customer, day, day, np.ones(len(day)), spend),
        (START + count * gap, "scoring", START + count * gap),
    )
    assert rows[0]["status"] in {"fitted", "fitted_on_too_little"}
    for name in ("r", "alpha", "a", "b", "spend_p", "spend_q", "spend_gamma", "spend_ratio_90d"):
        assert np.isfinite(rows[0][name])
    assert rows[0]["as_of"] == dt.datetime(1970, 1, 1) + dt.timedelta(days=START + count * gap)
