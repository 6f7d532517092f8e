"""Columns of tables that are kept from build to build grow with the inputs."""

from __future__ import annotations

from typing import Any

from projects import UserProject

ORDERS = """
    select
        cast(customer_id as integer) as customer_id,
        cast(customer_id * 1000 + week as integer) as order_id,
        timestamp '2025-01-01' + week * interval 7 day + customer_id * interval 1 hour
            as ordered_at,
        10 + customer_id as amount
    from range(1, 31) as customers (customer_id)
    cross join range(52) as weeks (week)
    where (customer_id > 15 or week < 30)
"""
KEPT = ("customer_order_features", "churn_scores", "churn_holdout_predictions", "churn_outcomes")


def run(shop: UserProject, *words: str, check: bool = True) -> Any:
    """Build what is kept."""
    models = [f"+holdfast__{table}" for table in KEPT]
    return shop.dbt("run", "--select", *models, *words, check=check)


def test_kept_tables_widen_with_the_ids_and_say_what_does_not_fit(
    user_project: UserProject,
) -> None:
    shop = user_project
    shop.orders(f"{ORDERS} and week < 48")
    run(shop)
    assert {shop.columns(table)["customer_id"] for table in KEPT} == {"INTEGER"}
    kept = "select as_of, count(*) from churn_scores group by as_of order by as_of"
    former = shop.query(kept)

    # ids outgrow 32 bits; the same rows come again with --full-refresh
    shop.orders(
        "select * replace (if(customer_id > 28, 3000000000 + customer_id, customer_id)"
        f" as customer_id) from ({ORDERS})"
    )
    run(shop)
    assert {shop.columns(table)["customer_id"] for table in KEPT} == {"BIGINT"}
    assert shop.query(kept)[0] == former[0]
    assert shop.query("select max(customer_id) from churn_scores") == [(3000000030,)]
    features = "from customer_order_features where as_of >= '2025-11-01' order by all"
    grown = shop.query(features)
    run(shop, "--full-refresh")
    assert shop.query(features) == grown
    assert shop.query(kept)[0] == former[0]

    # and back: a smaller type fits into the larger one
    shop.orders(ORDERS)
    run(shop)
    assert shop.columns("churn_scores")["customer_id"] == "BIGINT"

    shop.orders(f"select * replace ('C' || customer_id as customer_id) from ({ORDERS})")
    result = run(shop, check=False)
    assert result.returncode == 1
    assert "customer_id is VARCHAR now, and BIGINT in" in result.stdout
    assert "--full-refresh --select holdfast__customer_order_features+" in result.stdout
