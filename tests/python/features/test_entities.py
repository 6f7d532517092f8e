"""Customers and times may come as any frame or table, and come back whole."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pytest

from holdfast.features import FeatureError, FeatureStore

MARCH = dt.datetime(2026, 3, 5)
DATA = {
    "customer_id": ["anna", "anna", "nobody"],
    "as_of": [dt.datetime(2026, 1, 2), MARCH, MARCH],
    "label": [True, False, None],
}


def _pandas(_: Any) -> Any:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    # an index that must not become a column
    return pandas.DataFrame(DATA, index=pandas.Index([5, 7, 9], name="index"))


def _pandas_categorical(connection: Any) -> Any:
    return _pandas(connection).astype({"customer_id": "category"})


def _polars(_: Any) -> Any:
    return pytest.importorskip("polars", reason="polars is not installed").DataFrame(DATA)


def _polars_lazy(connection: Any) -> Any:
    return _polars(connection).lazy()


def _duckdb_relation(connection: duckdb.DuckDBPyConnection) -> Any:
    connection.register("arrow_frame", pa.table(DATA))
    return connection.sql("select * from arrow_frame")


def _temporary(connection: duckdb.DuckDBPyConnection) -> str:
    connection.register("arrow_frame", pa.table(DATA))
    connection.execute("create temp table mine as select * from arrow_frame")
    return "mine"


def _committed(connection: duckdb.DuckDBPyConnection) -> None:
    connection.register("arrow_frame", pa.table(DATA))
    connection.execute('create table shop."my labels" as select * from arrow_frame')


def _bare_name(connection: duckdb.DuckDBPyConnection) -> str:
    _committed(connection)
    return "my labels"


def _qualified_name(connection: duckdb.DuckDBPyConnection) -> str:
    _committed(connection)
    return 'shop."my labels"'


def _registered_frame(connection: duckdb.DuckDBPyConnection) -> str:
    connection.register("frame", pa.table(DATA))
    return "frame"


def _ibis(connection: duckdb.DuckDBPyConnection) -> Any:
    _committed(connection)
    backend = ibis.duckdb.from_connection(connection.cursor())
    table = ibis.table(
        {"customer_id": "string", "as_of": "timestamp(6)", "label": "boolean"}, name="my labels"
    )
    operation = ibis.expr.operations.DatabaseTable(
        "my labels",
        schema=table.schema(),
        source=backend,
        namespace=ibis.expr.operations.Namespace(database="shop"),
    )
    return operation.to_expr()


def _ibis_memtable(_: Any) -> Any:
    pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("pyarrow_hotfix", reason="pyarrow_hotfix is not installed")
    return ibis.memtable(pa.table(DATA))


KINDS = {
    "pandas": _pandas,
    "pandas_categorical": _pandas_categorical,
    "polars": _polars,
    "polars_lazy": _polars_lazy,
    "arrow_table": lambda _: pa.table(DATA),
    "arrow_dictionary": lambda _: pa.table(
        DATA | {"customer_id": pa.array(DATA["customer_id"]).dictionary_encode()}
    ),
    "arrow_reader": lambda _: pa.table(DATA).to_reader(),
    "duckdb_relation": _duckdb_relation,
    "ibis": _ibis,
    "ibis_memtable": _ibis_memtable,
    "temporary_table": _temporary,
    "bare_name": _bare_name,
    "qualified_name": _qualified_name,
    "registered_frame": _registered_frame,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_entities_gives_the_same_features(
    kind: str, connection: duckdb.DuckDBPyConnection, rows: Any
) -> None:
    entities = KINDS[kind](connection)
    with FeatureStore(connection) as store:
        table = store.historical_features(entities, ["order_count_30d"])
        found = rows(table)
    assert table.columns == ("customer_id", "as_of", "label", "order_count_30d")
    found.sort(key=lambda row: (row["customer_id"], row["as_of"]))
    # anna's order of 1 January is more than 30 days before March; 1 and not 2 by then
    expected = [("anna", 1, True), ("anna", 1, False), ("nobody", 0, None)]
    assert [(r["customer_id"], r["order_count_30d"], r["label"]) for r in found] == expected


def test_rows_are_kept_as_often_as_they_are_there(store: FeatureStore, rows: Any) -> None:
    entities = pa.table({"customer_id": ["anna"] * 3 + ["nobody"], "as_of": [MARCH] * 4})
    found = rows(store.historical_features(entities, ["order_features.orders_lifetime"]))
    assert sorted((r["customer_id"], r["orders_lifetime"]) for r in found) == [
        ("anna", 2),
        ("anna", 2),
        ("anna", 2),
        ("nobody", 0),
    ]


def test_null_keys_are_kept_without_features(store: FeatureStore, rows: Any) -> None:
    entities = pa.table(
        {"customer_id": [None, "anna", None], "as_of": [MARCH, None, None], "row": [1, 2, 3]}
    )
    found = rows(store.historical_features(entities, ["order_count_30d", "month_of_year"]))
    assert sorted(r["row"] for r in found) == [1, 2, 3]
    assert {(r["order_count_30d"], r["month_of_year"]) for r in found} == {(None, None)}


def test_ids_of_nothing_but_null_fit_every_type(store: FeatureStore, rows: Any) -> None:
    for ids in (pa.nulls(2), pa.nulls(2, pa.int64())):
        entities = pa.table({"customer_id": ids, "as_of": [MARCH] * 2})
        found = rows(store.historical_features(entities, ["order_count_30d"]))
        assert [r["order_count_30d"] for r in found] == [None, None]


def test_no_entities_give_no_rows_even_if_their_columns_have_no_type(
    store: FeatureStore, rows: Any
) -> None:
    entities = pa.table({"customer_id": pa.nulls(0), "as_of": pa.nulls(0)})
    assert rows(store.historical_features(entities, ["order_count_30d"])) == []


def test_ids_with_quotes_and_unicode_are_found(store: FeatureStore, odd_id: str, rows: Any) -> None:
    entities = pa.table({"customer_id": [odd_id, odd_id + " "], "as_of": [MARCH] * 2})
    found = rows(store.historical_features(entities, ["order_count_30d"]))
    assert {r["customer_id"]: r["order_count_30d"] for r in found} == {odd_id: 1, odd_id + " ": 0}


def test_columns_with_quotes_come_through(store: FeatureStore, rows: Any) -> None:
    entities = pa.table({"customer_id": ["anna"], "as_of": [MARCH], 'my "own", label': [7]})
    (row,) = rows(store.historical_features(entities, ['is big, "really"']))
    assert row['my "own", label'] == 7
    assert row['is big, "really"'] is True


def test_as_of_with_a_time_zone_is_converted_to_utc(store: FeatureStore, rows: Any) -> None:
    # 01:00 in Tokyo on the 5th is 16:00 UTC on the 4th
    tokyo = dt.datetime(2026, 3, 5, 1, tzinfo=dt.timezone(dt.timedelta(hours=9)))
    entities = pa.table(
        {"customer_id": ["anna"], "as_of": pa.array([tokyo], pa.timestamp("ns", "Asia/Tokyo"))}
    )
    (row,) = rows(store.historical_features(entities, ["order_count_30d"]))
    assert row["as_of"] == dt.datetime(2026, 3, 4, 16)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_every_unit_of_time_becomes_microseconds(unit: str, store: FeatureStore, rows: Any) -> None:
    entities = pa.table({"customer_id": ["anna"], "as_of": pa.array([MARCH], pa.timestamp(unit))})
    (row,) = rows(store.historical_features(entities, ["order_features.orders_lifetime"]))
    assert (row["as_of"], row["orders_lifetime"]) == (MARCH, 2)


def test_a_date_is_its_midnight(store: FeatureStore, rows: Any) -> None:
    entities = pa.table({"customer_id": ["anna"], "as_of": [MARCH.date()]})
    (row,) = rows(store.historical_features(entities, ["order_features.orders_lifetime"]))
    assert (row["as_of"], row["orders_lifetime"]) == (MARCH, 2)


@pytest.mark.parametrize(
    ("entities", "message"),
    [
        ({"customer": ["a"], "as_of": [MARCH]}, "no column customer_id; they have customer, as_of"),
        ({"customer_id": ["a"], "at": [MARCH]}, "no column as_of; they have customer_id, at"),
        ({"customer_id": ["a"], "as_of": ["2026-03-05"]}, "as_of .* but it is VARCHAR"),
        ({"customer_id": ["a"], "as_of": [20260305]}, "as_of .* but it is BIGINT"),
        ({"customer_id": [1.0], "as_of": [MARCH]}, "customer_id .* is DOUBLE, but it is VARCHAR"),
        ({"customer_id": [17], "as_of": [MARCH]}, "customer_id .* is BIGINT, but it is VARCHAR"),
        (
            {"customer_id": ["a"], "as_of": [MARCH], "Order_count_30d": [1]},
            "already have a column order_count_30d",
        ),
    ],
)
def test_unusable_columns_are_named(
    entities: dict[str, list[Any]], message: str, store: FeatureStore
) -> None:
    with pytest.raises(FeatureError, match=message):
        store.historical_features(pa.table(entities), ["order_count_30d"])


def test_a_column_that_is_there_twice_is_named(store: FeatureStore) -> None:
    entities = pa.table(
        [pa.array(["a"]), pa.array([MARCH]), pa.array([MARCH])],
        names=["customer_id", "as_of", "As_Of"],
    )
    with pytest.raises(FeatureError, match="column as_of more than once"):
        store.historical_features(entities)


@pytest.mark.parametrize("entities", [[("a", MARCH)], 7, {"customer_id": ["a"]}])
def test_other_kinds_of_entities_are_refused(entities: Any, store: FeatureStore) -> None:
    with pytest.raises(FeatureError, match="entities must be a table of customer_id and as_of"):
        store.historical_features(entities)


@pytest.mark.parametrize("name", ["nowhere", "shop.nowhere", "select 1; drop table shop.orders"])
def test_a_relation_that_is_not_there_is_named(name: str, store: FeatureStore) -> None:
    with pytest.raises(FeatureError, match=r"nowhere|drop table"):
        store.historical_features(name)


def test_a_python_variable_is_no_relation(store: FeatureStore) -> None:
    frame = pa.table({"customer_id": ["anna"], "as_of": [MARCH]})
    with pytest.raises(FeatureError, match="no relation 'frame'"):
        store.historical_features("frame")
    assert frame.num_rows == 1


class TestNumericIds:
    """The warehouse's ids are BIGINT; the frame's may be of another type, but not other ids."""

    @pytest.fixture
    def store(self) -> Any:
        with duckdb.connect() as connection:
            connection.execute(
                """
                create table built as
                select 7::bigint as customer_id, timestamp '2026-01-01' as as_of;

                create table feature_definitions as
                select
                    'v' as feature_view, 'built' as relation, ['customer_id'] as entity,
                    'select *, customer_id * 2 as twice from __holdfast_spine__' as sql
                """
            )
            with FeatureStore(connection) as store:
                yield store

    @pytest.mark.parametrize("ids", [["7", None], [7.0, None], [7, None]])
    def test_the_same_ids_in_another_type_are_found(
        self, ids: Any, store: FeatureStore, rows: Any
    ) -> None:
        entities = pa.table({"customer_id": ids, "as_of": [MARCH] * 2})
        found = rows(store.historical_features(entities))
        assert sorted(str(r["twice"]) for r in found) == ["14", "None"]
        assert {r["customer_id"] for r in found} == set(ids)

    @pytest.mark.parametrize("ids", [["007"], ["x"], [7.5], [2**64 - 1]])
    def test_ids_that_would_be_changed_are_refused(self, ids: Any, store: FeatureStore) -> None:
        kind = pa.uint64() if ids == [2**64 - 1] else None
        entities = pa.table({"customer_id": pa.array(ids, kind), "as_of": [MARCH]})
        with pytest.raises(FeatureError, match="it is BIGINT in the warehouse"):
            store.historical_features(entities)
