"""SQL for engines that are not here: it parses, it stands as it was checked by eye, it is exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import sqlglot
from sqlglot import exp

from holdfast.contract import OnnxHeader
from holdfast.estimators._linear import LinearModel
from holdfast.sql import DIALECTS, SqlError, SqlModel
from holdfast.sql._dialects import _last_double_rounding_to
from scoring_models import fit_trees, linear_model, tree_model
from sql_models import ODD_THRESHOLDS, random_trees

# .txt, or dbt would take them for tests of its own
GOLDEN = Path(__file__).parent / "golden"
NAMES = '["orders 30d", "Umsatz"]'


def models():
    trees = random_trees(21, trees=2, leaves=3, width=2)
    return {
        "linear": linear_model([0.5, -1.25], log=True, feature_names=NAMES),
        "logistic": logistic_model(),
        "trees": trees,
    }


def logistic_model():
    """Give a regression as training writes it: one feature from 0 on, one with a sign."""
    numbers = {
        "median": [0.5, -0.25],
        "lower": [0.0, -4.0],
        "upper": [6.5, 8.0],
        "mean": [1.5, 0.75],
        "scale": [0.5, 2.0],
        "coefficient": [-0.75, 0.125],
        "missing_mean": [0.0, 0.25],
        "missing_coefficient": [0.0, 0.5],
    }
    model = LinearModel(
        signed_log=np.array([True, True]),
        **{name: np.array(values) for name, values in numbers.items()},
        base_value=-0.5,
        hyperparameters={},
    )
    header = OnnxHeader("churn", "logistic_regression", "test", ("orders_30d", "revenue"))
    return onnx.load_model_from_string(model.to_onnx(header))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["linear", "logistic", "trees"])
def test_query_is_the_golden_one_and_parses(name, dialect):
    model = models()[name]
    if dialect == "bigquery" and name == "linear":
        with pytest.raises(SqlError, match="BigQuery has no column named 'orders 30d'"):
            SqlModel.from_bytes(model.SerializeToString()).query("features", dialect=dialect)
        model = linear_model([0.5, -1.25], log=True)
    text = SqlModel.from_bytes(model.SerializeToString()).query("features", dialect=dialect)
    parsed = sqlglot.parse_one(text, dialect=dialect)
    assert [each.alias_or_name for each in parsed.selects] == [
        "customer_id",
        "as_of",
        "churn_probability",
    ]
    assert not list(parsed.find_all(exp.Command))
    assert text == (GOLDEN / f"{name}.{dialect}.sql.txt").read_text()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_large_models_parse(dialect):
    model = tree_model(fit_trees(max_iter=30)[0])
    text = SqlModel.from_bytes(model.SerializeToString()).query("features", dialect=dialect)
    sqlglot.parse_one(text, dialect=dialect)


def test_no_number_stands_without_an_exponent():
    for dialect in DIALECTS:
        model = models()["trees"]
        text = SqlModel.from_bytes(model.SerializeToString()).query("features", dialect=dialect)
        for number in sqlglot.parse_one(text, dialect=dialect).find_all(exp.Literal):
            if number.is_number and not number.this.isdigit():
                assert "e" in number.this.lower(), (dialect, number.sql())


def test_another_dialect_is_refused_with_those_there_are():
    model = SqlModel.from_bytes(linear_model([1.0]).SerializeToString())
    with pytest.raises(SqlError, match="no dialect 'oracle'; choose one of duckdb, spark"):
        model.query("t", dialect="oracle")
    with pytest.raises(
        SqlError, match=r"takes [0-9,]+ characters of SQL, more than the limit of 9"
    ):
        model.query("t", most_characters=9)


def test_doubles_compare_as_their_float32_would():
    rng = np.random.default_rng(0)
    thresholds = np.concatenate([ODD_THRESHOLDS, rng.normal(size=50).astype(np.float32)])
    for threshold in thresholds:
        limit = _last_double_rounding_to(float(threshold))
        with np.errstate(all="ignore"):
            near = np.array(
                [limit, np.nextafter(limit, np.inf), np.nextafter(limit, -np.inf), threshold]
                + [np.nextafter(threshold, np.float32(side)) for side in (np.inf, -np.inf)],
                np.float64,
            )
            rounded = near.astype(np.float32)
            # The border makes infinite what float32 would.
            near = np.where(np.isinf(rounded), rounded, near)
        np.testing.assert_array_equal(near <= limit, rounded <= threshold)
