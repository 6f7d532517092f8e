"""How long reminders to replenish and lifecycle triggers take in a large shop.

    python benchmarks/triggers.py
    python benchmarks/triggers.py --customers 100000 --lines 2000000 --events 2000000

Makes a shop in a warehouse with DuckDB's SQL (half of the order lines are habits, bought again and
again with some noise), builds `customer_lifecycle`, `replenishment_due`, `lifecycle_trigger_log`
and `lifecycle_triggers` on it, and prints the time of each, the rows, the processor time
of the run (dbt's own start included), and the peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import yaml

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("replenishment_due", "trigger_rules", "lifecycle_trigger_log", "lifecycle_triggers")
INPUTS = ("orders", "order_items", "products", "web_events")
PRODUCTS = 5_000
DAYS = 730
# three lines an order; a habit is bought ten times, every 30 to 70 days
SHOP = """
    create schema raw;
    create table raw.products as
    select
        i as product_id,
        'Product ' || i as product_name,
        'Category ' || i % 40 as category,
        i % 3 = 0 as is_replenishable,
    from range({products}) as products (i);
    create table raw.orders as
    select
        i as order_id,
        cast(hash(i) % {customers} as bigint) as customer_id,
        timestamp '2024-07-01'
        + to_seconds(cast(hash(i + 1) % ({days} * 86400) as bigint)) as ordered_at,
        cast(10 as decimal(18, 2)) as amount,
    from range(cast({lines} / 6 as bigint)) as orders (i)
    union all
    select
        {lines} + i as order_id,
        cast(i // 10 % {customers} as bigint) as customer_id,
        timestamp '2024-07-01' + to_seconds(cast(
            (i % 10 + hash(i) % 30 / 100.0) * (30 + hash(i // 10) % 40) * 86400 as bigint
        )) as ordered_at,
        cast(10 as decimal(18, 2)) as amount,
    from range(cast({lines} / 2 as bigint)) as habits (i);
    create table raw.order_items as
    select
        cast(i // 3 as bigint) as order_id,
        cast(hash(i) % {products} as bigint) as product_id,
        1 + hash(i + 2) % 2 as quantity,
        5 + hash(i) % {products} % 50 as unit_price,
    from range(cast({lines} / 2 as bigint)) as free (i)
    union all
    select
        {lines} + i as order_id,
        cast(hash(i // 10) % {products} // 3 * 3 as bigint) as product_id,
        1 + hash(i + 2) % 2 as quantity,
        case when i % 10 = 9 then 8 else 10 end as unit_price,
    from range(cast({lines} / 2 as bigint)) as habits (i);
    create table raw.web_events as
    select
        i as event_id,
        cast(hash(i // 8) % {customers} as bigint) as customer_id,
        timestamp '2024-07-01' + to_seconds(
            cast(hash(i // 8 + 1) % ({days} * 86400) + i % 8 * 60 as bigint)
        ) as occurred_at,
        case when i % 16 = 7 then 'cart' else 'view' end as event_type,
        cast(hash(i + 3) % {products} as bigint) as product_id,
    from range({events}) as events (i);
"""


def dbt(folder: Path, *words: str) -> None:
    """Run dbt in a project, or stop with what it said."""
    command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *words]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(result.stdout + result.stderr)


def write_project(folder: Path) -> None:
    """Lay out a project that reads the tables of the shop."""
    output = {"type": "duckdb", "path": "shop.duckdb", "threads": 1}
    output["settings"] = {"threads": 2, "memory_limit": "6GB"}
    output["plugins"] = [{"module": "holdfast.plugin"}]
    settings = {f"holdfast_{name}": f"raw.{name}" for name in INPUTS}
    files = {
        "dbt_project.yml": {
            "name": "shop",
            "profile": "shop",
            "flags": {"send_anonymous_usage_stats": False},
            "vars": {**settings, "holdfast_as_of_date": "2026-06-30"},
        },
        "profiles.yml": {"shop": {"target": "dev", "outputs": {"dev": output}}},
        "packages.yml": {"packages": [{"local": str(ROOT)}]},
    }
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def main() -> None:
    """Print the time and the rows of each model, and the peak memory of dbt."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--lines", type=int, default=20_000_000)
    parser.add_argument("--events", type=int, default=20_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-triggers-") as temporary:
        folder = Path(temporary)
        write_project(folder)
        with duckdb.connect(str(folder / "shop.duckdb")) as connection:
            connection.execute("set memory_limit = '4GB'")
            connection.execute(SHOP.format(products=PRODUCTS, days=DAYS, **vars(options)))
        dbt(folder, "deps")
        dbt(folder, "run", "--select", "+holdfast__customer_lifecycle")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        inputs = [f"stg_holdfast__{name}" for name in ("products", "product_availability")]
        inputs += [f"stg_holdfast__{name}" for name in ("order_items", "web_events")]
        inputs += ["stg_holdfast__subscriptions"]
        dbt(folder, "run", "--select", *inputs, *(f"holdfast__{name}" for name in MODELS))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))
        seconds = {row["unique_id"]: row["execution_time"] for row in results["results"]}
        print("| model | seconds | rows |")
        print("|---|---|---|")
        with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
            for name in MODELS:
                (rows,) = connection.execute(f"select count(*) from {name}").fetchone()
                took = seconds[f"model.holdfast.holdfast__{name}"]
                print(f"| {name} | {took:.1f} | {rows:,} |")
        print(f"processor time of dbt: {processor:.0f} s")
        print(f"peak memory of dbt: {after.ru_maxrss / 1024**2:.1f} GB")


if __name__ == "__main__":
    main()
