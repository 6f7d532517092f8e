"""What happens has causes, and the truth files tell them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

# For every month, customers still there at its start who ordered in the 60 days before.
RECENT = """
    with spine as (
        select customer_id, month, hazard, segment, impatience,
            lead(is_churned, 2) over (partition by customer_id order by month) as churned
        from churn_hazard
        join (select *, 1 / patience as impatience from customer_traits) using (customer_id)
        where month >= timestamp '2024-10-01'
        qualify not is_churned
    ),
    served as (
        select spine.*,
            exists (
                from orders where orders.customer_id = spine.customer_id
                    and delivered_at > promised_at
                    and delivered_at between month - interval 45 day and month
            ) or exists (
                from support_tickets as ticket where ticket.customer_id = spine.customer_id
                    and resolved_at > opened_at + interval 48 hour
                    and resolved_at between month - interval 45 day and month
            ) as is_badly_served
        from spine
        where churned is not null and exists (
            from orders where orders.customer_id = spine.customer_id and amount > 0
                and ordered_at between month - interval 60 day and month
        )
    )
"""


def pair(shop: duckdb.DuckDBPyConnection, query: str) -> tuple[float, float]:
    row = shop.sql(query).fetchone()
    assert row is not None
    return float(row[0]), float(row[1])


def departures(folder: Path) -> float:
    query = f"select count(churned_at) / 3000 from '{folder}/truth/churn_hazard.parquet'"
    row = duckdb.execute(query).fetchone()
    assert row is not None
    return float(row[0])


def test_hazards_add_up_to_the_departures(shop: duckdb.DuckDBPyConnection) -> None:
    expected, happened = pair(shop, "select sum(hazard), count(churned_at) from churn_hazard")
    assert happened == pytest.approx(expected, abs=4 * expected**0.5)


def test_churned_customers_are_silent(shop: duckdb.DuckDBPyConnection) -> None:
    gone, there = pair(
        shop,
        """
        select avg(n) filter (is_churned), avg(n) filter (not is_churned) from (
            select is_churned, (
                select count(*) from orders where orders.customer_id = churn_hazard.customer_id
                    and amount > 0 and ordered_at >= month
                    and ordered_at < month + interval 1 month
            ) as n from churn_hazard
        )
        """,
    )
    # Some come back within the month; that chance is small.
    assert gone < 0.03
    assert there > 0.4


def test_the_badly_served_leave_more_often_in_every_segment(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    rows = shop.sql(
        RECENT
        + """
        select segment, avg(churned::int) filter (is_badly_served),
            avg(churned::int) filter (not is_badly_served)
        from served group by segment
        """
    ).fetchall()
    assert len(rows) == 5
    gaps = [badly - well for _, badly, well in rows]
    assert sum(gaps) / len(gaps) > 0.03
    assert sum(gap > 0 for gap in gaps) >= 4


def test_patience_softens_bad_service(shop: duckdb.DuckDBPyConnection) -> None:
    impatient, patient = pair(
        shop,
        RECENT
        + """
        select avg(hazard) filter (is_badly_served and impatience > 1.2)
                - avg(hazard) filter (not is_badly_served and impatience > 1.2),
            avg(hazard) filter (is_badly_served and impatience < 0.8)
                - avg(hazard) filter (not is_badly_served and impatience < 0.8)
        from served
        """,
    )
    assert impatient > 1.5 * patient > 0


@pytest.mark.parametrize(
    "without",
    [
        {"late_shock": 0.0, "slow_shock": 0.0},
        {"price_rises": ()},
        {"stock_troubles": ()},
        {"hazard_season": 0.0, "hazard_new": 0.0, "hazard_discount_channel": 0.0},
    ],
    ids=["service", "prices", "shelves", "season and novelty"],
)
def test_without_a_cause_fewer_leave(
    simulate: Callable[..., Path], shop_folder: Path, without: dict[str, object]
) -> None:
    assert departures(simulate(**without)) < departures(shop_folder) - 0.01


def test_a_delisted_category_drives_its_friends_away(simulate: Callable[..., Path]) -> None:
    query = """
        select favourite_category = 'outdoor' as is_friend,
            count(churned_at) / count(distinct customer_id) as share
        from '{0}/truth/churn_hazard.parquet'
        join '{0}/truth/customer_traits.parquet' using (customer_id)
        where month >= timestamp '2025-09-01' and not is_churned
        group by all order by is_friend
    """
    # The same customers twice, so that who they are cancels out.
    folders = (simulate(12_000), simulate(12_000, stock_troubles=()))
    (others, friends), (others_otherwise, friends_otherwise) = (
        [share for _, share in duckdb.sql(query.format(folder)).fetchall()] for folder in folders
    )
    assert (friends - others) - (friends_otherwise - others_otherwise) > 0.04


def test_visits_opens_and_scores_fall_before_a_departure(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    shop.execute(
        """
        create temp table leaving as
        select customer_id, min(churned_at) as left_at from churn_hazard
        where churned_at > timestamp '2025-02-01' group by customer_id
        """
    )
    before, long_before = pair(
        shop,
        """
        select count(*) filter (occurred_at > left_at - interval 30 day),
            count(*) filter (occurred_at < left_at - interval 150 day)
        from web_events join leaving using (customer_id) join customers using (customer_id)
        where created_at < left_at - interval 200 day and event_type <> 'checkout'
            and occurred_at between left_at - interval 180 day and left_at
        """,
    )
    assert before < 0.75 * long_before
    leaving, staying = pair(
        shop,
        """
        select avg(score) filter (left_at - answered_at between interval 0 day and interval 60 day),
            avg(score) filter (left_at is null)
        from feedback left join leaving using (customer_id)
        """,
    )
    assert leaving < staying - 0.7
    leaving, staying = pair(
        shop,
        """
        select avg((opened_at is not null)::int)
                filter (left_at - sent_at between interval 0 day and interval 60 day),
            avg((opened_at is not null)::int) filter (left_at is null)
        from campaign_sends left join leaving using (customer_id) where not is_control
        """,
    )
    assert leaving < staying - 0.05


def test_customers_with_a_favourite_buy_it(shop: duckdb.DuckDBPyConnection) -> None:
    favourite, other = pair(
        shop,
        """
        select avg((category = favourite_category)::int), 1 / 8
        from order_items join orders using (order_id) join products using (product_id)
        join customer_traits using (customer_id) where quantity > 0
        """,
    )
    assert favourite > 3 * other


def test_replenishment_follows_its_true_cycle(shop: duckdb.DuckDBPyConnection) -> None:
    # The median gap over the cycle is near 1: some gaps are skipped, some items bought on a whim.
    ratio, _ = pair(
        shop,
        """
        with bought as (
            select customer_id, product_id, ordered_at, replenishment_multiplier,
                lag(ordered_at) over (
                    partition by customer_id, product_id order by ordered_at
                ) as before
            from orders join order_items using (order_id) join customer_traits using (customer_id)
            where quantity > 0
                and product_id in (habit_product_id_1, habit_product_id_2, habit_product_id_3)
        )
        select median(epoch(ordered_at - before) / 86400 / cycle_days / replenishment_multiplier),
            count(*)
        from bought join replenishment_cycles using (product_id) where before is not null
        """,
    )
    assert 0.9 < ratio < 1.1


@pytest.mark.parametrize(
    ("persuasion_type", "offers", "sign"),
    [("persuadable", "2, 3, 4, 5", 1), ("sleeping_dog", "1, 2, 3, 4, 5", -1)],
)
def test_control_groups_recover_the_sign_of_the_true_effect(
    shop: duckdb.DuckDBPyConnection, persuasion_type: str, offers: str, sign: int
) -> None:
    treated, control = pair(
        shop,
        f"""
        with outcomes as (
            select is_control, (
                select count(*) from orders where orders.customer_id = sends.customer_id
                    and amount > 0 and ordered_at >= sent_at
                    and ordered_at < sent_at + interval 28 day
            ) as n
            from campaign_sends as sends join customer_traits using (customer_id)
            where persuasion_type = '{persuasion_type}' and offer_id in ({offers})
                and sent_at < timestamp '2026-06-01'
        )
        select avg(n) filter (not is_control), avg(n) filter (is_control) from outcomes
        """,
    )
    truth, _ = pair(
        shop,
        f"""
        select avg(effect_on_log_purchase_rate), max(effect_on_hazard_logit)
        from offer_effects join customer_traits using (customer_id)
        where persuasion_type = '{persuasion_type}' and offer_id in ({offers})
        """,
    )
    assert sign * truth > 0.1
    assert sign * (treated / control - 1) > 0.08


def test_about_a_third_of_the_active_order_nothing_for_90_days(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    churned, active = pair(
        shop,
        """
        with spine as (
            select as_of, customer_id,
                bool_or(ordered_at >= as_of and ordered_at < as_of + interval 90 day) as orders
            from orders, (
                select unnest(generate_series(
                    timestamp '2025-01-01', timestamp '2026-04-01', interval 1 month
                )) as as_of
            )
            where amount > 0
            group by all
            having bool_or(ordered_at < as_of and ordered_at >= as_of - interval 180 day)
        )
        select avg((not orders)::int), count(*) from spine
        """,
    )
    assert active > 20_000
    assert 0.28 < churned < 0.45
