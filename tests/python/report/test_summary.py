"""The summary: what it tells of a build, and that data cannot steer the terminal it is told on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from holdfast.report import _summary, summarise
from holdfast.warehouse.project import Project, ProjectError

MODELS = ("customer_retention", "churn_scores_latest", "model_performance", "model_registry")
HOSTILE = "C\x1b[31m17\r\n\u202e"


def node(name: str, folder: str) -> dict[str, Any]:
    return {"relation_name": f'"shop"."main"."{name}"', "fqn": ["holdfast", folder, name]}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A build of customers in every state, with a champion, its twin and a baseline."""
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute(
            """
            create table customer_retention as
            select
                * exclude (state, band),
                null as reason_3,
                date '2026-07-01' as as_of_date,
                state in ('new', 'on_rhythm', 'slipping') as is_keepable,
                state as lifecycle_state,
                case when band is not null then churn_probability * revenue_365d end
                    as value_at_risk,
                band as risk_band,
                'call them' as suggested_action,
            from (
                values
                    ('anna', 'slipping', 0.8, 'high', 100.0, 'silent for 60 days', 'a return',
                        'scored', null),
                    ('ben', 'on_rhythm', 0.25, 'low', 9000.0, 'orders often', null, 'scored', null),
                    ('cleo', 'new', null, null, 7.0, null, null, 'not_enough_history', null),
                    ('dora', 'on_rhythm', 0.5, 'medium', 1000.0, 'fewer orders', null, 'scored',
                        null),
                    ('emil', 'lapsed', 0.9, null, 50.0, 'gone', null, 'scored', 0.6),
                    ('fred', 'lapsed', null, null, 0.0, null, null, 'inactive', null)
            ) as rows (
                customer_id, state, churn_probability, band, revenue_365d, reason_1, reason_2,
                status, return_probability
            );
            create table churn_scores_latest as from customer_retention;
            create table model_performance as
            select
                task, algorithm, stage, split, row_count, auroc, 0.5 as log_loss,
                2.0 as top_decile_lift, 0.01 as expected_calibration_error,
                0.3 as mean_probability, 0.31 as base_rate, cast(null as double) as rmse,
                algorithm as model_id, if(stage = 'champion', 'twin', null) as evaluated_as,
                case when task = 'churn' then 150 end as keepable_row_count,
                auroc - 0.1 as keepable_auroc, 0.6 as keepable_log_loss,
                1.5 as keepable_top_decile_lift, 0.02 as keepable_expected_calibration_error,
                0.2 as keepable_mean_probability, 0.21 as keepable_base_rate
            from (
                values
                    ('churn', 'blend', 'champion', 'test', 200, 0.81),
                    ('churn', 'blend', 'champion', 'live', 90, 0.79),
                    ('churn', 'twin', 'evaluated', 'test', 200, 0.81),
                    ('churn', 'former', 'archived', 'test', 200, 0.66),
                    ('churn', 'base_rate', 'baseline', 'test', 200, 0.5)
            ) as rows (task, algorithm, stage, split, row_count, auroc);
            create table model_registry as
            select
                'churn' as task, 'twin' as model_id, 'blend' as algorithm, 'evaluated' as stage,
                '{"split": {"training": ["a", "b", "c"], "test": ["d", "e"]}}' as parameters
            """
        )
    nodes = {f"model.holdfast.{name}": node(name, "marts") for name in MODELS}
    nodes["model.holdfast.churn_model"] = node("churn_model", "systems")
    results = [
        {"unique_id": "model.holdfast.churn_model", "execution_time": 12.25},
        {"unique_id": "model.shop.orders", "execution_time": 3.0},
        {"unique_id": "test.holdfast.unique", "execution_time": 1.5},
    ]
    built = Project(
        tmp_path,
        tmp_path / "shop.duckdb",
        {"nodes": nodes},
        {"results": results, "elapsed_time": 20.0},
    )
    monkeypatch.setattr(_summary, "open_project", lambda directory, **options: built)
    return built


def change(project: Project, sql: str, *parameters: Any) -> None:
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute(sql, parameters)


def test_tables_models_customers_and_times_are_told(project: Project) -> None:
    told_text = summarise(project.directory)
    lines = [line.split() for line in told_text.splitlines()]
    assert ["Warehouse:", str(project.warehouse)] in lines
    assert ['"shop"."main"."customer_retention"', "6", "rows"] in lines
    champion = ["blend", "champion", "0.810", "0.500", "2.00", "0.010", "30.0", "%", "31.0", "%"]
    assert champion in lines
    assert "The same for the 150 rows of customers who could still be kept:" in told_text
    kept = ["blend", "champion", "0.710", "0.600", "1.50", "0.020", "20.0", "%", "21.0", "%"]
    assert kept in lines
    told = [line[0] for line in lines if line]
    assert "base_rate" in told
    assert "learned from 3 dates, tested on 2" in summarise(project.directory)
    # the twin's figures are the champion's, and a former model is in nobody's way
    assert "twin" not in told
    assert "former" not in told
    assert "silent for 60 days · a return" in told_text
    assert ["labels,", "training,", "scores", "12.2", "s"] in lines
    assert ["your", "own", "models", "and", "seeds", "3.0", "s"] in lines
    assert ["data", "tests", "1.5", "s"] in lines
    assert ["whole", "command", "20.0", "s"] in lines


def test_the_list_answers_whom_to_keep_by_value_at_risk(project: Project) -> None:
    told = summarise(project.directory)
    assert "4 of 6 customers can still be kept, as of 2026-07-01" in told
    lines = [line.split() for line in told.splitlines()]
    assert ["high", "1", "100.00", "80.00"] in lines
    assert ["low", "1", "9,000.00", "2,250.00"] in lines
    assert ["not", "scored", "1", "7.00", "-"] in lines
    # more is at risk of dora than of anna; ben's risk is low, emil and fred are lost
    assert told.index("dora") < told.index("anna")
    assert "call them" in told
    assert not [name for name in ("ben", "cleo", "emil", "fred") if name in told]
    assert "anna" not in summarise(project.directory, customers=1)
    with pytest.raises(ProjectError, match="must be 1 or more; got 0"):
        summarise(project.directory, customers=0)


def test_figures_are_not_told_twice_where_everybody_could_be_kept(project: Project) -> None:
    change(project, "update model_performance set keepable_row_count = row_count")
    assert "who could still be kept" not in summarise(project.directory)


def test_a_fallback_is_told_with_what_is_missing_for_a_model(project: Project) -> None:
    change(
        project,
        """
        update model_registry set stage = 'fallback', algorithm = 'bg_nbd_fallback',
            parameters = '{"missing": "131 of 200 rows: about 3 more months", "split": {}}';
        delete from model_performance;
        update customer_retention
        set status = 'scored_by_fallback', reason_1 = null, reason_2 = null
        where status = 'scored'
        """,
    )
    told = summarise(project.directory)
    assert (
        "No trained model yet, so the simple rule bg_nbd_fallback scores. "
        "Missing: 131 of 200 rows: about 3 more months." in told
    )


def test_everybody_is_listed_by_probability_when_asked_for(project: Project) -> None:
    told = summarise(project.directory, everybody=True)
    assert told.index("emil") < told.index("anna") < told.index("dora") < told.index("ben")
    assert "cleo" not in told


def test_a_line_says_how_many_may_return(project: Project) -> None:
    assert (
        "Win-back: 2 customers have lapsed. Of 1 with a score, about 1 can be expected to buy again"
    ) in summarise(project.directory)
    change(project, "update customer_retention set return_probability = null")
    told = summarise(project.directory)
    assert "Win-back: 2 customers have lapsed." in told
    assert "with a score" not in told
    change(project, "delete from customer_retention where lifecycle_state = 'lapsed'")
    assert "Win-back" not in summarise(project.directory)


def test_nobody_at_risk_is_said(project: Project) -> None:
    change(project, "update customer_retention set risk_band = 'low' where risk_band is not null")
    assert "Nobody who can still be kept is at high or medium risk." in summarise(project.directory)


def test_live_figures_stand_below_those_of_the_test(project: Project) -> None:
    told = summarise(project.directory)
    assert "The champion's 90 scores whose horizon is over: AUROC 0.790, log loss 0.500" in told


def test_build_without_a_model_says_what_is_missing(project: Project) -> None:
    change(project, "delete from model_performance")
    change(project, "delete from customer_retention")
    told = summarise(project.directory)
    assert "No model yet: there is too little mature history" in told
    assert "can still be kept" not in told


def test_text_in_the_data_cannot_steer_the_terminal(project: Project) -> None:
    change(project, "update customer_retention set customer_id = ?, reason_1 = ?", HOSTILE, HOSTILE)
    change(project, "update model_performance set algorithm = ?", HOSTILE)
    told = summarise(project.directory)
    assert told.count(r"C\x1b[31m17\r\n\u202e") == 8
    assert not set("\x1b\r\u202e") & set(told)


def test_warehouse_that_lacks_a_table_is_refused_with_what_to_do(project: Project) -> None:
    change(project, "drop table churn_scores_latest")
    with pytest.raises(ProjectError, match="does not hold what the last dbt command built; run"):
        summarise(project.directory)


def test_folder_that_is_no_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="is not a dbt project"):
        summarise(tmp_path)


def test_a_champion_that_a_simple_rule_beats_is_told_loudly(project: Project) -> None:
    assert "DO NOT ACT" not in summarise(project.directory)
    change(project, "update model_performance set log_loss = 0.4 where stage = 'baseline'")
    told = summarise(project.directory)
    assert "DO NOT ACT ON THESE SCORES YET" in told
    assert "log loss 0.5000 on test rows, against 0.4000 of the baseline base rate" in told
    assert "AUROC 0.8" not in told


def test_the_models_of_value_stand_beside_each_other(project: Project) -> None:
    assert "Customer value" not in summarise(project.directory)
    for name in ("gini", "mae", "total_error", "total_error_raw", "coverage_80"):
        change(project, f"alter table model_performance add column {name} double")
    change(
        project,
        """
        insert into model_performance by name
        select * from (values
            ('value_spend', 'two_part', 'champion', 'test', 80, 0.5, 12.25, -0.029, 0.1, 0.79),
            ('value_spend', 'bg_nbd', 'challenger', 'test', 80, 0.4, 13.0, null, null, null)
        ) as rows (
            task, algorithm, stage, split, row_count, gini, mae, total_error, total_error_raw,
            coverage_80
        )
        """,
    )
    text = summarise(project.directory)
    assert "Customer value, the next 90 days on held-out months (80 rows" in text
    lines = [line.split() for line in text.splitlines()]
    used = ["spend", "two_part", "champion", "0.500", "12.25", "-2.9", "%", "+10.0", "%"]
    assert [*used, "79.0", "%"] in lines
    assert ["spend", "bg_nbd", "challenger", "0.400", "13.00", "-", "-", "-"] in lines
    # they are no task of their own
    assert "Value spend on held-out months" not in text
