"""Who can still be kept, who may be won back: counted again customer by customer."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from projects import DbtProject, UserProject

HORIZON = timedelta(days=90)
OBSERVED = timedelta(days=180)
LEAST_GROUP = 10


@pytest.fixture(scope="module")
def as_of(built_demo: DbtProject) -> datetime:
    """Give the moment that the demo's marts describe."""
    ((day,),) = built_demo.query("select distinct as_of_date from customer_retention")
    return datetime(day.year, day.month, day.day)


@pytest.fixture(scope="module")
def purchases(built_demo: DbtProject) -> dict[int, list[tuple[datetime, float]]]:
    """Give time and amount of each customer's orders, returns among them, oldest first."""
    rows = built_demo.query(
        "select customer_id, ordered_at, amount from stg_holdfast__orders order by ordered_at"
    )
    found: dict[int, list[tuple[datetime, float]]] = {}
    for customer, at, amount in rows:
        found.setdefault(customer, []).append((at, float(amount)))
    return found


def silence(orders: list[tuple[datetime, float]], at: datetime) -> timedelta | None:
    """Give how long ago the last purchase before a moment was; None without one."""
    bought = [time for time, amount in orders if amount > 0 and time < at]
    return at - max(bought) if bought else None


def test_only_customers_who_bought_within_the_horizon_are_at_risk_by_value(
    built_demo: DbtProject, purchases: dict[int, list[tuple[datetime, float]]], as_of: datetime
) -> None:
    rows = built_demo.query(
        "select customer_id, lifecycle_state, is_keepable, churn_probability, risk_band, "
        "value_at_risk, revenue_at_risk, expected_spend_365d from customer_retention"
    )
    kept = 0
    for customer, state, is_keepable, probability, band, value, revenue, expected in rows:
        orders = purchases.get(customer, [])
        silent = silence(orders, as_of)
        assert is_keepable == (silent is not None and silent < HORIZON), customer
        assert (state == "lapsed") == (silent is not None and silent >= HORIZON), customer
        if not is_keepable or probability is None:
            assert (band, value, revenue) == (None, None, None), customer
            continue
        kept += 1
        year = sum(amount for at, amount in orders if as_of - timedelta(days=365) <= at < as_of)
        assert float(revenue) == pytest.approx(probability * max(year, 0), abs=1e-4), customer
        assert float(value) == pytest.approx(probability * expected, abs=1e-4), customer
        assert band == ("high" if probability >= 0.6 else "medium" if probability >= 0.3 else "low")
    assert kept > 500


def test_nobody_at_high_risk_is_lapsed_and_many_a_lapsed_customer_would_have_been(
    built_demo: DbtProject, purchases: dict[int, list[tuple[datetime, float]]], as_of: datetime
) -> None:
    high = built_demo.query("select customer_id from customer_retention where risk_band = 'high'")
    assert len(high) >= LEAST_GROUP
    silences = [silence(purchases[customer], as_of) for (customer,) in high]
    assert all(silent is not None and silent < HORIZON for silent in silences)
    ((scored_high,),) = built_demo.query(
        "select count(*) from churn_scores where risk_band = 'high'"
    )
    assert scored_high > 2 * len(high)


def test_aggregates_leave_the_lapsed_apart_and_tell_of_no_small_group(
    built_demo: DbtProject,
) -> None:
    bands = dict(
        built_demo.query("select risk_band, sum(customers) from churn_overview group by 1")
    )
    counted = dict(
        built_demo.query(
            "select coalesce(risk_band, case when lifecycle_state = 'lapsed' then 'lapsed' "
            "else 'not scored' end), count(*) from customer_retention group by 1"
        )
    )
    # every band of the demo is large enough to be told
    assert bands == counted
    for table in ("churn_overview", "churn_drivers"):
        ((least, merged),) = built_demo.query(
            f"select min(customers), count(*) filter (where segment = 'other') from {table}"
        )
        assert least >= LEAST_GROUP, table
        assert merged > 0, table
    assert built_demo.query(
        "select sum(expected_churners), sum(value_at_risk) from churn_overview "
        "where risk_band in ('lapsed', 'not scored')"
    ) == [(None, 0)]


def test_the_interval_of_those_who_will_leave_holds_more_than_chance(
    built_demo: DbtProject,
) -> None:
    bands = built_demo.query(
        "select expected_churners, expected_churners_lower, expected_churners_upper, customers, "
        "mean_churn_probability from churn_overview where scored_customers > 0"
    )
    assert len(bands) > 5
    for expected, lower, upper, customers, mean in bands:
        assert 0 <= lower < expected < upper <= customers
        # never narrower than customers who all had the same chance and no common error, but for
        # those who differ in it
        assert upper - lower > 0.5 * 2 * 1.96 * (customers * mean * (1 - mean)) ** 0.5 * 0.5


def test_win_back_asks_about_the_lapsed_whether_they_buy_again(
    built_demo: DbtProject, purchases: dict[int, list[tuple[datetime, float]]]
) -> None:
    rows = built_demo.query("select customer_id, as_of, returned from winback_training_set")
    assert len(rows) > 1000
    # an order that was loaded late is not known at its as_of, though its outcome counts it
    loaded: dict[int, list[tuple[datetime, datetime]]] = {}
    for customer, time, known in built_demo.query(
        "select customer_id, ordered_at, loaded_at from stg_holdfast__orders where amount > 0"
    ):
        loaded.setdefault(customer, []).append((time, known))
    for customer, at, returned in rows:
        silent = at - max(time for time, known in loaded[customer] if max(time, known) < at)
        assert HORIZON <= silent <= OBSERVED
        assert returned == any(
            amount > 0 and at <= time < at + HORIZON for time, amount in purchases[customer]
        )
    # nobody is left out but for a history that is too short
    ((asked,),) = built_demo.query(
        """
        select count(*) from customer_features as features
        inner join winback_labels as labels using (customer_id, as_of)
        where labels.is_mature and features.days_since_order >= 90
            and features.orders_lifetime >= 1 and features.first_order_age_days >= 30
        """
    )
    assert asked == len(rows)


def test_a_return_is_told_of_the_lapsed_alone_and_is_the_score_of_the_day(
    built_demo: DbtProject, purchases: dict[int, list[tuple[datetime, float]]], as_of: datetime
) -> None:
    scores = dict(
        built_demo.query(
            "select customer_id, winback_probability from winback_scores "
            f"where as_of = timestamp '{as_of}' and status = 'scored'"
        )
    )
    told = dict(
        built_demo.query(
            "select customer_id, return_probability from customer_retention "
            "where return_probability is not null"
        )
    )
    assert told == scores
    assert len(told) > 100
    for customer, probability in told.items():
        silent = silence(purchases[customer], as_of)
        assert silent is not None
        assert HORIZON <= silent <= OBSERVED
        assert 0 < probability < 1
    champion, best_baseline = (
        built_demo.query(
            f"select min(log_loss) from model_performance where task = 'winback' and {which}"
        )[0][0]
        for which in ("stage = 'champion'", "stage = 'baseline'")
    )
    assert champion < best_baseline


def test_models_are_measured_for_those_who_could_be_kept_at_the_time(
    built_demo: DbtProject, purchases: dict[int, list[tuple[datetime, float]]]
) -> None:
    from sklearn.metrics import log_loss, roc_auc_score

    ((model_id,),) = built_demo.query("select model_id from churn_model where stage = 'evaluated'")
    rows = built_demo.query(
        "select customer_id, as_of, churned, probability from churn_holdout_predictions "
        f"where model_id = '{model_id}'"
    )
    parts: dict[str, list[tuple[bool, float]]] = {"keepable": [], "lapsed": []}
    for customer, at, churned, probability in rows:
        silent = silence(purchases[customer], at)
        assert silent is not None
        parts["keepable" if silent < HORIZON else "lapsed"].append((churned, probability))
    for name, part in parts.items():
        churned, probability = zip(*part, strict=True)
        measured = dict(
            built_demo.query(
                f"select metric, value from model_evaluations where model_id = '{model_id}' "
                f"and segment = 'lifecycle: {name}' and as_of is null"
            )
        )
        assert measured["row_count"] == len(part)
        assert measured["auroc"] == pytest.approx(roc_auc_score(churned, probability), abs=1e-9)
        assert measured["log_loss"] == pytest.approx(log_loss(churned, probability), abs=1e-9)
        if name == "keepable":
            told = built_demo.query(
                "select distinct keepable_row_count, keepable_auroc, keepable_log_loss "
                "from model_performance where evaluated_as is not null and task = 'churn'"
            )
            assert told == [(len(part), measured["auroc"], measured["log_loss"])]
    assert len(parts["lapsed"]) > 200


@pytest.mark.slow
def test_win_back_is_switched_off_by_one_declaration_and_has_no_model_in_silence(
    user_project: UserProject,
) -> None:
    shop = user_project
    settings = shop.settings["vars"]
    # as few rows as make no model of it, while churn has one
    shop.write(vars={**settings, "holdfast_tasks": {"winback": {"min_events": 100000}}})
    said = shop.dbt("build").stdout
    assert "No new model" not in said
    assert "WARN" not in "".join(line for line in said.splitlines() if "winback" in line)
    statuses = dict(shop.query("select status, count(*) from winback_scores group by 1"))
    assert statuses["no_model"] > 10
    assert "scored" not in statuses
    assert shop.query("select count(*) from winback_model") == [(0,)]
    assert shop.query("select count(return_probability) from customer_retention") == [(0,)]
    assert shop.query("select count(*) from churn_model where stage = 'champion'") == [(1,)]

    off = {name: {"enabled": False} for name in ("winback", "future_spend", "future_orders")}
    shop.write(vars={**settings, "holdfast_tasks": off})
    shop.execute("drop table winback_model; drop table winback_scores")
    shop.dbt("build")
    assert not shop.has("winback_model")
    assert not shop.has("winback_scores")
    assert shop.query(
        "select count(*) > 100, count(return_probability) from customer_retention"
    ) == [(True, 0)]
    assert shop.query("select distinct task from model_registry") == [("churn",)]
    # without its regressions, customer_value is the other model's, and says so
    assert shop.query("select count(*) from value_predictions") == [(0,)]
    ((expected, of_regression),) = shop.query(
        "select count(expected_spend_90d), count(*) filter (where value_model = 'two_part') "
        "from customer_value"
    )
    assert expected > 100
    assert of_regression == 0


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"holdfast_tasks": {"churn": {"enabled": False}}}, "The task churn .* has no setting"),
        (
            {
                "holdfast_churn_definition": "contractual",
                "holdfast_tasks": {"winback": {"enabled": True}},
            },
            "customers whose subscription has lapsed are not observed",
        ),
        (
            {"holdfast_segments": ["Lifecycle"]},
            "models are already measured by a segment `lifecycle`",
        ),
    ],
)
def test_declarations_that_cannot_be_are_refused(
    bad_input: Any, variables: dict[str, Any], said: str
) -> None:
    project = bad_input(
        "select 1 as customer_id, 1 as order_id, timestamp '2026-01-01' as ordered_at, 1 as amount"
    )
    result = project.dbt(
        "run", "--select", "+holdfast__model_predictions", "--vars", json.dumps(variables),
        check=False,
    )  # fmt: skip
    assert result.returncode != 0
    assert re.search(said, " ".join(result.stdout.split()))
