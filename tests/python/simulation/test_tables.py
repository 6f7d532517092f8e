"""The tables keep the contract of staging."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from holdfast.simulation import ShopParameters
from holdfast.simulation._parameters import ACQUISITION_CHANNELS

TIME, MONEY, ID, SMALL, TEXT, FLAG = (
    "timestamp[us]",
    "decimal128(18, 2)",
    "int64",
    "int32",
    "string",
    "bool",
)
CONTRACT = {
    "customers": {
        "customer_id": ID,
        "created_at": TIME,
        "country": TEXT,
        "acquisition_channel": TEXT,
        "is_newsletter_subscriber": FLAG,
    },
    "orders": {
        "order_id": ID,
        "customer_id": ID,
        "ordered_at": TIME,
        "amount": MONEY,
        "discount_amount": MONEY,
        "channel": TEXT,
        "promised_at": TIME,
        "delivered_at": TIME,
        "loaded_at": TIME,
    },
    "order_items": {
        "order_id": ID,
        "product_id": SMALL,
        "quantity": SMALL,
        "unit_price": MONEY,
        "loaded_at": TIME,
    },
    "products": {
        "product_id": SMALL,
        "product_name": TEXT,
        "category": TEXT,
        "unit_cost": MONEY,
        "is_replenishable": FLAG,
    },
    "web_events": {
        "event_id": ID,
        "customer_id": ID,
        "occurred_at": TIME,
        "event_type": TEXT,
        "product_id": SMALL,
        "session_id": ID,
        "loaded_at": TIME,
    },
    "support_tickets": {
        "ticket_id": ID,
        "customer_id": ID,
        "opened_at": TIME,
        "resolved_at": TIME,
        "topic": TEXT,
        "body": TEXT,
        "csat": SMALL,
        "loaded_at": TIME,
    },
    "campaign_sends": {
        "send_id": ID,
        "customer_id": ID,
        "campaign_id": SMALL,
        "sent_at": TIME,
        "channel": TEXT,
        "offer_id": SMALL,
        "is_control": FLAG,
        "opened_at": TIME,
        "clicked_at": TIME,
    },
    "subscriptions": {
        "subscription_id": ID,
        "customer_id": ID,
        "started_at": TIME,
        "ended_at": TIME,
        "plan": TEXT,
        "mrr": MONEY,
    },
    "feedback": {"customer_id": ID, "answered_at": TIME, "score": SMALL, "comment": TEXT},
    "offers": {
        "offer_id": SMALL,
        "offer_name": TEXT,
        "offer_type": TEXT,
        "discount_percent": SMALL,
        "discount": "double",
        "cost": MONEY,
    },
    "consents": {"customer_id": ID, "channel": TEXT, "is_allowed": FLAG, "changed_at": TIME},
    "campaigns": {
        "campaign_id": SMALL,
        "campaign_name": TEXT,
        "started_at": TIME,
        "channel": TEXT,
        "offer_id": SMALL,
    },
    "acquisition_costs": {"month": "date32[day]", "channel": TEXT, "spend": MONEY},
}
MAY_BE_NULL = {
    ("orders", "promised_at"),
    ("orders", "delivered_at"),
    ("web_events", "product_id"),
    ("support_tickets", "resolved_at"),
    ("support_tickets", "csat"),
    ("campaign_sends", "opened_at"),
    ("campaign_sends", "clicked_at"),
    ("subscriptions", "ended_at"),
    ("feedback", "comment"),
}
KEYS = {
    "customers": "customer_id",
    "orders": "order_id",
    "order_items": "(order_id, product_id)",
    "products": "product_id",
    "web_events": "event_id",
    "support_tickets": "ticket_id",
    "campaign_sends": "send_id",
    "subscriptions": "subscription_id",
    "offers": "offer_id",
    "campaigns": "campaign_id",
    "consents": "(customer_id, channel, changed_at)",
    "acquisition_costs": "(month, channel)",
    "customer_traits": "customer_id",
    "churn_hazard": "(customer_id, month)",
    "offer_effects": "(customer_id, offer_id)",
    "replenishment_cycles": "product_id",
    "price_elasticities": "product_id",
    "causes": "(target, cause)",
}
REFERENCES = [
    ("orders", "customer_id", "customers"),
    ("order_items", "order_id", "orders"),
    ("orders", "order_id", "order_items"),
    ("order_items", "product_id", "products"),
    ("web_events", "customer_id", "customers"),
    ("web_events", "product_id", "products"),
    ("support_tickets", "customer_id", "customers"),
    ("campaign_sends", "customer_id", "customers"),
    ("campaign_sends", "campaign_id", "campaigns"),
    ("campaign_sends", "offer_id", "offers"),
    ("campaigns", "offer_id", "offers"),
    ("consents", "customer_id", "customers"),
    ("customers", "customer_id", "consents"),
    ("subscriptions", "customer_id", "customers"),
    ("feedback", "customer_id", "customers"),
    ("customers", "customer_id", "customer_traits"),
    ("customers", "customer_id", "churn_hazard"),
    ("customers", "customer_id", "offer_effects"),
    ("replenishment_cycles", "product_id", "products"),
]
EVENT_TIMES = [
    ("orders", "ordered_at"),
    ("orders", "delivered_at"),
    ("web_events", "occurred_at"),
    ("support_tickets", "opened_at"),
    ("support_tickets", "resolved_at"),
    ("campaign_sends", "sent_at"),
    ("campaign_sends", "opened_at"),
    ("campaign_sends", "clicked_at"),
    ("campaigns", "started_at"),
    ("subscriptions", "started_at"),
    ("subscriptions", "ended_at"),
    ("feedback", "answered_at"),
    ("churn_hazard", "churned_at"),
]
LOADED = [
    ("orders", "ordered_at"),
    ("web_events", "occurred_at"),
    ("support_tickets", "opened_at"),
]


def number(shop: duckdb.DuckDBPyConnection, query: str) -> float:
    row = shop.sql(query).fetchone()
    assert row is not None
    return float(row[0])


@pytest.mark.parametrize("table", CONTRACT)
def test_columns_and_types(shop_folder: Path, table: str) -> None:
    schema = pq.read_schema(shop_folder / f"{table}.parquet")
    assert {field.name: str(field.type) for field in schema} == CONTRACT[table]


@pytest.mark.parametrize("table", CONTRACT)
def test_only_optional_columns_hold_nulls_and_those_do(
    shop: duckdb.DuckDBPyConnection, table: str
) -> None:
    for column in CONTRACT[table]:
        nulls = number(shop, f"select count(*) - count({column}) from {table}")
        rows = number(shop, f"select count(*) from {table}")
        expected = (table, column) in MAY_BE_NULL
        assert (0 < nulls < rows) if expected else nulls == 0, column


@pytest.mark.parametrize(("table", "key"), KEYS.items())
def test_keys_are_unique_over_chunks(shop: duckdb.DuckDBPyConnection, table: str, key: str) -> None:
    assert number(shop, f"select count(*) - count(distinct {key}) from {table}") == 0


def test_sessions_belong_to_one_customer(shop: duckdb.DuckDBPyConnection) -> None:
    assert (
        number(
            shop,
            "select max(n) from (select count(distinct customer_id) as n "
            "from web_events group by session_id)",
        )
        == 1
    )


@pytest.mark.parametrize(("table", "column", "other"), REFERENCES)
def test_references_are_kept(
    shop: duckdb.DuckDBPyConnection, table: str, column: str, other: str
) -> None:
    query = (
        f"select count(*) from {table} where {column} is not null "
        f"and {column} not in (select {column} from {other})"
    )
    assert number(shop, query) == 0


def test_amounts_equal_their_items_to_the_cent(shop: duckdb.DuckDBPyConnection) -> None:
    query = """
        select count(*) from (
            select order_id, sum(quantity * unit_price) as total from order_items group by all
        ) as items
        full join orders using (order_id)
        where amount is distinct from total - discount_amount
    """
    assert number(shop, query) == 0


def test_returns_are_rows_of_their_own(shop: duckdb.DuckDBPyConnection) -> None:
    share = number(shop, "select avg((amount < 0)::int) from orders")
    assert 0.03 < share < 0.12
    assert number(shop, "select count(*) from orders where amount = 0") == 0
    query = """
        select count(*) from order_items join orders using (order_id)
        where (amount < 0) <> (quantity < 0) or unit_price <= 0 or quantity = 0
    """
    assert number(shop, query) == 0
    # What comes back was bought before, by the same customer.
    query = """
        select count(*) from orders as back join order_items as line using (order_id)
        where amount < 0 and not exists (
            from orders as bought join order_items as was using (order_id)
            where bought.customer_id = back.customer_id and was.product_id = line.product_id
                and bought.ordered_at < back.ordered_at and was.quantity >= -line.quantity
        )
    """
    assert number(shop, query) == 0


def assert_inside(connection: duckdb.DuckDBPyConnection, start: date, end: date) -> None:
    for table, column in EVENT_TIMES:
        row = connection.sql(f"select min({column}), max({column}) from {table}").fetchone()
        assert row is not None
        low, high = row
        assert low is None or low >= datetime(start.year, start.month, start.day), column
        assert high is None or high < datetime(end.year, end.month, end.day), column
    latest = connection.sql("select max(created_at) from customers").fetchone()
    assert latest is not None
    assert latest[0] < datetime(end.year, end.month, end.day)


def test_nothing_lies_outside_the_window(shop: duckdb.DuckDBPyConnection) -> None:
    assert_inside(shop, date(2024, 7, 1), date(2026, 7, 1))


def test_nothing_lies_outside_a_window_with_broken_months(
    simulate: Callable[..., Path], connect: Callable[[Path], duckdb.DuckDBPyConnection]
) -> None:
    folder = simulate(800, months=7, end=date(2026, 3, 31), seed=5)
    with connect(folder) as connection:
        assert_inside(connection, date(2025, 8, 31), date(2026, 3, 31))
        months = connection.sql("select distinct month from churn_hazard order by 1").fetchall()
    assert [month for (month,) in months] == [
        datetime(2025, 8, 1),
        *(datetime(2025, month, 1) for month in range(9, 13)),
        *(datetime(2026, month, 1) for month in range(1, 4)),
    ]


@pytest.mark.parametrize(("table", "event_at"), LOADED)
def test_rows_are_loaded_soon_and_a_few_one_to_two_days_late(
    shop: duckdb.DuckDBPyConnection, table: str, event_at: str
) -> None:
    delay = f"epoch(loaded_at - {event_at}) / 3600"
    row = shop.sql(
        f"select min({delay}), max({delay}), avg(({delay} > 24)::int), median({delay}) from {table}"
    ).fetchone()
    assert row is not None
    earliest, latest, late, typical = row
    assert earliest > 0
    assert latest < 49
    assert 0.015 < late < 0.05
    assert typical < 2


def test_what_follows_comes_after(shop: duckdb.DuckDBPyConnection) -> None:
    for table, first, then in [
        ("orders", "ordered_at", "delivered_at"),
        ("orders", "ordered_at", "promised_at"),
        ("support_tickets", "opened_at", "resolved_at"),
        ("campaign_sends", "sent_at", "opened_at"),
        ("campaign_sends", "opened_at", "clicked_at"),
        ("subscriptions", "started_at", "ended_at"),
    ]:
        assert number(shop, f"select count(*) from {table} where {then} <= {first}") == 0, then
    for table, at in [
        ("orders", "ordered_at"),
        ("web_events", "occurred_at"),
        ("support_tickets", "opened_at"),
        ("subscriptions", "started_at"),
        ("campaign_sends", "sent_at"),
    ]:
        query = f"select count(*) from {table} join customers using (customer_id)"
        assert number(shop, f"{query} where {at} < created_at") == 0, table


def test_controls_are_a_random_fifth_and_never_open(shop: duckdb.DuckDBPyConnection) -> None:
    assert number(shop, "select avg(is_control::int) from campaign_sends") == pytest.approx(
        0.2, abs=0.01
    )
    query = "select count(opened_at) + count(clicked_at) from campaign_sends where is_control"
    assert number(shop, query) == 0
    # Random means: the mood and traits of both groups agree.
    query = """
        select abs(avg(base_rate) filter (is_control) - avg(base_rate) filter (not is_control))
        from campaign_sends join customer_traits using (customer_id)
    """
    assert number(shop, query) < 0.02


def test_subscriptions_do_not_overlap_and_some_begin_again(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    query = """
        select count(*) from subscriptions as a join subscriptions as b using (customer_id)
        where a.started_at < b.started_at
            and (a.ended_at is null or a.ended_at > b.started_at)
    """
    assert number(shop, query) == 0
    holders = number(shop, "select count(distinct customer_id) / 3000 from subscriptions")
    assert 0.2 < holders < 0.32
    assert number(shop, "select count(*) - count(distinct customer_id) from subscriptions") > 50


def test_customers_cost_about_what_their_channel_plans(shop: duckdb.DuckDBPyConnection) -> None:
    rows = shop.sql(
        """
        with spent as (
            select channel, sum(spend) as spend from acquisition_costs group by channel
        ),
        won as (
            select acquisition_channel as channel, count(*) as customers from customers
            where created_at >= timestamp '2024-07-01' group by acquisition_channel
        )
        select channel, spend / customers from won left join spent using (channel) order by channel
        """
    ).fetchall()
    planned = dict(zip(ACQUISITION_CHANNELS, ShopParameters().acquisition_cost, strict=True))
    found = {channel: float(cost or 0) for channel, cost in rows}
    assert found == {channel: pytest.approx(cost, rel=0.2) for channel, cost in planned.items()}


def test_consents_are_the_choice_at_sign_up_until_the_list_is_left(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    # One row per channel at sign-up, and one more for all who have left the list since.
    query = """
        select count(*) from customers join consents using (customer_id)
        where changed_at = created_at and is_allowed = is_newsletter_subscriber
    """
    assert number(shop, query) == 2 * number(shop, "select count(*) from customers")
    left = number(shop, "select count(*) from web_events where event_type = 'unsubscribe'")
    query = """
        select count(*) from consents join customers using (customer_id)
        where changed_at > created_at and not is_allowed
    """
    assert number(shop, query) == pytest.approx(2 * left, abs=4)
    assert left > 100
    # Nobody is sent anything who did not allow it then.
    query = """
        select count(*) from campaign_sends as sends
        asof join consents
            on sends.customer_id = consents.customer_id
            and sends.channel = consents.channel and sends.sent_at >= consents.changed_at
        where not is_allowed
    """
    assert number(shop, query) == 0


def test_offers_cost_what_their_discount_does_not(shop: duckdb.DuckDBPyConnection) -> None:
    rows = shop.sql("select offer_type, discount, cost from offers order by offer_id").fetchall()
    assert [(kind, discount, float(cost)) for kind, discount, cost in rows] == [
        ("none", 0.0, 0.0),
        ("percent", 0.1, 0.0),
        ("free_shipping", 0.0, 4.9),
        ("percent", 0.2, 0.0),
        ("gift", 0.0, 3.5),
    ]


def test_texts_are_complete(shop: duckdb.DuckDBPyConnection) -> None:
    query = "select count(*) from support_tickets where body like '%{%' or length(body) < 20"
    assert number(shop, query) == 0
    assert number(shop, "select count(distinct body) from support_tickets") > 300
