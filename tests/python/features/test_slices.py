"""For few customers a view is computed from their own rows, where other rows cannot matter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from holdfast.features import FeatureStore
from holdfast.features._definitions import read_definitions
from holdfast.features._slices import Slices, find_slices

AS_OF = dt.datetime(2026, 3, 5)
EVENTS = '"shop"."main"."events"'

ALONE = {
    "inner join": """
        select spine.customer_id, spine.as_of, count(*) as f
        from __holdfast_spine__ as spine
        inner join {events} as events
            on events.seen_at < spine.as_of and events.customer_id = spine.customer_id
        group by spine.customer_id, spine.as_of
    """,
    "left join": """
        select spine.customer_id, spine.as_of, count(events.seen_at) as f
        from __holdfast_spine__ as spine
        left join {events} on spine.customer_id = events.customer_id and events.seen_at < as_of
        group by all
    """,
    "window within the customer": """
        with gaps as (
            select customer_id, seen_at, date_diff('day', lag(seen_at) over so_far, seen_at) as gap
            from {events}
            window so_far as (partition by customer_id order by seen_at)
        ),
        final as (
            select spine.*, max(gaps.gap) as f
            from __holdfast_spine__ as spine
            left join gaps on gaps.customer_id = spine.customer_id and gaps.seen_at < spine.as_of
            group by all
        )
        select * from final
    """,
    "chain of left joins": """
        select spine.customer_id, spine.as_of, any_value(b.amount order by b.amount) as f
        from __holdfast_spine__ as spine
        left join {events} as a on a.customer_id = spine.customer_id
        left join {events} as b on b.customer_id = a.customer_id and b.seen_at < spine.as_of
        group by all
    """,
    "union by name": """
        with twice as (
            select customer_id, seen_at from {events} union all by name
            select seen_at, customer_id from {events}
        )
        select spine.customer_id, spine.as_of, count(twice.seen_at) as f
        from __holdfast_spine__ as spine
        left join twice on twice.customer_id = spine.customer_id
        group by all
    """,
    "a table without the key": """
        select spine.customer_id, spine.as_of, sum(events.amount * rates.rate) as f
        from __holdfast_spine__ as spine
        left join {events} as events on events.customer_id = spine.customer_id
        cross join "shop"."main"."rates" as rates
        group by all
    """,
}

TOGETHER = {
    "rank among all": """
        with ranked as (
            select customer_id, max(r) as f
            from (select customer_id, rank() over (order by amount) as r from {events}) as x
            group by all
        )
        select spine.customer_id, spine.as_of, ranked.f
        from __holdfast_spine__ as spine
        left join ranked on ranked.customer_id = spine.customer_id
    """,
    "a scalar subquery": """
        select spine.customer_id, spine.as_of, (select max(amount) from {events}) as f
        from __holdfast_spine__ as spine
        left join {events} as e on e.customer_id = spine.customer_id
        group by all
    """,
    "a total over all": """
        with total as (select sum(amount) as total from {events})
        select spine.customer_id, spine.as_of, total.total as f
        from __holdfast_spine__ as spine
        cross join total
    """,
    "the first rows of all": """
        with newest as (select * from {events} order by seen_at desc limit 1)
        select spine.customer_id, spine.as_of, count(newest.seen_at) as f
        from __holdfast_spine__ as spine
        left join newest on newest.customer_id = spine.customer_id
        group by all
    """,
    "another column named as the key": """
        with others as (select amount as customer_id, count(*) as n from {events} group by all)
        select spine.customer_id, spine.as_of, sum(others.n) as f
        from __holdfast_spine__ as spine
        left join others on others.customer_id = spine.customer_id
        group by all
    """,
    "a join on something else": """
        select spine.customer_id, spine.as_of, count(peers.seen_at) as f
        from __holdfast_spine__ as spine
        left join {events} as own on own.customer_id = spine.customer_id
        left join {events} as peers on peers.amount = own.amount
        group by all
    """,
    "a key that is linked through a third": """
        select spine.customer_id, spine.as_of, max(b.amount) as f
        from __holdfast_spine__ as spine
        left join {events} as a on a.customer_id = spine.customer_id
        left join {events} as b on b.amount >= a.amount
        left join {events} as c on c.customer_id = b.customer_id and c.customer_id = a.customer_id
        group by all
    """,
    "an unequal join": """
        select spine.customer_id, spine.as_of, count(e.seen_at) as f
        from __holdfast_spine__ as spine
        left join {events} as e on e.customer_id <= spine.customer_id
        group by all
    """,
    "a positional join": """
        with numbered as (
            select e.customer_id, r.rate
            from "shop"."main"."rates" as r
            positional join {events} as e
        )
        select spine.customer_id, spine.as_of, max(numbered.rate) as f
        from __holdfast_spine__ as spine
        left join numbered on numbered.customer_id = spine.customer_id
        group by all
    """,
    "a second column of the key's name": """
        with pairs as (
            select a.*, b.customer_id
            from (select rate as customer_id from "shop"."main"."rates") as a
            inner join {events} as b on true
        )
        select spine.customer_id, spine.as_of, count(pairs.customer_id) as f
        from __holdfast_spine__ as spine
        left join pairs on pairs.customer_id = spine.customer_id
        group by all
    """,
    "one of two keys of the spine": """
        with pairs as (select customer_id, as_of, 3 - customer_id as other from __holdfast_spine__)
        select pairs.customer_id, pairs.as_of, count(e.seen_at) as f
        from pairs
        left join {events} as e on e.customer_id = pairs.other
        group by all
    """,
}


@pytest.fixture
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            """
            attach ':memory:' as shop;
            use shop;
            create table events as
            select
                1 + i % 3 as customer_id,
                timestamp '2026-01-01' + to_days(cast(i * i % 50 as integer)) as seen_at,
                i % 4 as amount,
            from range(20) as numbers (i);
            create table rates as select 2 as rate;
            create table built as select 1::bigint as customer_id, timestamp '2026-01-01' as as_of;
            """
        )
        yield connection


def define(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    connection.execute(
        "create or replace table feature_definitions as select 'v' as feature_view, "
        "'shop.main.built' as relation, ['customer_id'] as entity, cast(? as varchar) as sql",
        [sql.format(events=EVENTS)],
    )


def slices(connection: duckdb.DuckDBPyConnection) -> Slices | None:
    view = read_definitions(connection, "feature_definitions").by_view["v"]
    return find_slices(connection, view)


@pytest.mark.parametrize("name", ALONE)
def test_a_view_of_each_customer_alone_reads_only_those_asked_for(
    name: str, shop: duckdb.DuckDBPyConnection
) -> None:
    define(shop, ALONE[name])
    found = slices(shop)
    assert found is not None
    assert {relation.name for relation in found.relations} == {EVENTS}


@pytest.mark.parametrize("name", TOGETHER)
def test_a_view_in_which_other_customers_matter_reads_all(
    name: str, shop: duckdb.DuckDBPyConnection
) -> None:
    define(shop, TOGETHER[name])
    assert slices(shop) is None


@pytest.mark.parametrize("name", [*ALONE, *TOGETHER])
def test_few_customers_get_what_the_whole_view_gives_them(
    name: str, shop: duckdb.DuckDBPyConnection, rows: Any
) -> None:
    sql = {**ALONE, **TOGETHER}[name]
    define(shop, sql)
    shop.execute(
        "create table everyone as select i::bigint as customer_id, timestamp '2026-03-05' as as_of "
        "from range(1, 5) as ids (i)"
    )
    whole = sql.format(events=EVENTS).replace("__holdfast_spine__", "everyone")
    expected = dict(shop.sql(f"select customer_id, f from ({whole})").fetchall())
    with FeatureStore(shop) as store:
        for asked in ([1], [2, 4]):
            entities = pa.table({"customer_id": asked, "as_of": [AS_OF] * len(asked)})
            found = rows(store.historical_features(entities))
            assert {r["customer_id"]: r["f"] for r in found} == {i: expected.get(i) for i in asked}


def test_ids_of_another_type_than_the_events_have_read_all(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    define(shop, ALONE["inner join"])
    shop.execute(
        "create or replace table built as select '1' as customer_id, current_timestamp as as_of"
    )
    assert slices(shop) is None


def test_a_relation_that_a_comment_or_text_names_stays_there(
    shop: duckdb.DuckDBPyConnection, rows: Any
) -> None:
    define(
        shop,
        f"""
        select spine.customer_id, spine.as_of, '{EVENTS} é' as f, count(events.seen_at) as n
        from __holdfast_spine__ as spine -- and {EVENTS}
        left join {{events}} on events.customer_id = spine.customer_id
        group by all
        """,
    )
    assert slices(shop) is not None
    with FeatureStore(shop) as store:
        (row,) = rows(store.latest_features(1))
    assert (row["f"], row["n"]) == (f"{EVENTS} é", 7)
