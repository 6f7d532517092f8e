"""What the report of a large shop costs.

    make demo
    python benchmarks/report.py --customers 1000000

Copies the built demo and multiplies its customers, with new ids, in the tables that have a row per
customer: `customer_retention`, and `churn_scores` and `customer_features` once more for the month
before, so that the change of the figures is computed, too, and the tables of the systems beside
churn with a row per customer. `churn_overview` and `churn_drivers` are
scaled alike; the tables by month have as many rows as those of a large shop. Then it runs `holdfast
report` as a user does, and prints its time, memory and size.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
PER_CUSTOMER = (
    "activity_hours",
    "contact_policy",
    "contact_timing",
    "customer_context",
    "customer_value",
    "decisions",
    "lifecycle_triggers",
    "next_best_offer",
    "next_purchase",
    "product_recommendations",
    "replenishment_due",
)


def multiply(warehouse: Path, customers: int) -> None:
    """Make the demo's customers many, each with an id of its own."""
    with duckdb.connect(str(warehouse)) as connection:
        (present,) = connection.execute("select count(*) from customer_retention").fetchall()[0]
        copies = -(-customers // present)
        connection.execute(
            f"""
            create table many as
            select demo.* replace (customer_id + 1000000 * copy as customer_id)
            from customer_retention as demo, range({copies}) as copies (copy)
            limit {customers};
            drop table customer_retention;
            alter table many rename to customer_retention;
            """
        )
        # the scores of now, and with the features behind them those of a month before
        for table in ("churn_scores", "customer_features"):
            names = connection.execute(f"describe {table}").fetchall()
            day = ", as_of_date" if "as_of_date" in [name for name, *_ in names] else ""
            earlier = (
                ", cast(demo.as_of_date - interval 1 month as date) as as_of_date" if day else ""
            )
            connection.execute(
                f"""
                create table many as
                select demo.* replace (
                    customer_id + 1000000 * copy as customer_id,
                    demo.as_of - interval (month) month as as_of
                    {earlier.replace("interval 1", "interval (month)")}
                )
                from {table} as demo, range({copies}) as copies (copy), range(2) as months (month)
                where demo.as_of = (select max(as_of) from churn_scores);
                drop table {table};
                alter table many rename to {table};
                """
            )
        # what the systems beside churn tell of each customer
        tables = {
            name
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'main'"
            ).fetchall()
        }
        for table in sorted(tables.intersection(PER_CUSTOMER)):
            connection.execute(
                f"""
                create table many as
                select demo.* replace (demo.customer_id + 1000000 * copy as customer_id)
                from {table} as demo, range({copies}) as copies (copy);
                drop table {table};
                alter table many rename to {table};
                """
            )
        connection.execute(
            f"""
            update churn_overview set
                customers = customers * {copies}, value_at_risk = value_at_risk * {copies};
            update churn_drivers set
                customers = customers * {copies},
                attributed_value_at_risk = attributed_value_at_risk * {copies};
            """
        )


def main() -> None:
    """Make the shop, write its report, print what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--project", type=Path, default=ROOT, help="a built demo")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # the project's views name their files relative to it
        for part in ("target", "seeds"):
            shutil.copytree(options.project / part, folder / part)
        for part in ("dbt_project.yml", "profiles.yml", "warehouse.duckdb"):
            shutil.copy(options.project / part, folder / part)
        former = Path.cwd()
        os.chdir(folder)
        multiply(folder / "warehouse.duckdb", options.customers)
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "holdfast.cli", "report", "--output", "report.html"], check=True
        )
        seconds = time.perf_counter() - begin
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        size = (folder / "report.html").stat().st_size
        os.chdir(former)
    print(
        f"{options.customers:,} customers: {seconds:.1f} s ({used.ru_utime + used.ru_stime:.1f} s "
        f"CPU), {used.ru_maxrss / 1024:,.0f} MiB at most, {size / 1e6:.2f} MB"
    )


if __name__ == "__main__":
    main()
