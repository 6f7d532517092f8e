"""How well contact times tell when customers are active, how they compare, and what they cost.

    python benchmarks/timing.py
    python benchmarks/timing.py --shop online_retail_ii
    python benchmarks/timing.py --simulate 20000
    python benchmarks/timing.py --synthetic 7000000 --customers 1000000

Builds `contact_timing` and `contact_timing_evaluations` in a small dbt project, and prints the
evaluations of all dates together. Where the shop was simulated, the hours that the simulator gave
to its customers are known, and the best hours are compared with them: the share within an hour.
With --synthetic it times the models on random orders, three visits each, and customers in four time
zones.

The data of Online Retail II are not part of the project: `HOLDFAST_SHARED_DATA` names the folder
with `online_retail_ii.parquet`.
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
from typing import Any

import duckdb
import yaml

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HOLDFAST_SHARED_DATA", ROOT.parent / "shared" / "data"))
MODELS = ("timing_customers", "activity_hours", "timing_settings", "contact_timing")
ONLINE_RETAIL = f"""
    select
        customer_id,
        invoice_no as order_id,
        min(invoiced_at) as ordered_at,
        cast(sum(quantity * unit_price) as decimal(18, 2)) as amount,
    from '{DATA}/online_retail_ii.parquet'
    where customer_id is not null and invoice_no not like 'C%' and quantity > 0 and unit_price > 0
    group by customer_id, invoice_no
"""
FIGURES = """
    select metric, coalesce(segment, 'all'), algorithm, value, lower, upper, row_count
    from contact_timing_evaluations
    where as_of is null
    order by metric, segment nulls first, stage desc, algorithm
"""
# three readings of "within an hour", for a best hour is a full hour and a true one is not
TRUTH = """
    with told as (
        select
            timing.*,
            abs(timing.best_hour - traits.preferred_hour) as from_moment,
            abs(timing.best_hour - round(traits.preferred_hour)) as from_full_hour,
        from contact_timing as timing
        inner join '{truth}' as traits on traits.customer_id = timing.customer_id
        where timing.channel = 'any'
    )
    select
        case
            when evidence_count >= 20 then '20 or more'
            when evidence_count >= 5 then '5 to 19'
            else 'fewer than 5'
        end as active_hours,
        count(*),
        avg(cast(least(from_moment, 24 - from_moment) <= 1 as integer)),
        avg(cast(least(from_full_hour, 24 - from_full_hour) <= 1 as integer)),
        avg(cast(least(abs(everyones_hour - preferred), 24 - abs(everyones_hour - preferred)) <= 1
            as integer)),
    from (select *, from_moment, best_hour - from_moment as preferred from told)
    group by 1
    order by min(evidence_count)
"""


def write_project(folder: Path, inputs: dict[str, str]) -> Path:
    """Lay out a project with some inputs, each a query; give its warehouse."""
    folder.mkdir(parents=True)
    warehouse = folder / "shop.duckdb"
    output: dict[str, Any] = {"type": "duckdb", "path": warehouse.name, "threads": 2}
    output["plugins"] = [{"module": "holdfast.plugin"}]
    files = {
        "dbt_project.yml": {
            "name": "shop",
            "profile": "shop",
            "flags": {"send_anonymous_usage_stats": False},
            "vars": {f"holdfast_{name}": f"raw.{name}" for name in inputs},
        },
        "profiles.yml": {"shop": {"target": "dev", "outputs": {"dev": output}}},
        "packages.yml": {"packages": [{"local": str(ROOT)}]},
    }
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    with duckdb.connect(str(warehouse), config={"threads": 2}) as connection:
        connection.execute("create schema raw")
        for name, query in inputs.items():
            connection.execute(f"create table raw.{name} as {query}")
    dbt(folder, "deps")
    return warehouse


def dbt(folder: Path, *words: str) -> None:
    """Run dbt in a project, or stop with what it said."""
    command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *words]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(result.stdout + result.stderr)


def build(folder: Path, model: str) -> dict[str, float]:
    """Build a model and all before it; give the seconds of each."""
    dbt(folder, "run", "--select", f"+holdfast__{model}")
    results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))
    return {
        result["unique_id"].split("holdfast__")[-1]: float(result["execution_time"])
        for result in results["results"]
        if result["unique_id"].startswith("model.")
    }


def simulate(folder: Path, customers: int) -> Path:
    """Make the data of a shop."""
    command = [str(Path(sys.executable).parent / "holdfast"), "simulate", "--output", str(folder)]
    subprocess.run([*command, "--customers", str(customers)], check=True, capture_output=True)
    return folder


def print_figures(warehouse: Path, truth: Path | None) -> None:
    """Print the evaluations, and how near the best hours are to the true ones."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for metric, segment, algorithm, value, lower, upper, rows in connection.execute(
            FIGURES
        ).fetchall():
            interval = "" if lower is None else f"  {lower:8.4f} to {upper:8.4f}"
            print(f"{metric:32} {segment:24} {algorithm:11} {value:8.4f}{interval}  {rows:>10,}")
        if truth is None:
            return
        print("\nbest hour within an hour of the true one, and of its full hour; everyone's hour")
        for hours, rows, moment, full, everyone in connection.execute(
            TRUTH.format(truth=truth)
        ).fetchall():
            print(f"{hours:13} active hours {rows:>8,}  {moment:.3f}  {full:.3f}  {everyone:.3f}")


def main() -> None:
    """Print the figures of a shop, or the time on random rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shop", choices=("demo", "online_retail_ii"), default="demo")
    parser.add_argument("--simulate", type=int, metavar="CUSTOMERS")
    parser.add_argument("--synthetic", type=int, metavar="ORDERS")
    parser.add_argument("--customers", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-timing-") as temporary:
        folder = Path(temporary) / "shop"
        if options.synthetic:
            time_models(folder, options.synthetic, options.customers)
            return
        truth = None
        if options.shop == "online_retail_ii":
            warehouse = write_project(folder, {"orders": ONLINE_RETAIL})
        else:
            seeds = ROOT / "seeds" / "demo"
            if options.simulate:
                seeds = simulate(Path(temporary) / "data", options.simulate)
            names = ("orders", "customers", "web_events", "campaign_sends")
            warehouse = write_project(
                folder, {name: f"select * from '{seeds}/{name}.parquet'" for name in names}
            )
            truth = seeds / "truth" / "customer_traits.parquet"
        build(folder, "contact_timing")
        build(folder, "contact_timing_evaluations")
        print_figures(warehouse, truth)


def time_models(folder: Path, orders: int, customers: int) -> None:
    """Time the models on random orders, visits, sends and time zones."""
    # the hours of a customer lie around one of the customer's own
    moment = f"""
        timestamp '2023-07-01'
        + to_days(cast(hash(i + 7) % 1095 as integer))
        + to_seconds(cast(
            (hash(hash(i) % {customers}) % 16 + 6) * 3600 + hash(i + 9) % 10800 as bigint
        ))
    """
    customer = f"cast(hash(i) % {customers} as bigint)"
    write_project(
        folder,
        {
            "orders": f"""
                select
                    {customer} as customer_id, i as order_id, {moment} as ordered_at,
                    cast(10 as decimal(18, 2)) as amount,
                from range({orders}) as orders (i)
            """,
            "web_events": f"""
                select
                    i as event_id, {customer} as customer_id, {moment} as occurred_at,
                    'view' as event_type,
                from range({3 * orders}) as events (i)
            """,
            "campaign_sends": f"""
                select
                    i as send_id, {customer} as customer_id, i % 36 as campaign_id,
                    {moment} - interval 1 hour as sent_at, 'email' as channel,
                    case when i % 10 = 0 then {moment} end as clicked_at,
                from range({orders}) as sends (i)
            """,
            "customers": f"""
                select
                    i as customer_id, timestamp '2023-01-01' as created_at,
                    list_value('Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'UTC')[
                        1 + i % 4] as time_zone,
                from range({customers}) as customers (i)
            """,
        },
    )
    seconds = build(folder, "contact_timing")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    of_processors = {model: processor_seconds(folder, model) for model in MODELS}
    for model in MODELS:
        print(
            f"{model:20} {seconds[model]:6.1f} s, {of_processors[model]:6.1f} s of processor time"
        )
    print(
        f"{'in all':20} {sum(seconds[model] for model in MODELS):6.1f} s, "
        f"{sum(of_processors.values()):6.1f} s of processor time, {peak:.2f} GB at most"
    )


def processor_seconds(folder: Path, model: str) -> float:
    """Run a model's SQL once more, for the time of both cores: the clock tells of others too."""
    compiled = folder / "target" / "compiled" / "holdfast" / "models" / "systems" / "timing"
    sql = (compiled / f"holdfast__{model}.sql").read_text(encoding="utf-8")
    settings = {"threads": 2}
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True, config=settings) as connection:
        before = time.process_time()
        connection.execute(f"create temp table made as {sql}")
        return time.process_time() - before


if __name__ == "__main__":
    main()
