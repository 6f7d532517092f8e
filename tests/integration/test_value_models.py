"""Two models of a customer's value compete, and customer_value shows the better one."""

from __future__ import annotations

import json

import pytest

from projects import DbtProject

MEASURES = {"spend": "value_model", "orders": "orders_model"}


@pytest.mark.parametrize("measure", MEASURES)
def test_both_models_are_measured_on_the_same_rows(built_demo: DbtProject, measure: str) -> None:
    counts = built_demo.query(
        "select algorithm, count(*), count(distinct (customer_id, as_of)), sum(outcome) "
        f"from value_predictions where task = 'value_{measure}' group by 1 order by 1"
    )
    assert [algorithm for algorithm, *_ in counts][-1] == "two_part"
    assert len(counts) == 2
    assert counts[0][1:3] == counts[1][1:3]
    assert counts[0][3] == pytest.approx(counts[1][3])
    assert counts[0][1] > 1000
    # and what came is what the orders say
    ((wrong,),) = built_demo.query(
        f"""
        select count(*) from value_predictions as predictions
        where task = 'value_{measure}' and algorithm = 'two_part' and abs(outcome - coalesce((
            select {"sum(amount)" if measure == "spend" else "count(*)"}
            from stg_holdfast__orders as orders
            where orders.customer_id = predictions.customer_id and amount > 0
                and ordered_at >= as_of and ordered_at < as_of + interval 90 day
        ), 0)) > 1e-6
        """
    )
    assert wrong == 0


@pytest.mark.parametrize("measure", MEASURES)
def test_the_model_in_use_is_better_in_two_of_three(built_demo: DbtProject, measure: str) -> None:
    figures: dict[str, dict[str, float]] = {}
    stages = {}
    for algorithm, stage, metric, value in built_demo.query(
        "select algorithm, stage, metric, value from value_evaluations "
        f"where task = 'value_{measure}' and as_of is null"
    ):
        figures.setdefault(algorithm, {})[metric] = value
        stages[algorithm] = stage
    (used,) = (algorithm for algorithm, stage in stages.items() if stage == "in_use")
    (other,) = (algorithm for algorithm, stage in stages.items() if stage == "candidate")
    better = [
        figures[used]["gini"] > figures[other]["gini"],
        figures[used]["mae"] < figures[other]["mae"],
        abs(figures[used]["total_error"]) < abs(figures[other]["total_error"]),
    ]
    assert sum(better) >= 2
    assert abs(figures["two_part"]["total_error"]) < 0.1
    assert 0.74 < figures["two_part"]["coverage_80"] < 0.86
    told = dict(
        built_demo.query(
            f"select {MEASURES[measure]}, count(*) from customer_value group by 1 order by 1"
        )
    )
    assert max(told, key=told.get) == used
    # those who are not scored by the regression, and nothing of those who never ordered
    assert set(told) <= {used, other, None}


@pytest.mark.parametrize("measure", MEASURES)
def test_customer_value_is_the_score_at_its_level_or_the_other_model(
    built_demo: DbtProject, measure: str
) -> None:
    ((parameters,),) = built_demo.query(
        f"select parameters from future_{measure}_model where stage = 'champion'"
    )
    level = json.loads(parameters)["forecast"]["level"]
    rows = built_demo.query(
        f"""
        select
            value.{MEASURES[measure]},
            value.expected_{measure}_90d, expected_{measure}_90d_lower,
            expected_{measure}_90d_upper, value.expected_{measure}_365d,
            expected_{measure}_365d_lower, expected_{measure}_365d_upper,
            scores.future_{measure}_value, btyd.expected, btyd.year,
        from customer_value as value
        inner join (
            select customer_id, expected_{measure}_90d as expected, expected_{measure}_365d as year
            from btyd_scores where role = 'scoring'
        ) as btyd using (customer_id)
        left join future_{measure}_scores as scores
            on scores.customer_id = value.customer_id and scores.status = 'scored'
            and scores.as_of_date = value.as_of_date
        """
    )
    regressions = 0
    for model, quarter, low, high, year, year_low, year_high, score, btyd, btyd_year in rows:
        if model != "two_part":
            assert (quarter, year) == (pytest.approx(btyd), pytest.approx(btyd_year))
            continue
        regressions += 1
        assert quarter == pytest.approx(level * score)
        assert year == pytest.approx(quarter + max(btyd_year - btyd, 0))
        assert low <= quarter <= high
        assert year_low <= year <= year_high
    assert regressions > 500


def test_a_task_without_reasons_has_none_and_no_live_figures(built_demo: DbtProject) -> None:
    assert not {"reason_1", "reason_2"} & set(built_demo.columns("future_spend_scores"))
    names = {node["alias"] for node in built_demo.manifest["nodes"].values() if "alias" in node}
    assert not {"future_spend_reasons", "future_spend_outcomes"} & names
    assert built_demo.query(
        "select count(*) > 0 from feature_registry "
        "where list_contains(used_by, 'future_spend') and list_contains(used_by, 'future_orders')"
    ) == [(True,)]
