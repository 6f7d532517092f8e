"""Rows that change after their date was computed are noticed, and computed anew when asked for."""

from __future__ import annotations

import pytest

from projects import UserProject

ORDERS = """
    select
        customer_id,
        customer_id * 1000 + week as order_id,
        timestamp '2025-01-01' + week * interval 7 day + customer_id * interval 1 hour
            as ordered_at,
        cast(10 + customer_id as decimal(18, 2)) as amount,
        null::timestamp as loaded_at
    from range(1, 31) as customers (customer_id)
    cross join range(52) as weeks (week)
"""
ITEMS = """
    select order_id, customer_id % 5 as product_id, 1 as quantity, 10 as unit_price
    from raw.orders
"""
PRODUCTS = """
    select
        product_id,
        'Thing ' || product_id as product_name,
        if(product_id % 2 = 0, 'even', 'odd') as category,
        3 as unit_cost
    from range(5) as products (product_id)
"""
PARCELS = """
    select order_id as parcel_id, customer_id, ordered_at + interval 2 day as arrived_at,
        order_id % 7 as days_late, null::timestamp as signed_at
    from raw.orders
"""
PARCEL_FEATURES = """
    {{ config(
        materialized='incremental', unique_key='as_of',
        post_hook='{{ holdfast.settle_feature_view() }}',
    ) }}
    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'), events=ref('parcels'),
        event_at='arrived_at', windows=[40], features={'days_late': {'sql': 'max(days_late)'}},
    ) }}
"""
CHANGED = "rows of its inputs have changed (late, corrected, merged or deleted)"
STALE = """
    select as_of, count(*) from customer_order_features as features
    where revenue_lifetime != (
        select sum(amount) from stg_holdfast__orders as orders
        where orders.customer_id = features.customer_id and ordered_at < as_of
            and coalesce(loaded_at, ordered_at) < as_of
    )
    group by as_of order by as_of
"""


@pytest.mark.slow
def test_changed_rows_are_told_and_their_dates_computed_anew_when_asked(
    user_project: UserProject,
) -> None:
    shop = user_project

    def build(orders: str, *words: str) -> str:
        shop.orders(orders)
        return shop.dbt("run", "--select", "+holdfast__customer_order_features", *words).stdout

    assert CHANGED not in build(f"{ORDERS} where week < 46")
    # new orders, and a late one that says when it was loaded, change nothing that was known before
    late = (
        f"select * from ({ORDERS}) union all by name select 3 as customer_id, 1 as order_id, "
        "timestamp '2025-03-03' as ordered_at, 5 as amount, timestamp '2025-12-20' as loaded_at"
    )
    assert CHANGED not in build(late)
    assert shop.query(STALE) == []

    corrected = f"select * replace (amount + if(order_id = 7030, 100, 0) as amount) from ({late})"
    for _ in range(2):
        said = build(corrected)
        assert f"customer_order_features: {CHANGED}" in said
        assert "dbt build --vars 'holdfast_rebuild_changed: true'" in said
    stale = shop.query(STALE)
    # order 7030 is of 30 July
    assert [str(as_of)[:10] for as_of, _ in stale] == [
        f"2025-{month:02}-01" for month in (8, 9, 10, 11, 12)
    ]
    assert "of 5 dates were computed, from 2025-08-01 to 2025-12-01" in said

    assert CHANGED not in build(corrected, "--vars", "holdfast_rebuild_changed: true")
    assert shop.query(STALE) == []
    assert CHANGED not in build(corrected)


@pytest.mark.slow
def test_another_horizon_gives_its_windows_to_every_date(user_project: UserProject) -> None:
    shop = user_project
    shop.orders(ORDERS)
    selection = ("--select", "+holdfast__customer_order_features")
    shop.dbt("run", *selection)
    shop.dbt("run", *selection, "--vars", "holdfast_churn_horizon_days: 28")
    dates, without = shop.query(
        "select count(distinct as_of), count(*) filter (where purchase_days_28d is null"
        " or order_count_9d is null) from customer_order_features"
    )[0]
    assert dates > 2
    assert without == 0


@pytest.mark.slow
def test_products_attributes_and_own_events_are_watched(user_project: UserProject) -> None:
    shop = user_project
    shop.orders(ORDERS)
    tables = {
        "items": ITEMS,
        "products": PRODUCTS,
        "parcels": PARCELS,
        "customers": "select distinct customer_id, timestamp '2024-06-01' as created_at, 1 as size "
        "from raw.orders",
    }
    for table, sql in tables.items():
        shop.execute(f"create table raw.{table} as {sql}")
    models = shop.directory / "models"
    models.mkdir()
    (models / "parcels.sql").write_text("select * from raw.parcels", encoding="utf-8")
    (models / "parcel_features.sql").write_text(PARCEL_FEATURES, encoding="utf-8")
    settings = {
        "holdfast_order_items": "raw.items",
        "holdfast_products": "raw.products",
        "holdfast_customers": "raw.customers",
        "holdfast_customer_attributes": ["size"],
        "holdfast_feature_views": ["parcel_features"],
    }
    shop.write(vars={**shop.settings["vars"], **settings})

    def build(*changes: str, rebuild: bool = False) -> str:
        for change in changes:
            shop.execute(change)
        words = ("--vars", "holdfast_rebuild_changed: true") if rebuild else ()
        selection = ("+holdfast__customer_features", "+parcel_features")
        return shop.dbt("run", "--select", *selection, *words).stdout

    assert CHANGED not in build()
    # what no earlier date knew, and what no feature reads
    assert CHANGED not in build(
        "insert into raw.products values (77, 'New', 'new', 1)",
        "update raw.products set unit_cost = 4, product_name = 'Renamed'",
        "update raw.parcels set signed_at = arrived_at + interval 1 day",
        "insert into raw.parcels values (1, 1, '2025-12-26', 5, null)",
        # attributes have no history: every build takes today's value for all dates
        "update raw.customers set size = 2 where customer_id = 3",
    )
    assert shop.query(
        "select distinct attribute_size from customer_attribute_features where customer_id = 3"
    ) == [(2,)]

    said = build(
        "update raw.products set category = 'other' where product_id = 1",
        "update raw.parcels set days_late = 60 where parcel_id = 7030",
    )
    assert f"customer_product_features: {CHANGED}" in said
    # parcel 7030 arrived on 1 August, so it is in no features before those of September
    assert f"parcel_features: {CHANGED} since the features of 4 dates were computed" in said
    assert "from 2025-09-01 to 2025-12-01" in said
    assert f"customer_order_features: {CHANGED}" not in said

    assert CHANGED not in build(rebuild=True)
    assert shop.query(
        "select as_of::date::varchar, days_late_40d from parcel_features "
        "where customer_id = 7 and days_late_40d = 60"
    ) == [("2025-09-01", 60)]
