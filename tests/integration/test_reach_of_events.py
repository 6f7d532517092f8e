"""Labels of other events than orders wait until the data of these events reach their end."""

from __future__ import annotations

import pytest

from projects import UserProject

ORDERS = """
    select
        customer_id,
        customer_id * 1000 + day as order_id,
        timestamp '2025-06-01 10:00' + day * interval 1 day as ordered_at,
        10 as amount
    from range(1, 11) as customers (customer_id)
    cross join range(207) as days (day)
"""
EVENTS = {
    # to 22:00 of the last day of orders, and loaded after it
    "frequent": "select 1 as customer_id, t as happened_at, "
    "timestamp '2025-12-25 03:00' as loaded_at "
    "from range(timestamp '2025-06-01', timestamp '2025-12-24 23:00', interval 1 hour) as t (t)",
    "rare": "select 1 as customer_id, t as happened_at "
    "from range(timestamp '2025-06-01', timestamp '2025-12-12', interval 30 day) as t (t)",
    "stopped": "select 1 as customer_id, t as happened_at "
    "from range(timestamp '2025-06-01', timestamp '2025-12-01', interval 1 hour) as t (t)",
    # one mistyped date does not bring back data that have stopped
    "odd": "select 1 as customer_id, t as happened_at "
    "from range(timestamp '2025-06-01', timestamp '2025-12-01', interval 1 hour) as t (t) "
    "union all select 2, timestamp '2025-12-23'",
    "none_yet": "select 1 as customer_id, timestamp '2025-12-01' as happened_at where false",
}
EXPECTED = {
    "orders": "2025-12-24 10:00:00",
    "frequent": "2025-12-25 00:00:00",
    "rare": "2025-12-24 10:00:00",
    "stopped": "2025-11-30 23:00:00",
    "odd": "2025-11-30 23:00:00",
    "none_yet": "1900-01-01 00:00:00",
}
LABELS = """
    {{ holdfast.event_labels(
        label='came', events=ref('stopped'), event_at='happened_at', horizon_days=10,
        spine=ref('asked'),
    ) }}
"""


@pytest.mark.slow
def test_reach_of_the_events_decides_what_is_mature(user_project: UserProject) -> None:
    shop = user_project
    shop.orders(ORDERS)
    models = shop.directory / "models"
    models.mkdir()
    for name, sql in EVENTS.items():
        text = f"{{{{ config(materialized='table') }}}} {sql}"
        (models / f"{name}.sql").write_text(text, encoding="utf-8")
    selects = ["select 'orders' as events, {{ holdfast.known_until() }} as known_until"] + [
        f"select '{name}', {{{{ holdfast.known_until(ref('{name}'), 'happened_at') }}}}"
        for name in EVENTS
    ]
    (models / "reach.sql").write_text(" union all ".join(selects), encoding="utf-8")
    (models / "asked.sql").write_text(
        "select customer_id, unnest([timestamp '2025-11-20', timestamp '2025-11-22']) as as_of "
        "from (values (1), (2)) as customers (customer_id)",
        encoding="utf-8",
    )
    (models / "labels.sql").write_text(LABELS, encoding="utf-8")
    shop.write(vars={**shop.settings["vars"], "holdfast_as_of_date": "2025-12-25"})
    shop.dbt("run", "--select", "+reach", "+labels")
    found = dict(shop.query("select events, known_until::varchar from reach"))
    assert found == EXPECTED
    labels = shop.query(
        "select customer_id, as_of::date::varchar, is_mature, came from labels order by all"
    )
    assert labels == [
        (1, "2025-11-20", True, True),
        (1, "2025-11-22", False, None),
        (2, "2025-11-20", True, False),
        (2, "2025-11-22", False, None),
    ]
    # settled: an order that comes in later moves nothing of what this invocation has built
    compiled = shop.directory / "target" / "compiled" / "shop" / "models" / "reach.sql"
    assert "timestamp '1900-01-01'" in compiled.read_text(encoding="utf-8")
    assert "stg_holdfast__orders" not in compiled.read_text(encoding="utf-8")
