"""Training on a numeric label: the same run as for yes and no, with figures of its own."""

from __future__ import annotations

import json
import logging
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from holdfast.scoring import ModelError, OnnxModel, register
from holdfast.training import TrainingError, train
from holdfast.training._screen import single_correlation

SETTINGS: dict[str, Any] = {
    "task": "spend",
    "label": "spend_90d",
    "target": "regression",
    "horizon_days": 60,
    "baseline_feature": "revenue_90d",
}


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Make 250 customers at 10 months, whose spend follows their former spend and a step."""
    random = np.random.default_rng(7)
    months, count = 10, 250
    as_of = np.repeat(
        np.arange("2024-01", "2024-11", dtype="datetime64[M]").astype("datetime64[us]"), count
    )
    revenue = random.gamma(2.0, 60.0, months * count)
    days = random.integers(0, 120, months * count).astype(np.float64)
    spend = 300.0 + 0.5 * revenue + 80.0 * (days > 60) + random.normal(0, 20, months * count)
    missing = random.random(months * count) < 0.1
    return pa.table(
        {
            "customer_id": np.tile(np.arange(count), months),
            "as_of": as_of,
            "spend_90d": pa.array(spend, mask=random.random(months * count) < 0.05),
            "revenue_90d": pa.array(revenue, mask=missing),
            "days_since_order": days,
            "noise": random.normal(size=months * count),
        }
    )


@pytest.fixture(scope="module")
def rows(table: pa.Table) -> list[dict[str, Any]]:
    """Train once."""
    return run(table)


def run(table: pa.Table, former: pa.Table | None = None, **settings: Any) -> list[dict[str, Any]]:
    """Train on a table, and give the registry rows."""
    with duckdb.connect() as session:
        session.register("training_set", table)
        if former is not None:
            session.register("former", former)
        return train(
            session, "training_set", None if former is None else "former", {**SETTINGS, **settings}
        ).to_pylist()


def by_algorithm(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Give the metrics of the models that were measured."""
    return {
        row["algorithm"]: json.loads(row["metrics"])
        for row in rows
        if not json.loads(row["parameters"]).get("refitted")
    }


def matrix(table: pa.Table, names: list[str]) -> np.ndarray:
    """Give features as the scorer takes them."""
    columns = [table[name].cast(pa.float32()).to_numpy() for name in names]
    return np.column_stack(columns).astype(np.float32)


def test_models_and_baselines_are_measured_on_the_test_dates(
    table: pa.Table, rows: list[dict[str, Any]]
) -> None:
    found = by_algorithm(rows)
    assert set(found) == {
        "linear_regression",
        "hist_gradient_boosting",
        "blend",
        "training_mean",
        "one_feature",
    }
    for metrics in found.values():
        assert set(metrics["test"]) >= {"rmse", "mae", "r2", "mean_prediction", "mean_label"}
        assert metrics["parity"]["largest_difference"] <= 1e-5
    rmse = {name: metrics["test"]["rmse"] for name, metrics in found.items()}
    assert min(rmse["hist_gradient_boosting"], rmse["linear_regression"]) >= 19
    assert rmse["hist_gradient_boosting"] < 30
    assert rmse["hist_gradient_boosting"] < rmse["one_feature"] < rmse["training_mean"]
    assert found["training_mean"]["test"]["r2"] <= 0 < found["one_feature"]["test"]["r2"]
    assert [row["stage"] for row in rows].count("champion") == 1
    for row in rows:
        assert row["positive_count"] is None
        assert json.loads(row["parameters"])["target"] == "regression"


def test_figures_are_those_of_the_file(table: pa.Table, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        parameters = json.loads(row["parameters"])
        if not parameters["split"]["test"]:
            continue
        dates = np.array(parameters["split"]["test"], dtype="datetime64[us]")
        y = table["spend_90d"].to_numpy()
        tested = np.isin(table["as_of"].to_numpy(), dates) & ~np.isnan(y)
        model = OnnxModel.from_bytes(row["onnx"], row["onnx_sha256"])
        assert model.target == "regression"
        given = model.predict(matrix(table, row["feature_names"])[tested]).astype(np.float64)
        errors, stored = given - y[tested], json.loads(row["metrics"])["test"]
        assert stored["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)))
        assert stored["mae"] == pytest.approx(np.mean(np.abs(errors)))
        assert stored["r2"] == pytest.approx(1 - np.mean(errors**2) / np.var(y[tested]))


def test_contributions_add_up_to_the_value(table: pa.Table, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        model = OnnxModel.from_bytes(row["onnx"])
        some = matrix(table, row["feature_names"])[:200]
        total = model.base_value + model.contributions(some).sum(axis=1, dtype=np.float64)
        assert total == pytest.approx(model.predict(some), rel=1e-4)


def test_sql_and_the_duckdb_function_give_the_value(
    table: pa.Table, rows: list[dict[str, Any]]
) -> None:
    with duckdb.connect() as session:
        register(session)
        models = pa.Table.from_pylist(rows).select(["model_id", "onnx", "onnx_sha256"])
        session.register("arrow", models)
        session.execute("create table models as select * from arrow")
        session.register("features", table)
        for row in rows:
            assert row["score_sql"] is not None
            names = ", ".join(row["feature_names"])
            gap, largest = session.execute(
                f"select max(abs(holdfast_predict('models', '{row['model_id']}', {names})"
                f" - {row['score_sql']})), max({row['score_sql']}) from features"
            ).fetchone()
            assert gap <= 1e-5 * largest
            assert largest > 100


def test_parity_is_told_as_a_share_so_that_the_unit_does_not_matter(table: pa.Table) -> None:
    for factor in (1e-6, 1e9):
        label = pa.array(table["spend_90d"].to_numpy() * factor, from_pandas=True)
        index = table.schema.get_field_index("spend_90d")
        found = by_algorithm(run(table.set_column(index, "spend_90d", label)))
        assert found["blend"]["parity"]["largest_difference"] <= 1e-5
        assert found["blend"]["test"]["r2"] > 0.6


def test_training_again_keeps_the_champion_until_it_is_old_or_of_another_target(
    table: pa.Table, rows: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    from holdfast.registry import registry_table

    former = registry_table(rows)
    assert run(table, former) == []
    again = run(table, former, retrain=True, estimator="linear_regression")
    compared = [json.loads(row["metrics"]).get("comparison") for row in again]
    (comparison,) = {json.dumps(each, sort_keys=True) for each in compared if each}
    assert "squared_error_difference" in json.loads(comparison)
    assert "log_loss_difference" not in json.loads(comparison)

    index = table.schema.get_field_index("spend_90d")
    is_large = pa.array(table["spend_90d"].to_numpy() > 400)
    with caplog.at_level(logging.WARNING, "holdfast.training"):
        other = run(table.set_column(index, "spend_90d", is_large), former, target="classification")
    assert "was trained for target regression, and now target is classification" in caplog.text
    assert [row["algorithm"] for row in other if row["stage"] == "archived"]


@pytest.mark.parametrize(
    ("label", "told"),
    [
        (pa.array(["12"] * 2500), "must be a number for regression"),
        (pa.array([float("inf")] + [1.0, 2.0, 3.0] * 833), "infinite or not a number in 1 rows"),
        (pa.array([True, False] * 1250), "must be a number for regression"),
    ],
)
def test_label_that_is_no_number_is_refused(table: pa.Table, label: pa.Array, told: str) -> None:
    index = table.schema.get_field_index("spend_90d")
    with pytest.raises(TrainingError, match=told):
        run(table.set_column(index, "spend_90d", label))


def test_constant_label_and_few_rows_give_no_model(
    table: pa.Table, caplog: pytest.LogCaptureFixture
) -> None:
    index = table.schema.get_field_index("spend_90d")
    assert run(table.set_column(index, "spend_90d", pa.array([5.0] * 2500))) == []
    assert "have the same outcome" in caplog.text
    assert run(table, min_rows=100_000) == []
    assert " of 100000 rows: about " in caplog.text


def test_copy_of_the_label_is_a_leak(table: pa.Table, caplog: pytest.LogCaptureFixture) -> None:
    spend = table["spend_90d"].to_numpy()
    leaking = table.append_column("tomorrow", pa.array(np.log(np.abs(spend)), from_pandas=True))
    rows = run(leaking, estimator="linear_regression")
    assert all("tomorrow" not in row["feature_names"] for row in rows)
    assert "tomorrow is a probable leak" in caplog.text
    assert "rank correlation" in caplog.text


def test_one_large_customer_is_no_leak() -> None:
    random = np.random.default_rng(7)
    values, y = random.normal(size=500), random.normal(size=500)
    values[0], y[0] = 1e6, 1e6
    assert np.corrcoef(values, y)[0, 1] > 0.99
    assert single_correlation(values.astype(np.float32), y) < 0.3


def test_an_estimator_of_classification_is_refused(table: pa.Table) -> None:
    with pytest.raises(TrainingError, match=r"no estimator .* for regression"):
        run(table, estimator="logistic_regression")
    with pytest.raises(TrainingError, match="'classification' or 'regression'"):
        run(table, target="ranking")


def test_large_training_set_is_sampled_by_month(table: pa.Table) -> None:
    rows = run(table, max_rows=1000, estimator="linear_regression")
    # the champion is fitted again on all that was read
    assert 900 <= max(row["row_count"] for row in rows) <= 1000


def test_file_of_an_unknown_target_is_refused(rows: list[dict[str, Any]]) -> None:
    import onnx

    model = onnx.load_model_from_string(rows[0]["onnx"])
    for entry in model.metadata_props:
        if entry.key == "holdfast.target":
            entry.value = "ranking"
    with pytest.raises(ModelError, match="predicts 'ranking'"):
        OnnxModel.from_bytes(model.SerializeToString())
    del model.metadata_props[[e.key for e in model.metadata_props].index("holdfast.target")]
    with pytest.raises(ModelError, match="must have the outputs `label`"):
        OnnxModel.from_bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def often_zero(table: pa.Table) -> pa.Table:
    """Half of the customers spend nothing, the more so the longer they have been silent."""
    spend = table["spend_90d"].to_numpy(zero_copy_only=False)
    silent = table["days_since_order"].to_numpy() + 40 * table["noise"].to_numpy() > 60
    place = table.schema.get_field_index("spend_90d")
    values = pa.array(np.where(silent, 0.0, np.exp(spend / 100.0)), from_pandas=True)
    return table.set_column(place, "spend_90d", values)


def test_two_parts_compete_where_the_label_has_them(often_zero: pa.Table) -> None:
    rows = run(often_zero)
    found = by_algorithm(rows)
    assert "two_part" in found
    assert found["two_part"]["test"]["rmse"] < found["linear_regression"]["test"]["rmse"]
    (blended,) = (row for row in rows if row["algorithm"] == "blend")
    weights = json.loads(blended["parameters"])["hyperparameters"]["weights"]
    assert set(weights) == {"linear_regression", "hist_gradient_boosting"}
    (champion,) = (row for row in rows if row["stage"] == "champion")
    (twin,) = (row for row in rows if row["stage"] == "evaluated")
    forecast = json.loads(champion["parameters"])["forecast"]
    assert forecast == json.loads(twin["parameters"])["forecast"]
    assert forecast["level"] > 0
    assert forecast["interval"][0]["from"] == 0.0


def test_two_parts_alone_have_reasons_and_an_importance(often_zero: pa.Table) -> None:
    rows = run(often_zero, estimator="two_part", estimator_parameters={"C": 0.03})
    (champion,) = (row for row in rows if row["stage"] == "champion")
    parameters = json.loads(champion["parameters"])
    assert parameters["is_explained"] is True
    assert parameters["hyperparameters"]["chance"]["C"] == 0.03
    importance = json.loads(champion["metrics"])["importance"]
    assert set(sorted(importance, key=importance.get)[-2:]) == {"days_since_order", "noise"}


def test_two_parts_of_a_label_below_zero_are_refused(table: pa.Table) -> None:
    place = table.schema.get_field_index("spend_90d")
    spend = table["spend_90d"].to_numpy(zero_copy_only=False)
    below = table.set_column(place, "spend_90d", pa.array(spend - 400.0, from_pandas=True))
    with pytest.raises(TrainingError, match="must be 0 or above"):
        run(below, estimator="two_part")
    assert "two_part" not in by_algorithm(run(below))
