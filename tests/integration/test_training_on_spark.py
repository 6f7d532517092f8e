"""Training on an Ibis table of PySpark is training on the same rows in DuckDB."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pytest

from holdfast.scoring import OnnxModel
from holdfast.tasks import TaskSettings
from holdfast.training import REGISTRY_SCHEMA, TrainingError, train
from holdfast.training._dataset import Dataset, describe, read_dataset
from holdfast.warehouse.relations import open_source
from local_spark import TIME_ZONE
from projects import ROOT

pytestmark = [
    pytest.mark.slow,
    # PySpark leaves its sockets to the garbage collector
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

PAGE = (ROOT / "docs" / "spark.md").read_text(encoding="utf-8")

# 150 customers at the first days of 12 months; a tenth of the labels is not known. The names of two
# features are those that the rows are read by.
ROWS = """
    select
        customer_id,
        date '2024-01-01' + to_months(month::integer) as as_of,
        if(noise % 10 = 0, null, noise % 150 + 10 * ln(noise % 97 + 1) < customer_id) as churned,
        if(noise % 7 = 0, null, (300 - customer_id) / (1 + noise % 3))::float as days_since_order,
        noise % 100_000 / 37e0 as "Umsatz, 90 Tage",
        case noise % 11
            when 0 then 'nan'::float when 1 then 'inf'::float when 3 then noise
        end as y,
        (1 << 24) + noise % 1000 as customer,
        noise % 2 = 0 as is_member,
    from (
        select customer_id, month, (hash(customer_id * 12 + month) % 1_000_000)::bigint as noise
        from range(1, 151) as c (customer_id), range(12) as m (month)
    )
"""


@pytest.fixture
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


@pytest.fixture
def on_spark(
    spark: Any, session: duckdb.DuckDBPyConnection, tmp_path: Path
) -> Iterator[Callable[[str], ibis.Table]]:
    """Give a function that brings the rows of a DuckDB query to Spark, as an Ibis table."""
    backend = ibis.pyspark.connect(spark)
    # connecting sets it to UTC
    spark.conf.set("spark.sql.session.timeZone", TIME_ZONE)
    # several partitions to be read one after the other
    spark.conf.set("spark.sql.adaptive.enabled", "false")

    def bring(sql: str, name: str = "training_set") -> ibis.Table:
        path = tmp_path / f"{name}.parquet"
        session.execute(f"copy (from ({sql})) to '{path}'")
        spark.read.parquet(str(path)).repartition(3).createOrReplaceTempView(name)
        return backend.table(name)

    yield bring
    assert spark.conf.get("spark.sql.session.timeZone") == TIME_ZONE
    spark.conf.unset("spark.sql.adaptive.enabled")


def read(session: Any, relation: Any, **settings: Any) -> Dataset:
    source = open_source(session, relation)
    checked = TaskSettings.from_mapping(settings)
    task, recipe = checked.task, checked.recipe
    return read_dataset(source, task, recipe, describe(source, task, recipe))


def test_page_trains_and_scores_on_spark_what_duckdb_would(session, on_spark, spark):
    """What docs/spark.md shows; the same rows give the same models, byte for byte."""
    table = on_spark(ROWS, "churn_training_set")
    on_spark(f"from ({ROWS}) select * exclude (churned)", "customer_features")
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    variables: dict[str, Any] = {}
    exec(example, variables)
    spark.conf.set("spark.sql.session.timeZone", TIME_ZONE)
    there = variables["models"]
    here = train(session, session.query(ROWS)).to_pylist()
    assert len(there) > 4
    for one, other in zip(here, there, strict=True):
        assert one["model_id"] == other["model_id"]
        assert one["onnx"] == other["onnx"]
        assert one["feature_hash"] == other["feature_hash"]
        assert json.loads(one["parameters"]) == json.loads(other["parameters"])

    model = OnnxModel.from_bytes(variables["champion"]["onnx"])
    columns = session.query(f"from ({ROWS}) order by customer_id, as_of").fetchnumpy()
    rows = [np.ma.filled(columns[name].astype(float), np.nan) for name in model.feature_names]
    scores = spark.sql("from churn_scores select * order by customer_id, as_of").toArrow()
    assert scores.column_names == ["customer_id", "as_of", "churn_probability"]
    np.testing.assert_allclose(
        scores.column("churn_probability").to_numpy(),
        model.predict(np.stack(rows, axis=1).astype(np.float32)),
        atol=1e-6,
    )
    spark.sql("drop table churn_scores")

    # with the rows of before, training knows that it is not due
    session.register("registry", pa.Table.from_pylist(there, schema=REGISTRY_SCHEMA))
    former = on_spark("from registry", "churn_models")
    assert train(None, table, former=former).num_rows == 0


@pytest.mark.parametrize(
    ("moment", "customer"),
    [("date", "bigint"), ("timestamp", "varchar"), ("timestamptz", "bigint")],
)
def test_same_rows_are_read_and_sampled(session, on_spark, moment: str, customer: str):
    # bytes decide on the order of texts: U+FF5E comes before U+1F600, which UTF-16 has first
    signs = "['', 'Z', 'a', 'é', '\uff5e', '\U0001f600']"
    customer_id = (
        "customer_id - 9_000_000_000"
        if customer == "bigint"
        else f"{signs}[customer_id % 6 + 1] || customer_id"
    )
    sql = f"""from ({ROWS}) select * replace (
        {customer_id} as customer_id, as_of::{moment} as as_of)"""
    table = on_spark(sql)
    whole = read(session, table)
    assert whole.fingerprint() == read(session, session.query(sql)).fingerprint()
    here, there = (read(session, each, max_rows=1000) for each in (session.query(sql), table))
    assert 980 <= len(there) <= 1000 < len(whole)
    assert there.fingerprint() == here.fingerprint()


def test_time_of_day_is_an_instant(session, on_spark):
    """Half an hour before a month begins in UTC it is still the day before in St John's."""
    sql = f"""from ({ROWS}) select * replace (
        (as_of::timestamp - interval 30 minute)::timestamptz as as_of)"""
    data = read(session, on_spark(sql))
    assert data.as_of[0] == np.datetime64("2023-12-31T23:30:00", "us")
    assert data.fingerprint() == read(session, session.query(sql)).fingerprint()


def test_missing_values_and_infinities_are_as_in_duckdb(session, on_spark, caplog):
    with caplog.at_level(logging.WARNING):
        data = read(session, on_spark(ROWS), features=["y", "days_since_order"])
    assert "Feature y has" in caplog.text
    features = data.features[:, data.names.index("y")]
    assert not np.isinf(features).any()
    assert 0.85 < np.isnan(features).mean() < 0.95


def test_decimals_differ_from_duckdb_by_the_last_bit_at_most(session, on_spark):
    """Above 2^24; Spark rounds a decimal to the nearest float32, DuckDB divides two of them."""
    decimals = "(hash(customer_id, as_of) % 10_000_000_000)::decimal(18, 4) / 100"
    sql = (
        f"from ({ROWS}) select customer_id, as_of, churned, ({decimals})::decimal(18, 4) as amount"
    )
    here, there = (read(session, each) for each in (session.query(sql), on_spark(sql)))
    np.testing.assert_array_max_ulp(here.features, there.features, maxulp=1)
    assert (here.features != there.features).any()
    doubled = f"from ({sql}) select * replace (amount::double as amount)"
    here, there = (read(session, each) for each in (session.query(doubled), on_spark(doubled)))
    assert here.fingerprint() == there.fingerprint()


@pytest.mark.parametrize(
    ("label", "told", "ansi"),
    [
        ("if(churned, 'yes', 'no')", "it is string and it holds 'no', 'yes'", "true"),
        ("if(churned, 'yes', 'no')", "it is string and it holds 'no', 'yes'", "false"),
        ("if(churned, 'nan'::double, 0.5)", "it is float64 and it holds '0.5', 'NaN'", "true"),
        ("if(churned, 1, 2)::decimal(3, 1)", "it holds '2.0'", "true"),
        ("as_of", "it is timestamp and it holds '2024-", "false"),
    ],
)
def test_label_of_other_values_is_refused(session, on_spark, spark, label, told, ansi):
    spark.conf.set("spark.sql.ansi.enabled", ansi)
    try:
        table = on_spark(f"from ({ROWS}) select * replace ({label} as churned)")
        with pytest.raises(TrainingError, match="'churned' must be boolean, or 0 and 1") as caught:
            train(session, table)
        assert told in str(caught.value)
    finally:
        spark.conf.unset("spark.sql.ansi.enabled")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("* replace (null::bigint as customer_id)", "rows of the training set have no customer_id"),
        ("*, 'gold' as plan", "'plan' is of type string"),
        ("* replace (7 as customer_id)", "same customer and as_of, first for customer '7'"),
    ],
)
def test_rows_that_are_no_training_set_are_refused(session, on_spark, change: str, told: str):
    with pytest.raises(TrainingError, match=told):
        train(session, on_spark(f"from ({ROWS}) select {change}"))


@pytest.mark.parametrize("dtype", ["double", "decimal(4, 1)"])
def test_label_may_be_a_number(session, on_spark, dtype: str):
    table = on_spark(f"from ({ROWS}) select * replace (churned::integer::{dtype} as churned)")
    assert read(session, table).y.tolist() == read(session, session.query(ROWS)).y.tolist()


def test_numbers_as_labels_and_rows_from_memory(session, on_spark, spark):
    settings = {"label": "amount", "target": "regression", "features": ["days_since_order"]}
    weights = ibis.memtable(pa.table({"is_member": [True, False], "weight": [2.5, 1.0]}))
    table = on_spark(ROWS).join(weights, "is_member")
    amounts = table.mutate(amount=ibis._.weight * ibis._.customer)
    data = read(session, amounts, **settings)
    assert len(data) == 1800
    assert data.y.dtype == np.float64
    assert data.y.max() > 2.5 * 2**24
    # y has NaN and infinities in two rows of eleven
    with pytest.raises(TrainingError, match=r"'amount' is infinite or not a number in \d{3} rows"):
        read(session, table.mutate(amount=ibis._.y), **settings)


def test_empty_training_set_makes_no_model(session, on_spark, caplog):
    table = on_spark(f"from ({ROWS}) select * where churned is null")
    with caplog.at_level(logging.WARNING):
        assert train(session, table).num_rows == 0
    assert "no rows with a known label" in caplog.text
