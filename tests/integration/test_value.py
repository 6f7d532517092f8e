"""What customers are worth: the SQL of the scores beside the Python that fitted the models."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pytest

from holdfast.estimators import Btyd, GammaGamma
from projects import DbtProject

pytestmark = pytest.mark.slow


def columns(warehouse: Any, sql: str) -> dict[str, np.ndarray]:
    """Give the columns of a query as doubles, NULL as NaN."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(sql).fetchnumpy()
    return {
        name: np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)
        for name, values in found.items()
    }


@pytest.fixture(scope="module")
def chosen(built_demo: DbtProject) -> list[dict[str, Any]]:
    with duckdb.connect(str(built_demo.warehouse), read_only=True) as connection:
        relation = connection.sql("from btyd_model where is_chosen order by as_of")
        return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def test_the_sql_of_the_scores_says_what_the_python_says(
    built_demo: DbtProject, chosen: list[dict[str, Any]]
) -> None:
    assert [row["role"] for row in chosen] == ["held_out"] * (len(chosen) - 1) + ["scoring"]
    assert len(chosen) > 2
    for row in chosen:
        model = Btyd(
            row["k"], row["stops_at_first"], row["r"], row["alpha"], row["a"], row["b"], 0.0, 1
        )
        money = GammaGamma(row["spend_p"], row["spend_q"], row["spend_gamma"], 0.0, 1)
        scores = columns(
            built_demo.warehouse,
            f"""
            select * exclude (customer_id, as_of, role, status, algorithm, model_id)
            from btyd_scores
            where as_of = timestamp '{row["as_of"]}' and role = '{row["role"]}'
            """,
        )
        assert len(scores["p_alive"]) > 500
        history = scores["order_days"] - 1, scores["recency_days"], scores["age_days"]
        np.testing.assert_allclose(scores["p_alive"], model.alive(*history), rtol=1e-9, atol=1e-12)
        value = money.expected_value(scores["order_days"], scores["mean_spend"])
        np.testing.assert_allclose(scores["expected_day_spend"], value, rtol=1e-9)
        for horizon in (90, 365) if row["role"] == "scoring" else (90,):
            name, ratio = f"expected_{{}}_{horizon}d", row[f"order_ratio_{horizon}d"]
            days = model.expected_orders(*history, horizon)
            orders = days * row["orders_per_day"]
            raw = scores[name.format("orders") + "_raw"]
            np.testing.assert_allclose(raw, orders, rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose(scores[name.format("orders")], orders * ratio, rtol=1e-7)
            spend = scores[name.format("spend")]
            ratio_of_spend = row[f"spend_ratio_{horizon}d"]
            np.testing.assert_allclose(spend, days * value * ratio_of_spend, rtol=1e-7)
            reached = model.at_least(*history, horizon * ratio, 60)
            for bound, least in (("lower", 0.9), ("upper", 0.1)):
                of_days = (reached > least).sum(axis=0)
                np.testing.assert_array_equal(
                    scores[f"{name.format('orders')}_{bound}"],
                    np.round(of_days * row["orders_per_day"]),
                )
            # where an order is unlikely, nothing is spent by 9 in 10
            nothing = reached[0] <= 0.1
            assert nothing.any()
            assert (scores[f"{name.format('spend')}_upper"][nothing] == 0).all()
            assert (scores[f"{name.format('spend')}_upper"][reached[0] > 0.11] > 0).all()


def test_every_customer_has_a_row_and_one_order_is_no_promise(built_demo: DbtProject) -> None:
    assert built_demo.query(
        "select count(*) from customer_value full join customer_retention using (customer_id) "
        "where customer_value.as_of_date is null or customer_retention.as_of_date is null"
    ) == [(0,)]
    statuses = dict(built_demo.query("select status, count(*) from customer_value group by all"))
    assert set(statuses) == {"scored", "never_ordered"}
    ((most,),) = built_demo.query("select max(p_alive) from btyd_scores where order_days = 1")
    assert most < 1


def test_the_level_is_right_on_held_out_dates_after_recalibration(built_demo: DbtProject) -> None:
    ((raw, level, covered_orders, covered_spend),) = built_demo.query(
        """
        with came as (
            select
                btyd_scores.*,
                coalesce(sum(amount), 0) as spend,
                count(amount) as orders
            from btyd_scores
            left join stg_holdfast__orders as orders
                on orders.customer_id = btyd_scores.customer_id
                and orders.amount > 0
                and orders.ordered_at >= btyd_scores.as_of
                and orders.ordered_at < btyd_scores.as_of + interval 90 day
            where role = 'held_out'
            group by all
        )
        select
            sum(expected_orders_90d_raw) / sum(orders) - 1,
            sum(expected_orders_90d) / sum(orders) - 1,
            avg((orders between expected_orders_90d_lower and expected_orders_90d_upper)::int),
            avg((spend between expected_spend_90d_lower and expected_spend_90d_upper)::int)
        from came
        """
    )
    print(f"raw {raw:+.1%}, recalibrated {level:+.1%}, {covered_orders:.1%}, {covered_spend:.1%}")
    assert abs(level) < 0.1 < abs(raw)
    assert 0.76 < covered_orders < 0.96
    assert 0.76 < covered_spend < 0.92
