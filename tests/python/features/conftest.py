"""A warehouse made by hand: events of a few customers, and two feature views over them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pytest

from holdfast.features import FeatureStore

ORDER_FEATURES = '''
with spine as (select customer_id, as_of from __holdfast_spine__),
known as (
    select
        spine.customer_id,
        spine.as_of,
        count(*) filter (where ordered_at >= spine.as_of - interval 30 day) as order_count_30d,
        count(*) as orders_lifetime,
        sum(amount) as revenue_lifetime,
    from spine
    inner join {orders} as orders
        on orders.customer_id = spine.customer_id
        and orders.ordered_at < spine.as_of
    group by all
)
select
    spine.customer_id,
    spine.as_of,
    coalesce(known.order_count_30d, 0) as order_count_30d,
    coalesce(known.orders_lifetime, 0) as orders_lifetime,
    known.revenue_lifetime,
    known.revenue_lifetime > 20 as "is big, ""really""",
from spine
left join known on known.customer_id = spine.customer_id and known.as_of = spine.as_of
'''

CALENDAR_FEATURES = """
select customer_id, as_of, month(as_of) as month_of_year, 1 as orders_lifetime
from __holdfast_spine__ as spine
"""

# ids that would break SQL put together without quotes
ODD_ID = 'o\'Brien "ß" 東京; --'


def make_warehouse(connection: duckdb.DuckDBPyConnection, schema: str = "shop") -> None:
    """Fill a database with events, built views, their definitions and a registry of models."""
    connection.execute(f"create schema if not exists {schema}")
    catalog = connection.execute("select current_database()").fetchall()[0][0]
    orders = f'"{catalog}"."{schema}"."orders"'
    connection.execute(
        f"create table {orders} (customer_id varchar, ordered_at timestamp, amount double)"
    )
    connection.executemany(
        f"insert into {orders} values (?, ?, ?)",
        [
            ("anna", "2026-01-01 00:00:00", 10.0),
            ("anna", "2026-03-01 12:00:00.000001", 20.0),
            ("anna", "2026-03-05 00:00:00", 30.0),
            (ODD_ID, "2026-02-28 23:59:59.999999", 5.0),
        ],
    )
    built = f'"{catalog}"."{schema}"."order_features"'
    definition = ORDER_FEATURES.format(orders=orders)
    spine = "(select 'anna' as customer_id, timestamp '2026-01-02' as as_of)"
    connection.execute(f"create table {built} as {definition.replace('__holdfast_spine__', spine)}")
    connection.execute(
        f"create table {schema}.feature_definitions "
        "(feature_view varchar, relation varchar, entity varchar[], sql varchar, checksum varchar)"
    )
    connection.executemany(
        f"insert into {schema}.feature_definitions values (?, ?, ['customer_id'], ?, 'x')",
        [
            ("order_features", built, definition),
            ("calendar", '"nowhere"."shop"."calendar"', CALENDAR_FEATURES),
        ],
    )
    connection.execute(
        f"""
        create table {schema}.model_registry as
        select * from (values
            ('old', 'churn', 'champion', timestamp '2026-01-01', ['orders_lifetime']),
            (
                'm1', 'churn', 'champion', timestamp '2026-02-01',
                ['revenue_lifetime', 'month_of_year']
            ),
            ('m2', 'value', 'champion', timestamp '2026-03-01', ['month_of_year'])
        ) as models (model_id, task, stage, trained_at, feature_names)
        """
    )


def rows(table: ibis.Table) -> list[dict[str, Any]]:
    """Run a result without the packages that Ibis needs for its own result methods."""
    relation = table.get_backend().con.sql(str(ibis.to_sql(table, dialect="duckdb")))
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        make_warehouse(connection)
        yield connection


@pytest.fixture
def store(connection: duckdb.DuckDBPyConnection) -> Iterator[FeatureStore]:
    with FeatureStore(connection) as store:
        yield store


@pytest.fixture
def warehouse_file(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        make_warehouse(connection)
    return path


@pytest.fixture(name="rows")
def rows_fixture() -> Any:
    return rows


@pytest.fixture
def odd_id() -> str:
    return ODD_ID
