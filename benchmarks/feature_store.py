"""What features for one customer, and for a million customers and times, cost.

    python benchmarks/feature_store.py --events 2000000 --latest-events 20000000

Makes the events of feature_view.py (N/20 customers, 730 days) and gives a store the same view, as
dbt compiles it for any spine. Then, in one process:

- `latest_features` of one customer, first call and later ones, over events in the order of time
  with integer ids and with ids of text, in the order of customers, and with an index on the
  customer. The floor is the plain select of that customer's count, sum and max, on the same table.
- `historical_features` for arbitrary customers and times, beside an ASOF join of rows computed
  before: the same view at midnight of every day on which a customer is asked for. That is the least
  that an ASOF join can do with; a table of all customers and days has far more rows. What happened
  since midnight is missing in its answers.

Machines are noisy: read the ratios, and beside the time on the clock (a median) that of the
processor, which what else runs there touches less.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import duckdb
import ibis
from feature_view import VIEW, dbt, make_tables, write_project

from holdfast import FeatureStore

CALLS = 9


def compiled_view(folder: Path) -> str:
    """Let dbt compile the view for any spine, as it stands in `feature_definitions`."""
    code = VIEW[VIEW.index("{{ holdfast.feature_view") :]
    path = folder / "models" / "at_any_time.sql"
    path.write_text(code.replace("ref('spine')", "'__holdfast_spine__'"))
    dbt(folder, "compile", "--select", "at_any_time")
    return (folder / "target" / "compiled" / "bench" / "models" / path.name).read_text()


def define(connection: duckdb.DuckDBPyConnection, sql: str, id_type: str) -> None:
    """Write the table that the store reads."""
    connection.execute(
        f"""
        create or replace table built as
            select cast(null as {id_type}) as customer_id, cast(null as timestamp) as as_of;
        create or replace table feature_definitions (
            feature_view varchar, relation varchar, entity varchar[], sql varchar
        );
        """
    )
    connection.execute(
        "insert into feature_definitions values ('view', 'built', ['customer_id'], ?)", [sql]
    )


class Took(NamedTuple):
    """Seconds of a call, on the clock and of all threads of the processor."""

    clock: float
    cpu: float


def timed(call: Callable[[], object]) -> Took:
    """Time a call."""
    clock, cpu = time.perf_counter(), time.process_time()
    call()
    return Took(time.perf_counter() - clock, time.process_time() - cpu)


def median(all_took: list[Took]) -> Took:
    """Give the medians."""
    return Took(*(statistics.median(part) for part in zip(*all_took, strict=True)))


def select_of(table: ibis.Table) -> str:
    """Give the select of a table of the store."""
    return str(ibis.to_sql(table, dialect="duckdb"))


def answer(store: FeatureStore, customer: int | str) -> None:
    """Ask for the features of one customer, and fetch them."""
    table = store.latest_features(customer)
    table.get_backend().con.execute(select_of(table)).fetchall()


def latest(connection: duckdb.DuckDBPyConnection, sql: str, events: int, *, index: bool) -> None:
    """Measure and print one customer's features over several tables of the same events."""
    text = "select * replace ('C' || lpad(customer_id::varchar, 9, '0') as customer_id) from"
    connection.execute(
        f"""
        create table raw.text_events as {text} raw.events;
        create table raw.text_by_customer as from raw.text_events order by customer_id;
        checkpoint;
        """
    )
    tables: dict[str, tuple[str, str, Callable[[int], int | str]]] = {
        "integer ids, by time": ("events", "bigint", lambda i: i),
        "text ids, by time": ("text_events", "varchar", lambda i: f"C{i:09}"),
        "text ids, by customer": ("text_by_customer", "varchar", lambda i: f"C{i:09}"),
    }
    if index:
        tables["integer ids, index"] = tables["integer ids, by time"]
        tables["text ids, index"] = tables["text ids, by time"]
    print(f"latest_features of one customer, {events:,} events (ms)")
    for label, (name, id_type, id_of) in tables.items():
        if label.endswith("index"):
            sql_of_index = f"create index {name}_customer on raw.{name} (customer_id)"
            made = timed(partial(connection.execute, sql_of_index))
            print(f"  index on {name}.customer_id made in {made.clock:.1f} s (cpu {made.cpu:.1f})")
        define(connection, sql.replace('"events"', f'"{name}"'), id_type)
        took: list[Took] = []
        floors: list[Took] = []
        with FeatureStore(connection) as store:
            for call in range(CALLS + 1):
                customer = id_of(call * 7919 % (events // 20))
                took.append(timed(partial(answer, store, customer)))
                plain = (
                    f"select count(*), sum(amount), max(amount) from raw.{name} "
                    f"where customer_id = {customer!r}"
                )
                floors.append(timed(partial(connection.execute, plain)))
        floor, later = median(floors[1:]), median(took[1:])
        print(
            f"  {label:22} first {took[0].clock * 1e3:6.0f}   later {later.clock * 1e3:6.0f} "
            f"(least {min(took[1:]).clock * 1e3:.0f}, cpu {later.cpu * 1e3:.0f})   "
            f"floor {floor.clock * 1e3:6.0f} (cpu {floor.cpu * 1e3:.0f})   "
            f"{later.clock / floor.clock:6.2f} floors",
            flush=True,
        )


def historical(connection: duckdb.DuckDBPyConnection, sql: str, events: int, rows: int) -> None:
    """Measure and print many customers and times, beside an ASOF join of rows made before."""
    connection.execute(
        f"""
        create or replace table asked as
            select
                cast(hash(i, 4) % {events // 20} as bigint) as customer_id,
                timestamp '2024-01-01'
                + to_microseconds(cast(hash(i, 5) % 63072000000000 as bigint)) as as_of,
            from range({rows}) as asked (i);
        create or replace table days as
            select distinct customer_id, date_trunc('day', as_of) as as_of from asked;
        """
    )
    define(connection, sql, "bigint")
    with FeatureStore(connection) as store:
        session = store.historical_features("asked").get_backend().con

        def ours() -> None:
            table = store.historical_features("asked")
            session.execute(f"create or replace temp table answer as {select_of(table)}")

        took = timed(ours)
    over_days = sql.replace("__holdfast_spine__", "days")
    precompute = timed(lambda: connection.execute(f"create or replace table daily as {over_days}"))
    asof = timed(
        lambda: connection.execute(
            """
            create or replace temp table answer as
            select asked.*, daily.* exclude (customer_id, as_of)
            from asked
            asof left join daily
                on daily.customer_id = asked.customer_id and daily.as_of <= asked.as_of
            """
        )
    )
    ((made,),) = connection.execute("select count(*) from daily").fetchall()
    connection.execute("checkpoint")
    ((blocks,),) = connection.execute(
        "select count(distinct block_id) from pragma_storage_info('daily') where persistent"
    ).fetchall()
    print(f"historical_features of {rows:,} rows, {events:,} events (s)")
    print(f"  the store                     {took.clock:7.2f} (cpu {took.cpu:.2f})")
    print(
        f"  ASOF join of rows made before {asof.clock:7.2f} (cpu {asof.cpu:.2f})   "
        f"the store takes {took.clock / asof.clock:.2f} times it"
    )
    print(
        f"  making them                   {precompute.clock:7.2f} (cpu {precompute.cpu:.2f})   "
        f"{made:,} rows, {blocks * 256 / 1024:.0f} MB; with it the store takes "
        f"{took.clock / (asof.clock + precompute.clock):.2f} times it"
    )
    print(f"  every customer and day would be {events // 20 * 730:,} rows", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--latest-events", type=int, default=20_000_000)
    parser.add_argument("--rows", type=int, default=1_000_000, help="customers and times asked for")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="4GB", help="DuckDB's memory limit")
    parser.add_argument("--no-index", action="store_true", help="leave the slow indexes out")
    options = parser.parse_args()
    print(f"{options.threads} threads, limit {options.memory}")
    for events in (options.events, options.latest_events):
        folder = Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
        try:
            write_project(folder, options.threads, options.memory)
            make_tables(folder, events, 12, options.threads, options.memory)
            sql = compiled_view(folder)
            with duckdb.connect(str(folder / "bench.duckdb")) as connection:
                connection.execute(f"set threads = {options.threads}")
                connection.execute(f"set memory_limit = '{options.memory}'")
                if events == options.events:
                    historical(connection, sql, events, options.rows)
                if events == options.latest_events:
                    latest(connection, sql, events, index=not options.no_index)
        finally:
            shutil.rmtree(folder)
        if options.events == options.latest_events:
            break
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"peak memory {peak:.2f} GB")


if __name__ == "__main__":
    main()
