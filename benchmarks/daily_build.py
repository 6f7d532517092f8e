"""Build a large simulated shop for the first time, on the next day, and on that day again.

    python benchmarks/daily_build.py --customers 50000
    python benchmarks/daily_build.py --customers 200000 --folder /var/tmp/shop

Prints the seconds, the processor time and the memory of each build, and the slowest nodes of
the last two. With `--folder` the shop and its project stay there, and the next call goes on with
the shop that it finds. `dbt build` is run with nothing left out; more words after `--` are
given to it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import yaml

from holdfast.simulation import simulate_shop

ROOT = Path(__file__).resolve().parents[1]
TABLES = (
    *("customers", "orders", "order_items", "products", "web_events", "support_tickets"),
    *("campaign_sends", "subscriptions", "feedback", "offers", "consents"),
)
# the shop is simulated up to the second of them
DAYS = ("2026-06-30", "2026-07-01")


def write_project(project: Path, threads: int) -> None:
    """Write a dbt project as a user would, with every input."""
    project.mkdir(exist_ok=True)
    values = {f"holdfast_{name}": f"raw.{name}" for name in TABLES}
    settings = {
        "name": "shop",
        "profile": "shop",
        "flags": {"send_anonymous_usage_stats": False},
        "vars": {**values, "holdfast_customer_attributes": ["country", "acquisition_channel"]},
    }
    target = {
        "type": "duckdb",
        "path": "shop.duckdb",
        "threads": threads,
        "plugins": [{"module": "holdfast.plugin"}],
    }
    profile = {"shop": {"target": "dev", "outputs": {"dev": target}}}
    for name, content in (
        ("dbt_project.yml", settings),
        ("packages.yml", {"packages": [{"local": str(ROOT)}]}),
        ("profiles.yml", profile),
    ):
        (project / name).write_text(yaml.safe_dump(content, sort_keys=False))


def load(shop: Path, warehouse: Path) -> None:
    """Copy the simulated tables into the schema raw."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema if not exists raw")
        for name in TABLES:
            file = shop / f"{name}.parquet"
            connection.execute(f"create or replace table raw.{name} as from '{file}'")


def run_dbt(project: Path, day: str, *words: str) -> tuple[float, float, float]:
    """Run dbt in the project; give its seconds, its seconds of processor time and its gigabytes."""
    dbt = str(Path(sys.executable).parent / "dbt")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "python"),
        "HOLDFAST_AS_OF_DATE": day,
    }
    before = time.monotonic()
    process = os.posix_spawn(
        "/bin/sh",
        ["/bin/sh", "-c", 'cd "$0" && exec "$@" >> build.log 2>&1', str(project), dbt, *words],
        environment,
    )
    _, status, used = os.wait4(process, 0)
    if status:
        sys.exit(f"dbt {' '.join(words)} failed: see {project / 'build.log'}")
    return time.monotonic() - before, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


def main(arguments: list[str] | None = None) -> None:
    """Print what each build cost."""
    parser = argparse.ArgumentParser(description="Measure first and daily builds of a large shop.")
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("words", nargs="*", help="more words for `dbt build`, after --")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        shop, project = folder / "shop", folder / "project"
        if not (shop / "orders.parquet").exists():
            simulate_shop(shop, customers=options.customers, seed=options.seed)
        write_project(project, options.threads)
        run_dbt(project, DAYS[0], "deps")
        load(shop, project / "shop.duckdb")
        print(f"{'build':<16} {'wall s':>8} {'cpu s':>8} {'GB':>6}")
        for name, day in (("first", DAYS[0]), ("next day", DAYS[1]), ("same day again", DAYS[1])):
            seconds, processor, memory = run_dbt(project, day, "build", *options.words)
            print(f"{name:<16} {seconds:8.1f} {processor:8.1f} {memory:6.2f}", flush=True)
            results = json.loads((project / "target" / "run_results.json").read_text())["results"]
            results.sort(key=lambda node: -node["execution_time"])
            for node in results[: 12 if name != "first" else 0]:
                print(f"    {node['execution_time']:6.1f} s  {node['unique_id']}")


if __name__ == "__main__":
    main()
