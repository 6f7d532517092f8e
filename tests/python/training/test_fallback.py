"""What scores while nothing can be trained: a BG/NBD, tested on the labels there are."""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from holdfast.contract import predict_onnx
from holdfast.estimators import BGNBD_FEATURES
from holdfast.estimators._bgnbd import fit_bgnbd
from holdfast.tasks import TaskSettings
from holdfast.training import TrainingError, train

START = np.datetime64("2026-01-05", "D")
HORIZON = 30
SETTINGS: dict[str, Any] = {"horizon_days": HORIZON, "fallback": "bg_nbd"}


def store_orders(session: duckdb.DuckDBPyConnection, customers: int = 300, seed: int = 3) -> None:
    """Simulate purchases of a year as the BG/NBD has it: a rate, and a chance to stop, for each."""
    random = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        rate, stop = random.gamma(1.5, 1 / 30), random.beta(1, 6)
        day = float(random.integers(0, 60))
        while day < 365:
            rows.append((customer, day))
            if random.random() < stop:
                break
            day += random.exponential(1 / rate)
    table = pa.table({"customer_id": [row[0] for row in rows], "day": [row[1] for row in rows]})
    session.register("drawn", table)
    session.execute(
        f"create or replace table orders as select customer_id, timestamp '{START}' "
        "+ to_microseconds((day * 86400e6)::bigint) as ordered_at from drawn"
    )
    session.unregister("drawn")


def build(session: duckdb.DuckDBPyConnection, as_of: str) -> None:
    """Make the features and the training set of a build: Mondays, and the as-of date itself."""
    session.execute(
        f"""
        create or replace table features as
        with dates as (
            select unnest(generate_series(timestamp '{START}' + interval 28 day,
                timestamp '{as_of}', interval 7 day)) as as_of
            union select timestamp '{as_of}'
        )
        select
            customer_id, as_of, count(*)::integer as orders_lifetime,
            date_sub('day', max(ordered_at), as_of)::integer as days_since_order,
            date_sub('day', min(ordered_at), as_of)::integer as first_order_age_days,
        from dates inner join orders on ordered_at < as_of
        group by customer_id, as_of;
        create or replace table training as
        select
            features.*,
            not exists (
                select 1 from orders
                where orders.customer_id = features.customer_id and ordered_at >= as_of
                and ordered_at < as_of + interval {HORIZON} day
            ) as churned,
        from features
        where as_of + interval {HORIZON} day <= timestamp '{as_of}'
        """
    )


def run(
    session: duckdb.DuckDBPyConnection, as_of: str, former: str | None = None, **settings: Any
) -> list[dict[str, Any]]:
    rows = train(
        session,
        "training",
        former,
        {**SETTINGS, "as_of_date": as_of, **settings},
        "features",
    )
    return rows.to_pylist()


def keep(session: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> None:
    """Upsert rows into the registry."""
    from holdfast.registry import registry_table

    session.register("new_rows", registry_table(rows))
    session.execute("create table if not exists registry as select * from new_rows limit 0")
    session.execute("delete from registry where model_id in (select model_id from new_rows)")
    session.execute("insert into registry select * from new_rows")
    session.unregister("new_rows")


def stages(session: duckdb.DuckDBPyConnection) -> list[str]:
    found = session.execute("select stage from registry order by stage").fetchall()
    return [stage for (stage,) in found]


@pytest.fixture
def shop(session: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    store_orders(session)
    return session


def silence_by_brute_force(model: Any, repeats: int, recency: float, age: float) -> float:
    """Integrate over what a customer's rate and chance to stop may be, on a fine grid."""
    rates = stats.gamma(model.r, scale=1 / model.alpha).ppf((np.arange(4000) + 0.5) / 4000)
    stops = stats.beta(model.a, model.b).ppf((np.arange(400) + 0.5) / 400)
    rate, stop = rates[:, None], stops[None, :]
    bought = rate**repeats * (1 - stop) ** repeats
    still = bought * np.exp(-rate * age)
    gone = rate**repeats * (1 - stop) ** max(repeats - 1, 0) * stop * np.exp(-rate * recency)
    gone = gone if repeats else np.zeros_like(still)
    silent = (still * np.exp(-rate * HORIZON) + gone).sum()
    return float(silent / (still + gone).sum())


def test_probabilities_are_those_of_the_purchases_by_brute_force(shop):
    build(shop, "2026-02-16")
    (row,) = run(shop, "2026-02-16")
    assert (row["stage"], row["algorithm"]) == ("fallback", "bg_nbd_fallback")
    assert row["feature_names"] == list(BGNBD_FEATURES)
    # each customer's purchases before the as-of date, in whole days as the features have them
    histories = shop.execute(
        """
        select count(*) - 1, date_sub('day', min(ordered_at), timestamp '2026-02-16')
            - date_sub('day', max(ordered_at), timestamp '2026-02-16'),
            date_sub('day', min(ordered_at), timestamp '2026-02-16')
        from orders where ordered_at < '2026-02-16' group by customer_id order by customer_id
        """
    ).fetchall()
    expected = fit_bgnbd(*np.array(histories, dtype=float).T)
    assert row["row_count"] == len(histories)
    for repeats, recency, age in histories[:25]:
        given = predict_onnx(row["onnx"], np.array([[repeats + 1, age - recency, age]], np.float32))
        by_hand = silence_by_brute_force(expected, repeats, recency, age)
        assert given[0] == pytest.approx(by_hand, abs=2e-3)


def test_the_twin_is_tested_on_labels_with_what_was_known_before_them(shop):
    build(shop, "2026-03-16")
    found = {row["stage"]: row for row in run(shop, "2026-03-16", min_rows=10_000)}
    assert sorted(found) == ["evaluated", "fallback"]
    parameters = {stage: json.loads(row["parameters"]) for stage, row in found.items()}
    assert parameters["fallback"]["evaluated_as"] == found["evaluated"]["model_id"]
    tested = parameters["evaluated"]["split"]["test"]
    assert [day[:10] for day in tested] == ["2026-02-02", "2026-02-09"]
    # all that happened since, the twin could not know
    shop.execute(f"update features set days_since_order = 0 where as_of > '{tested[0]}'")
    again = {row["stage"]: row for row in run(shop, "2026-03-16", min_rows=10_000)}
    assert again["evaluated"]["onnx"] == found["evaluated"]["onnx"]
    metrics = json.loads(found["evaluated"]["metrics"])["test"]
    held_out = shop.execute(
        f"""select {", ".join(BGNBD_FEATURES)}, churned::integer from training
        where as_of >= '{tested[0]}' order by as_of, customer_id"""
    ).fetchnumpy()
    features = np.column_stack([held_out[name] for name in BGNBD_FEATURES]).astype(np.float32)
    probability = predict_onnx(found["evaluated"]["onnx"], features)
    y = list(held_out.values())[-1]
    brier = float(np.mean((probability - y) ** 2))
    assert metrics["brier"] == pytest.approx(brier, abs=1e-9)
    # and on data that are what it takes them for, it beats their mean
    assert brier < y.mean() * (1 - y.mean())


def test_what_is_missing_is_noted_and_told_with_a_date(shop, caplog):
    build(shop, "2026-02-16")
    with caplog.at_level(logging.WARNING):
        (row,) = run(shop, "2026-02-16")
    missing = json.loads(row["parameters"])["missing"]
    # the first Monday with a history of four weeks, and the horizon
    assert "from about 2026-03-04 on a model can be trained" in missing
    assert missing in caplog.text
    build(shop, "2026-03-16")
    (few, *_) = run(shop, "2026-03-16", min_rows=10_000)
    missing = json.loads(few["parameters"])["missing"]
    assert missing.startswith("2 observation dates leave none that is 30 days older")
    assert " of 10000 customers, " in missing
    # twice the horizon, for a test on later dates
    assert missing.endswith("from about 2026-04-03 on a model can be trained")
    build(shop, "2026-05-04")
    few = [row for row in run(shop, "2026-05-04", min_rows=10_000) if row["stage"] == "fallback"]
    assert " of 10000 rows" in json.loads(few[0]["parameters"])["missing"]
    assert "more month" in json.loads(few[0]["parameters"])["missing"]


def test_the_first_trained_model_takes_the_place_of_the_fallback(shop):
    build(shop, "2026-03-16")
    keep(shop, run(shop, "2026-03-16", min_rows=10_000))
    assert stages(shop) == ["evaluated", "fallback"]
    build(shop, "2026-06-15")
    keep(shop, run(shop, "2026-06-15", "registry"))
    found = stages(shop)
    assert found.count("champion") == 1
    assert found.count("evaluated") == 1
    assert found.count("archived") == 2
    assert "fallback" not in found


def test_a_fallback_goes_on_for_a_week_and_is_then_fitted_again(shop):
    build(shop, "2026-03-16")
    keep(shop, run(shop, "2026-03-16", min_rows=10_000))
    build(shop, "2026-03-20")
    assert run(shop, "2026-03-20", "registry", min_rows=10_000) == []
    build(shop, "2026-03-30")
    after = run(shop, "2026-03-30", "registry", min_rows=10_000)
    assert sorted(row["stage"] for row in after) == [
        *["archived", "archived", "evaluated", "fallback"]
    ]
    # another horizon is another question; so is a date before what it knows
    other = run(shop, "2026-03-20", "registry", min_rows=10_000, horizon_days=60)
    assert "fallback" in [row["stage"] for row in other]
    earlier = run(shop, "2026-03-09", "registry", min_rows=10_000)
    assert "fallback" in [row["stage"] for row in earlier]


def test_a_champion_for_another_horizon_gives_way_to_a_fallback(shop):
    build(shop, "2026-06-15")
    keep(shop, run(shop, "2026-06-15"))
    assert "champion" in stages(shop)
    shop.execute("update training set churned = null")
    keep(shop, run(shop, "2026-06-15", "registry", horizon_days=160))
    found = stages(shop)
    assert "champion" not in found
    assert found.count("fallback") == 1


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"fallback": "none"}, None),
        ({"lead_days": 7}, None),
        ({"definition": "contractual"}, None),
        ({"min_events": 5000}, "of 5000 customers have ordered twice"),
        ({"as_of_date": "2025-01-01"}, "no customers to score"),
    ],
)
def test_where_nothing_honest_can_be_said_nothing_scores(shop, caplog, settings, why):
    build(shop, "2026-02-16")
    with caplog.at_level(logging.WARNING):
        assert run(shop, "2026-02-16", **settings) == []
    assert "No new model" in caplog.text
    assert why is None or why in caplog.text


def test_without_histories_there_is_no_fallback(shop):
    build(shop, "2026-02-16")
    settings = {**SETTINGS, "as_of_date": dt.date(2026, 2, 16)}
    assert train(shop, "training", None, settings).num_rows == 0


def test_an_unknown_fallback_is_refused():
    with pytest.raises(TrainingError, match="'bg_nbd' or 'none'"):
        TaskSettings.from_mapping({"fallback": "recency"})


def test_a_fallback_that_ranks_no_better_than_chance_says_so_loudly(shop, caplog):
    build(shop, "2026-03-16")
    # those who are silent longest stay, and the others leave
    shop.execute("update training set churned = days_since_order < 12")
    with caplog.at_level(logging.WARNING):
        run(shop, "2026-03-16", min_rows=10_000)
    assert "DO NOT ACT ON THE SCORES YET" in caplog.text
