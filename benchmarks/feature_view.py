"""What a feature view costs, in multiples of the least work there is.

    python benchmarks/feature_view.py --events 2000000

Makes N events of N/20 customers over 730 days, sorted by time, and a spine of 12 monthly
observation dates (`--dates` for fewer); then lets dbt build one feature view (count, sum and max in
windows of 7, 30, 90, 180 and 365 days, a lifetime count and the days since the last event) in a
folder of its own: all dates but the last, one new date, nothing new, everything. The floor is one
plain `group by customer_id` (count, sum, max) over the events and a raw write of a table of the
view's size, measured in the same run. Machines are noisy: read the ratios.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import yaml

ROOT = Path(__file__).resolve().parents[1]
VIEW = """
{{ config(
    materialized='incremental',
    unique_key='as_of',
    post_hook="{{ holdfast.settle_feature_view(ref('spine')) }}",
) }}
{{ holdfast.feature_view(
    spine=ref('spine'),
    events=source('raw', 'events'),
    event_at='happened_at',
    windows=[7, 30, 90, 180, 365],
    features={
        'n': {'sql': 'count(*)', 'empty': 0},
        'total': {'sql': 'sum(amount)'},
        'top': {'sql': 'max(amount)'},
    },
    lifetime={'n_ever': {'sql': 'count(*)', 'empty': 0}},
    recency={'days_since': 'happened_at'},
) }}
"""


def write_project(folder: Path, threads: int, memory: str) -> None:
    """Write a dbt project with one feature view."""
    (folder / "models").mkdir()
    (folder / "models" / "view.sql").write_text(VIEW)
    (folder / "models" / "spine.sql").write_text(
        "{{ config(materialized='table') }} select * from raw.all_rows where as_of <= "
        "(select max(upto) from raw.upto)"
    )
    sources = {"sources": [{"name": "raw", "tables": [{"name": "events"}]}]}
    (folder / "models" / "sources.yml").write_text(yaml.safe_dump(sources))
    (folder / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}))
    project = {
        "name": "bench",
        "profile": "bench",
        "flags": {"send_anonymous_usage_stats": False},
        "vars": {"holdfast_orders": "raw.events", "holdfast_lookback_days": 0},
    }
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(project))
    output = {
        "type": "duckdb",
        "path": "bench.duckdb",
        "threads": 1,
        "settings": {"threads": threads, "memory_limit": memory},
        "plugins": [{"module": "holdfast.plugin"}],
    }
    profile = {"bench": {"target": "dev", "outputs": {"dev": output}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
    dbt(folder, "deps")


def dbt(folder: Path, *words: str) -> None:
    """Run dbt; its output shows only when it fails."""
    command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *words]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(result.stdout + result.stderr)


def make_tables(
    folder: Path, events: int, dates: int, threads: int, memory: str
) -> tuple[float, float, float]:
    """Make events and spine; give the seconds of a pass, of the whole write, and of one date's."""
    with duckdb.connect(str(folder / "bench.duckdb")) as connection:
        connection.execute(f"set threads = {threads}; set memory_limit = '{memory}'")
        connection.execute(
            f"""
            create schema raw;
            create table raw.events as
                select
                    cast(hash(i, 1) % {events // 20} as bigint) as customer_id,
                    timestamp '2024-01-01'
                    + to_microseconds(cast(hash(i, 2) % 63072000000000 as bigint)) as happened_at,
                    cast(hash(i, 3) % 100000 as decimal(18, 4)) / 100 as amount,
                from range({events}) as events (i)
                order by happened_at;
            create table raw.all_rows as
                select customer_id, as_of
                from (select distinct customer_id from raw.events)
                cross join (
                    select timestamp '2025-01-01' + to_months(cast(m as integer)) as as_of
                    from range({12 - dates}, 12) as months (m)
                );
            create table raw.upto as select timestamp '2025-11-01' as upto;
            checkpoint;
            """
        )
        wide = ", ".join(f"cast(customer_id as decimal(38, 4)) as c{i}" for i in range(17))

        def seconds(sql: str) -> float:
            started = time.perf_counter()
            connection.execute(f"create or replace table raw.scratch as {sql}")
            return time.perf_counter() - started

        one_pass = seconds(
            "select customer_id, count(*), sum(amount), max(amount) from raw.events group by 1"
        )
        write_all = seconds(f"select customer_id, as_of, {wide} from raw.all_rows")
        write_one = seconds(
            f"select customer_id, as_of, {wide} from raw.all_rows where as_of = '2025-12-01'"
        )
        connection.execute("drop table raw.scratch; checkpoint")
    return one_pass, write_all, write_one


def build(folder: Path) -> float:
    """Build the view and give the seconds that dbt counts for it."""
    dbt(folder, "run", "--select", "spine", "view")
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return float(next(r["execution_time"] for r in results if r["unique_id"] == "model.bench.view"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--dates", type=int, default=12, choices=range(2, 13), metavar="2..12")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="4GB", help="DuckDB's memory limit")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
    try:
        write_project(folder, options.threads, options.memory)
        one_pass, write_all, write_one = make_tables(
            folder, options.events, options.dates, options.threads, options.memory
        )
        floor = one_pass + write_all
        earlier = build(folder)
        with duckdb.connect(str(folder / "bench.duckdb")) as connection:
            connection.execute("update raw.upto set upto = '2025-12-01'")
        one_new = build(folder)
        nothing = build(folder)
        dbt(folder, "clean", "--no-clean-project-files-only")
        with duckdb.connect(str(folder / "bench.duckdb")) as connection:
            connection.execute("drop table main.view")
        dbt(folder, "deps")
        everything = build(folder)
    finally:
        shutil.rmtree(folder)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    print(f"{options.events:,} events, {options.threads} threads, limit {options.memory}")
    print(f"floor: group by {one_pass:.2f} s + write {write_all:.2f} s = {floor:.2f} s")
    print(f"all {options.dates:2} dates      {everything:7.2f} s  {everything / floor:5.2f} floors")
    print(f"all but the last  {earlier:7.2f} s  {earlier / floor:5.2f} floors")
    allowed = 2 * one_pass + write_one
    print(
        f"one new date      {one_new:7.2f} s  {one_new / allowed:5.2f} times two passes and its "
        f"write ({allowed:.2f} s)"
    )
    print(f"nothing new       {nothing:7.2f} s")
    print(f"peak memory of dbt {peak:6.2f} GB")


if __name__ == "__main__":
    main()
