"""Inputs with as few columns as are allowed, rows without names, and attributes of any type."""

from __future__ import annotations

from typing import Any

import pytest

from projects import UserProject, write_user_project

ORDERS = """
    select
        customer_id,
        customer_id * 1000 + week as order_id,
        timestamp '2025-01-01' + week * interval 7 day + customer_id * interval 1 minute
            as ordered_at,
        10 as amount
    from range(1, 101) as customers (customer_id)
    cross join range(52) as weeks (week)
"""
TABLES = {
    "items": """
        select
            order_id,
            customer_id % 5 as product_id,
            1 as quantity,
            if(order_id = 7003, 'NaN'::double, 10e0) as unit_price
        from raw.orders
    """,
    "products": """
        select
            product_id,
            case product_id when 0 then null when 1 then '  ' else 'Thing' end as product_name,
            'things' as category
        from range(5) as products (product_id)
    """,
    "sends": """
        select order_id as send_id, customer_id, 1 as campaign_id,
            ordered_at - interval 1 day as sent_at
        from raw.orders
    """,
    "tickets": "select order_id as ticket_id, customer_id, ordered_at as opened_at from raw.orders",
    "subscriptions": """
        select distinct customer_id as subscription_id, customer_id,
            timestamp '2025-01-01' as started_at, null::timestamp as ended_at
        from raw.orders where customer_id <= 50
    """,
    # the first row lacks everything; what is told of others depends on their number
    "customers": """
        select
            customer_id,
            timestamp '2024-12-31' as created_at,
            if(customer_id = 1, null, (customer_id / 2)::varchar) as score_text,
            case when customer_id = 1 then ' ' when customer_id % 2 = 0 then 'Yes' else 'no' end
                as is_member,
            if(customer_id = 1, null, date '2025-12-25' - customer_id::integer) as born_on,
            if(customer_id = 1, null, (date '2025-06-30' + customer_id::integer)::varchar)
                as seen_on,
            case
                when customer_id = 1 then null
                when customer_id <= 50 then 'New York'
                when customer_id <= 90 then 'O''Fallon'
                when customer_id <= 95 then 'Москва'
                else 'Elsewhere ' || customer_id
            end as city,
            'note ' || customer_id as note,
            customer_id % 3 = 0 as is_vip
        from range(1, 101) as customers (customer_id)
    """,
}
ATTRIBUTES = ["score_text", "is_member", "born_on", "seen_on", "city", "note", "is_vip"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[UserProject, str]:
    """Build the features of such a shop, with the tests of its inputs."""
    project = write_user_project(tmp_path_factory.mktemp("sparse") / "shop")
    project.orders(ORDERS)
    inputs = {
        "items": "order_items",
        "sends": "campaign_sends",
        "tickets": "support_tickets",
        **{name: name for name in ("products", "subscriptions", "customers")},
    }
    for table, sql in TABLES.items():
        project.execute(f"create table raw.{table} as {sql}")
    settings: dict[str, Any] = {
        f"holdfast_{name}": f"raw.{table}" for table, name in inputs.items()
    }
    settings |= {
        "holdfast_customer_attributes": ATTRIBUTES,
        "holdfast_as_of_date": "2025-12-25",
        "holdfast_observations": 3,
    }
    project.write(vars={**project.settings["vars"], **settings})
    selection = ("--select", "+holdfast__customer_features", "--indirect-selection", "cautious")
    return project, " ".join(project.dbt("build", *selection).stdout.split())


@pytest.mark.slow
def test_what_no_column_tells_is_missing_and_never_zero(shop: tuple[UserProject, str]) -> None:
    project, _ = shop
    absent = [
        *("campaign_open_count_30d", "campaign_open_rate_90d", "campaign_open_rate_365d"),
        *("campaign_click_count_90d", "campaign_click_rate_90d", "campaign_sends_since_open"),
        *("campaign_days_since_open", "campaign_days_since_click"),
        *("ticket_open_count", "ticket_complaint_count_90d", "ticket_complaint_share_365d"),
        *("ticket_resolution_days_365d", "ticket_csat_last"),
        *("subscription_mrr", "subscription_mrr_change"),
        *("discount_365d", "discount_share_365d", "product_replenishable_share_365d"),
    ]
    counts = ", ".join(f"count({name})" for name in absent)
    (found,) = project.query(f"select {counts} from customer_features")
    assert dict(zip(absent, found, strict=True)) == dict.fromkeys(absent, 0)
    told = "campaign_send_count_90d, ticket_count_90d, subscription_is_active"
    assert project.query(
        f"select count(*), count({told.replace(', ', '), count(')}), "
        "min(campaign_send_count_90d) > 0 from customer_features"
    ) == [(*[project.query("select count(*) from customer_spine")[0][0]] * 4, True)]


@pytest.mark.slow
def test_products_without_a_name_go_by_their_id(shop: tuple[UserProject, str]) -> None:
    project, said = shop
    assert "2 rows of the input products have no product_name, such as 0;" in said
    assert project.query("select product_name from stg_holdfast__products order by product_id") == [
        ("0",),
        ("1",),
        ("Thing",),
        ("Thing",),
        ("Thing",),
    ]


@pytest.mark.slow
def test_price_that_is_no_number_is_named_with_its_row(shop: tuple[UserProject, str]) -> None:
    _, said = shop
    assert (
        "1 rows of the input order_items have a unit_price that is NaN or infinite, "
        "such as that of order_id 7003"
    ) in said
    assert "`holdfast_order_items`" in said


@pytest.mark.slow
def test_attributes_are_encoded_by_what_they_hold(shop: tuple[UserProject, str]) -> None:
    project, said = shop
    columns = [
        name for name in project.columns("customer_attribute_features") if name[:4] == "attr"
    ]
    assert columns == [
        "attribute_score_text",
        "attribute_is_member",
        "attribute_born_on",
        "attribute_seen_on",
        "attribute_city_new_york",
        "attribute_city_o_fallon",
        "attribute_city_other",
        "attribute_is_vip",
        "attribute_tenure_days",
    ]
    names = ", ".join(columns)
    rows = {
        customer: tuple(values)
        for customer, *values in project.query(
            f"select customer_id, {names} from customer_features where as_of = '2025-12-25'"
        )
    }
    for customer, found in rows.items():
        if customer == 1:
            assert found == (*[None] * 7, 0, 359)
            continue
        levels = (customer <= 50, 50 < customer <= 90, customer > 90)
        seen = 178 - customer
        expected = (customer / 2, customer % 2 == 0, customer, seen if seen > 0 else None)
        assert found == (*expected, *levels, customer % 3 == 0, 359)
    # 1 October is the day of customer 93; a day that was still to come was not known then
    assert project.query(
        "select min(customer_id), max(customer_id), count(*) from customer_features "
        "where as_of = '2025-10-01' and attribute_seen_on is not null"
    ) == [(2, 92, 91)]
    assert "names note, a text column in which no value is shared by 10 customers" in said
