"""How long the value of customers takes: the models of `models/systems/value/` on many customers.

    python benchmarks/value.py                        # 1 million customers, 20 million orders
    python benchmarks/value.py --customers 100000 --threads 2

Makes orders in DuckDB: customers of different rhythm, who stop one by one; half of all orders
have a product. Builds what the models need first, untimed, then times each model of the system, and
prints its seconds, and the processor's seconds and the largest memory of their build. On a machine
that has other work, the processor's seconds tell more.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import yaml

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("btyd_orders", "btyd_dates", "btyd_model", "btyd_scores", "customer_value")
DAYS = 1095


def write_project(folder: Path, customers: int, threads: int) -> None:
    """Lay out a project, and make its orders and their items."""
    output = {"type": "duckdb", "path": "shop.duckdb", "threads": 1}
    output["plugins"] = [{"module": "holdfast.plugin"}]
    output["settings"] = {"threads": threads}
    files = {
        "dbt_project.yml": {
            "name": "shop",
            "profile": "shop",
            "flags": {"send_anonymous_usage_stats": False},
            "vars": {
                "holdfast_orders": "raw.orders",
                "holdfast_order_items": "raw.order_items",
                "holdfast_products": "raw.products",
            },
        },
        "profiles.yml": {"shop": {"target": "dev", "outputs": {"dev": output}}},
        "packages.yml": {"packages": [{"local": str(ROOT)}]},
    }
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute(f"set threads = {threads}")
        # A customer's rate differs by a factor of a hundred; every order has the same chance to be
        # the last. Uniform numbers come from hashes, so the data are the same each time.
        connection.execute(
            f"""
            create schema raw;
            create macro uniform(of) as (hash(of) % 1000000007 + 1) / 1000000008e0;
            create table raw.orders as
            with customers as (
                select
                    i as customer_id,
                    floor(uniform(i) * {DAYS}) as first_day,
                    -- 2 to 200 days between orders
                    2e0 * power(100e0, uniform(i + 100000007)) as gap,
                    uniform(i + 200000033) as value,
                    1 + least(floor(-ln(uniform(i + 300000007)) * 38), 400) as order_count
                from range({customers}) as customers (i)
            ),
            numbered as (
                select *, unnest(range(cast(order_count as bigint))) as number from customers
            ),
            timed as (
                select
                    customer_id,
                    value,
                    number,
                    first_day
                    + gap * number * (0.6 + 0.8 * uniform(customer_id * 401 + number)) as day
                from numbered
            )
            select
                customer_id,
                customer_id * 401 + number as order_id,
                timestamp '2022-01-01' + to_seconds(cast(day * 86400 as bigint)) as ordered_at,
                cast(
                    10 + 90 * value * uniform(number * 7 + customer_id) as decimal(18, 2)
                ) as amount
            from timed
            where day < {DAYS};
            create table raw.products as
            select i as product_id, 'p' || i as product_name, 'c' as category, 4.0 as unit_cost
            from range(1000) as products (i);
            create table raw.order_items as
            select order_id, order_id % 1000 as product_id, 1 as quantity, amount as unit_price
            from raw.orders
            where order_id % 2 = 0;
            """
        )
        count = connection.execute("select count(*) from raw.orders").fetchall()[0][0]
        print(f"{customers:,} customers, {count:,} orders")


def dbt(folder: Path, *words: str) -> None:
    """Run dbt, and show what it said only if it failed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    run = subprocess.run(
        [str(Path(sys.executable).parent / "dbt"), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    if run.returncode:
        sys.exit(run.stdout + run.stderr)


def seconds(folder: Path) -> dict[str, float]:
    """Read how long each model of the last run took."""
    results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))
    return {
        result["unique_id"].rpartition("__")[2]: result["execution_time"]
        for result in results["results"]
        if result["unique_id"].startswith("model.")
    }


def main() -> None:
    """Build the shop, and print the seconds of each model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keep the project there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-value-") as name:
        folder = options.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        write_project(folder, options.customers, options.threads)
        own = [f"holdfast__{model}" for model in MODELS]
        dbt(folder, "deps")
        dbt(folder, "run", "--select", *(f"+{model}" for model in own), "--exclude", *own)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        dbt(folder, "run", "--select", *own, "--vars", "{holdfast_publish: false}")
        took = seconds(folder)
        for model in MODELS:
            print(f"{model:16} {took[model]:7.1f} s")
        print(f"{'all':16} {sum(took.values()):7.1f} s")
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = usage.ru_utime + usage.ru_stime - before.ru_utime - before.ru_stime
        print(f"processor: {processor:.0f} s, dbt itself included")
        print(f"largest memory: {usage.ru_maxrss / 1e6:.1f} GB")


if __name__ == "__main__":
    main()
