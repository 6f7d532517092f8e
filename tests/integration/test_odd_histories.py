"""Odd histories end in a model, a fallback or no model, and dbt's own result says which and why."""

from __future__ import annotations

import pytest

from projects import UserProject, write_user_project

# 500 customers who buy about every nine days from a day of their first month on, until they stop
ORDERS = """
    with recursive drawn as (
        select
            customer as customer_id, 0 as step,
            timestamp '{begins}' + to_minutes((hash(customer, 'first') % 43200)::integer)
                as ordered_at,
        from range({customers}) as customers (customer)
        union all
        select
            customer_id, step + 1,
            ordered_at + to_minutes((720 - 12960 * ln(
                (hash(customer_id, step, 'gap') % 9999 + 1) / 10000) * (0.2 + customer_id % 5 / 5)
            )::integer)
        from drawn
        where hash(customer_id, step, 'stop') % {stop} > 0 and ordered_at < timestamp '{ends}'
    )
    select
        customer_id, customer_id * 1000 + step as order_id, ordered_at,
        cast(10 + hash(customer_id, step) % 90 as decimal(18, 2)) as amount,
    from drawn
    where ordered_at < timestamp '{ends}'
"""
AS_OF = "2026-08-01"


def orders(
    begins: str = "2025-03-01", ends: str = AS_OF, customers: int = 500, stop: int = 40
) -> str:
    return ORDERS.format(begins=begins, ends=ends, customers=customers, stop=stop)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    project = write_user_project(tmp_path_factory.mktemp("odd") / "shop")
    project.write(
        vars={
            "holdfast_orders": "raw.orders",
            "holdfast_churn_horizon_days": 14,
            "holdfast_as_of_date": AS_OF,
            "holdfast_systems": [],
        }
    )
    return project


TWO_DATES = orders(begins="2026-06-01", customers=1200)
SILENCE = f"select * from ({orders()}) where not ordered_at between '2025-12-01' and '2026-03-01'"
DOUBLED = f"""
    select * from ({orders()})
    union all
    select customer_id + 1000, order_id + 1000000, ordered_at, amount
    from ({orders(begins="2026-05-20")})
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("history", "status", "tested_on", "warns", "told"),
    [
        (TWO_DATES, "scored", "other_customers", set(), "tested on other customers"),
        (
            SILENCE,
            "scored",
            "later_dates",
            {"orders_are_continuous"},
            "without any order between 2025-1",
        ),
        (DOUBLED, "scored", "later_dates", set(), "trained, because there is no champion"),
        (
            orders(ends="2026-05-01"),
            "scored",
            "later_dates",
            {"orders_are_recent"},
            "days before the as-of date. If the shop has not closed",
        ),
        (
            orders(begins="2026-07-01", customers=100),
            "scored_by_fallback",
            None,
            {"holdfast_a_trained_model_scores_holdfast__churn_scores_churn"},
            "Missing: the training set has no rows with a known label",
        ),
        (
            f"select * from ({orders(begins='2026-06-08', customers=60)}) "
            "where order_id % 1000 = 0",
            "no_model",
            None,
            {"holdfast_a_trained_model_scores_holdfast__churn_scores_churn"},
            "churn has no model: ",
        ),
    ],
    ids=["two dates", "silence", "doubled", "closed", "no date", "no model"],
)
def test_an_odd_history_ends_in_a_status_that_dbt_tells(
    shop: UserProject, history: str, status: str, tested_on: str | None, warns: set[str], told: str
) -> None:
    shop.warehouse.unlink(missing_ok=True)
    shop.orders(history)
    said = shop.dbt(
        *["build", "--select", "+holdfast__churn_scores", "+holdfast__model_performance"],
        *["orders_are_continuous", "orders_are_recent"],
        *["--exclude", "resource_type:unit_test", "marts_show_the_scores"],
    ).stdout
    statuses = {found for (found,) in shop.query("select status from churn_scores")}
    assert status in statuses
    assert statuses <= {status, "not_enough_history"}
    assert told in said
    warned = {
        line.split(" WARN 1 ")[1].split(" ")[0] for line in said.splitlines() if " WARN 1 " in line
    }
    assert warned == warns
    tested = shop.query(
        "select tested_on, row_count from model_performance "
        "where task = 'churn' and stage = 'champion' and split = 'test'"
    )
    assert [found for found, _ in tested] == ([tested_on] if tested_on else [])
    if tested_on == "other_customers":
        ((held_out,),) = shop.query(
            "select count(*) from churn_training_set where churned is not null "
            "and substr(sha256(cast(customer_id as varchar)), 1, 2) < '33'"
        )
        assert tested[0][1] == held_out
