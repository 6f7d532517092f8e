"""Contact times of the demo against what the simulator knows, and of shops with poor data."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects import DbtProject, UserProject, write_user_project

TRUTH = Path(__file__).resolve().parents[2] / "seeds" / "demo" / "truth"
BUILD = ("run", "--select", "+holdfast__contact_timing", "+holdfast__contact_timing_evaluations")


def test_every_customer_has_a_contact_time(built_demo: DbtProject) -> None:
    [(customers, rows, hours)] = built_demo.query(
        """
        select
            (select count(*) from customer_retention),
            count(*),
            count(*) filter (
                where timing.send_at_hour between 8 and 20
                    and timing.next_send_at > timing.as_of_date
                    and timing.next_send_at <= timing.as_of_date + interval 1 day
                    and timing.next_best_send_at <= timing.as_of_date + interval 8 day
                    and isodow(timing.next_best_send_at) = timing.best_weekday_number
            ),
        from customer_retention
        inner join contact_timing as timing
            on timing.customer_id = customer_retention.customer_id and timing.channel = 'any'
        """
    )
    assert customers == rows == hours == 1500


def test_the_best_hour_is_within_an_hour_of_the_true_one(built_demo: DbtProject) -> None:
    [(customers, share, share_of_everyones)] = built_demo.query(
        f"""
        select
            count(*),
            avg(cast(least(distance, 24 - distance) <= 1 as integer)),
            avg(cast(least(of_everyone, 24 - of_everyone) <= 1 as integer)),
        from (
            select
                abs(timing.best_hour - traits.preferred_hour) as distance,
                abs(timing.everyones_hour - traits.preferred_hour) as of_everyone,
            from contact_timing as timing
            inner join '{TRUTH}/customer_traits.parquet' as traits
                on traits.customer_id = timing.customer_id
            where timing.channel = 'any' and timing.evidence_count >= 20
        ) as distances
        """
    )
    assert customers > 800
    assert share >= 0.8
    assert share_of_everyones < 0.4


def test_own_hours_tell_later_activity_better_than_everyones(built_demo: DbtProject) -> None:
    evaluations = {
        (algorithm, metric): (value, lower)
        for algorithm, metric, value, lower in built_demo.query(
            "select algorithm, metric, value, lower from contact_timing_evaluations "
            "where as_of is null and segment is null"
        )
    }
    for baseline in ("everyone", "own_counts"):
        assert evaluations[baseline, "hour_log_loss_above_in_use"][1] > 0.1
    # nobody in the demo has a weekday of their own, and none is made up
    assert evaluations["own_counts", "weekday_log_loss_above_in_use"][1] > 0
    assert abs(evaluations["everyone", "weekday_log_loss_above_in_use"][0]) < 0.001
    # the sends of the demo go out at six hours by chance
    assert {"click_lift", "order_lift"} <= {metric for _, metric in evaluations}


@pytest.fixture(scope="module")
def poor_shop(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    return write_user_project(tmp_path_factory.mktemp("timing") / "shop")


@pytest.mark.slow
def test_dates_without_times_give_weekdays_only(poor_shop: UserProject) -> None:
    """Midnights of Berlin, told in UTC: 23:00 in winter, and 22:00 in summer."""
    poor_shop.orders(
        """
        select
            i % 40 as customer_id, i as order_id, cast(10 as decimal(18, 2)) as amount,
            timezone('UTC', timezone('Europe/Berlin', day)) as ordered_at,
        from (
            select i, timestamp '2024-01-01' + to_days(7 * (i // 8)) as day
            from range(800) as orders (i)
        ) as days
        """
    )
    poor_shop.dbt(*BUILD)
    assert poor_shop.query(
        "select status, best_weekday, best_hour, next_send_at, count(*) from contact_timing "
        "group by all"
    ) == [("no_hours_in_the_data", "Monday", None, None, 40)]
    assert poor_shop.query(
        "select count(*) from contact_timing_evaluations where metric like 'hour%'"
    ) == [(0,)]


@pytest.mark.slow
def test_a_shop_with_one_customer_and_one_order_builds(poor_shop: UserProject) -> None:
    poor_shop.orders(
        "select 'only' as customer_id, 1 as order_id, cast(10 as decimal(18, 2)) as amount, "
        "timestamp '2026-05-05 16:20:00' as ordered_at"
    )
    poor_shop.dbt("run", "--full-refresh", *BUILD[1:])
    assert poor_shop.query(
        "select customer_id, channel, status, best_weekday, best_hour, everyones_hour, "
        "evidence_count, probability_beats_everyones from contact_timing"
    ) == [("only", "any", "shrunk", "Tuesday", 16, 16, 1, None)]
