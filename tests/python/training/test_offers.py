"""The models of offers: when they are trained, and what they say on a simulated trial."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from holdfast.contract import predict_onnx
from holdfast.run import register_run
from holdfast.training import evaluate_offers, update_offer_models

REGISTRY = SimpleNamespace(database="memory", schema="main", identifier="offer_uplift_model")


@pytest.fixture
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    register_run(connection)
    told = json.dumps({"version": version(), "tasks": {}, "reset": False})
    assert connection.execute("select holdfast_begin_run(?)", [told]).fetchone() == ("",)
    yield connection
    connection.close()


def version() -> str:
    from holdfast import __version__

    return __version__


def make_trials(
    session: duckdb.DuckDBPyConnection,
    *,
    heterogeneity: float = 0.3,
    count: int = 8000,
    share_held_out: float = 0.3,
) -> None:
    """Write campaigns of two offers, whose effect follows the feature `recency`."""
    random = np.random.default_rng(3)
    campaign = np.sort(random.integers(0, 10, count))
    held = random.random(count) < share_held_out
    x = random.normal(size=(count, 2)).astype(np.float32)
    chance = 0.3 + np.where(held, 0.0, 0.05 + heterogeneity * np.tanh(x[:, 0]))
    bought = random.random(count) < np.clip(chance, 0.0, 1.0)
    spend = bought * random.gamma(4.0, 10.0, count)
    start = np.datetime64("2026-01-01", "us")
    table = pa.table(
        {
            "send_id": np.arange(count),
            "customer_id": random.integers(0, count // 3, count),
            "campaign_id": campaign,
            "offer_key": np.where(campaign % 2 == 0, "gift", "10 % off"),
            "is_control": held,
            "as_of": start + campaign * np.timedelta64(14, "D"),
            "retained": bought.astype(np.float64),
            "spend": spend,
            "earned": 0.5 * spend,
            "cost": np.where(held, 0.0, 1.0),
            "offer_cost": np.zeros(count),
            "offer_discount": np.zeros(count),
            "recency": x[:, 0],
            "noise": x[:, 1],
        }
    )
    session.register("drawn", table)
    session.execute("create or replace table offer_trials as from drawn")


def update(
    session: duckdb.DuckDBPyConnection,
    as_of: str = "2026-07-01",
    *,
    days: int = 30,
    is_forced: bool = False,
) -> list[dict[str, Any]]:
    """Do what the dbt model does, and give its rows."""
    session.execute(
        f"""
        create or replace view offer_settings as
        select date '{as_of}' as as_of_date, {days} as response_days, 1e0 as contact_cost,
            {is_forced} as is_forced, 30 as retrain_after_days
        """
    )
    rows = update_offer_models(
        session, session.table("offer_trials"), session.table("offer_settings"), REGISTRY
    )
    session.execute("create or replace table offer_uplift_model as select * from rows")
    return rows.to_pylist()


def stages(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((row["task"], row["stage"]) for row in rows)


IN_USE = [("offer_retention", "champion"), ("offer_spend", "champion")]


def test_the_file_says_what_each_offer_changes(session: duckdb.DuckDBPyConnection) -> None:
    make_trials(session)
    rows = {row["task"]: row for row in update(session)}
    row = rows["offer_retention"]
    told = json.loads(row["parameters"])
    assert told["effect_kind"] == "individual"
    assert [(each["offer"], each["code"]) for each in told["offers"]] == [
        ("10 % off", 1),
        ("gift", 2),
    ]
    assert told["drivers"][0]["feature"] == "recency"
    assert row["feature_names"] == ["recency", "noise", "offer_code"]
    asked = np.array([[1.5, 0, 0], [1.5, 0, 2], [-1.5, 0, 0], [-1.5, 0, 2]], np.float32)
    for_it, with_it, against, with_against = predict_onnx(row["onnx"], asked)
    assert with_it - for_it > 0.2
    assert with_against - against < -0.1
    spend = predict_onnx(rows["offer_spend"]["onnx"], asked)
    assert spend[1] - spend[0] > 5.0 > 0.0 > spend[3] - spend[2]


def test_the_same_trials_give_the_same_models(session: duckdb.DuckDBPyConnection) -> None:
    make_trials(session)
    first = [row["model_id"] for row in update(session)]
    session.execute("create or replace table offer_trials as from offer_trials order by noise")
    session.execute("drop table offer_uplift_model")
    assert [row["model_id"] for row in update(session)] == first


def test_models_are_trained_when_due_and_former_ones_are_kept(
    session: duckdb.DuckDBPyConnection,
) -> None:
    make_trials(session)
    first = update(session)
    assert stages(first) == IN_USE
    make_trials(session, heterogeneity=0.2)
    assert update(session, "2026-07-30") == first
    later = update(session, "2026-07-31")
    archived = [("offer_retention", "archived"), ("offer_spend", "archived")]
    assert stages(later) == sorted(IN_USE + archived)
    assert {row["model_id"] for row in first} < {row["model_id"] for row in later}
    assert update(session, "2026-07-31", is_forced=True) != later


def test_a_model_of_the_future_of_another_window_or_without_its_features_does_not_score(
    session: duckdb.DuckDBPyConnection,
) -> None:
    make_trials(session)
    update(session)
    session.execute("delete from offer_trials")
    assert {row["stage"] for row in update(session, days=60)} == {"archived"}
    make_trials(session)
    update(session, "2026-07-01", is_forced=True)
    session.execute("delete from offer_trials")
    assert {row["stage"] for row in update(session, "2026-06-01")} == {"archived"}
    make_trials(session)
    update(session, "2026-07-01", is_forced=True)
    session.execute("delete from offer_trials")
    session.execute("alter table offer_trials drop column noise")
    assert {row["stage"] for row in update(session)} == {"archived"}


@pytest.mark.parametrize(
    "change", ["delete from offer_trials", "update offer_trials set is_control = false"]
)
def test_without_a_control_group_there_is_no_model(
    session: duckdb.DuckDBPyConnection, change: str
) -> None:
    make_trials(session)
    session.execute(change)
    assert update(session) == []
    assert evaluate(session) == {}


def evaluate(session: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], dict[str, Any]]:
    rows = evaluate_offers(
        session, session.table("offer_trials"), session.table("offer_settings")
    ).to_pylist()
    return {(row["task"], row["algorithm"], row["metric"]): row for row in rows}


def test_later_campaigns_judge_the_ranking_and_the_policy(
    session: duckdb.DuckDBPyConnection,
) -> None:
    make_trials(session)
    update(session)
    found = evaluate(session)
    qini = found["offer_retention", "uplift", "qini"]
    assert qini["lower"] > 0.0
    assert qini["value"] > found["offer_retention", "risk_only", "qini"]["upper"]
    tenths = [
        found["offer_retention", "uplift", f"uplift_tenth_{tenth}"]["value"] for tenth in (1, 10)
    ]
    assert tenths[0] > 0.15 > -0.1 > tenths[1]
    value = {
        algorithm: found["offers", algorithm, "policy_value"]["value"]
        for algorithm in ("uplift", "treat_none", "treat_all", "risk_only", "response_model")
    }
    assert value["treat_none"] == 0.0
    assert max(value, key=lambda algorithm: value[algorithm]) == "uplift"
    assert found["offers", "uplift", "policy_value"]["lower"] > 0.0
    # the last three campaigns
    assert 2200 < qini["row_count"] < 2600


def test_where_nothing_differs_the_ranking_in_use_is_none(
    session: duckdb.DuckDBPyConnection,
) -> None:
    make_trials(session, heterogeneity=0.0)
    rows = {row["task"]: json.loads(row["parameters"]) for row in update(session)}
    assert {each["effect_kind"] for each in rows.values()} == {"average"}
    found = evaluate(session)
    assert found["offer_retention", "uplift", "qini"]["value"] == 0.0
    assert ("offer_retention", "uplift_ranking", "qini") in found


def test_what_is_tested_began_when_all_that_was_learned_from_was_over(
    session: duckdb.DuckDBPyConnection,
) -> None:
    from holdfast.training._offers import _read, _split

    make_trials(session)
    rows = _read(session, session.table("offer_trials"), ("recency", "noise"))
    earlier, tested = _split(rows, 30)
    assert tested.as_of.min() - earlier.as_of.max() >= np.timedelta64(dt.timedelta(days=31))
    assert set(tested.campaign) == {7, 8, 9}
