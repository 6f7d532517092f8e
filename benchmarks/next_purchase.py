"""How often the next order falls into its 80 % interval, on earlier dates of three shops.

    python benchmarks/next_purchase.py
    python benchmarks/next_purchase.py --shop cdnow
    python benchmarks/next_purchase.py --synthetic 20000000 --customers 1000000

Builds `next_purchase` and its evaluations in a small dbt project on the orders of the demo, of
Online Retail II and of CDNOW, and prints what the evaluations say. With --synthetic it times the
models on random orders instead.

The data are not part of the project: `HOLDFAST_SHARED_DATA` names the folder with
`online_retail_ii.parquet` and `cdnow_master.parquet`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import duckdb
from lifecycle import SHOPS, dbt, write_project

MODELS = ("next_purchase", "next_purchase_evaluations")
FIGURES = """
    select
        coalesce(segment, 'all') as segment,
        algorithm,
        max(value) filter (where metric = 'coverage_80') as coverage,
        max(lower) filter (where metric = 'coverage_80') as lower,
        max(upper) filter (where metric = 'coverage_80') as upper,
        max(value) filter (where metric = 'mean_absolute_error_days') as error,
        max(value) filter (where metric = 'median_width_days') as width,
        max(row_count) as judged,
    from next_purchase_evaluations
    where as_of is null
    group by segment, algorithm
    order by segment = 'all' desc, segment, min(stage) desc, algorithm
"""
BY_DATE = """
    select min(value), max(value)
    from next_purchase_evaluations
    where
        as_of is not null
        and metric = 'coverage_80'
        and stage = 'in_use'
        and segment is null
"""


def build(folder: Path) -> dict[str, float]:
    """Build the models; give the seconds that each of them took."""
    selected = [f"+holdfast__{model}" for model in MODELS]
    dbt(folder, "run", "--select", *selected, "--vars", json.dumps({"holdfast_publish": False}))
    results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))
    return {
        result["unique_id"].partition("__")[2]: float(result["execution_time"])
        for result in results["results"]
    }


def main() -> None:
    """Print the figures of each shop, or the seconds on random orders."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shop", choices=SHOPS, action="append")
    parser.add_argument("--synthetic", type=int, metavar="ORDERS")
    parser.add_argument("--customers", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-next-purchase-") as temporary:
        if options.synthetic:
            folder = Path(temporary) / "synthetic"
            write_project(
                folder,
                f"""
                select
                    cast(hash(i) % {options.customers} as bigint) as customer_id,
                    timestamp '2023-07-01'
                    + to_seconds(cast(hash(i + 7) % (86400 * 1095) as bigint)) as ordered_at,
                    cast(10 as decimal(18, 2)) as amount,
                from range({options.synthetic}) as orders (i)
                """,
            )
            seconds = build(folder)
            for model in MODELS:
                print(f"{model} on {options.synthetic:,} orders: {seconds[model]:.1f} s")
            return
        print("| shop | customers | method | coverage | error, days | width, days | judged |")
        print("|---|---|---|---|---|---|---|")
        for shop in options.shop or SHOPS:
            warehouse = write_project(Path(temporary) / shop, SHOPS[shop])
            build(warehouse.parent)
            with duckdb.connect(str(warehouse), read_only=True) as connection:
                rows = connection.execute(FIGURES).fetchall()
                (dates,) = connection.execute(BY_DATE).fetchall()
            for segment, algorithm, coverage, lower, upper, error, width, judged in rows:
                share = f"{coverage:.1%} ({lower:.1%} to {upper:.1%})" if coverage else ""
                wide = "" if width is None else f"{width:.0f}"
                print(
                    f"| {shop} | {segment} | {algorithm} | {share} | {error:.1f} | {wide} "
                    f"| {judged:,} |"
                )
            print(f"{shop}: {dates[0]:.1%} to {dates[1]:.1%} on single dates\n", flush=True)


if __name__ == "__main__":
    main()
