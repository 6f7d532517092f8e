"""A feature at a time counts what was before that time, to the microsecond, and nothing else."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.features import FeatureStore

MICROSECOND = dt.timedelta(microseconds=1)
ORDER = dt.datetime(2026, 3, 5)


@pytest.mark.parametrize(
    ("as_of", "lifetime"),
    [(ORDER - MICROSECOND, 2), (ORDER, 2), (ORDER + MICROSECOND, 3)],
    ids=["one microsecond before the event", "at the event", "one microsecond after the event"],
)
def test_an_event_counts_only_after_it_happened(
    as_of: dt.datetime, lifetime: int, store: FeatureStore, rows: Any
) -> None:
    entities = pa.table({"customer_id": ["anna"], "as_of": [as_of]})
    (row,) = rows(store.historical_features(entities, ["order_features.orders_lifetime"]))
    assert (row["as_of"], row["orders_lifetime"]) == (as_of, lifetime)


def test_many_times_of_one_customer_are_kept_apart(store: FeatureStore, rows: Any) -> None:
    times = [
        dt.datetime(1969, 12, 31, 23, 59, 59, 999999),
        dt.datetime(2026, 1, 1, 0, 0, 0, 1),
        dt.datetime(2026, 1, 31, 0, 0, 0, 1),
        dt.datetime(2026, 3, 1, 12, 0, 0, 1),
        dt.datetime(2026, 3, 1, 12, 0, 0, 2),
    ]
    entities = pa.table({"customer_id": ["anna"] * 5, "as_of": times})
    found = rows(
        store.historical_features(entities, ["order_count_30d", "order_features.orders_lifetime"])
    )
    counts = {r["as_of"]: (r["order_count_30d"], r["orders_lifetime"]) for r in found}
    assert [counts[time] for time in times] == [(0, 0), (1, 1), (0, 1), (0, 1), (1, 2)]


times = st.datetimes(dt.datetime(2025, 12, 1), dt.datetime(2026, 2, 1))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    events=st.lists(st.tuples(st.sampled_from("ab"), times), max_size=8),
    asked=st.lists(st.tuples(st.sampled_from("abc"), times), max_size=5),
    at_event=st.booleans(),
)
def test_features_equal_those_of_a_loop_in_python(
    events: list[tuple[str, dt.datetime]],
    asked: list[tuple[str, dt.datetime]],
    at_event: bool,
    connection: duckdb.DuckDBPyConnection,
    rows: Any,
) -> None:
    asked = asked + events if at_event else asked
    connection.execute("delete from shop.orders")
    for customer, ordered_at in events:
        connection.execute("insert into shop.orders values (?, ?, 1)", [customer, ordered_at])
    entities = pa.table(
        {
            "customer_id": pa.array([customer for customer, _ in asked], pa.string()),
            "as_of": pa.array([as_of for _, as_of in asked], pa.timestamp("us")),
        }
    )
    with FeatureStore(connection) as store:
        found = rows(store.historical_features(entities, ["order_count_30d"]))
    expected = [
        (
            customer,
            as_of,
            sum(
                who == customer and as_of - dt.timedelta(days=30) <= ordered_at < as_of
                for who, ordered_at in events
            ),
        )
        for customer, as_of in asked
    ]
    given_ = [(r["customer_id"], r["as_of"], r["order_count_30d"]) for r in found]
    assert sorted(given_) == sorted(expected)


def test_latest_features_come_from_the_events_and_not_from_the_build(
    connection: duckdb.DuckDBPyConnection, rows: Any
) -> None:
    with FeatureStore(connection) as store:
        table = store.latest_features("anna", ["order_features.orders_lifetime"])
        assert [r["orders_lifetime"] for r in rows(table)] == [3]
        connection.execute("insert into shop.orders values ('anna', '2026-03-06', 1)")
        table = store.latest_features("anna", ["order_features.orders_lifetime"])
        assert [r["orders_lifetime"] for r in rows(table)] == [4]


def test_latest_features_without_a_time_are_of_now_in_utc(
    connection: duckdb.DuckDBPyConnection, rows: Any
) -> None:
    connection.execute("set timezone = 'Pacific/Kiritimati'")
    before = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    with FeatureStore(connection) as store:
        (row,) = rows(store.latest_features("anna", ["month_of_year"]))
    assert before <= row["as_of"] <= dt.datetime.now(dt.UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    "at",
    [
        dt.datetime(2026, 3, 2),
        dt.date(2026, 3, 2),
        dt.datetime(2026, 3, 2, 9, tzinfo=dt.timezone(dt.timedelta(hours=9))),
    ],
    ids=["naive", "date", "aware"],
)
def test_latest_features_at_a_time_count_what_was_before_it(
    at: Any, store: FeatureStore, rows: Any
) -> None:
    (row,) = rows(store.latest_features(["anna"], ["order_features.orders_lifetime"], at=at))
    assert (row["as_of"], row["orders_lifetime"]) == (dt.datetime(2026, 3, 2), 2)


@pytest.mark.parametrize(
    "ids",
    [
        ["anna", "x", "anna"],
        ("anna", "x", "anna"),
        pa.array(["anna", "x", "anna"]),
        pa.chunked_array([["anna", "x"], ["anna"]]),
        iter(["anna", "x", "anna"]),
    ],
    ids=["list", "tuple", "array", "chunked array", "iterator"],
)
def test_latest_features_give_a_row_per_id(ids: Any, store: FeatureStore, rows: Any) -> None:
    found = rows(store.latest_features(ids, ["order_count_30d"], at=dt.date(2026, 3, 6)))
    assert sorted((r["customer_id"], r["order_count_30d"]) for r in found) == [
        ("anna", 2),
        ("anna", 2),
        ("x", 0),
    ]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_latest_features_take_a_series(library: str, store: FeatureStore, rows: Any) -> None:
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    found = rows(store.latest_features(module.Series(["anna", "x"]), ["order_count_30d"]))
    assert sorted(r["customer_id"] for r in found) == ["anna", "x"]


def test_no_ids_give_no_rows(store: FeatureStore, rows: Any) -> None:
    assert rows(store.latest_features([], ["order_count_30d"])) == []
