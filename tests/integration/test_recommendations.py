"""Recommendations on the demo shop, against its purchases, and on shops with little to go by."""

from __future__ import annotations

import pytest

from projects import DbtProject, UserProject

AS_OF = "(select max(as_of) from recommendation_customers)"


def test_every_customer_gets_lists_without_gaps(built_demo: DbtProject) -> None:
    lists = (
        "select customer_id, list, max(rank), count(*) from product_recommendations group by all"
    )
    assert built_demo.query(f"select count(*) from ({lists}) where max(rank) <> count_star()") == [
        (0,)
    ]
    assert built_demo.query("""
        select count(*) from customer_retention
        anti join (
            select customer_id from product_recommendations where list = 'top'
        ) using (customer_id)
    """) == [(0,)]


def test_explored_products_are_new_and_repeated_ones_are_not(built_demo: DbtProject) -> None:
    found = built_demo.query("""
        with bought as (
            select distinct orders.customer_id, items.product_id
            from stg_holdfast__orders as orders
            inner join stg_holdfast__order_items as items on items.order_id = orders.order_id
            where orders.amount > 0 and items.quantity > 0
        )
        select list, count(*) filter (bought.product_id is not null), count(*)
        from product_recommendations
        left join bought using (customer_id, product_id)
        group by list
        order by list
    """)
    counts = {name: (bought, rows) for name, bought, rows in found}
    assert counts["explore"][0] == 0
    assert counts["repeat"][0] == counts["repeat"][1] > 1000
    assert 0 < counts["top"][0] < counts["top"][1]


def test_evidence_is_what_was_known_at_each_date(built_demo: DbtProject) -> None:
    found = built_demo.query("""
        with expected as (
            select
                candidates.customer_id,
                candidates.as_of,
                candidates.product_id,
                count(distinct orders.order_id) as times_bought,
                date_sub('day', max(orders.ordered_at), candidates.as_of) as days_since_bought,
            from recommendation_candidates as candidates
            inner join stg_holdfast__orders as orders
                on orders.customer_id = candidates.customer_id
                and greatest(orders.ordered_at, orders.loaded_at) < candidates.as_of
                and orders.amount > 0
            inner join stg_holdfast__order_items as items
                on items.order_id = orders.order_id
                and items.product_id = candidates.product_id
                and items.quantity > 0
                and coalesce(items.loaded_at, orders.ordered_at) < candidates.as_of
            group by all
        )
        select
            count(*),
            count(*) filter (
                candidates.times_bought <> coalesce(expected.times_bought, 0)
                or candidates.days_since_bought is distinct from expected.days_since_bought
            ),
        from recommendation_candidates as candidates
        left join expected using (customer_id, as_of, product_id)
    """)
    assert found[0][0] > 50_000
    assert found[0][1] == 0


def test_customers_without_an_order_are_marked(built_demo: DbtProject) -> None:
    found = built_demo.query(f"""
        select status, count(*), count(probability), count(distinct score_source)
        from product_recommendations
        inner join recommendation_customers as customers
            on customers.customer_id = product_recommendations.customer_id
            and customers.as_of = {AS_OF}
        where customers.orders_lifetime = 0
        group by status
        order by status
    """)
    assert {row[0] for row in found} == {"from_views", "popular"}
    assert [row[2] for row in found] == [0, 0]


def test_labels_follow_from_later_purchases(built_demo: DbtProject) -> None:
    assert built_demo.query("""
        select count(*)
        from recommendation_labels as labels
        where labels.bought is distinct from exists (
            select 1
            from recommendation_purchases as purchases
            where
                purchases.customer_id = labels.customer_id
                and purchases.product_id = labels.product_id
                and purchases.ordered_at >= labels.as_of
                and purchases.ordered_at < labels.as_of + interval 28 day
        )
    """) == [(0,)]


def test_model_is_judged_beside_the_others(built_demo: DbtProject) -> None:
    rows = built_demo.query("""
        select distinct task, split from model_evaluations
        where task = 'recommendation'
    """)
    assert ("recommendation", "test") in rows
    # what it learned from differs from what it ranks, which is no drift
    assert built_demo.query("select count(*) from feature_drift where task = 'recommendation'") == [
        (0,)
    ]


SHOP = """
    select
        1 + i % 30 as customer_id,
        i as order_id,
        timestamp '2026-01-01' + to_hours(cast(i * 12 as integer)) as ordered_at,
        20 as amount,
    from range(200) as t (i)
    union all
    -- who ordered once, and whose products nobody else buys
    select 99, 999, timestamp '2026-02-01', 5
"""
ITEMS = """
    -- everybody buys product 0
    select order_id, 0 as product_id, 1 as quantity, 0.0 as unit_price from raw.orders
    union all
    select order_id, 1 + order_id % 7, 2, 3.5 from raw.orders
    union all
    -- nothing was bought
    select order_id, 50, 0, 3.5 from raw.orders
    union all
    select order_id, 51, -1, 3.5 from raw.orders
    union all
    select 999, 70, 1, 5
"""
PRODUCTS = """
    select * from (values
        (0, 'Bag', 'misc', true), (1, 'Tea', 'tea', true), (2, 'tea ', 'tea', true),
        (3, 'Gone', 'tea', false), (4, 'Secret', 'tea', true), (5, 'Cup', 'cups', true)
    ) as t (product_id, product_name, category, is_available)
"""


@pytest.mark.slow
def test_little_data_still_gives_lists(user_project: UserProject) -> None:
    shop = user_project
    shop.orders(SHOP)
    shop.execute(f"create table raw.items as {ITEMS}")
    of_items = {**shop.settings["vars"], "holdfast_order_items": "raw.items"}
    shop.write(vars={**of_items, "holdfast_publish": False})
    shop.dbt("run", "--select", "+holdfast__product_recommendations")

    # no products and no web events, too few rows for a model: the blend ranks, and names are ids
    assert shop.query(
        "select distinct score_source, count(probability) from product_recommendations group by 1"
    ) == [("blend", 0)]
    assert shop.query("select count(distinct customer_id) from product_recommendations") == [(31,)]
    assert shop.query(
        "select count(*) from product_recommendations where product_id in (50, 51)"
    ) == [(0,)]
    assert shop.query(
        "select count(*) from product_recommendations where product_name <> product_id::varchar"
    ) == [(0,)]
    assert shop.query("""
        select distinct product_id from product_recommendations
        where customer_id = 99 and list = 'repeat' order by product_id
    """) == [(0,), (70,)]

    shop.execute(f"create table raw.products as {PRODUCTS}")
    shop.execute("create table raw.exclusions as select 4 as product_id, null::varchar as category")
    shop.execute("insert into raw.exclusions values (null, 'cups')")
    described = {
        "holdfast_products": "raw.products",
        "holdfast_recommendation_exclusions": "raw.exclusions",
    }
    shop.write(vars={**of_items, **described, "holdfast_publish": False})
    shop.dbt("run", "--select", "+holdfast__product_recommendations")

    shown = {
        row[0] for row in shop.query("select distinct product_id from product_recommendations")
    }
    assert not shown & {3, 4, 5}
    assert {0, 1, 2, 6, 7} & shown
    # one product under two ids
    assert shop.query("""
        select count(*) from (
            select customer_id, list from product_recommendations
            where lower(trim(product_name)) = 'tea' group by all having count(*) > 1
        )
    """) == [(0,)]
    assert shop.query("select count(distinct customer_id) from product_recommendations") == [(31,)]


@pytest.mark.slow
def test_shop_with_one_product(user_project: UserProject) -> None:
    shop = user_project
    shop.orders(SHOP)
    shop.execute(
        "create table raw.items as select order_id, 'x' as product_id, 1 as quantity, "
        "2 as unit_price from raw.orders"
    )
    shop.write(
        vars={
            **shop.settings["vars"],
            "holdfast_order_items": "raw.items",
            "holdfast_publish": False,
        }
    )
    shop.dbt("run", "--select", "+holdfast__product_recommendations")
    assert shop.query(
        "select distinct list, product_id from product_recommendations order by list"
    ) == [("repeat", "x"), ("top", "x")]
