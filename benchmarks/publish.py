"""Publish a mart of many customers: seconds, memory, and bytes written.

    python benchmarks/publish.py --customers 1000000 --columns 40

The mart has what marts have: ids, dates, money, probabilities, words that repeat and words that do
not. Making it is not counted. The figures are those of a process that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from holdfast.publishing import Mart, publish

KINDS = (
    "random()",
    "cast(random() * 1000 as decimal(18, 4))",
    "cast(random() * 400 as bigint)",
    "timestamp '2024-01-01' + cast(random() * 60000000 as bigint) * interval 1 second",
    "case when random() < 0.5 then 'low' when random() < 0.5 then 'medium' else 'high' end",
    "'no order for ' || cast(random() * 400 as bigint) || ' days'",
    "random() < 0.3",
)


def main() -> None:
    """Make the mart, publish it in a process of its own, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=40)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--directory", type=Path, help="where to write (default: a temporary one)")
    parser.add_argument("--publish", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.publish is not None:
        print(json.dumps(run(options.publish)))
        return
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        warehouse = Path(folder) / "shop.duckdb"
        make(warehouse, options.customers, options.columns)
        print(f"{options.customers:,} customers x {options.columns} columns")
        print("seconds  CPU seconds  peak memory  DuckDB file  Parquet")
        for _ in range(options.repeat):
            command = [sys.executable, __file__, "--publish", str(warehouse)]
            told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            figures = json.loads(told.stdout)
            print(
                f"{figures['seconds']:7.1f}  {figures['cpu']:11.1f}  {figures['memory']:8.2f} GB"
                f"  {figures['file']:8.0f} MB  {figures['parquet']:4.0f} MB"
            )


def make(warehouse: Path, customers: int, columns: int) -> None:
    """Write a warehouse with the mart."""
    listed = ", ".join(f"{KINDS[i % len(KINDS)]} as column_{i}" for i in range(columns - 1))
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            f"create table mart as select i as customer_id, {listed} from range({customers}) r (i)"
        )


def run(warehouse: Path) -> dict[str, float]:
    """Publish the mart and give what it took."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        columns = connection.execute("describe mart").fetchall()
        types = {name: dtype for name, dtype, *_ in columns}
        mart = Mart("model.shop.mart", "mart", "shop.main.mart", types=types, has_contract=True)
        started, cpu = time.perf_counter(), time.process_time()
        publication = publish(
            connection, [mart], warehouse.parent / "serving" / "holdfast.duckdb", source="shop"
        )
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    parquet = sum(path.stat().st_size for path in publication.parquet.rglob("*.parquet"))
    return {
        "seconds": seconds,
        "cpu": cpu,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "file": publication.file.stat().st_size / 1e6,
        "parquet": parquet / 1e6,
    }


if __name__ == "__main__":
    main()
