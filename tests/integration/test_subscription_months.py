"""Subscriptions billed by calendar month run on, however their ends are written."""

from __future__ import annotations

import pytest

from projects import UserProject

# of 120 customers two in three leave at some time; each row is a calendar month
MONTHS = """
    select
        customer_id * 100 + m as subscription_id,
        customer_id,
        cast(date '2025-01-01' + to_months(cast(m as integer)) as date) as first_day,
        cast(date '2025-01-01' + to_months(cast(m as integer) + 1) as date) as next_day,
        10.0 as mrr
    from range(1, 121) as customers (customer_id)
    cross join range(18) as months (m)
    where customer_id % 3 <> 0 or m <= 4 + customer_id % 11
"""
MRR = [
    *[1200] * 5,
    *[1170, 1130, 1100, 1060, 1020, 990, 950, 910, 880, 840],
    *[800] * 3,
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "ended_at",
    [
        "next_day - 1",
        "strftime(next_day - 1, '%Y-%m-%d')",
        "next_day::timestamp - interval 1 second",
        "(next_day - 1)::timestamp",
        "next_day::timestamp",
    ],
    ids=["last day", "last day as text", "last second", "midnight of the last day", "next month"],
)
def test_revenue_and_labels_of_calendar_months(user_project: UserProject, ended_at: str) -> None:
    user_project.execute(
        f"create table raw.subscriptions as select subscription_id, customer_id, "
        f"first_day as started_at, {ended_at} as ended_at, mrr from ({MONTHS})"
    )
    user_project.write(
        vars={
            "holdfast_orders": "raw.orders",
            "holdfast_subscriptions": "raw.subscriptions",
            "holdfast_churn_definition": "contractual",
            "holdfast_churn_horizon_days": 60,
            "holdfast_as_of_date": "2026-07-01",
            "holdfast_observation_interval": "1 month",
            "holdfast_observations": 12,
        }
    )
    user_project.dbt(
        "run",
        "--select",
        "+holdfast__churn_labels",
        "+holdfast__retention_metrics",
        "holdfast__customer_subscription_features",
    )
    mrr = user_project.query(
        "select mrr::integer from retention_metrics where churn_definition = 'contractual' "
        "order by month"
    )
    assert [value for (value,) in mrr] == MRR
    # who leaves is asked about until the allowed gap of 30 days is over
    rows = user_project.query(
        """
        select as_of, count(labels.churned), count(*) filter (where labels.churned),
            count(*) filter (where features.subscription_is_active)
        from churn_labels as labels
        inner join customer_subscription_features as features using (customer_id, as_of)
        where as_of between '2025-08-01' and '2026-03-01'
        group by as_of order by as_of
        """
    )
    if ended_at == "(next_day - 1)::timestamp":
        # read as moments by features, a day earlier: some gaps are over by then
        assert min(labelled for _, labelled, _, _ in rows) > 80
        return
    assert [labelled for _, labelled, _, _ in rows] == [113, 110, 110, 102, 102, 95, 91, 91]
    assert [churned for _, _, churned, _ in rows] == [7, 8, 11, 7, 11, 11, 11, 11]
    assert [running for *_, running in rows] == [labelled for _, labelled, _, _ in rows]
