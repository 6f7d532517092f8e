"""How long the scores and reasons of a million customers take whose features are there already.

    python benchmarks/score_and_explain.py --customers 1000000

Builds the demo shop, which trains the default model; puts N customers with features drawn from its
customers into `customer_features`; and lets dbt build `churn_reasons` and `churn_scores` for them,
as every build does. Prints the seconds of the two models and the peak memory of dbt.
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


def copy_project(folder: Path, threads: int, memory: str) -> None:
    """Copy the demo project, with a limit of memory in its profile."""
    for name in ("models", "macros", "seeds", "tests/data", "tests/generic"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "dbt_project.yml", folder)
    output = {
        "type": "duckdb",
        "path": "warehouse.duckdb",
        "threads": 1,
        "settings": {"threads": threads, "memory_limit": memory},
        "plugins": [{"module": "holdfast.plugin"}],
    }
    profile = {"holdfast": {"target": "dev", "outputs": {"dev": output}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))


def dbt(folder: Path, *words: str) -> float:
    """Run dbt and give the seconds; its output shows only when it fails."""
    started = time.perf_counter()
    command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *words]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(result.stdout + result.stderr)
    return time.perf_counter() - started


def draw_customers(folder: Path, customers: int) -> None:
    """Put customers with features of the demo's own into customer_features."""
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(
            """
            set memory_limit = '2GB';
            create temp table demo as
                select *, row_number() over () - 1 as number
                from customer_features
                where as_of = (select max(as_of) from customer_features)
                    and orders_lifetime > 0 and first_order_age_days >= 30;
            delete from customer_features;
            """
        )
        ((count,),) = connection.execute("select count(*) from demo").fetchall()
        connection.execute(
            f"""
            insert into customer_features
                select drawn.i as customer_id, demo.* exclude (customer_id, number)
                from range({customers}) as drawn (i)
                inner join demo on demo.number = drawn.i * 7919 % {count}
            """
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="2GB", help="DuckDB's memory limit")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        folder = Path(name)
        copy_project(folder, options.threads, options.memory)
        dbt(folder, "build", "--exclude", "resource_type:test", "resource_type:unit_test")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        draw_customers(folder, options.customers)
        models = ("holdfast__churn_reasons", "holdfast__churn_scores")
        command = dbt(folder, "run", "--select", *models)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
        with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
            ((rows, scored, explained),) = connection.execute(
                "select count(*), count(churn_probability), count(reason_1) from churn_scores"
                " where as_of = (select max(as_of) from churn_scores)"
            ).fetchall()
            ((algorithm, features),) = connection.execute(
                "select algorithm, len(feature_names) from churn_model where stage = 'champion'"
            ).fetchall()
    print(f"{algorithm}, {features} features, {options.threads} threads")
    print(f"{rows:,} customers, {scored:,} scored, {explained:,} with a reason")
    for result in results:
        print(f"{result['unique_id'].rpartition('.')[2]:25} {result['execution_time']:7.1f} s")
    cpu = usage.ru_utime + usage.ru_stime - before.ru_utime - before.ru_stime
    print(f"whole command   {command:7.1f} s, {cpu:.1f} s of processor time")
    print(f"peak memory     {usage.ru_maxrss / 1024**2:7.2f} GB (dbt, its training included)")


if __name__ == "__main__":
    main()
