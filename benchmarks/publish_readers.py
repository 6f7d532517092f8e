"""Read a published file without pause while builds replace it, and some of them are killed.

    python benchmarks/publish_readers.py --readers 8 --builds 20 --kills 5

A build is a process of its own that writes new marts into a warehouse and publishes them through
the function that a dbt build calls at its end; a killed one gets SIGKILL at a random moment of its
publishing. Every reader is a process with a connection that it keeps from beginning to end, and
with fresh ones, one after the other. Each read compares every table with the manifest: its rows,
the sum of their hashes, its date and its model. The kept connection must see one publication for
ever. `killed_builds.py --readers` has the same readers beside real builds of dbt.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from holdfast.publishing import Mart, publish


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the readers and the builds, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--builds", type=int, default=20)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--stop", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--pause", type=float, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.build is not None:
        build(options.folder, options.build, options.customers)
    elif options.read is not None:
        print(json.dumps(read_until_stopped(options.read, options.stop, options.pause)))
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
        finish(start_build(folder, 0, customers))
        seconds = time.perf_counter() - started
        file, stop = folder / "serving" / "holdfast.duckdb", folder / "stop"
        reading = [start_reader(file, stop) for _ in range(readers)]
        try:
            for number in range(1, builds + 1):
                process = start_build(folder, number, customers)
                if number in killed:
                    assert process.stdout is not None
                    process.stdout.readline()
                    time.sleep(chance.uniform(0, seconds / 2))
                    process.send_signal(signal.SIGKILL)
                    process.communicate()
                else:
                    seconds = finish(process)["seconds"]
        finally:
            stop.touch()
            seen = together([finish(process) for process in reading])
        with duckdb.connect(str(file), read_only=True) as last:
            model = last.execute("select any_value(model_id) from holdfast_manifest").fetchall()
        left = sorted(path.name for path in file.parent.iterdir())
    return {
        "builds": builds,
        "killed": kills,
        **seen,
        "last_model": model[0][0],
        "left_behind": left,
    }


def together(seen: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Add up what the readers saw."""
    return {
        "readers": len(seen),
        "reads": sum(one["reads"] for one in seen),
        "fewest_reads": min(one["reads"] for one in seen),
        "publications_seen": max(one["publications_seen"] for one in seen),
        "failed": sum(one["failed"] for one in seen),
        "inconsistent": sum(one["inconsistent"] for one in seen),
        "errors": [error for one in seen for error in one["errors"]][:5],
    }


def start_build(folder: Path, number: int, customers: int) -> subprocess.Popen[str]:
    """Start this script as a build."""
    return _start("--folder", str(folder), "--build", str(number), "--customers", str(customers))


def start_reader(file: Path, stop: Path, pause: float = 0) -> subprocess.Popen[str]:
    """Start this script as a reader of a file, until another file stops it."""
    return _start("--read", str(file), "--stop", str(stop), "--pause", str(pause))


def _start(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, *words]
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


def read_until_stopped(file: Path, stop: Path, pause: float) -> dict[str, Any]:
    """Read with a kept connection and with fresh ones until told to stop."""
    publications: set[str] = set()
    told: dict[str, Any] = {"reads": 0, "failed": 0, "inconsistent": 0, "errors": []}
    with duckdb.connect(str(file), read_only=True) as kept:
        first = look_at(kept, file.stem)
        while not stop.exists():
            try:
                again, fresh = look_at(kept, file.stem), look(file)
            except Exception as error:
                told["failed"] += 1
                told["errors"].append(f"{type(error).__name__}: {error}"[:300])
                continue
            told["reads"] += 2
            publications.add(fresh.publication_id)
            if again != first or first.faults or fresh.faults:
                told["inconsistent"] += 1
                told["errors"].append(str((first, again, fresh)))
            time.sleep(pause)
    return {**told, "publications_seen": len(publications)}


@dataclass
class Seen:
    """What one read saw: a publication, the sums of its tables, and what does not agree in it."""

    publication_id: str
    sums: dict[str, tuple[int, str]]
    faults: list[str]


def look(file: Path) -> Seen:
    """Read a published file through a database opened for this one look.

    A second `duckdb.connect` in this process would be given the kept one's database; attaching to
    an instance of its own opens the file that is there now, as a new process would.
    """
    try:
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.execute(f"attach '{file}' as anew (read_only)")
            return look_at(connection, "anew")
    except duckdb.Error as error:
        raise RuntimeError(f"the published file cannot be read: {error}") from error


def look_at(connection: duckdb.DuckDBPyConnection, database: str) -> Seen:
    """Compare every table of a publication with its manifest."""
    manifest = connection.execute(
        f"""
        select publication_id, as_of_date, model_id, table_name, row_count, checksum
        from {database}.main.holdfast_manifest
        """
    ).fetchall()
    sums, faults = {}, []
    if len({row[:3] for row in manifest}) != 1:
        faults.append("the manifest tells of more than one publication")
    for _, date, model, table, rows, checksum in manifest:
        relation = f'{database}.main."{table}"'
        columns = [row[0] for row in connection.execute(f"describe {relation}").fetchall()]
        hashed = ", ".join(f'"{column}"' for column in columns)
        counted = connection.execute(
            f"select count(*), cast(coalesce(sum(hash({hashed})), 0) as varchar) from {relation}"
        ).fetchall()
        sums[table] = counted[0]
        if counted[0] != (rows, checksum):
            faults.append(f"{table} is not what the manifest says")
        told = {"as_of_date": date}
        if table == "customer_retention":
            told["model_id"] = model
        for column, value in told.items():
            if column not in columns:
                continue
            other = connection.execute(
                f'select count(*) from {relation} where "{column}" <> ?', [value]
            ).fetchall()
            if other[0][0]:
                faults.append(f"{table} has another {column}")
    return Seen(str(manifest[0][0]), sums, faults)


if __name__ == "__main__":
    main()
