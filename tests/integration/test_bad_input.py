"""Bad input ends in a failed test, a readable error or a status; never in a wrong table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from projects import DbtProject, UserProject

BadInput = Callable[[str], UserProject]

# one good year of weekly orders of 30 customers, to be spoilt
GOOD = """
    select
        customer_id,
        customer_id * 1000 + week as order_id,
        timestamp '2025-01-01' + week * interval 7 day + customer_id * interval 1 hour
            as ordered_at,
        cast(10 + customer_id as decimal(18, 2)) as amount
    from range(1, 31) as customers (customer_id)
    cross join range(52) as weeks (week)
    where customer_id > 15 or week < 30
"""


def failed_build(project: DbtProject) -> str:
    """Build, expect a failure that stops before the features, and give what dbt said."""
    result = project.dbt("build", check=False)
    assert result.returncode == 1, result.stdout
    assert not project.has("customer_order_features")
    assert "Traceback" not in result.stdout + result.stderr
    return result.stdout


def test_missing_orders_var_is_named_with_the_contract(user_project: UserProject) -> None:
    user_project.write(vars={})
    said = failed_build(user_project)
    assert "holdfast_orders" in said
    assert "customer_id, order_id, ordered_at, amount" in said


def test_missing_column_is_named_with_the_var_and_the_contract(bad_input: BadInput) -> None:
    said = failed_build(bad_input(f"select * exclude (amount) from ({GOOD})"))
    assert "has no column amount" in said
    assert "holdfast_orders" in said
    assert "The input orders requires customer_id, order_id, ordered_at, amount" in said


@pytest.mark.parametrize(
    ("spoilt", "test"),
    [
        (
            f"{GOOD} union all select 1, 1001, timestamp '2025-03-01', 5",
            "stg_holdfast__orders_columns_are_sound",
        ),
        (
            f"{GOOD} union all select null, 7, timestamp '2025-03-01', 5",
            "stg_holdfast__orders_columns_are_sound",
        ),
        (
            f"{GOOD} union all select 1, 7, timestamp '2199-01-01', 5",
            "orders_lie_in_the_past",
        ),
        (f"select * from ({GOOD}) where false", "orders_are_there"),
    ],
    ids=["duplicate order", "no customer", "order in the future", "no orders at all"],
)
def test_bad_rows_fail_a_test_and_nothing_is_built_on_them(
    bad_input: BadInput, spoilt: str, test: str
) -> None:
    said = failed_build(bad_input(spoilt))
    assert f"Failure in test {test}" in said


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        ("select 1, 1001, timestamp '2025-03-01', 5", "order_id not unique in 2 rows"),
        ("select null, 7, timestamp '2025-03-01', 5", "customer_id missing in 1 row"),
    ],
)
def test_the_digest_of_a_failed_build_names_the_column_and_counts_the_rows(
    bad_input: BadInput, spoilt: str, told: str
) -> None:
    said = failed_build(bad_input(f"{GOOD} union all {spoilt}"))
    assert f"Failed: columns_are_sound of stg_holdfast__orders: {told}; " in said
    assert " nodes were skipped" in said
    assert "Holdfast: customer_retention is not built yet" in said
    assert "Model churn: model_registry is not built yet; training was not part of this run" in said
    assert "Nothing was published" in said


def test_amount_that_is_no_number_stops_the_build(bad_input: BadInput) -> None:
    said = failed_build(bad_input(f"select * replace ('ten' as amount) from ({GOOD})"))
    assert "The column amount in the var `holdfast_orders` (raw.orders) is ten" in said


@pytest.mark.parametrize(
    "orders",
    [
        f"select * from ({GOOD}) where customer_id = 20",
        f"select * from ({GOOD}) where customer_id > 15",
        f"select * from ({GOOD}) where ordered_at < '2025-02-20' and customer_id < 20",
        f"select * from ({GOOD}) where customer_id < 20",
    ],
    ids=["one customer", "nobody ever left", "two months of orders", "few customers"],
)
def test_too_little_to_learn_from_gives_statuses_and_says_why(
    bad_input: BadInput, orders: str
) -> None:
    project = bad_input(orders)
    result = project.dbt("build")
    assert "No new model:" in result.stdout + result.stderr
    assert project.query("select count(*) from model_registry") == [(0,)]
    statuses = {status for (status,) in project.query("select status from churn_scores")}
    assert statuses <= {"no_model", "not_enough_history"}
    assert statuses
    assert project.query("select count(churn_probability) from churn_scores") == [(0,)]
    customers = project.query("select count(distinct customer_id) from raw.orders")
    assert project.query("select count(*) from customer_retention") == customers


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        ("holdfast_churn_horizon_days", "-1", "a whole number of days, 1 or more"),
        ("holdfast_churn_horizon_days", "soon", "a whole number of days, 1 or more"),
        ("holdfast_as_of_date", "2026-13", "a date written YYYY-MM-DD"),
        ("holdfast_observation_interval", "1 fortnight", "a whole number and a unit"),
        ("holdfast_risk_bands", "{high: 0.2, medium: 0.5}", "0 < medium < high < 1"),
    ],
)
def test_wrong_setting_is_named_with_what_is_allowed(
    built_demo: DbtProject, setting: str, value: str, allowed: str
) -> None:
    result = built_demo.dbt("compile", "--vars", f"{{{setting}: {value}}}", check=False)
    assert result.returncode != 0
    assert f"`{setting}` must be" in result.stdout
    assert allowed in result.stdout


def test_customer_ids_of_different_types_in_two_inputs_are_refused(
    user_project: UserProject,
) -> None:
    user_project.execute(
        "create table raw.customers as "
        "select distinct 'C' || customer_id as customer_id, now() as created_at from raw.orders"
    )
    user_project.write(
        vars={"holdfast_orders": "raw.orders", "holdfast_customers": "raw.customers"}
    )
    result = user_project.dbt("build", check=False)
    assert result.returncode == 1
    assert "customer_id in the var `holdfast_customers` (raw.customers) is VARCHAR" in result.stdout
