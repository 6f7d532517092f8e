from __future__ import annotations

import logging
from typing import Any

import duckdb
import ibis
import numpy as np
import pytest

from holdfast.tasks import Recipe, Task, TaskSettings
from holdfast.training import TrainingError
from holdfast.training._dataset import Dataset, describe, read_dataset
from holdfast.training._sample import sample_rows
from holdfast.warehouse.relations import Source, open_source

THREE_ROWS = """(values
    (2, timestamp '2024-02-01', true, 1.5::float, null::float),
    (1, timestamp '2024-01-01', false, 2.5::float, 3::float),
    (2, timestamp '2024-01-01', null, 9::float, 9::float)
) as t(customer_id, as_of, churned, a, b)"""


def read(session: duckdb.DuckDBPyConnection, relation: Any, **settings: Any) -> Dataset:
    source = open_source(session, relation)
    checked = TaskSettings.from_mapping(settings)
    task, recipe = checked.task, checked.recipe
    return read_dataset(source, task, recipe, describe(source, task, recipe))


def assert_three_rows(data: Dataset) -> None:
    assert data.names == ("a", "b")
    assert data.features.dtype == np.float32
    np.testing.assert_array_equal(data.features, np.array([[2.5, 3], [1.5, np.nan]], np.float32))
    assert data.y.tolist() == [0, 1]
    assert data.as_of.astype("datetime64[D]").astype(str).tolist() == ["2024-01-01", "2024-02-01"]


def test_rows_without_label_are_left_out_and_order_is_by_time(session):
    assert_three_rows(read(session, THREE_ROWS))


def test_relation_and_name_give_the_same_rows(session):
    session.execute(f'create table "T ""x" as select * from {THREE_ROWS}')
    by_relation = read(session, session.query('select * from "T ""x"'))
    assert_three_rows(by_relation)
    assert read(session, '"T ""x"').fingerprint() == by_relation.fingerprint()


def test_ibis_table_is_read_by_its_own_connection(session):
    backend = ibis.duckdb.connect()
    backend.raw_sql(f"create table t as select * from {THREE_ROWS}")
    assert_three_rows(read(session, backend.table("t").mutate(a=ibis._.a)))
    backend.disconnect()


def test_session_is_left_as_it_was(session):
    session.execute("set timezone = 'Europe/Copenhagen'")
    settings = "select name, value from duckdb_settings() order by name"
    tables = "select count(*) from duckdb_views() where not internal"
    before = session.execute(settings).fetchall(), session.execute(tables).fetchall()
    read(session, session.query(f"select * from {THREE_ROWS}"))
    assert (session.execute(settings).fetchall(), session.execute(tables).fetchall()) == before


def test_session_time_zone_does_not_matter(session):
    relation = """(select 1 as customer_id, true as churned, 1.0 as a,
        timestamptz '2024-01-01 00:00:00+00' as as_of)"""
    session.execute("set timezone = 'America/New_York'")
    source = open_source(session, relation)
    assert describe(source, Task(), Recipe()).last_as_of == np.datetime64("2024-01-01", "us")
    assert read(session, relation).as_of[0] == np.datetime64("2024-01-01", "us")


def test_text_feature_is_named(session):
    with pytest.raises(TrainingError, match="'plan' is of type string"):
        read(session, f"(select *, 'gold' as plan from {THREE_ROWS})")


@pytest.mark.parametrize("column", ["customer_id", "as_of", "churned"])
def test_missing_key_column_is_named(session, column: str):
    with pytest.raises(TrainingError, match=f"no column '{column}'"):
        read(session, f"(select * exclude ({column}) from {THREE_ROWS})")


@pytest.mark.parametrize("dtype", ["boolean", "tinyint", "ubigint", "double", "decimal(4, 1)"])
def test_label_may_be_boolean_or_a_number_that_is_0_or_1(session, dtype: str):
    relation = f"(select * replace (churned::integer::{dtype} as churned) from {THREE_ROWS})"
    assert_three_rows(read(session, relation))


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("customer_id", "it is int32 and it holds '2'"),
        ("if(churned, 'yes', 'no')", "it is string and it holds 'no', 'yes'"),
        ("if(churned, 'nan'::double, 0.5)", "it is float64 and it holds '0.5', 'nan'"),
        ("as_of", "'2024-01-01 00:00:00', '2024-02-01 00:00:00'"),
        ("null::varchar", "it is string and it holds no value"),
    ],
)
def test_label_of_other_values_is_refused_and_they_are_named(session, label: str, told: str):
    with pytest.raises(TrainingError, match="'churned' must be boolean, or 0 and 1") as caught:
        read(session, f"(select * replace ({label} as churned) from {THREE_ROWS})")
    assert told in str(caught.value)


def test_features_can_be_chosen_and_left_out(session):
    assert read(session, THREE_ROWS, features=["b"]).names == ("b",)
    assert read(session, THREE_ROWS, exclude_features=["b"]).names == ("a",)
    # what is left out may be of any type
    more = f"(select *, 'gold' as plan from {THREE_ROWS})"
    assert read(session, more, exclude_features=["plan"]).names == ("a", "b")


@pytest.mark.parametrize("setting", ["features", "exclude_features"])
def test_feature_that_is_not_there_is_named_with_its_setting(session, setting: str):
    with pytest.raises(TrainingError, match=f"no feature 'c', which {setting} names. It has a, b"):
        read(session, THREE_ROWS, **{setting: ["c"]})
    with pytest.raises(TrainingError, match="leave no feature to learn from"):
        read(session, THREE_ROWS, features=["a"], exclude_features=["a"])


MANY_ROWS = """(
    select
        customer_id,
        timestamp '2024-01-01' + to_months((customer_id % 3)::integer) as as_of,
        if(customer_id % 29 = 0, null, customer_id % 7 = 0) as churned,
        customer_id::float as a
    from range(20_000) as t(customer_id)
)"""


def test_large_training_set_is_sampled_in_every_month_and_outcome(session, caplog):
    with caplog.at_level(logging.INFO):
        data = read(session, MANY_ROWS, max_rows=2000)
    assert 1990 <= len(data) <= 2000
    assert "of 19310 rows" in caplog.text
    whole = read(session, MANY_ROWS)
    assert data.y.mean() == pytest.approx(whole.y.mean(), abs=2e-3)
    for month in np.unique(whole.as_of):
        share = np.mean(data.as_of == month), np.mean(whole.as_of == month)
        assert share[0] == pytest.approx(share[1], abs=2e-3)
    assert set(data.customer.tolist()) < set(whole.customer.tolist())
    assert (np.diff(data.as_of.astype(np.int64)) >= 0).all()


def test_sample_is_the_same_for_the_same_seed_whatever_the_order_of_rows(session):
    first = read(session, MANY_ROWS, max_rows=2000).fingerprint()
    shuffled = f"(select * from {MANY_ROWS} order by hash(customer_id))"
    assert read(session, shuffled, max_rows=2000).fingerprint() == first
    assert read(session, MANY_ROWS, max_rows=2000, seed=8).fingerprint() != first


@pytest.mark.parametrize("dtype", ["date", "timestamptz", "timestamp"])
def test_moments_of_any_type_can_be_sampled(session, dtype: str):
    relation = f"(select * replace (as_of::{dtype} as as_of) from {MANY_ROWS})"
    assert 1990 <= len(read(session, relation, max_rows=2000)) <= 2000


def test_sample_of_moments_that_are_all_different_keeps_to_its_size(session):
    relation = f"""(select * replace (as_of + customer_id * interval 1 second as as_of)
        from {MANY_ROWS})"""
    assert len(read(session, relation, max_rows=2000)) <= 2100


def test_sampling_is_understood_by_spark():
    table = ibis.table(
        {"customer_id": "int64", "as_of": "timestamp", "churned": "boolean"},
        name="training_set",
    )
    said = []

    class Spark(Source):
        """Compiles for Spark and answers with a count."""

        def rows(self, expression: Any) -> list[dict[str, Any]]:
            said.append(ibis.to_sql(expression, dialect="pyspark"))
            return [{"rows": 1}]

    sampled, count = sample_rows(Spark(table, None), table, Task(), Recipe(), 5_000_000)
    assert count == 1
    assert "MD5(" in said[0]
    assert "MD5(" in ibis.to_sql(sampled, dialect="pyspark")


def test_row_without_customer_is_refused(session):
    with pytest.raises(TrainingError, match="2 rows of the training set have no customer_id"):
        read(session, f"(select * replace (null::integer as customer_id) from {THREE_ROWS})")


def test_two_rows_of_one_customer_at_one_as_of_are_refused(session):
    with pytest.raises(TrainingError, match="same customer and as_of, first for customer '1'"):
        read(session, f"(select * from {THREE_ROWS} union all select * from {THREE_ROWS})")


def test_relation_that_does_not_exist_is_refused(session):
    with pytest.raises(TrainingError, match="cannot read this relation"):
        read(session, '"nowhere"')
    with pytest.raises(TrainingError, match="but it is int"):
        read(session, 3)


def test_infinite_values_become_missing_with_a_warning(session, caplog):
    relation = f"(select *, if(as_of > '2024-01-15', 'inf', '-inf')::float as c from {THREE_ROWS})"
    with caplog.at_level(logging.WARNING):
        data = read(session, relation)
    assert np.isnan(data.features[:, 2]).all()
    assert "Feature c has 2 infinite values" in caplog.text


def test_other_numbers_and_booleans_become_float32(session):
    relation = (
        f"(select *, 1.25::decimal(9, 2) as d, true as e, 7::utinyint as f from {THREE_ROWS})"
    )
    assert read(session, relation).features[0].tolist() == [2.5, 3.0, 1.25, 1.0, 7.0]


def test_fingerprint_follows_keys_labels_and_features(session):
    prints = {
        read(session, f"(select * {change} from {THREE_ROWS})").fingerprint()
        for change in (
            "",
            "replace (customer_id + 1 as customer_id)",
            "replace (as_of + interval 1 microsecond as as_of)",
            "replace (not churned as churned)",
            "replace (a + 1::float as a)",
            "rename (a as z)",
        )
    }
    assert len(prints) == 6


def test_feature_hash_ignores_column_order_but_not_types_or_horizon(session):
    def hash_of(relation: str, horizon_days: int = 90) -> str:
        description = describe(open_source(session, relation), Task(), Recipe())
        return description.feature_hash(Task(horizon_days=horizon_days), Recipe())

    plain = hash_of(THREE_ROWS)
    assert hash_of(f"(select b, a, churned, as_of, customer_id from {THREE_ROWS})") == plain
    assert hash_of(f"(select * replace (a::double as a) from {THREE_ROWS})") != plain
    assert hash_of(THREE_ROWS, horizon_days=60) != plain


@pytest.mark.parametrize(
    "change",
    [
        {"estimator": "blend"},
        {"estimator": "blend", "estimator_parameters": {"logistic_regression": {"C": 1.0}}},
        {"seed": 8},
        {"trusted_features": ["a"]},
    ],
)
def test_feature_hash_changes_with_what_the_user_asks_for(session, change: dict[str, Any]):
    description = describe(open_source(session, THREE_ROWS), Task(), Recipe())
    plain = description.feature_hash(Task(), Recipe())
    asked = TaskSettings.from_mapping(change).recipe
    assert description.feature_hash(Task(), asked) != plain
    assert description.feature_hash(Task(), TaskSettings.from_mapping({"seed": 7}).recipe) == plain


PAIRS = """(values
    (1, 'b', timestamp '2024-01-01', true, 1::float),
    (1, 'a', timestamp '2024-01-01', false, 2::float),
    (2, 'a', timestamp '2024-01-01', false, 3::float)
) as t(customer_id, product_id, as_of, churned, a)"""


def test_rows_of_customers_and_products_are_told_apart_by_both(session):
    data = read(session, PAIRS, entity=["customer_id", "product_id"])
    assert data.names == ("a",)
    assert data.features.ravel().tolist() == [2, 1, 3]
    assert data.customer[0] == data.customer[1] != data.customer[2]
    twice = f"(select * from {PAIRS} union all select * from {PAIRS})"
    with pytest.raises(TrainingError, match="same customer, product_id and as_of"):
        read(session, twice, entity=["customer_id", "product_id"])


def test_key_of_an_entity_must_be_filled(session):
    with pytest.raises(
        TrainingError, match=r"3 rows .* no customer_id or no product_id or no as_of"
    ):
        read(
            session,
            f"(select * replace (null::varchar as product_id) from {PAIRS})",
            entity=["customer_id", "product_id"],
        )


def test_products_of_a_customer_are_sampled_each_by_its_own_hash(session):
    session.execute("""
        create table pairs as
        select
            i // 100 as customer_id, i % 100 as product_id, timestamp '2024-01-01' as as_of,
            i % 2 = 0 as churned, i::float as a,
        from range(20000) as t(i)
    """)
    data = read(
        session, "pairs", entity=["customer_id", "product_id"], max_rows=1000, label="churned"
    )
    assert 900 <= len(data) <= 1000
    assert len(np.unique(data.customer)) > 150
