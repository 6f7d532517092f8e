"""Ids, times and numbers of inputs come in as what they are, or are refused by var and column."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from projects import UserProject, write_user_project

ORDERS = """
    select
        customer_id,
        order_id,
        timestamp '2026-01-01' + to_days(cast(order_id as integer)) as ordered_at,
        10.0::double as amount
    from (select range as order_id, range % 5 as customer_id from range(20))
"""


@pytest.fixture(scope="module")
def _project(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    return write_user_project(tmp_path_factory.mktemp("inputs") / "project")


@pytest.fixture
def shop(_project: UserProject) -> Iterator[UserProject]:
    """Give a project with an empty warehouse."""
    _project.warehouse.unlink(missing_ok=True)
    _project.orders(ORDERS)
    yield _project
    _project.write(vars={"holdfast_orders": "raw.orders"})


def give(shop: UserProject, **inputs: str) -> None:
    """Put inputs into the warehouse, and name them in the vars."""
    shop.write(
        vars={"holdfast_orders": "raw.orders"}
        | {f"holdfast_{name}": f"raw.{name}" for name in inputs}
    )
    for name, sql in inputs.items():
        shop.execute(f"create or replace table raw.{name} as {sql}")


def test_ids_and_times_of_unfit_types_are_refused_with_what_to_write(shop: UserProject) -> None:
    give(
        shop,
        customers="select 1::double as customer_id, timestamp '2026-01-01' as created_at",
        web_events=(
            "select 1::float as event_id, 1 as customer_id, now() as occurred_at,"
            " 'view' as event_type"
        ),
        support_tickets=(
            "select 1.5::decimal(9, 2) as ticket_id, 1 as customer_id, now() as opened_at"
        ),
        subscriptions=(
            "select 1 as subscription_id, 1 as customer_id, 1767225600 as started_at,"
            " null::timestamp as ended_at"
        ),
        feedback="select 1 as customer_id, 1767225600000::double as answered_at, 9 as score",
    )
    said = shop.dbt("run", "--select", "holdfast.inputs", check=False).stdout
    for told in (
        "The column customer_id in the var `holdfast_customers` (raw.customers) is DOUBLE",
        'cast("customer_id" as bigint)',
        "The column event_id in the var `holdfast_web_events` (raw.web_events) is FLOAT",
        "The column ticket_id in the var `holdfast_support_tickets` (raw.support_tickets) is "
        "DECIMAL(9,2)",
        'cast("ticket_id" as decimal(38, 0))',
        "The column started_at in the var `holdfast_subscriptions` (raw.subscriptions) is INTEGER",
        'to_timestamp("started_at")',
        "The column answered_at in the var `holdfast_feedback` (raw.feedback) is DOUBLE",
        'epoch_ms(cast("answered_at" as bigint))',
    ):
        assert told in said


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-01", (2026, 1, 1)),
        ("2026-01-01 10:30", (2026, 1, 1, 10, 30)),
        ("2026-01-01T10:30:15Z", (2026, 1, 1, 10, 30, 15)),
        ("2026-01-01T10:30:15.250-05:00", (2026, 1, 1, 15, 30, 15, 250000)),
        ("2026-01-01 00:30:15 +0530", (2025, 12, 31, 19, 0, 15)),
        ("2026-01-01 00:30:15,5+02", (2025, 12, 31, 22, 30, 15, 500000)),
        (" 2026-01-01 10:30:15 utc ", (2026, 1, 1, 10, 30, 15)),
        ("", None),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_text_is_read_with_its_offset(
    staged: duckdb.DuckDBPyConnection, text: str, moment: tuple[int, ...] | None, zone: str
) -> None:
    staged.execute(f"set timezone = '{zone}'")
    staged.execute("update raw.orders set ordered_at = $1", [text])
    expected = None if moment is None else dt.datetime(*moment)
    assert staged.execute("select distinct ordered_at from stg_holdfast__orders").fetchall() == [
        (expected,)
    ]


@pytest.mark.parametrize("text", ["01/02/2026 10:30", "2026-13-01", "1767225600", "2026-01-01 10h"])
def test_text_that_is_no_time_is_told_with_what_to_write(
    staged: duckdb.DuckDBPyConnection, text: str
) -> None:
    staged.execute("update raw.orders set ordered_at = $1", [text])
    with pytest.raises(duckdb.Error, match="ordered_at in the var `holdfast_orders`") as error:
        staged.execute("select max(ordered_at) from stg_holdfast__orders")
    assert f"such as '{text}'" in str(error.value)
    assert "strptime" in str(error.value)


@pytest.mark.parametrize(
    ("amount", "staged_as"),
    [
        ("12.34567", "12.3457"),
        ("1e-7", "0.0001"),
        ("-1e-7", "-0.0001"),
        ("0.00004999", "0.0001"),
        ("0", "0.0000"),
    ],
)
def test_no_order_is_rounded_away(
    staged: duckdb.DuckDBPyConnection, amount: str, staged_as: str
) -> None:
    staged.execute(f"update raw.orders set amount = {amount}::double")
    assert staged.execute("select distinct amount from stg_holdfast__orders").fetchall() == [
        (Decimal(staged_as),)
    ]


@pytest.mark.parametrize(
    ("amount", "told"),
    [("'NaN'", "is nan"), ("'-infinity'", "is -inf"), ("1e20", "more than decimal(18, 4) holds")],
)
def test_amount_that_is_none_is_told_with_its_row(
    staged: duckdb.DuckDBPyConnection, amount: str, told: str
) -> None:
    staged.execute(f"update raw.orders set amount = {amount}::double where order_id = 7")
    with pytest.raises(duckdb.Error, match="amount in the var `holdfast_orders`") as error:
        staged.execute("select sum(amount) from stg_holdfast__orders")
    assert told in str(error.value)
    assert "in the row with order_id 7" in str(error.value)


@pytest.fixture(scope="module")
def _staged(_project: UserProject) -> UserProject:
    _project.orders(
        f"select * replace (cast(customer_id as varchar) as customer_id,"
        f" cast(ordered_at as varchar) as ordered_at) from ({ORDERS})"
    )
    _project.write(vars={"holdfast_orders": "raw.orders"})
    _project.dbt("run", "--select", "stg_holdfast__orders")
    _project.warehouse.rename(_project.directory / "staged.duckdb")
    return _project


@pytest.fixture
def staged(_staged: UserProject, tmp_path: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a copy of a warehouse in which the orders, times as text, are staged."""
    copy = tmp_path / "shop.duckdb"
    copy.write_bytes((_staged.directory / "staged.duckdb").read_bytes())
    with duckdb.connect(str(copy)) as connection:
        yield connection


def test_what_counts_as_missing_is_counted_and_told(shop: UserProject) -> None:
    shop.orders(
        """
        select
            case when order_id < 3 then chr(160) || chr(8203) when order_id = 3 then 'C4 '
                else 'C' || customer_id end as customer_id,
            order_id, ordered_at, amount, if(order_id < 7, 'NaN', '1')::float as discount_amount,
        from ("""
        + ORDERS
        + ")"
    )
    give(
        shop,
        feedback=(
            "select 'C1' as customer_id, timestamp '2026-01-01' as answered_at, "
            "unnest(['inf', '-inf', '8'])::double as score"
        ),
        subscriptions=(
            "select id as subscription_id, 'C1' as customer_id,"
            " timestamp '2026-01-01' as started_at,"
            " cast(ended_at as timestamp) as ended_at, 'NaN'::double as mrr from (values"
            " (1, 'infinity'), (2, '9999-12-31'), (3, '1900-01-01'), (4, '2026-02-01')"
            ") as ends (id, ended_at)"
        ),
    )
    result = shop.dbt("run", "--select", "holdfast.inputs")
    assert shop.query("select count(*) from stg_holdfast__orders where customer_id is null") == [
        (3,)
    ]
    assert shop.query("select count(discount_amount) from stg_holdfast__orders") == [(13,)]
    assert shop.query("select sum(score), count(score) from stg_holdfast__feedback") == [(8.0, 1)]
    assert shop.query("select count(ended_at), count(mrr) from stg_holdfast__subscriptions") == [
        (1, 0)
    ]
    result = shop.dbt("test", "--select", "holdfast.inputs", check=False)
    assert result.returncode == 1
    for told in (
        "3 rows of the input orders have an empty or blank customer_id",
        "1 rows of the input orders have a customer_id with blanks around it or invisible "
        "characters, such as 'C4 '; 1 of them also occur without these",
        "7 rows of the input orders have a discount_amount that is NaN or infinite",
        "2 rows of the input feedback have a score that is NaN or infinite",
        "4 rows of the input subscriptions have a mrr that is NaN or infinite",
        "FAIL 3 holdfast_ids_are_filled_stg_holdfast__orders",
        "WARN 1 holdfast_ids_are_tidy_stg_holdfast__orders",
    ):
        assert told in result.stdout


def test_months_of_costs_are_read_from_any_of_their_days_and_odd_costs_are_told(
    shop: UserProject,
) -> None:
    costs = (
        "select unnest(['2026-01', ' 2026-01 ', '2026-01-31', '2026-02-01 08:00', null]) as month,"
        " unnest(['ads', 'ads', 'ads', null, 'tv']) as channel,"
        " unnest(['10', '10', '-3', '', '7']) as spend"
    )
    give(shop, acquisition_costs=costs)
    shop.dbt("run", "--select", "stg_holdfast__acquisition_costs")
    assert shop.query("select * from stg_holdfast__acquisition_costs") == [
        (dt.date(2026, 1, 1), "ads", Decimal(10)),
        (dt.date(2026, 1, 1), "ads", Decimal(10)),
        (dt.date(2026, 1, 1), "ads", Decimal(-3)),
        (dt.date(2026, 2, 1), None, None),
        (None, "tv", Decimal(7)),
    ]
    said = shop.dbt("test", "--select", "stg_holdfast__acquisition_costs", check=False).stdout
    for told in (
        "1 rows of the input acquisition_costs have no spend: they count as nothing",
        "1 rows of the input acquisition_costs have a negative spend",
        "2 rows of the input acquisition_costs have the same month, channel and spend as another",
        "FAIL 1 stg_holdfast__acquisition_costs_columns_are_sound",
    ):
        assert told in said
    give(shop, acquisition_costs="select 202601 as month, 'ads' as channel, 10 as spend")
    said = shop.dbt("run", "--select", "stg_holdfast__acquisition_costs", check=False).stdout
    assert (
        "The column month in the var `holdfast_acquisition_costs` (raw.acquisition_costs)" in said
    )


def test_order_in_the_future_is_told_with_the_usual_cause(shop: UserProject) -> None:
    shop.execute(
        "update raw.orders set ordered_at = (now() at time zone 'UTC') + interval 12 hour "
        "where order_id = 19"
    )
    result = shop.dbt("build", "--select", "stg_holdfast__orders", check=False)
    assert result.returncode == 1
    assert "1 orders are dated in the future (the latest is " in result.stdout
    assert "If they are a few hours ahead, their times are most likely local" in result.stdout


def test_ids_of_128_bits_come_through_to_features(shop: UserProject) -> None:
    shop.orders(
        "select * replace (12345678901234567890::hugeint + customer_id as customer_id) "
        f"from ({ORDERS})"
    )
    give(shop)
    shop.dbt("run", "--select", "+holdfast__customer_history")
    assert shop.columns("customer_history")["customer_id"] == "HUGEINT"
    assert shop.query("select count(*) from customer_history") == [(5,)]


def test_load_times_of_a_new_sync_are_told_with_what_to_do(shop: UserProject) -> None:
    shop.orders(f"select *, timestamp '2026-05-01' as loaded_at from ({ORDERS})")
    said = shop.dbt("build", "--select", "stg_holdfast__orders").stdout
    assert "100 % of orders (20) were loaded more than 30 days after they happened" in said
    assert "exclude (loaded_at)" in said
    assert "WARN 20 orders_are_loaded_in_time" in said
