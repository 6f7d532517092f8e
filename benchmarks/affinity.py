"""How long the tables of products that go together take in a large shop, and what memory.

    python benchmarks/affinity.py
    python benchmarks/affinity.py --lines 2000000 --customers 100000 --products 10000

Makes a shop in DuckDB: customers of very different activity, products whose popularity follows a
power law, orders of one to thirty lines. Every product has a companion that a third of its buyers
buy too, so that there is something to find. Then dbt builds `product_affinity` and `next_product`
on it, one after the other, in a project of their own; the script prints the seconds and the peak
memory of each, and how many of the companions were found.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import yaml

ROOT = Path(__file__).resolve().parents[1]


def make_shop(path: Path, lines: int, customers: int, products: int) -> None:
    """Write the inputs: orders, order_items and products."""
    orders = lines // 5
    with duckdb.connect(str(path)) as connection:
        connection.execute("set threads = 2")
        connection.execute("create schema shop")
        # u^3 over the customers: a few order very often; the hash is a random number that stays
        # the hash of an order is a random number that stays; with its square a few order very often
        connection.execute("""
            create macro drawn(a, b, c) as (hash(a, b, c) % 1000003) / 1000003e0
        """)
        connection.execute(f"""
            create table shop.orders as
            select
                1 + cast(floor({customers} * power(drawn(i, 0, 0), 2)) as integer) as customer_id,
                i as order_id,
                timestamp '2025-01-01'
                + to_seconds(cast(floor(drawn(i, 0, 1) * 730 * 86400) as bigint)) as ordered_at,
                cast(10 + 90 * drawn(i, 0, 2) as decimal(18, 4)) as amount,
            from range({orders}) as numbers (i)
        """)
        # product r has a probability of about 1 / (r + 10), a power law; 1 and 2, 3 and 4, … are
        # companions
        connection.execute(f"""
            create table shop.order_items as
            with sizes as (
                select
                    order_id,
                    1 + cast(floor(9 * power(drawn(order_id, 0, 3), 2)) as integer) as size,
                from shop.orders
            ),
            picked as (
                select
                    order_id,
                    least({products}, 1 + cast(floor(
                        10 * (power(1 + {products} / 10e0, drawn(order_id, line, 4)) - 1)
                    ) as integer)) as product_id,
                    drawn(order_id, line, 5) < 1 / 3e0 as with_companion,
                from (select order_id, unnest(range(size)) as line from sizes)
            )
            select order_id, product_id, 1 as quantity, 9.9 as unit_price from picked
            union all
            select order_id, product_id + case when product_id % 2 = 1 then 1 else -1 end, 1, 9.9
            from picked where with_companion
        """)
        connection.execute(f"""
            create table shop.products as
            select
                i as product_id,
                'Product ' || i as product_name,
                'category ' || (i // 2 % 200) as category,
            from range(1, {products} + 2) as numbers (i)
        """)
        for table in ("orders", "order_items", "products"):
            count = connection.execute(f"select count(*) from shop.{table}").fetchall()[0][0]
            print(f"{table}: {count:,} rows")


def write_project(folder: Path, warehouse: Path) -> None:
    """Lay out a dbt project on the shop that has Holdfast as a package."""
    project = {
        "name": "large_shop",
        "profile": "large_shop",
        "flags": {"send_anonymous_usage_stats": False},
        "vars": {
            "holdfast_orders": "shop.orders",
            "holdfast_order_items": "shop.order_items",
            "holdfast_products": "shop.products",
            "holdfast_as_of_date": "2027-01-01",
            "holdfast_publish": False,
        },
    }
    output = {
        "type": "duckdb",
        "path": str(warehouse),
        "threads": 1,
        "settings": {"memory_limit": "6GB", "threads": 2},
        "plugins": [{"module": "holdfast.plugin"}],
    }
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(project))
    (folder / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}))
    (folder / "profiles.yml").write_text(
        yaml.safe_dump({"large_shop": {"target": "dev", "outputs": {"dev": output}}})
    )
    subprocess.run(["dbt", "deps"], cwd=folder, check=True, capture_output=True)


def build(folder: Path, *models: str) -> None:
    """Build models, each in a run of its own, and print what it took."""
    for model in models:
        before = time.monotonic()
        process = subprocess.Popen(
            ["dbt", "--no-use-colors", "run", "--select", *model.split()],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
        )
        assert process.stdout is not None
        log = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        if status:
            sys.exit(log)
        results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
        seconds = sum(result["execution_time"] for result in results)
        print(
            f"{model}: {seconds:.1f} s of SQL, {time.monotonic() - before:.1f} s in all, "
            f"peak memory {used.ru_maxrss / 2**20:.1f} GB"
        )


def main() -> None:
    """Make the shop, build, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=20_000_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        warehouse = folder / "warehouse.duckdb"
        if not warehouse.exists():
            make_shop(warehouse, options.lines, options.customers, options.products)
            write_project(folder, warehouse)
        print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GB")
        build(folder, "stg_holdfast__order_items stg_holdfast__orders stg_holdfast__products")
        build(folder, "holdfast__product_affinity", "holdfast__next_product")
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            print(
                connection.sql("""
                    select
                        count(*) as pairs,
                        count(distinct product_id) as products,
                        min(counted_share) as counted_share,
                        count(*) filter (where are_companions) as companions,
                        count(*) filter (where are_companions and rank = 1) as companions_first,
                    from (
                        select
                            *,
                            (product_id + 1) // 2 = (with_product_id + 1) // 2 as are_companions,
                        from product_affinity
                    )
                """)
            )


if __name__ == "__main__":
    main()
