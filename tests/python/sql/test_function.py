from __future__ import annotations

import subprocess
import sys

import duckdb
import numpy as np
import pytest

from holdfast.scoring import ModelError, OnnxModel
from holdfast.sql import SqlError, create_churn_function, create_what_if_function
from scoring_models import fit_trees, linear_model, tree_model


@pytest.fixture(scope="module")
def trees():
    return tree_model(fit_trees()[0]).SerializeToString()


def test_function_in_a_file_answers_in_another_process_without_holdfast(tmp_path, trees):
    file = tmp_path / "published.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{file}' as p (storage_version 'v1.0.0')")
        connection.execute("use p")
        connection.execute(
            "create table customers as select i as customer_id, (i - 25) / 10e0 as f0,"
            " i % 3 as f1, 0.25 as f2, 0.5 as f3, 1 as f4 from range(50) as t (i)"
        )
        create_churn_function(connection, trees)
    script = f"""
import sys
sys.modules["holdfast"] = None
import duckdb
with duckdb.connect({str(file)!r}, read_only=True) as connection:
    print(connection.execute(
        "select list(churn_probability(f0 := f0 + 1, f1 := f1, f2 := f2, f4 := f4)"
        " order by customer_id) from customers").fetchone()[0])
"""
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    rows = np.full((50, 5), np.nan)
    rows[:, 0] = (np.arange(50) - 25) / 10 + 1
    rows[:, 1] = np.arange(50) % 3
    rows[:, [2, 4]] = [0.25, 1]
    expected = OnnxModel.from_bytes(trees).predict(rows)
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(eval(result.stdout), expected, atol=1e-6)


def test_features_left_out_are_missing_and_any_numeric_type_comes_in(trees):
    model = OnnxModel.from_bytes(trees)
    with duckdb.connect() as connection:
        create_churn_function(connection, trees)
        given = connection.execute(
            "select churn_probability(), churn_probability(f1 := true, f2 := 2, f3 := 1.25,"
            " f4 := 1e300), churn_probability(f0 := 'nan'::double, f4 := -1e300)"
        ).fetchone()
    missing = np.nan
    expected = model.predict(
        [
            [missing] * 5,
            [missing, 1, 2, 1.25, np.inf],
            [missing, missing, missing, missing, -np.inf],
        ]
    )
    np.testing.assert_allclose(given, expected, atol=1e-6)


def test_names_with_quotes_and_spaces_become_parameters():
    blob = linear_model(
        [0.5, -2.0], feature_names='["Umsatz €", "a\\"b; drop"]'
    ).SerializeToString()
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        create_churn_function(connection, blob, name='marts."what if"')
        (given,) = connection.execute(
            'select marts."what if"("Umsatz €" := 1, "a""b; drop" := 0.5)'
        ).fetchone()
    assert given == pytest.approx(1 / (1 + np.exp(0.75)), abs=1e-6)


def test_a_new_model_replaces_the_function(trees):
    with duckdb.connect() as connection:
        create_churn_function(connection, trees)
        create_churn_function(connection, linear_model([1.0], bias=0.0).SerializeToString())
        assert connection.execute("select churn_probability(f0 := 0)").fetchone() == (0.5,)


def test_what_cannot_be_a_function_is_refused_and_the_former_one_stays(trees):
    twins = linear_model([1.0, 2.0], feature_names='["a", "A"]').SerializeToString()
    with duckdb.connect() as connection:
        create_churn_function(connection, linear_model([1.0], bias=0.0).SerializeToString())
        with pytest.raises(SqlError, match=r"characters of SQL, more than the limit of 1,000"):
            create_churn_function(connection, trees, most_characters=1000)
        with pytest.raises(SqlError, match="upper and lower case"):
            create_churn_function(connection, twins)
        with pytest.raises(ModelError, match="SHA-256"):
            create_churn_function(connection, trees, "0" * 64)
        assert connection.execute("select churn_probability(f0 := 0)").fetchone() == (0.5,)


def test_what_if_keeps_the_customers_other_features_wherever_the_file_is_attached(tmp_path):
    blob = linear_model([0.5, -1.0, 2.0]).SerializeToString()
    model = OnnxModel.from_bytes(blob)
    with duckdb.connect() as connection:
        before = connection.execute("select current_database(), current_schema()").fetchone()
        connection.execute(
            f"attach '{tmp_path}/p.duckdb' as \"the file\" (storage_version 'v1.0.0')"
        )
        # f1 is personal: the table does not have it
        connection.execute(
            'create table "the file".main.seen as select 7 as customer_id,'
            " date '2026-01-01' as as_of_date, 'm' as model_id, 0.25::float as f0, 0.5::float as f2"
        )
        create_churn_function(connection, blob, name='"the file".main.churn_probability')
        create_what_if_function(connection, schema='"the file".main', table="seen")
        assert (
            connection.execute("select current_database(), current_schema()").fetchone() == before
        )
    with duckdb.connect(str(tmp_path / "p.duckdb"), read_only=True) as connection:
        asked = connection.execute(
            "select customer_id, churn_probability_as_it_is, churn_probability_what_if"
            " from churn_what_if(7, f0 := 0)"
        ).fetchall()
        with pytest.raises(duckdb.Error, match="f1"):
            connection.execute("from churn_what_if(7, f1 := 3)")
    own, changed = model.predict([[0.25, np.nan, 0.5], [0, np.nan, 0.5]])
    assert asked == [(7, pytest.approx(own, abs=1e-6), pytest.approx(changed, abs=1e-6))]
