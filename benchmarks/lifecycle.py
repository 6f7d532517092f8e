"""What the lifecycle states tell: how many customers of each come back, and how early a loss shows.

    python benchmarks/lifecycle.py
    python benchmarks/lifecycle.py --shop cdnow --slipping-after 1.5 2 3
    python benchmarks/lifecycle.py --synthetic 20000000 --customers 1000000

Builds `customer_lifecycle` in a small dbt project on the orders of the demo, of Online Retail II
and of CDNOW, and compares, on the first day of every month whose horizon is over, who of each state
bought again within the horizon. With --synthetic it times the model on random orders instead.

The data are not part of the project: `HOLDFAST_SHARED_DATA` names the folder with
`online_retail_ii.parquet` and `cdnow_master.parquet`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import yaml

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HOLDFAST_SHARED_DATA", ROOT.parent / "shared" / "data"))
HORIZON_DAYS = 90
SHOPS = {
    "demo": f"select customer_id, ordered_at, amount from '{ROOT}/seeds/demo/orders.parquet'",
    "online_retail_ii": f"""
        select
            customer_id,
            min(invoiced_at) as ordered_at,
            cast(sum(quantity * unit_price) as decimal(18, 2)) as amount,
        from '{DATA}/online_retail_ii.parquet'
        where
            customer_id is not null and invoice_no not like 'C%' and quantity > 0 and unit_price > 0
        group by customer_id, invoice_no
    """,
    "cdnow": f"""
        select
            customer_id,
            cast(date as timestamp) as ordered_at,
            cast(greatest(dollar_value, 0.01) as decimal(18, 2)) as amount,
        from '{DATA}/cdnow_master.parquet'
    """,
}
# time flows into slipping and lapsed at the moment itself, purchases count from the next moment on
FIGURES = f"""
    with states as (
        select
            *,
            state in ('slipping', 'lapsed') as by_silence,
            next_state in ('slipping', 'lapsed') as to_silence,
            lag(state) over (partition by customer_id order by entered_at, left_at) as previous,
        from customer_lifecycle
        where churn_definition = 'non_contractual'
    ),
    dates as (
        select unnest(generate_series(
            date_trunc('month', min(ordered_at)) + interval 6 month,
            max(ordered_at) - interval {HORIZON_DAYS} day,
            interval 1 month
        )) as day
        from raw.orders
    ),
    asked as (
        select
            dates.day,
            states.customer_id,
            case states.state when 'slipping' then 2 when 'lapsed' then 3 else 1 end as place,
        from dates
        inner join states
            on (
                states.entered_at < dates.day
                or (states.by_silence and states.entered_at = dates.day)
            )
            and (
                states.left_at is null
                or states.left_at > dates.day
                or (states.left_at = dates.day and not states.to_silence)
            )
        where states.state != 'never_ordered'
    ),
    returned as (
        select
            asked.place,
            count(*) as customers,
            avg(cast(exists (
                select 1 from raw.orders
                where orders.customer_id = asked.customer_id
                    and orders.amount > 0
                    and orders.ordered_at >= asked.day
                    and orders.ordered_at < asked.day + interval {HORIZON_DAYS} day
            ) as integer)) as share,
        from asked
        group by asked.place
    ),
    lapses as (
        select
            avg(cast(previous = 'slipping' as integer)) as warned,
        from states
        where state = 'lapsed'
    ),
    slips as (
        select
            avg(cast(next_state = 'on_rhythm' as integer)) as back,
            median(days_in_state) filter (where next_state = 'lapsed') as notice,
        from states
        where state = 'slipping' and next_state is not null
    )
    select
        max(customers) filter (where place = 2) / sum(customers) filter (where place < 3),
        max(share) filter (where place = 1),
        max(share) filter (where place = 2),
        max(share) filter (where place = 3),
        (select back from slips),
        (select warned from lapses),
        (select notice from slips),
    from returned
"""


def write_project(folder: Path, orders: str) -> Path:
    """Lay out a project with nothing but orders; give its warehouse."""
    folder.mkdir(parents=True)
    warehouse = folder / "shop.duckdb"
    output = {"type": "duckdb", "path": warehouse.name, "threads": 2}
    output["plugins"] = [{"module": "holdfast.plugin"}]
    files = {
        "dbt_project.yml": {
            "name": "shop",
            "profile": "shop",
            "flags": {"send_anonymous_usage_stats": False},
            "vars": {"holdfast_orders": "raw.orders"},
        },
        "profiles.yml": {"shop": {"target": "dev", "outputs": {"dev": output}}},
        "packages.yml": {"packages": [{"local": str(ROOT)}]},
    }
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema raw")
        connection.execute(
            f"create table raw.orders as select *, row_number() over () as order_id from ({orders})"
        )
    dbt(folder, "deps")
    return warehouse


def dbt(folder: Path, *words: str) -> None:
    """Run dbt in a project, or stop with what it said."""
    command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *words]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(result.stdout + result.stderr)


def build(folder: Path, slipping_after: float) -> float:
    """Build the states; give the seconds that the model took."""
    settings = {
        "holdfast_slipping_after": slipping_after,
        "holdfast_churn_horizon_days": HORIZON_DAYS,
    }
    dbt(folder, "run", "--select", "+holdfast__customer_lifecycle", "--vars", json.dumps(settings))
    results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))
    return next(
        float(result["execution_time"])
        for result in results["results"]
        if result["unique_id"].endswith("holdfast__customer_lifecycle")
    )


def main() -> None:
    """Print one row per shop and setting, or the time on random orders."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shop", choices=SHOPS, action="append")
    parser.add_argument("--slipping-after", type=float, nargs="+", default=[2.0])
    parser.add_argument("--synthetic", type=int, metavar="ORDERS")
    parser.add_argument("--customers", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-lifecycle-") as temporary:
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
            print(f"{options.synthetic:,} orders: {build(folder, 2):.1f} s")
            return
        print(
            "| shop | usual gaps | slipping | buy again: on rhythm | slipping | lapsed "
            "| slipping that ends with a purchase | lapses that slipped before | notice |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
        for shop in options.shop or SHOPS:
            warehouse = write_project(Path(temporary) / shop, SHOPS[shop])
            for slipping_after in options.slipping_after:
                build(warehouse.parent, slipping_after)
                with duckdb.connect(str(warehouse), read_only=True) as connection:
                    (row,) = connection.execute(FIGURES).fetchall()
                shares = " | ".join(f"{share:.1%}" for share in row[:6])
                print(f"| {shop} | {slipping_after:g} | {shares} | {row[6]:.0f} days |", flush=True)


if __name__ == "__main__":
    main()
