"""The demo shop, built as `make demo` builds it."""

from __future__ import annotations

import json
import re

import pytest

from projects import DbtProject, run

CONTRACT = {
    "customer_spine": ["customer_id", "as_of"],
    "churn_labels": ["customer_id", "as_of", "horizon_ends_at", "is_mature", "churned"],
    "model_registry": [
        "model_id", "task", "algorithm", "stage", "trained_at", "training_from", "training_to",
        "row_count", "positive_count", "feature_names", "feature_hash", "parameters", "metrics",
        "onnx", "onnx_sha256", "score_sql", "library_versions",
    ],
    "model_evaluations": [
        "model_id", "task", "split", "as_of", "metric", "value", "lower", "upper", "segment",
    ],
    "churn_holdout_predictions": [
        "customer_id", "as_of", "model_id", "algorithm", "probability", "churned",
    ],
    "churn_scores": [
        "customer_id", "as_of", "as_of_date", "model_id", "status", "churn_probability",
        "churn_percentile", "risk_band", "reason_1", "reason_2", "reason_3", "scored_at",
    ],
    "churn_reasons": [
        "customer_id", "as_of", "model_id", "rank", "theme", "feature", "feature_value",
        "contribution", "reason",
    ],
}  # fmt: skip

# what a build makes from its input alone; trained_at and scored_at tell the clock
REPRODUCIBLE = {
    "customer_features": "*",
    "churn_labels": "*",
    "churn_scores": "* exclude (scored_at)",
    "churn_reasons": "*",
    "model_registry": "* exclude (trained_at)",
}


def content(project: DbtProject) -> dict[str, list[tuple[object, ...]]]:
    """Give the reproducible tables, row by row."""
    return {
        table: project.query(f"select {columns} from {table} order by all")
        for table, columns in REPRODUCIBLE.items()
    }


@pytest.mark.parametrize("table", CONTRACT)
def test_tables_that_others_rely_on_have_the_columns_of_the_contract(
    built_demo: DbtProject, table: str
) -> None:
    assert list(built_demo.columns(table)) == CONTRACT[table]


def test_every_model_and_column_is_described(built_demo: DbtProject) -> None:
    undescribed = []
    nodes = built_demo.manifest["nodes"]
    # features of event types, whose names the data decide on, are described there
    registered = dict(built_demo.query("select feature, description from feature_registry"))
    for node in nodes.values():
        if node["resource_type"] != "model":
            continue
        if not node["description"]:
            undescribed.append(node["name"])
        described = dict(node["columns"])
        with_features = node["alias"] in ("customer_model_features", "offer_trials")
        if with_features or node["alias"].endswith("_training_set"):
            # features as they are described there
            of = "recommendation_candidates" if "recomm" in node["alias"] else "customer_features"
            described |= nodes[f"model.holdfast.holdfast__{of}"]["columns"]
        for column in built_demo.columns(node["alias"]):
            if not described.get(column, {}).get("description") and not registered.get(column):
                undescribed.append(f"{node['name']}.{column}")
    assert undescribed == []


def test_retention_mart_has_every_customer_once(built_demo: DbtProject) -> None:
    rows, customers, known = built_demo.query(
        "select count(*), count(distinct customer_id), "
        "(select count(*) from stg_holdfast__customers) from customer_retention"
    )[0]
    assert rows == customers == known


def test_all_active_customers_have_a_score_or_a_status_that_says_why_not(
    built_demo: DbtProject,
) -> None:
    counts = dict(built_demo.query("select status, count(*) from churn_scores group by 1"))
    latest = built_demo.query(
        "select count(*) from customer_spine where as_of = (select max(as_of) from customer_spine)"
    )[0][0]
    assert sum(counts.values()) == latest
    assert counts["scored"] > 500
    assert counts["not_enough_history"] > 0
    assert built_demo.query(
        "select count(*) from churn_scores "
        "where (status = 'scored') != (churn_probability is not null)"
    ) == [(0,)]


def test_scores_are_the_probabilities_of_the_champions_onnx_file(built_demo: DbtProject) -> None:
    import numpy as np
    import onnxruntime

    model_id, names, blob = built_demo.query(
        "select model_id, feature_names, onnx from churn_model where stage = 'champion'"
    )[0]
    listed = ", ".join(f'features."{name}"' for name in names)
    rows = built_demo.query(
        f"select scores.churn_probability, {listed} from churn_scores as scores "
        "inner join customer_features as features using (customer_id, as_of) "
        f"where scores.status = 'scored' and scores.model_id = '{model_id}'"
    )
    assert len(rows) > 500
    matrix = np.array([[np.nan if v is None else v for v in row[1:]] for row in rows], "float32")
    session = onnxruntime.InferenceSession(blob, providers=["CPUExecutionProvider"])
    expected = session.run(["probabilities"], {"features": matrix})[0][:, 1]
    np.testing.assert_allclose([row[0] for row in rows], expected, atol=1e-6)


def test_labels_tell_whether_a_purchase_came_within_the_horizon(built_demo: DbtProject) -> None:
    wrong = built_demo.query(
        """
        select count(*)
        from churn_labels as labels
        where is_mature and churned = exists (
            select 1 from stg_holdfast__orders as orders
            where orders.customer_id = labels.customer_id and orders.amount > 0
                and orders.ordered_at >= labels.as_of
                and orders.ordered_at < labels.as_of + interval 90 day
        )
        """
    )
    assert wrong == [(0,)]
    immature = "select count(*), count(churned) from churn_labels where not is_mature"
    count, labelled = built_demo.query(immature)[0]
    assert count > 0
    assert labelled == 0


def test_no_row_that_a_model_was_tested_on_overlaps_its_training_labels(
    built_demo: DbtProject,
) -> None:
    overlapping = built_demo.query(
        """
        select count(*)
        from churn_holdout_predictions as predictions
        inner join model_registry as registry using (model_id)
        where predictions.as_of < registry.training_to + interval 90 day
        """
    )
    assert overlapping == [(0,)]


def test_evaluation_in_sql_equals_scikit_learn(built_demo: DbtProject) -> None:
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    models = built_demo.query(
        "select model_id from churn_model where json_array_length(parameters, '$.split.test') > 0"
    )
    # three algorithms, one of them the champion's twin, and three baselines
    assert len(models) == 6
    for (model_id,) in models:
        rows = built_demo.query(
            "select churned, probability from churn_holdout_predictions "
            f"where model_id = '{model_id}'"
        )
        churned, probability = zip(*rows, strict=True)
        values = dict(
            built_demo.query(
                "select metric, value from model_evaluations "
                f"where model_id = '{model_id}' and as_of is null and segment is null"
            )
        )
        assert values["auroc"] == pytest.approx(roc_auc_score(churned, probability), abs=1e-9)
        assert values["log_loss"] == pytest.approx(log_loss(churned, probability), abs=1e-9)
        assert values["brier"] == pytest.approx(brier_score_loss(churned, probability), abs=1e-9)
        assert values["row_count"] == len(rows)


def test_model_beats_every_baseline(built_demo: DbtProject) -> None:
    ((champion,),) = built_demo.query(
        "select log_loss from model_performance where stage = 'champion' and task = 'churn'"
    )
    baselines = dict(
        built_demo.query(
            "select algorithm, log_loss from model_performance "
            "where stage = 'baseline' and task = 'churn'"
        )
    )
    assert set(baselines) == {"base_rate", "bg_nbd", "days_since_last_order"}
    assert champion < min(baselines.values())


def test_champion_is_refitted_and_has_the_figures_of_its_twin(built_demo: DbtProject) -> None:
    ((champion, twin, learned_to),) = built_demo.query(
        "select model_id, parameters ->> '$.evaluated_as', training_to from churn_model "
        "where stage = 'champion'"
    )
    assert built_demo.query("select model_id from churn_model where stage = 'evaluated'") == [
        (twin,)
    ]
    # it has learned from every row of the training set, and is measured on none of them
    assert built_demo.query("select max(as_of) from churn_training_set") == [(learned_to,)]
    holdouts = "select distinct model_id from churn_holdout_predictions where model_id in (?, ?)"
    assert built_demo.query(holdouts.replace("?, ?", f"'{champion}', '{twin}'")) == [(twin,)]
    figures = built_demo.query(
        "select evaluated_as, auroc, log_loss, row_count from model_performance "
        f"where model_id in ('{champion}', '{twin}') order by evaluated_as nulls last"
    )
    assert figures[0][0] == twin
    assert figures[0][1:] == figures[1][1:]
    assert figures[0][1] is not None


def test_reasons_are_told_in_words_with_the_customers_own_numbers(built_demo: DbtProject) -> None:
    told = built_demo.query(
        """
        select reasons.reason, features.days_since_order
        from churn_reasons as reasons
        inner join customer_features as features using (customer_id, as_of)
        where reasons.reason like 'Last order %; usually every %'
        """
    )
    assert told
    for reason, days in told:
        assert reason.startswith(f"Last order {days:.0f} days ago")
    twice = (
        "select count(*) from churn_scores where reason_1 = reason_2 or reason_2 = reason_3 "
        "or reason_1 = reason_3"
    )
    assert built_demo.query(twice) == [(0,)]
    unexplained = "select count(*) from churn_scores where risk_band = 'high' and reason_1 is null"
    assert built_demo.query(unexplained) == [(0,)]


def test_summary_names_the_tables_the_evaluation_and_the_customers_most_at_risk(
    built_demo: DbtProject,
) -> None:
    result = run("holdfast", "summary", cwd=built_demo.directory, check=True)
    at_risk = built_demo.query(
        "select customer_id from customer_retention "
        "where is_keepable and risk_band in ('high', 'medium') "
        "order by value_at_risk desc, customer_id limit 10"
    )
    listed = [line.split()[0] for line in result.stdout.splitlines() if "no order for" in line]
    assert set(listed) <= {str(customer) for (customer,) in at_risk}
    assert '"warehouse"."main"."customer_retention"' in result.stdout
    assert "days_since_last_order" in result.stdout
    assert "whole command" in result.stdout


@pytest.mark.slow
def test_unit_tests_pass(demo: DbtProject) -> None:
    # words of the command outdo the environment, which leaves unit tests out of all other builds
    words = ("--select", "test_type:unit", "--exclude-resource-type", "saved_query")
    passed = re.search(r"PASS=(\d+) ", demo.dbt("test", *words).stdout)
    assert passed is not None
    assert int(passed.group(1)) > 60


@pytest.mark.slow
def test_two_builds_from_the_same_input_give_the_same_tables(
    built_demo: DbtProject, demo: DbtProject
) -> None:
    demo.warehouse.unlink()
    demo.dbt("build")
    assert content(demo) == content(built_demo)


@pytest.mark.slow
def test_building_again_changes_nothing_and_leaves_nothing_behind(
    built_demo: DbtProject, demo: DbtProject
) -> None:
    tables = "select table_name from duckdb_tables() order by 1"
    demo.dbt("build")
    assert content(demo) == content(built_demo)
    assert demo.query(tables) == built_demo.query(tables)


@pytest.mark.slow
def test_full_refresh_keeps_models_scores_and_evaluations(demo: DbtProject) -> None:
    # rows that no build would make again, so that they are there only if they were kept
    demo.execute(
        "insert into churn_scores by name select * replace ("
        "timestamp '2024-01-01' as as_of, date '2024-01-01' as as_of_date) "
        "from churn_scores limit 5"
    )
    demo.execute(
        "insert into churn_model by name select * replace ("
        "'former' as model_id, 'archived' as stage) from churn_model where stage = 'champion'"
    )
    for table in ("model_evaluations", "churn_holdout_predictions"):
        demo.execute(
            f"insert into {table} by name select * replace ('former' as model_id) from {table} "
            "where model_id = (select min(model_id) from churn_holdout_predictions)"
        )
    tables = ("model_registry", "model_evaluations", "churn_holdout_predictions")
    kept = "select count(*) from {} where model_id = 'former'"
    before = {table: demo.query(kept.format(table)) for table in tables}
    demo.dbt("build", "--full-refresh")
    assert demo.query("select count(*) from churn_scores where as_of_date = '2024-01-01'") == [(5,)]
    for table in tables:
        assert before[table][0][0] > 0
        assert demo.query(kept.format(table)) == before[table], table


@pytest.mark.slow
def test_reset_drops_the_history_and_says_what(demo: DbtProject) -> None:
    demo.execute(
        "insert into churn_scores by name select * replace (timestamp '2024-01-01' as as_of) "
        "from churn_scores limit 5"
    )
    scores = demo.query("select count(*) from churn_scores")[0][0]
    result = demo.dbt("build", "--vars", json.dumps({"holdfast_reset": True}))
    assert f'dropping {scores} rows of history from "warehouse"."main"."churn_scores"' in (
        result.stdout
    )
    assert "rows of history from" in result.stdout
    assert demo.query("select count(*) from churn_scores where as_of = '2024-01-01'") == [(0,)]
    assert demo.query("select count(*) from churn_model where stage = 'champion'") == [(1,)]


@pytest.mark.slow
def test_a_model_that_was_tampered_with_does_not_score_and_former_scores_stay(
    demo: DbtProject,
) -> None:
    before = demo.query("select * from churn_scores order by all")
    demo.execute(
        "update churn_model set onnx = unhex(hex(onnx[1:99]) || '00' || hex(onnx[101:])) "
        "where stage = 'champion'"
    )
    result = demo.dbt(
        "build", "--select", "holdfast__churn_reasons", "holdfast__churn_scores", check=False
    )
    assert result.returncode == 1
    assert "sha256" in result.stdout.lower() or "sha-256" in result.stdout.lower()
    assert demo.query("select * from churn_scores order by all") == before


@pytest.mark.slow
def test_two_champions_are_refused_by_name(demo: DbtProject) -> None:
    demo.execute("update churn_model set stage = 'champion' where stage = 'challenger'")
    result = demo.dbt("build", "--select", "holdfast__churn_scores", check=False)
    assert result.returncode == 1
    for (model_id,) in demo.query("select model_id from churn_model where stage = 'champion'"):
        assert model_id in result.stdout
