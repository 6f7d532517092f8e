from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from holdfast.contract import predict_onnx
from holdfast.registry import carry_over
from holdfast.training import REGISTRY_SCHEMA, TrainingError, train

Shop = Callable[..., str]

# A label that says nothing, and the same in every run.
NOISE = "hash(customer_id, as_of) % 2 = 0"
# One model in place of three where it does not matter which: trees take most of a training's time.
LINEAR = {"estimator": "logistic_regression"}
# 1 from the thirteenth month of a shop on, 0 before
LATE = np.arange(20 * 80) // 80 >= 12


def by_stage(rows: pa.Table) -> dict[str, dict[str, Any]]:
    return {row["stage"]: row for row in rows.to_pylist()}


def by_algorithm(rows: pa.Table) -> dict[str, dict[str, Any]]:
    """Give the rows that were measured, by algorithm."""
    return {row["algorithm"]: row for row in rows.to_pylist() if is_measured(row)}


def is_measured(row: dict[str, Any]) -> bool:
    return bool(json.loads(row["parameters"])["split"]["test"])


def upsert(session: duckdb.DuckDBPyConnection, rows: pa.Table) -> None:
    session.register("new_rows", rows)
    session.execute("create table if not exists registry as select * from new_rows limit 0")
    session.execute("delete from registry where model_id in (select model_id from new_rows)")
    session.execute("insert into registry select * from new_rows")
    session.unregister("new_rows")


def stages(session: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(session.execute("select model_id, stage from registry").fetchall())


def assert_no_model(rows: pa.Table, caplog: pytest.LogCaptureFixture, why: str) -> None:
    assert rows.schema == REGISTRY_SCHEMA
    assert rows.num_rows == 0
    (warning,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert why in warning
    assert "would help" in warning or "it needs" in warning


def test_first_build_gives_champion_challenger_and_baseline(first_build: pa.Table):
    rows = first_build
    assert rows.schema == REGISTRY_SCHEMA
    assert sorted(rows["stage"].to_pylist()) == [
        *["baseline", "baseline", "challenger", "challenger", "champion", "evaluated"]
    ]
    found = by_algorithm(rows)
    champion = by_stage(rows)["champion"]
    assert found["days_since_last_order"]["stage"] == "baseline"
    assert found["days_since_last_order"]["feature_names"] == ["days_since_order"]
    assert found["base_rate"]["stage"] == "baseline"
    competing = ("logistic_regression", "hist_gradient_boosting", "blend")
    losses = {
        name: json.loads(found[name]["metrics"])["validation"]["log_loss_given_rate"]
        for name in competing
    }
    best = min(losses, key=losses.__getitem__)
    # a part is chosen only where it is clearly better than the blend of both
    expected = best if losses[best] < 0.99 * losses["blend"] else "blend"
    assert champion["algorithm"] == expected
    assert found[champion["algorithm"]]["stage"] == "evaluated"


def test_champion_is_fitted_again_on_all_rows_and_names_its_twin(first_build: pa.Table):
    found = by_stage(first_build)
    champion, twin = found["champion"], found["evaluated"]
    parameters = json.loads(champion["parameters"])
    assert parameters["refitted"] is True
    assert parameters["evaluated_as"] == twin["model_id"]
    assert champion["algorithm"] == twin["algorithm"]
    assert champion["feature_names"] == twin["feature_names"]
    assert champion["row_count"] == 80 * 12
    assert champion["training_to"].isoformat() == "2024-12-01T00:00:00"
    assert parameters["split"]["test"] == []
    metrics = json.loads(champion["metrics"])
    assert "test" not in metrics
    assert sorted(metrics["importance"]) == sorted(champion["feature_names"])
    chosen = json.loads(twin["parameters"])["hyperparameters"]
    slope = parameters["hyperparameters"]["calibration_slope"]
    assert slope == chosen["calibration_slope"] != 1
    # with what the test rows taught it
    assert champion["onnx"] != twin["onnx"]


def test_row_tells_how_the_model_came_to_be(session, make_shop: Shop, first_build: pa.Table):
    shop = make_shop()
    champion = by_stage(first_build)["evaluated"]
    parameters = json.loads(champion["parameters"])
    split = parameters["split"]
    assert split["gap_days"] == 90
    assert parameters["selection"] == "time_validation"
    assert parameters["as_of_date"] == "2025-03-01"
    assert champion["training_from"].isoformat() == "2024-01-01T00:00:00"
    assert champion["training_to"].isoformat() == "2024-07-01T00:00:00"
    assert champion["row_count"] == 80 * 7
    (events,) = session.execute(
        f"select count(*) from {shop} where churned and as_of <= '2024-07-01'"
    ).fetchone()
    assert champion["positive_count"] == events
    assert [as_of[:7] for as_of in split["test"]] == ["2024-10", "2024-11", "2024-12"]
    assert json.loads(champion["library_versions"])["scikit-learn"]
    names = ", ".join(f'"{name}"' for name in champion["feature_names"])
    rows = session.execute(f"select {names} from {shop}").fetchnumpy()
    features = np.ma.column_stack(list(rows.values())).astype(np.float32).filled(np.nan)
    scored = session.execute(f"select {champion['score_sql']} from {shop}").fetchall()
    expected = predict_onnx(champion["onnx"], features)
    np.testing.assert_allclose(np.ravel(scored), expected, atol=1e-6)


def test_metrics_are_those_of_the_registered_file_on_the_test_rows(
    session, make_shop: Shop, first_build: pa.Table
):
    from sklearn.metrics import log_loss, roc_auc_score

    shop = make_shop()
    for row in by_algorithm(first_build).values():
        names = ", ".join(f'"{name}"' for name in row["feature_names"])
        held_out = session.execute(
            f"select churned, {names} from {shop} where as_of >= '2024-10-01' order by as_of"
        ).to_arrow_table()
        y = held_out.column(0).to_numpy()
        features = np.column_stack([column.to_numpy() for column in held_out.columns[1:]])
        probability = predict_onnx(row["onnx"], features.astype(np.float32))
        test = json.loads(row["metrics"])["test"]
        assert test["auroc"] == pytest.approx(roc_auc_score(y, probability), abs=1e-12)
        assert test["log_loss"] == pytest.approx(log_loss(y, probability), abs=1e-9)
        assert test["base_rate"] == pytest.approx(y.mean())


def test_no_model_sees_the_test_rows_or_the_gap(session, make_shop: Shop, first_build: pa.Table):
    shop = make_shop()
    before = by_algorithm(first_build)
    session.execute(f"update {shop} set churned = not churned, days_since_order = 1")
    session.execute(f"delete from {shop} where as_of <= '2024-07-01'")
    make_shop("again")
    session.execute(f"insert into {shop} select * from again where as_of <= '2024-07-01'")
    after = by_algorithm(train(session, shop))
    assert len(before) == 5
    for algorithm, row in before.items():
        assert row["model_id"] == after[algorithm]["model_id"]
        if algorithm != "base_rate":
            assert row["metrics"] != after[algorithm]["metrics"]


def test_same_rows_in_another_order_give_the_same_bytes(
    session, make_shop: Shop, first_build: pa.Table
):
    shop = make_shop()
    second = train(session, f"(select * from {shop} order by hash(revenue_90d, customer_id))")
    for column in ("model_id", "onnx", "onnx_sha256", "parameters", "metrics", "feature_hash"):
        assert first_build[column].to_pylist() == second[column].to_pylist()


def test_one_core_and_several_give_the_same_bytes(
    session, make_shop: Shop, first_build: pa.Table, monkeypatch
):
    bytes_of = {}
    for cores in (1, 3):
        monkeypatch.setattr("holdfast.threads._cores", lambda cores=cores: cores)
        rows = train(session, make_shop())
        bytes_of[cores] = {row["model_id"]: row["onnx"] for row in rows.to_pylist()}
    assert bytes_of[1] == bytes_of[3]
    assert len(bytes_of[1]) == len(first_build)


def test_registry_row_holds_what_is_needed_to_train_again(session, make_shop: Shop):
    shop = make_shop()
    settings = {"horizon_days": 60, "seed": 11, "exclude_features": ["return_share"]}
    first = train(session, shop, settings=settings)
    champion = by_stage(first)["champion"]
    parameters = json.loads(champion["parameters"])
    # nothing but the row, and the training set it was made of
    told = parameters["settings"]
    assert told["as_of_date"] == parameters["as_of_date"]
    again = by_stage(train(session, shop, settings=told))["champion"]
    assert again["model_id"] == champion["model_id"]
    assert json.loads(again["parameters"])["row_fingerprint"] == parameters["row_fingerprint"]
    assert again["library_versions"] == champion["library_versions"]
    # later rows are not in the way: their labels were not over on the as-of date
    session.execute(
        f"insert into {shop} select * replace (as_of + interval 1 year as as_of) from {shop}"
    )
    later = by_stage(train(session, shop, settings=told))["champion"]
    assert later["model_id"] == champion["model_id"]


def test_constant_and_missing_columns_are_dropped_by_name(session, make_shop: Shop, caplog):
    shop = make_shop(
        constant=lambda random, n: np.full(n, 3, np.float32),
        nearly=lambda random, n: pa.array([None] + [2.0] * (n - 1), pa.float32()),
        empty=lambda random, n: pa.nulls(n, pa.float32()),
    )
    with caplog.at_level(logging.INFO):
        champion = by_stage(train(session, shop, settings=LINEAR))["champion"]
    assert set(champion["feature_names"]) & {"constant", "nearly", "empty"} == set()
    assert json.loads(champion["parameters"])["dropped_features"] == {
        "calendar": [],
        "constant": ["constant", "nearly"],
        "missing": ["empty"],
        "duplicated": [],
        "leaking": [],
    }
    assert "constant features: constant, nearly" in caplog.text
    assert "missing features: empty" in caplog.text


def test_leak_is_left_out_by_name_unless_it_is_trusted(session, make_shop: Shop, caplog):
    shop = make_shop()
    session.execute(f"alter table {shop} add column next_order_in_days float")
    session.execute(f"update {shop} set next_order_in_days = if(churned, null, customer_id)")
    honest = by_stage(train(session, shop, settings=LINEAR))["champion"]
    assert "next_order_in_days" not in honest["feature_names"]
    assert json.loads(honest["parameters"])["dropped_features"]["leaking"] == ["next_order_in_days"]
    assert "Feature next_order_in_days is a probable leak" in caplog.text
    asked = {**LINEAR, "trusted_features": ["next_order_in_days"]}
    trusted = train(session, shop, settings=asked)
    assert "next_order_in_days" in by_stage(trusted)["champion"]["feature_names"]


def test_nothing_but_a_leak_gives_no_model(session, make_shop: Shop, caplog):
    shop = make_shop()
    leaking = f"(select customer_id, as_of, churned, churned as known from {shop})"
    with caplog.at_level(logging.WARNING):
        rows = train(session, leaking)
    assert rows.num_rows == 0
    assert "constant, missing or a probable leak" in caplog.text


def test_large_training_set_is_sampled_and_registry_and_log_say_so(
    session, make_shop: Shop, caplog
):
    shop = make_shop(customers=200)
    with caplog.at_level(logging.INFO):
        champion = by_stage(train(session, shop, settings={"max_rows": 1200}))["evaluated"]
    (sampled,) = re.findall(r"Sampled (\d+) of 2400 rows", caplog.text)
    assert f"Read {sampled} rows and 4 features in" in caplog.text
    parameters = json.loads(champion["parameters"])
    assert parameters["sampled_from"] == 2400
    assert 600 < champion["row_count"] < 1200
    assert len(parameters["split"]["training"]) == 7


@pytest.mark.parametrize("most", [0, 80 * 7], ids=["nowhere", "not on all rows"])
def test_blend_does_without_bg_nbd_where_it_cannot_be_fitted_and_says_so(
    session, make_shop: Shop, caplog, monkeypatch, most: int
):
    from holdfast.estimators import _bgnbd_share
    from holdfast.training import _candidates

    def chosen(folds: Any, others: Any, *settings: Any, **more: Any) -> tuple[float, list[Any]]:
        return 0.2, [0.5 * each for each in others]

    def fit(features: Any, *rest: Any, **more: Any) -> Any:
        if len(features) > most:
            raise TrainingError("No fit was found.")
        return fitted(features, *rest, **more)

    fitted = _bgnbd_share.fit_bgnbd_model
    monkeypatch.setattr(_candidates, "choose_weight", chosen)
    monkeypatch.setattr(_bgnbd_share, "fit_bgnbd_model", fit)
    shop = make_shop(
        orders_lifetime=lambda random, count: 1.0 + random.poisson(3.0, count),
        first_order_age_days=lambda random, count: 400.0 + random.exponential(60.0, count),
    )
    settings = {"estimator": "blend"}
    with caplog.at_level(logging.WARNING):
        found = by_stage(train(session, shop, settings=settings))
    twin, champion = (
        json.loads(found[stage]["parameters"])["hyperparameters"]
        for stage in ("evaluated", "champion")
    )
    assert champion["weights"]["bg_nbd"] == 0
    assert "bg_nbd" not in champion
    assert sum(champion["weights"].values()) == pytest.approx(1)
    assert twin["weights"]["bg_nbd"] == pytest.approx(0.2 if most else 0)
    (warning,) = [r.getMessage() for r in caplog.records if "leaves out BG/NBD" in r.message]
    assert "weight of 0.20" in warning
    assert f"the {80 * 12 if most else 80 * 7} training rows" in warning
    assert "No fit was found." in warning
    if not most:
        # as if nobody had asked for it, what was measured on held-out rows included
        lapses = {**settings, "definition": "contractual"}
        plain = by_stage(train(session, shop, settings=lapses))["evaluated"]
        assert plain["onnx"] == found["evaluated"]["onnx"]
        validation = [json.loads(m["metrics"])["validation"] for m in (plain, found["evaluated"])]
        assert validation[0] == validation[1]


def test_integer_labels_train_as_booleans_do(session, make_shop: Shop, first_build: pa.Table):
    whole = f"(select * replace (cast(churned as integer) as churned) from {make_shop()})"
    assert train(session, whole)["model_id"].to_pylist() == first_build["model_id"].to_pylist()


def test_column_that_varies_only_after_the_fit_dates_is_used(session, make_shop: Shop):
    shop = make_shop()
    session.execute(f"alter table {shop} add column late float")
    session.execute(f"update {shop} set late = if(as_of < '2024-07-01', 0, customer_id)")
    champion = by_stage(train(session, shop, settings=LINEAR))["champion"]
    assert "late" in champion["feature_names"]


def test_short_history_is_validated_by_customer(session, make_shop: Shop):
    shop = make_shop(
        months=6,
        # long and without meaning, so that held-out customers speak against BG/NBD
        orders_lifetime=lambda random, count: 1.0 + random.poisson(3.0, count),
        first_order_age_days=lambda random, count: 400.0 + random.exponential(60.0, count),
    )
    rows = train(session, shop)
    found = by_algorithm(rows)
    for name in ("logistic_regression", "hist_gradient_boosting", "blend"):
        parameters = json.loads(found[name]["parameters"])
        assert parameters["selection"] == "grouped_cross_validation"
        assert parameters["split"]["validation"] == []
        validation = json.loads(found[name]["metrics"])["validation"]
        assert validation["row_count"] == found[name]["row_count"]
    assert json.loads(found["blend"]["parameters"])["hyperparameters"]["weights"]["bg_nbd"] == 0.2
    assert set(by_stage(rows)) == {"champion", "evaluated", "challenger", "baseline"}


@pytest.mark.parametrize(
    ("shop", "change", "settings", "why"),
    [
        ({}, "delete from {}", {}, "no rows with a known label"),
        ({}, "update {} set churned = null", {}, "no rows with a known label"),
        ({}, "update {} set churned = false", {}, "training part have the same outcome"),
        (
            # of two thirds nobody comes to more than chance allows
            {"customers": 12},
            "update {} set churned = as_of < '2024-10-01' and customer_id % 3 = 0",
            {"min_rows": 1, "min_events": 1},
            "test part have the same outcome",
        ),
        ({"customers": 1}, None, {}, "would help"),
        ({"customers": 1, "months": 6}, None, {"min_rows": 1, "min_events": 1}, "would help"),
        ({"customers": 20}, None, {}, " of 200 rows, "),
        ({}, None, {"min_events": 500}, " of 500 events: about "),
        ({"months": 1}, None, {}, "1 observation date leaves none"),
        ({"months": 3}, None, {}, "observation dates leave none"),
        ({}, None, {"horizon_days": 400}, "observation dates leave none"),
        (
            {"months": 20, "novelty": lambda random, count: np.arange(count) % 7 * LATE[:count]},
            None,
            {"features": ["novelty"]},
            "no feature varies before the dates",
        ),
    ],
)
def test_too_little_history_gives_no_rows_and_says_why(
    session, make_shop: Shop, caplog, shop, change, settings, why
):
    name = make_shop(**shop)
    if change:
        session.execute(change.format(name))
    with caplog.at_level(logging.WARNING):
        rows = train(session, name, settings=settings)
    assert_no_model(rows, caplog, why)


@pytest.mark.parametrize("months", [1, 3])
def test_without_later_dates_a_model_is_tested_on_other_customers(
    session, make_shop: Shop, months: int
):
    shop = make_shop(months=months, customers=400)
    rows = train(session, shop)
    found = by_stage(rows)
    # nothing was chosen: there is one time only
    assert found["evaluated"]["algorithm"] == "blend"
    parameters = json.loads(found["evaluated"]["parameters"])
    assert parameters["selection"] == "held_out_customers"
    assert json.loads(found["champion"]["parameters"])["selection"] == "held_out_customers"
    split = parameters["split"]
    assert split["test"] == split["training"]
    assert len(split["test"]) == months
    # the warehouse picks the same customers as training did
    held_out = f"substr(sha256(cast(customer_id as varchar)), 1, 2) < '{split['customers_below']}'"
    counts = session.execute(
        f"select count(*) filter ({held_out}), count(*) filter (not {held_out}) from {shop}"
    ).fetchone()
    measured = json.loads(found["evaluated"]["metrics"])["test"]["row_count"]
    assert (measured, found["evaluated"]["row_count"]) == counts
    assert found["champion"]["row_count"] == sum(counts)


def test_a_model_tested_on_later_dates_replaces_one_that_was_not(session, make_shop: Shop, caplog):
    shop = make_shop(customers=400)
    few = f"(select * from {shop} where as_of between '2024-08-01' and '2024-09-30')"
    upsert(session, train(session, few))
    before = next(key for key, stage in stages(session).items() if stage == "champion")
    with caplog.at_level(logging.INFO):
        upsert(session, train(session, shop, "registry", {"retrain": True}))
    assert stages(session)[before] == "archived"
    assert "was on other customers only" in caplog.text


def test_where_customers_cannot_be_held_out_later_dates_are_needed(
    session, make_shop: Shop, caplog
):
    shop = make_shop(months=2, customers=400)
    with caplog.at_level(logging.WARNING):
        rows = train(session, shop, settings={"test_dates": 1})
    assert_no_model(rows, caplog, "2 observation dates leave none that is 90 days older")


def test_dates_that_no_data_was_loaded_for_are_left_out(session, make_shop: Shop, caplog):
    shop = make_shop()
    plain = by_stage(train(session, f"(select * from {shop} where as_of < '2024-10-01')"))
    session.execute(f"update {shop} set churned = true where as_of >= '2024-10-01'")
    with caplog.at_level(logging.WARNING):
        found = by_stage(train(session, shop))
    assert "Left out 3 dates (2024-10-01 to 2024-12-01)" in caplog.text
    assert found["champion"]["model_id"] == plain["champion"]["model_id"]


def test_registry_that_is_still_empty_carries_over_nothing(session):
    session.register("empty", REGISTRY_SCHEMA.empty_table())
    session.execute("create table empty_registry as select * from empty")
    assert carry_over(session, "empty_registry", REGISTRY_SCHEMA.empty_table()).num_rows == 0


def test_no_baseline_without_its_feature(session, make_shop: Shop, caplog):
    with caplog.at_level(logging.WARNING):
        rows = train(session, make_shop(), settings={**LINEAR, "baseline_feature": "days_asleep"})
    assert "days_since_last_order" not in by_algorithm(rows)
    assert "No baseline: its feature days_asleep is not in the training set" in caplog.text


def test_model_that_does_not_beat_the_baseline_is_warned_about(session, make_shop: Shop, caplog):
    # Recency alone decides; the other features can only add noise.
    shop = make_shop()
    session.execute(
        f"""update {shop} set
        churned = days_since_order > 40,
        order_count_90d = hash(as_of, customer_id) % 99"""
    )
    with caplog.at_level(logging.WARNING):
        trained = train(session, shop, None, {"trusted_features": ["days_since_order"]})
    rows = [by_stage(trained)["evaluated"], by_algorithm(trained)["days_since_last_order"]]
    figures = [json.loads(row["metrics"])["test"]["auroc"] for row in rows]
    assert figures[0] <= figures[1]
    assert f"AUROC {figures[0]:.4f} on test rows, against {figures[1]:.4f} of" in caplog.text


def test_fresh_champion_is_kept_without_training(
    session, make_shop: Shop, first_build: pa.Table, caplog
):
    shop = make_shop()
    upsert(session, first_build)
    with caplog.at_level(logging.INFO):
        rows = train(session, shop, "registry")
    assert rows.num_rows == 0
    assert rows.schema == REGISTRY_SCHEMA
    assert "Kept champion" in caplog.text
    assert "Fitted" not in caplog.text


def test_retraining_on_the_same_rows_changes_nothing(
    session, make_shop: Shop, first_build: pa.Table
):
    shop, first = make_shop(), first_build
    upsert(session, first)
    second = train(session, shop, session.table("registry"), {"retrain": True})
    for column in ("model_id", "stage", "trained_at", "onnx"):
        assert dict(zip(first["model_id"].to_pylist(), first[column].to_pylist(), strict=True)) == (
            dict(zip(second["model_id"].to_pylist(), second[column].to_pylist(), strict=True))
        )


def test_better_model_replaces_the_champion(session, make_shop: Shop):
    shop = make_shop(customers=100)
    # The first champion is trained on labels that say nothing.
    session.execute(f"create table noise as select * replace ({NOISE} as churned) from {shop}")
    upsert(session, train(session, "noise"))
    former = {stage: key for key, stage in stages(session).items()}
    upsert(session, train(session, shop, "registry", {"retrain": True}))
    after = stages(session)
    assert list(after.values()).count("champion") == 1
    assert list(after.values()).count("evaluated") == 1
    assert list(after.values()).count("baseline") == 2
    assert after[former["champion"]] == "archived"
    (metrics,) = session.execute("select metrics from registry where stage = 'champion'").fetchone()
    compared = json.loads(metrics)["comparison"]
    assert compared["former_champion"] == former["champion"]
    assert compared["log_loss_difference"] <= compared["upper"] < 0
    assert compared["row_count"] == 300
    assert after[former["evaluated"]] == "archived"
    assert after[former["challenger"]] == "archived"
    kept = session.execute(
        "select count(*) from registry where onnx is not null and sha256(onnx) = onnx_sha256"
    ).fetchone()
    assert kept == (len(after),)


def test_worse_model_enters_as_challenger_and_is_not_tried_again(session, make_shop: Shop):
    shop = make_shop(customers=100)
    upsert(session, train(session, shop))
    champion = next(key for key, stage in stages(session).items() if stage == "champion")
    # Noise to learn from, but the test rows are the old ones.
    session.execute(
        f"""create table noise as
        select * replace (if(as_of <= '2024-07-01', {NOISE}, churned) as churned), 1 as more
        from {shop}"""
    )
    upsert(session, train(session, "noise", "registry"))
    after = stages(session)
    assert after[champion] == "champion"
    assert list(after.values()).count("champion") == 1
    assert list(after.values()).count("challenger") == 3
    (worse,) = session.execute(
        """select (metrics -> 'comparison' ->> 'lower')::double from registry
        where stage = 'challenger' and (metrics -> 'comparison') is not null"""
    ).fetchone()
    assert worse > 0
    assert train(session, "noise", "registry").num_rows == 0


def test_champion_whose_feature_is_gone_is_replaced(
    session, make_shop: Shop, first_build: pa.Table, caplog
):
    shop = make_shop()
    upsert(session, first_build)
    champion = next(key for key, stage in stages(session).items() if stage == "champion")
    with caplog.at_level(logging.WARNING):
        rows = train(session, f"(select * exclude (return_share) from {shop})", "registry")
    upsert(session, rows)
    assert "needs the feature return_share, which no longer exists" in caplog.text
    assert stages(session)[champion] == "archived"
    assert list(stages(session).values()).count("champion") == 1


def test_champions_of_other_tasks_are_left_alone(session, make_shop: Shop):
    shop = make_shop()
    upsert(session, train(session, shop, settings={**LINEAR, "task": "lapse"}))
    rows = train(session, shop, "registry", LINEAR)
    upsert(session, rows)
    assert set(rows["task"].to_pylist()) == {"churn"}
    assert session.execute(
        "select task, count(*) from registry where stage = 'champion' group by all order by all"
    ).fetchall() == [("churn", 1), ("lapse", 1)]


def test_two_former_champions_are_refused(session, make_shop: Shop, first_build: pa.Table):
    shop, rows = make_shop(), first_build
    upsert(session, rows)
    session.execute("update registry set stage = 'champion'")
    with pytest.raises(TrainingError, match="6 champions") as caught:
        train(session, shop, "registry")
    assert all(model_id in str(caught.value) for model_id in rows["model_id"].to_pylist())


def test_corrupt_champion_is_named(session, make_shop: Shop, first_build: pa.Table):
    shop = make_shop()
    upsert(session, first_build)
    session.execute("update registry set onnx = 'rubbish'::blob")
    with pytest.raises(TrainingError, match="does not match its onnx_sha256"):
        train(session, shop, "registry", {"retrain": True})
    session.execute("update registry set onnx_sha256 = sha256(onnx)")
    with pytest.raises(TrainingError, match="cannot be run"):
        train(session, shop, "registry", {"retrain": True})


def test_champion_whose_row_names_its_features_in_another_order_is_no_rival(
    session, make_shop: Shop, first_build: pa.Table
):
    """Its file would be given the wrong columns, and lose for that reason."""
    shop = make_shop()
    upsert(session, first_build)
    session.execute("update registry set feature_names = list_reverse(feature_names)")
    with pytest.raises(TrainingError, match="the same features in another order"):
        train(session, shop, "registry", {"retrain": True})


@pytest.mark.parametrize(
    ("training_set", "settings", "told"),
    [
        ("select * replace (2 as churned) from {}", {}, "it is int32 and it holds '2'"),
        ("select *, 'gold' as plan from {}", {}, "feature 'plan' is of type string"),
        ("select * from {}", {"estimator": "nowhere:at_all"}, "nowhere:at_all cannot be imported"),
    ],
    ids=["label", "feature", "estimator"],
)
def test_champion_goes_on_when_training_fails(
    session,
    make_shop: Shop,
    first_build: pa.Table,
    caplog,
    training_set: str,
    settings: dict[str, Any],
    told: str,
):
    shop = make_shop()
    upsert(session, first_build)
    spoilt = f"({training_set.format(shop)})"
    with caplog.at_level(logging.ERROR):
        rows = train(session, spoilt, "registry", {"retrain": True, **settings})
    assert rows.num_rows == 0
    (error,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    champion = next(key for key, stage in stages(session).items() if stage == "champion")
    assert f"champion {champion} goes on scoring" in error
    assert told in error
    # without one there is nothing to go on with, nor with one that predicts something else
    with pytest.raises(TrainingError, match=told):
        train(session, spoilt, None, settings)
    with pytest.raises(TrainingError, match=told):
        train(session, spoilt, "registry", {"retrain": True, "horizon_days": 60, **settings})


def test_registry_without_a_column_is_refused(session, make_shop: Shop, first_build: pa.Table):
    shop = make_shop()
    upsert(session, first_build)
    session.execute("alter table registry drop column metrics")
    with pytest.raises(TrainingError, match="no column 'metrics'"):
        train(session, shop, "registry")


def test_rows_that_are_immature_on_the_as_of_date_are_left_out(session, make_shop: Shop, caplog):
    with caplog.at_level(logging.WARNING):
        rows = train(session, make_shop(), settings={**LINEAR, "as_of_date": "2025-01-31"})
    parameters = json.loads(by_stage(rows)["evaluated"]["parameters"])
    assert parameters["as_of_date"] == "2025-01-31"
    assert parameters["split"]["test"][-1].startswith("2024-11-01")
    assert "80 rows have a label window that ends after 2025-01-31" in caplog.text


def test_infinite_and_missing_values_train(session, make_shop: Shop, caplog):
    shop = make_shop(
        trend=lambda random, n: np.where(random.random(n) < 0.1, np.inf, 1.0 + random.random(n))
    )
    with caplog.at_level(logging.WARNING):
        rows = train(session, shop)
    assert "trend" in by_stage(rows)["champion"]["feature_names"]
    assert "Feature trend has" in caplog.text


def test_every_phase_is_logged_with_seconds(session, make_shop: Shop, caplog):
    with caplog.at_level(logging.INFO, logger="holdfast.training"):
        train(session, make_shop())
    lines = [record.getMessage() for record in caplog.records]
    for phase in (
        "Read 960 rows",
        "Fitted logistic_regression on 560",
        "Wrote hist_gradient_boosting",
    ):
        (line,) = [line for line in lines if line.startswith(phase)]
        assert line.endswith(" s.")


def test_a_champion_worse_than_the_base_rate_is_promoted_with_a_loud_warning(session, caplog):
    with caplog.at_level(logging.WARNING):
        rows = train(
            session,
            """(
                select
                    c as customer_id,
                    timestamp '2024-01-01' + to_months(m::integer) as as_of,
                    -- what held before no longer holds in the months of the test
                    hash(c, m, 'b') % 100 < if((c % 2 = 0) = (m < 9), 40, 5) as churned,
                    (hash(c, m, 'a') % 1000)::float as days_since_order,
                    (c % 2)::float as order_count_90d,
                from range(120) as customers (c), range(12) as months (m)
            )""",
        )
    found = by_stage(rows)
    own = json.loads(found["evaluated"]["metrics"])["test"]
    simple = json.loads(by_algorithm(rows)["base_rate"]["metrics"])["test"]
    assert own["log_loss"] > simple["log_loss"]
    assert found["champion"]["algorithm"] == found["evaluated"]["algorithm"]
    (loud,) = [r.getMessage() for r in caplog.records if "DO NOT ACT" in r.getMessage()]
    expected = f"log loss {own['log_loss']:,.4f} on test rows, against {simple['log_loss']:,.4f}"
    assert f"{expected} of the baseline base rate" in loud


def test_known_directions_hold_in_every_model_and_its_file(session, make_shop: Shop):
    settings = {
        "estimator_parameters": {
            name: {"monotonic": {"days_since_order": 1, "order_count_90d": -1}}
            for name in ("logistic_regression", "hist_gradient_boosting")
        }
    }
    rows = train(session, make_shop(), settings=settings)
    for name in ("logistic_regression", "hist_gradient_boosting", "blend"):
        model = by_algorithm(rows)[name]
        names = model["feature_names"]
        random = np.random.default_rng(3)
        features = random.normal(100, 80, size=(300, len(names))).astype(np.float32)
        for feature, sign in (("days_since_order", 1), ("order_count_90d", -1)):
            changed = features.copy()
            changed[:, names.index(feature)] += 30
            moved = predict_onnx(model["onnx"], changed) - predict_onnx(model["onnx"], features)
            assert (moved * sign >= -1e-7).all(), (name, feature)


def test_directions_that_are_none_are_refused(session, make_shop: Shop):
    settings = {"estimator": "logistic_regression", "estimator_parameters": {"monotonic": {"a": 2}}}
    with pytest.raises(TrainingError, match="must be true, or a mapping of features to 1"):
        train(session, make_shop(), settings=settings)
    known = {"estimator": "logistic_regression", "estimator_parameters": {"monotonic": True}}
    with pytest.raises(TrainingError, match="is defined for churn only"):
        train(session, make_shop(), settings={**known, "task": "return"})
