"""Replaying the past on a small synthetic training set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from holdfast.commands.backtest import check_output, describe_backtest, write_table
from holdfast.training import (
    BACKTEST_OF_VALUES_SCHEMA,
    BACKTEST_SCHEMA,
    BacktestError,
    _backtest,
    backtest,
    train,
)

TRAINING_SET = '"training set"'
SETTINGS = {"horizon_days": 60, "min_rows": 100}


@pytest.fixture
def session() -> Any:
    """Store eight months of 150 customers, whose recency tells a little about churn."""
    random = np.random.default_rng(3)
    months, customers = 8, 150
    count = months * customers
    recency = random.exponential(60.0, count)
    starts = np.datetime64("2025-01", "M") + np.arange(months)
    rows = pa.table(
        {
            "customer_id": np.tile(np.arange(customers), months),
            "as_of": np.repeat(starts.astype("datetime64[us]"), customers),
            "churned": random.random(count) < 1 / (1 + np.exp(3.6 - np.log1p(recency))),
            "days_since_order": recency.astype("float32"),
            "order count": pa.array(random.poisson(3.0, count).astype("float32")),
        }
    )
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        connection.execute(f"create table {TRAINING_SET} as select * from rows")
        connection.unregister("rows")
        yield connection


def test_each_date_is_scored_by_a_model_of_what_was_known_then(session: Any) -> None:
    table = backtest(session, TRAINING_SET, SETTINGS, last=3)
    assert table.schema == BACKTEST_SCHEMA
    rows = table.to_pylist()
    assert [f"{row['as_of']:%Y-%m-%d}" for row in rows] == [
        "2025-06-01",
        "2025-07-01",
        "2025-08-01",
    ]
    for row in rows:
        assert row["status"] == "scored"
        assert (row["as_of"] - row["training_to"]).days >= 60
        assert row["row_count"] == 150
        assert 0 < row["mean_probability"] < 1
        assert 0 < row["log_loss"] < 1
        assert row["auroc"] > 0.5
        assert row["baseline_auroc"] > 0.5
    (rate,) = session.execute(
        f"select avg(churned::int) from {TRAINING_SET} where as_of = '2025-08-01'"
    ).fetchone()
    assert rows[-1]["base_rate"] == pytest.approx(rate)


def test_rows_whose_label_was_not_known_never_reach_training(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def watched(session: Any, relation: str, former: Any, settings: Any) -> pa.Table:
        seen.append(session.execute(f"select max(as_of) from {relation}").fetchone()[0])
        return train(session, relation, former, settings)

    monkeypatch.setattr(_backtest, "train", watched)
    rows = backtest(session, TRAINING_SET, SETTINGS, last=2).to_pylist()
    # 60 days before 1 July and 1 August lie 2 May and 2 June
    assert [f"{latest:%Y-%m-%d}" for latest in seen] == ["2025-05-01", "2025-06-01"]
    assert len(rows) == 2


def test_what_came_later_changes_no_prediction(session: Any) -> None:
    before = backtest(session, TRAINING_SET, SETTINGS, last=3).to_pylist()[0]
    session.execute(
        f"update {TRAINING_SET} set churned = not churned, days_since_order = 1 "
        "where as_of > '2025-06-01'"
    )
    after = backtest(session, TRAINING_SET, SETTINGS, last=3).to_pylist()[0]
    assert f"{after['as_of']:%Y-%m-%d}" == "2025-06-01"
    assert after == before


def test_too_little_history_is_a_row_that_says_so(session: Any) -> None:
    rows = backtest(session, TRAINING_SET, SETTINGS, last=99).to_pylist()
    assert len(rows) == 8
    assert [row["status"] for row in rows[:3]] == ["not_enough_history"] * 3
    assert rows[0]["row_count"] == 150
    assert rows[0]["base_rate"] is not None
    assert rows[0]["auroc"] is None
    assert rows[0]["training_to"] is None
    assert rows[-1]["status"] == "scored"


def test_date_on_which_all_came_out_alike_has_no_auroc(session: Any) -> None:
    session.execute(f"update {TRAINING_SET} set churned = false where as_of = '2025-08-01'")
    (row,) = backtest(session, TRAINING_SET, SETTINGS, last=1).to_pylist()
    assert row["status"] == "scored"
    assert row["auroc"] is None
    assert row["baseline_auroc"] is None
    assert row["log_loss"] > 0


def test_rows_without_a_label_are_left_out(session: Any) -> None:
    session.execute(f"update {TRAINING_SET} set churned = null where as_of = '2025-08-01'")
    (row,) = backtest(session, TRAINING_SET, SETTINGS, last=1).to_pylist()
    assert f"{row['as_of']:%Y-%m-%d}" == "2025-07-01"


def test_replay_trains_whatever_the_build_would_do(session: Any) -> None:
    of_the_build = {"as_of_date": "2025-03-01", "retrain": False, "reset": True}
    plain = backtest(session, TRAINING_SET, SETTINGS, last=1)
    assert backtest(session, TRAINING_SET, {**SETTINGS, **of_the_build}, last=1) == plain


def test_warehouse_that_is_only_read_is_enough(session: Any, tmp_path: Path) -> None:
    file = tmp_path / "shop.duckdb"
    session.execute(f"attach '{file}' as shop; create table shop.rows as from {TRAINING_SET}")
    session.execute("detach shop")
    with duckdb.connect(str(file), read_only=True) as connection:
        rows = backtest(connection, '"shop"."main"."rows"', SETTINGS, last=1).to_pylist()
    assert rows[0]["status"] == "scored"


def test_no_date_to_replay_is_refused(session: Any) -> None:
    with pytest.raises(BacktestError, match="must be 1 or more; got 0"):
        backtest(session, TRAINING_SET, SETTINGS, last=0)
    session.execute(f"update {TRAINING_SET} set churned = null")
    with pytest.raises(BacktestError, match="no row with a known label"):
        backtest(session, TRAINING_SET, SETTINGS)


@pytest.mark.parametrize("name", ["figures.csv", "figures.parquet"])
def test_figures_are_written_by_the_ending_of_the_name(tmp_path: Path, name: str) -> None:
    table = pa.table({"auroc": [0.8, None]})
    write_table(table, tmp_path / name)
    assert duckdb.sql(f"from '{tmp_path / name}'").fetchall() == [(0.8,), (None,)]


def test_file_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(BacktestError, match=r"must end in \.csv or \.parquet"):
        check_output(tmp_path / "figures.xlsx")
    with pytest.raises(BacktestError, match="there is no folder"):
        check_output(tmp_path / "nowhere" / "figures.csv")


def test_task_of_a_number_is_replayed_with_figures_of_its_own(session: Any) -> None:
    session.execute(
        f"""
        create table spend as
        select * replace (
            case when as_of = '2025-08-01' then 5 else "order count" * 20 + days_since_order / 9 end
            as churned
        )
        from {TRAINING_SET}
        """
    )
    settings = {
        **SETTINGS, "task": "spend", "target": "regression", "baseline_feature": "order count",
        "estimator": "linear_regression",
    }  # fmt: skip
    table = backtest(session, "spend", settings, last=2)
    assert table.schema == BACKTEST_OF_VALUES_SCHEMA
    july, august = table.to_pylist()
    assert july["status"] == august["status"] == "scored"
    assert (july["as_of"] - july["training_to"]).days >= 60
    assert july["rmse"] < july["baseline_rmse"]
    assert july["mae"] < july["rmse"]
    assert 0.9 < july["baseline_gini"] < july["gini"] <= 1
    ((mean, variance),) = session.execute(
        "select avg(churned), var_pop(churned) from spend where as_of = '2025-07-01'"
    ).fetchall()
    assert july["mean_label"] == pytest.approx(mean)
    assert july["r2"] == pytest.approx(1 - july["rmse"] ** 2 / variance)
    # all came out alike: there is nothing to explain, and no order
    assert august["mean_label"] == 5
    assert august["rmse"] > 0
    assert august["r2"] is august["gini"] is august["baseline_gini"] is None
    lines = describe_backtest(table).splitlines()
    assert lines[0].split()[:4] == ["as", "of", "rows", "observed"]
    assert "RMSE" in lines[0]
    assert "5.00" in lines[-1]
    assert "%" not in lines[-1]


def test_dates_without_a_model_are_told_with_dashes(session: Any) -> None:
    lines = describe_backtest(backtest(session, TRAINING_SET, SETTINGS, last=99)).splitlines()
    assert lines[2].split()[-1] == "not_enough_history"
    assert lines[2].split()[-4:-1] == ["-", "-", "-"]
    assert lines[-1].split()[2].replace(".", "").isdigit()
