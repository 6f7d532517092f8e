"""Whatever serves all tasks serves those of a project: drift, reset, and what adds up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from projects import UserProject, run, write_user_project

pytestmark = pytest.mark.slow

TASKS: dict[str, dict[str, Any]] = {
    "return": {
        "label": "returned",
        "event": {"model": "orders", "at": "ordered_at", "where": "amount < 0"},
        "horizon_days": 60,
        "eligible": "features.orders_lifetime > 3",
        "live": True,
    },
    "spend": {
        "label": "spend_60d",
        "target": "regression",
        "event": {"model": "orders", "at": "ordered_at", "value": "sum(amount)"},
        "horizon_days": 60,
        "baseline_feature": "revenue_90d",
        "live": True,
    },
}
KEPT = [f"{task}_{step}" for task in TASKS for step in
        ("model", "scores", "holdout_predictions", "outcomes")]  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, simulated_orders: Path) -> UserProject:
    """Build a project with two tasks, long ago and now, so that there are outcomes."""
    project = write_user_project(tmp_path_factory.mktemp("tasks") / "project")
    project.orders(
        f"select customer_id, order_id, ordered_at, amount from read_parquet('{simulated_orders}')"
    )
    project.write(vars={**project.settings["vars"], "holdfast_tasks": TASKS})
    for task in TASKS:
        run("holdfast", "tasks", "add", task, cwd=project.directory, check=True)
    project.dbt("run", "--vars", "{holdfast_as_of_date: 2026-03-11}")
    project.dbt("build")
    return project


def test_drift_compares_those_whom_the_task_is_about(shop: UserProject) -> None:
    for task in ("churn", *TASKS):
        ((scored, left_out),) = shop.query(
            "select count(*) filter (where status = 'scored'), "
            "count(*) filter (where status = 'not_eligible') "
            f"from {task}_scores where as_of = (select max(as_of) from {task}_scores)"
        )
        assert scored > 50
        assert (left_out > 50) == (task == "return")
        assert shop.query(
            f"select distinct row_count from feature_drift where task = '{task}'"
        ) == [(scored,)]
    # the same in the rows that the champion learned from
    assert shop.query("select min(orders_lifetime) > 3 from return_training_set") == [(True,)]


def test_scores_of_every_task_are_compared_with_what_came(shop: UserProject) -> None:
    for task in TASKS:
        came = shop.query(f"select count(*) from {task}_outcomes")
        assert came[0][0] > 50
        assert came == shop.query(
            "select value from model_evaluations where split = 'live' and metric = 'row_count' "
            f"and as_of is null and segment is null and task = '{task}'"
        )


def test_contributions_add_up_to_numbers_and_a_tampered_score_is_found(shop: UserProject) -> None:
    test = ("test", "--select", "test_name:contributions_add_up")
    # churn, win-back, and the two of the project
    assert shop.dbt(*test).stdout.count(" PASS ") == 4
    original = shop.warehouse.read_bytes()
    try:
        shop.execute(
            "update spend_scores set spend_value = spend_value + 1 where customer_id = ("
            "select min(customer_id) from spend_scores where status = 'scored' "
            "and as_of = (select max(as_of) from spend_scores)) "
            "and as_of = (select max(as_of) from spend_scores)"
        )
        result = shop.dbt(*test, check=False)
    finally:
        shop.warehouse.write_bytes(original)
    assert result.returncode == 1
    assert "Failure in test holdfast_contributions_add_up_spend_scores" in result.stdout
    assert result.stdout.count(" PASS ") == 3


def test_reset_tells_and_begins_anew_with_every_table_of_a_task(shop: UserProject) -> None:
    original = shop.warehouse.read_bytes()
    before = {table: shop.query(f"select count(*) from {table}")[0][0] for table in KEPT}
    models = dict(shop.query("select task, list(model_id) from model_registry group by 1"))
    assert all(before.values())
    # without a reset they stay, whatever way dbt is run
    shop.dbt("run", "--full-refresh")
    assert {table: shop.query(f"select count(*) from {table}")[0][0] for table in KEPT} == before
    try:
        said = shop.dbt("build", "--vars", "{holdfast_reset: true}").stdout
        for table, count in before.items():
            assert f'dropping {count} rows of history from "shop"."main"."{table}"' in said, table
        for task in TASKS:
            assert shop.query(
                f"select count(distinct as_of) from {task}_scores"
            ) == [(1,)], task  # fmt: skip
            # the scores of March are gone, and with them what came of them
            assert shop.query(f"select count(*) from {task}_outcomes") == [(0,)]
            predicted = f"select count(*) from {task}_holdout_predictions where model_id not in ("
            assert shop.query(f"{predicted}select model_id from {task}_model)") == [(0,)]
            assert shop.query(f"select count(*) from {task}_model")[0][0] < len(models[task])
    finally:
        shop.warehouse.write_bytes(original)


def test_another_event_archives_the_model_of_the_former_one(shop: UserProject) -> None:
    original = shop.warehouse.read_bytes()
    champion = "select model_id from return_model where stage = 'champion'"
    former = shop.query(champion)
    settings = shop.settings["vars"]
    other = {**TASKS["return"], "event": {**TASKS["return"]["event"], "where": "amount < -5"}}
    try:
        shop.write(vars={**settings, "holdfast_tasks": {**TASKS, "return": other}})
        shop.dbt("run", "--select", "return_labels", "return_training_set", "return_model")
        now = shop.query(champion)
    finally:
        shop.write(vars=settings)
        shop.warehouse.write_bytes(original)
    assert len(former) == 1
    assert former != now
