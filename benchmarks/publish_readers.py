"""Read a published file without pause while builds replace it, and some of them are killed.

    python benchmarks/publish_readers.py --readers 8 --builds 20 --kills 5

A build is a process of its own that writes new marts into a warehouse and publishes them through
the function that a dbt build calls at its end; a killed one gets SIGKILL at a random moment of its
publishing. Every reader is a process with a connection that it keeps from beginning to end, and
with fresh ones, one after the other. Each read takes the manifest, the rows, their sums and a
second mart together, and compares them; the kept connection must see one publication for ever.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from holdfast.publishing import Mart, publish

READ = """
    select
        (select count(distinct publication_id) from {db}holdfast_manifest) as publications,
        (select any_value(publication_id) from {db}holdfast_manifest) as publication_id,
        (select any_value(model_id) from {db}holdfast_manifest) as model_id,
        (
            select row_count from {db}holdfast_manifest where table_name = 'customer_retention'
        ) as row_count,
        count(*) as rows_found,
        min(model_id) as least_model,
        max(model_id) as greatest_model,
        sum(revenue) as revenue,
        (select customers from {db}totals) as total_customers,
        (select revenue from {db}totals) as total_revenue
    from {db}customer_retention
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the readers and the builds, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--builds", type=int, default=20)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--read", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.build is not None:
        build(options.folder, options.build, options.customers)
    elif options.read:
        print(json.dumps(read_until_stopped(options.folder)))
    else:
        print(json.dumps(prove(**{k: v for k, v in vars(options).items() if k in PROVED})))


PROVED = ("readers", "builds", "kills", "customers", "seed")


def prove(*, readers: int, builds: int, kills: int, customers: int, seed: int) -> dict[str, Any]:
    """Run builds beside readers and give what the readers saw, all together."""
    chance = random.Random(seed)
    killed = set(chance.sample(range(1, builds + 1), kills))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.perf_counter()
        finish(start(folder, "--build", "0", "--customers", str(customers)))
        seconds = time.perf_counter() - started
        reading = [start(folder, "--read") for _ in range(readers)]
        try:
            for number in range(1, builds + 1):
                process = start(folder, "--build", str(number), "--customers", str(customers))
                if number in killed:
                    assert process.stdout is not None
                    process.stdout.readline()
                    time.sleep(chance.uniform(0, seconds / 2))
                    process.send_signal(signal.SIGKILL)
                    process.communicate()
                else:
                    seconds = finish(process)["seconds"]
        finally:
            (folder / "stop").touch()
            seen = [finish(process) for process in reading]
        with duckdb.connect(str(folder / "serving" / "holdfast.duckdb"), read_only=True) as last:
            model = last.execute("select any_value(model_id) from holdfast_manifest").fetchall()
        left = sorted(path.name for path in (folder / "serving").iterdir())
    return {
        "readers": len(seen),
        "builds": builds,
        "killed": kills,
        "reads": sum(one["reads"] for one in seen),
        "fewest_reads": min(one["reads"] for one in seen),
        "publications_seen": max(one["publications_seen"] for one in seen),
        "failed": sum(one["failed"] for one in seen),
        "inconsistent": sum(one["inconsistent"] for one in seen),
        "errors": [error for one in seen for error in one["errors"]][:5],
        "last_model": model[0][0],
        "left_behind": left,
    }


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start this script in another role."""
    command = [sys.executable, __file__, "--folder", str(folder), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a role and give what it told last."""
    told, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{process.args} ended with {process.returncode}")
    result: dict[str, Any] = json.loads(told.splitlines()[-1])
    return result


def build(folder: Path, number: int, customers: int) -> None:
    """Write the marts of one build and publish them."""
    file = folder / "serving" / "holdfast.duckdb"
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute(
            f"""
            create or replace table customer_retention as
            select
                i as customer_id,
                date '2026-07-01' as as_of_date,
                'build {number:04}' as model_id,
                cast(i * {number + 1} as decimal(18, 4)) as revenue,
                md5(cast(i as varchar)) as words
            from range({customers} + {number}) as r (i);
            create or replace table totals as
            select count(*) as customers, sum(revenue) as revenue from customer_retention
            """
        )
        marts = [
            Mart(f"model.holdfast.holdfast__{name}", name, f"shop.main.{name}")
            for name in ("customer_retention", "totals")
        ]
        print(json.dumps({"publishing": number}), flush=True)
        started = time.perf_counter()
        publish(connection, marts, file, source="shop")
        print(json.dumps({"seconds": time.perf_counter() - started}))


def read_until_stopped(folder: Path) -> dict[str, Any]:
    """Read with a kept connection and with fresh ones until told to stop."""
    file = folder / "serving" / "holdfast.duckdb"
    seen: set[str] = set()
    told: dict[str, Any] = {"reads": 0, "failed": 0, "inconsistent": 0, "errors": []}
    with duckdb.connect(str(file), read_only=True) as kept:
        first = kept.execute(READ.format(db="")).fetchall()
        while not (folder / "stop").exists():
            try:
                again = kept.execute(READ.format(db="")).fetchall()
                fresh = read_fresh(file)
            except Exception as error:
                told["failed"] += 1
                told["errors"].append(f"{type(error).__name__}: {error}"[:300])
                continue
            told["reads"] += 2
            seen.add(fresh[0][1])
            if again != first or not agrees(first) or not agrees(fresh):
                told["inconsistent"] += 1
                told["errors"].append(str((first, again, fresh)))
    return {**told, "publications_seen": len(seen)}


def read_fresh(file: Path) -> list[tuple[Any, ...]]:
    """Read through a database opened for this one query.

    A second `duckdb.connect` in this process would be given the kept one's database; attaching to
    an instance of its own opens the file as it stands now, as a new process would.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach '{file}' as anew (read_only)")
        return connection.execute(READ.format(db="anew.main.")).fetchall()


def agrees(rows: list[tuple[Any, ...]]) -> bool:
    """Whether everything in one read belongs to one publication."""
    publications, _, model, counted, found, least, greatest, revenue, customers, total = rows[0]
    return (
        publications == 1
        and model == least == greatest
        and counted == found == customers
        and revenue == total
    )


if __name__ == "__main__":
    main()
