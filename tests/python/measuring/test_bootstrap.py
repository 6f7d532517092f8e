"""The bootstrap: who is drawn, how often, and what the intervals cover."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from holdfast.measuring import evaluate
from holdfast.measuring._bootstrap import GROUPS, drawn, groups_of, intervals


def test_customers_are_grouped_by_the_hash_that_duckdb_has() -> None:
    ids = [*range(-5, 200), 2**62]
    expected = duckdb.sql(
        f"select md5_number_lower(cast(unnest({ids}) as varchar)) % {GROUPS}"
    ).fetchall()
    assert groups_of(pa.array(ids)).tolist() == [group for (group,) in expected]
    assert groups_of(pa.array(["Zoë", "1"])).tolist() == [
        group
        for (group,) in duckdb.sql(
            f"select md5_number_lower(unnest(['Zoë', '1'])) % {GROUPS}"
        ).fetchall()
    ]


def test_weights_are_those_of_a_poisson_distribution_and_replicate_0_has_everyone_once() -> None:
    groups = np.arange(GROUPS, dtype=np.int16)
    weights = drawn(groups, np.zeros(GROUPS, np.int64), 1, [None])[:, 0, 0]
    assert weights[0] == GROUPS
    assert len(weights) == 201
    # the total of a replicate has mean 500 and variance 500
    assert abs(weights[1:].mean() - GROUPS) < 4 * np.sqrt(GROUPS / 200)
    assert weights[1:].std() == pytest.approx(np.sqrt(GROUPS), rel=0.2)


def test_sums_stay_in_their_part() -> None:
    groups = np.array([3, 3, 7], np.int16)
    sums = drawn(groups, np.array([0, 1, 1]), 2, [None, np.array([1.0, 10.0, 100.0])])
    assert sums[0].tolist() == [[1, 1], [2, 110]]


def test_replicates_without_a_value_are_left_out() -> None:
    values = np.array([5.0, np.nan, *np.arange(199.0)])
    never = np.full(201, np.nan)
    found = intervals({"some": values, "never": never})
    assert found["some"] == pytest.approx((5.0, 99.0, 4.95, 193.05))
    assert np.isnan(found["never"]).all()


def test_months_of_a_customer_stand_or_fall_together() -> None:
    random = np.random.default_rng(2)
    p = random.uniform(0.05, 0.95, 2000)
    outcome = (random.random(2000) < p).astype(int)
    once = pa.table({
        "customer_id": range(2000), "as_of": [dt.datetime(2026, 1, 1)] * 2000,
        "probability": p, "outcome": outcome,
    })  # fmt: skip
    # the same rows four times over say no more
    months = [
        once.set_column(1, "as_of", pa.array([dt.datetime(2026, month, 1)] * 2000))
        for month in range(1, 5)
    ]
    for table in (once, pa.concat_tables(months)):
        row = next(
            row
            for row in evaluate(table).to_pylist()
            if row["metric"] == "log_loss" and row["as_of"] is None
        )
        losses = -np.where(outcome == 1, np.log(p), np.log1p(-p))
        error = 1.96 * losses.std() / np.sqrt(2000)
        assert row["upper"] - row["value"] == pytest.approx(error, rel=0.25)
        assert row["value"] - row["lower"] == pytest.approx(error, rel=0.25)


def test_intervals_cover_the_truth() -> None:
    random = np.random.default_rng(4)
    covered = 0
    for _ in range(200):
        outcome = (random.random(600) < 0.3).astype(int)
        p = np.clip(random.normal(0.3 + 0.2 * outcome, 0.2), 0, 1)
        table = pa.table({
            "customer_id": random.choice(10**9, 600, replace=False),
            "as_of": [dt.datetime(2026, 1, 1)] * 600, "probability": p, "outcome": outcome,
        })  # fmt: skip
        row = next(row for row in evaluate(table).to_pylist() if row["metric"] == "auroc")
        # scores one standard deviation apart, cut off at 0: found once with four million rows
        covered += row["lower"] <= 0.7608 <= row["upper"]
    assert covered >= 180
