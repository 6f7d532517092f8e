"""What offers change: the average in the demo shop, and elsewhere what each customer shows."""

from __future__ import annotations

import json
from types import SimpleNamespace

import duckdb
import numpy as np
import pytest

from holdfast.contract import predict_onnx
from holdfast.run import register_run
from holdfast.training import update_offer_models
from projects import DbtProject

# those who ordered often is won by any offer, and the others are driven away
_DIFFERING = """
    create temp table trials as
    select * replace (
        case
            when hash(send_id, is_control) % 100 < 30 + case
                when is_control then 0 when order_count_365d >= 4 then 20 else -10
            end then 1e0
            else 0e0
        end as retained
    )
    from offer_trials
"""


@pytest.mark.slow
def test_every_customer_has_the_effect_of_every_offer(built_demo: DbtProject) -> None:
    ((rows, customers, offers),) = built_demo.query(
        """
        select (select count(*) from offer_uplift), (select count(*) from customer_retention),
            (select count(*) from stg_holdfast__offers)
        """
    )
    assert rows == customers * offers > 5000
    # in this shop no difference between customers is shown, and the table says so
    kinds = built_demo.query("select distinct effect_kind, status from offer_uplift")
    assert kinds == [("average", "estimated")]
    outside = built_demo.query(
        """
        select offer_id from offer_uplift as uplift
        inner join customer_features using (customer_id, as_of)
        inner join offer_effects as effects using (offer_id)
        where effects.segment = 'all' and effects.outcome = 'retained'
        group by offer_id
        having not max(retained_uplift) between min(effect_shrunk) and max(effect_shrunk)
            or min(retained_uplift) <> max(retained_uplift)
        """
    )
    assert outside == []
    used = built_demo.query(
        "select task, stage, json_extract_string(parameters, '$.effect_kind') "
        "from offer_uplift_model order by task"
    )
    assert used == [
        ("offer_retention", "champion", "average"),
        ("offer_spend", "champion", "average"),
    ]


@pytest.mark.slow
def test_the_ranking_stands_beside_what_it_must_beat(built_demo: DbtProject) -> None:
    judged = dict(
        built_demo.query(
            "select metric, list(algorithm order by algorithm) from system_evaluations "
            "where task in ('offers', 'offer_retention') and metric in ('qini', 'policy_value') "
            "group by metric"
        )
    )
    assert judged == {
        "qini": ["response_model", "risk_only", "uplift", "uplift_ranking"],
        "policy_value": ["response_model", "risk_only", "treat_all", "treat_none", "uplift"],
    }


@pytest.mark.slow
def test_customers_who_are_shown_to_differ_have_effects_of_their_own(demo: DbtProject) -> None:
    with duckdb.connect(str(demo.warehouse)) as connection:
        register_run(connection)
        connection.execute(_DIFFERING)
        nowhere = SimpleNamespace(database="warehouse", schema="main", identifier="none")
        models = update_offer_models(
            connection, connection.table("trials"), connection.table("offer_settings"), nowhere
        )
        connection.execute("create or replace table offer_uplift_model as select * from models")
    demo.dbt("run", "--select", "holdfast__offer_uplift", "--vars", "holdfast_publish: false")

    row = models.filter(np.array(models["task"].to_pylist()) == "offer_retention").to_pylist()[0]
    told = json.loads(row["parameters"])
    assert told["effect_kind"] == "individual"
    features = ", ".join(f'"{name}"' for name in row["feature_names"][:-1])
    code = {each["offer"]: (each["code"], each["effect"]) for each in told["offers"]}
    found = demo.query(
        f"""
        select offer_id, retained_without, retained_uplift, average, {features}
        from offer_uplift
        inner join customer_features using (customer_id, as_of)
        inner join (
            select
                offer_id,
                sum(effect_shrunk / power(effect_shrunk_upper - effect_shrunk_lower, 2))
                / sum(1 / power(effect_shrunk_upper - effect_shrunk_lower, 2)) as average
            from offer_effects
            where segment = 'all' and outcome = 'retained' and status = 'estimated'
            group by offer_id
        ) as averages using (offer_id)
        where effect_kind = 'individual'
        order by customer_id, offer_id
        """
    )
    assert len(found) > 4000
    codes, effects = np.array([code[str(each[0])] for each in found]).T
    x = np.array([each[4:] for each in found], dtype=np.float32)
    without, with_offer = (
        predict_onnx(row["onnx"], np.column_stack([x, asked]).astype(np.float32))
        for asked in (np.zeros(len(x)), codes)
    )
    told_without, uplift, average = np.array([each[1:4] for each in found], dtype=np.float64).T
    assert told_without == pytest.approx(without, abs=1e-6)
    expected = average + (with_offer - without - effects)
    assert uplift == pytest.approx(np.clip(expected, -without, 1.0 - without), abs=1e-5)
    often = x[:, row["feature_names"].index("order_count_365d")] >= 4
    assert uplift[often].mean() > 0.1 > -0.05 > uplift[~often].mean()

    reasons = demo.query(
        """
        select effect_kind, count(*) filter (where contains(reason, 'with the offer')) > 0,
            count(*) filter (where contains(reason, 'in the same state')) > 0
        from offer_uplift group by effect_kind order by effect_kind
        """
    )
    assert reasons == [("average", False, True), ("individual", True, False)]
