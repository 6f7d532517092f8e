"""A shipped view computed for a user's own list of customers and moments."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from projects import UserProject, write_user_project

VIEW = "customer_order_features"
# customers at the very moments of their orders, a microsecond beside them, and anywhere; one who
# never ordered, one long before the first order
SPINE = """
{{ config(materialized='table') }}
select customer_id, ordered_at as as_of from raw.orders where order_id % 50 = 0
union
select customer_id, ordered_at + interval 1 microsecond from raw.orders where order_id % 50 = 1
union
select customer_id, ordered_at + interval (order_id % 100) day + interval 7 hour
from raw.orders where order_id % 50 = 2
union
values
    (-1, timestamp '2026-01-01 12:34:56.789'),
    ((select min(customer_id) from raw.orders), timestamp '1999-12-31')
"""
# asked twice, of nobody, at no time
ODD_SPINE = """
{{ config(materialized='table') }}
select (select min(customer_id) from raw.orders) as customer_id, date '2026-05-01' as as_of
from range(2)
union all
values (null, date '2026-05-01'), ((select min(customer_id) from raw.orders), null)
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, simulated_orders: Path) -> UserProject:
    """Compute the shipped order features for the grid, and twice by features_at."""
    project = write_user_project(tmp_path_factory.mktemp("asked") / "project")
    project.orders(
        "select customer_id, order_id, ordered_at, amount "
        f"from read_parquet('{simulated_orders}') where customer_id % 5 = 0"
    )
    models = project.directory / "models"
    models.mkdir()
    (models / "my_spine.sql").write_text(SPINE)
    (models / "odd_spine.sql").write_text(ODD_SPINE)
    for name, spine in (
        ("at_moments", "'my_spine'"),
        ("at_odd_moments", "'odd_spine'"),
        ("on_grid", "'holdfast', 'holdfast__customer_spine'"),
    ):
        (models / f"{name}.sql").write_text(
            "{{ config(materialized='table') }} "
            f"{{{{ holdfast.features_at('{VIEW}', ref({spine})) }}}}"
        )
    # the models alone: what they read has to be built before them without being named
    project.dbt("run", "--select", "+at_moments", "+at_odd_moments", "+on_grid")
    return project


@pytest.mark.slow
def test_features_at_the_dates_of_the_grid_are_the_stored_ones(asked: UserProject) -> None:
    columns = ", ".join(f'"{column}"' for column in asked.columns(VIEW))
    stored = asked.query(f"select {columns} from {VIEW} order by all")
    assert len(stored) > 500
    assert asked.query(f"select {columns} from on_grid order by all") == stored


@pytest.mark.slow
def test_features_at_other_moments_are_those_of_a_count_by_hand(asked: UserProject) -> None:
    orders = asked.query("select customer_id, ordered_at, amount from raw.orders")
    rows = asked.query(
        "select customer_id, as_of, order_count_30d, revenue_90d, largest_order_365d, "
        "orders_lifetime, days_since_order, order_count_trend_30d from at_moments"
    )
    spine = asked.query("select customer_id, as_of from my_spine")
    assert sorted((customer_id, as_of) for customer_id, as_of, *_ in rows) == sorted(spine)
    assert len(rows) > 50
    for customer_id, as_of, *found in rows:
        assert found == by_hand(
            [(at, amount) for customer, at, amount in orders if customer == customer_id], as_of
        ), (customer_id, as_of)


@pytest.mark.slow
def test_features_at_keeps_repeated_rows_and_rows_without_a_key(asked: UserProject) -> None:
    rows = asked.query(
        "select customer_id is null, as_of, orders_lifetime > 0 from at_odd_moments order by all"
    )
    day = datetime(2026, 5, 1)
    assert rows == [
        (False, day, True),
        (False, day, True),
        (False, None, None),
        (True, day, None),
    ]


def by_hand(orders: list[tuple[datetime, float]], as_of: datetime) -> list[object]:
    """Compute some features of one customer the slow way."""

    def between(start: int, end: int) -> list[tuple[datetime, float]]:
        first, last = as_of - timedelta(days=start), as_of - timedelta(days=end)
        return [order for order in orders if first <= order[0] < last]

    def count(start: int, end: int) -> int:
        return sum(amount > 0 for _, amount in between(start, end))

    bought = [at for at, amount in orders if at < as_of and amount > 0]
    return [
        count(30, 0),
        sum(amount for _, amount in between(90, 0)),
        max((amount for _, amount in between(365, 0) if amount > 0), default=None),
        len(bought),
        (as_of - max(bought)).days if bought else None,
        count(30, 0) - count(60, 30),
    ]
