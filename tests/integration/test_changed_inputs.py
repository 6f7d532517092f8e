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
