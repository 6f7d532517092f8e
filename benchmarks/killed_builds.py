"""Kill real dbt builds at random moments, and see what is lost, doubled, or read wrongly.

    python benchmarks/killed_builds.py                                      # 100 kills
    python benchmarks/killed_builds.py --readers 8 --builds 20 --kills 5    # readers beside builds

Two copies of a small shop (the project of the README, simulated orders) get the same new orders,
day after day. The control builds each day undisturbed. The victim's builds of that day get SIGKILL,
dbt and its children together, at moments drawn over the whole length of a build; then one may end.
After each kill: no table that keeps history has lost a row, no table has a key twice, the published
file opens and is whole. After the day: every table equals the control's, but for the columns that
tell the clock.

With `--readers`, processes read the published file again and again while one shop builds day after
day and some of its builds are killed. Each read compares every table with the manifest.
"""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import json
import os
import random
import shutil
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
from publish_readers import finish, look, start_reader, together

ROOT = Path(__file__).resolve().parents[1]
PROFILE = """
shop: {target: dev, outputs: {dev: {
    type: duckdb, path: shop.duckdb, threads: 2, plugins: [{module: holdfast.plugin}]}}}
"""
# a new model about every second day, so that kills meet training as well as builds without it
PROJECT = """
name: shop
profile: shop
flags: {send_anonymous_usage_stats: false}
vars: {holdfast_orders: "read_parquet('data/orders.parquet')", holdfast_retrain_after_days: 20}
models: {holdfast: {+schema: retention}}
"""
SCHEMA = "main_retention"
DAYS_BETWEEN_BUILDS = 10
# what tells the time of the build, and so differs between two builds of the same data
CLOCK = {"trained_at", "scored_at", "champion_from", "removed_at"}
# kept for ever, beside the models that say so with `keeps_history`
OF_THE_FORGOTTEN = ("customer_removals", "forgotten_customers")
# a champion steps down when a better one comes: the one change of a row that stays
CHANGES = {"stage"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Kill builds, beside readers where asked, and print what was seen."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, help="100, and 5 with readers")
    parser.add_argument("--kills-per-day", type=int, default=10)
    parser.add_argument("--readers", type=int, default=0)
    parser.add_argument("--builds", type=int, default=20, help="with readers")
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args(arguments)
    kills = options.kills or (5 if options.readers else 100)
    days = options.builds if options.readers else -(-kills // options.kills_per_day)
    with tempfile.TemporaryDirectory() as name:
        shop = lay_out(Path(name), days=days, customers=options.customers, seed=options.seed)
        if options.readers:
            result = read_beside(
                shop, readers=options.readers, builds=days, kills=kills, seed=options.seed
            )
        else:
            result = kill(shop, kills=kills, per_day=options.kills_per_day, seed=options.seed)
    print(json.dumps(result, indent=1))
    if result["faults"]:
        sys.exit(1)


@dataclass
class Shop:
    """A project with its orders, of which it has those before a day."""

    folder: Path
    first_day: dt.date

    @property
    def warehouse(self) -> Path:
        """The file that the builds write."""
        return self.folder / "shop.duckdb"

    @property
    def published(self) -> Path:
        """The file that readers open."""
        return self.folder / "serving" / "holdfast.duckdb"

    def copied(self, name: str) -> Shop:
        """Copy the project with all that it has built."""
        folder = self.folder.with_name(name)
        shutil.copytree(self.folder, folder, symlinks=True)
        return Shop(folder, self.first_day)

    def receive(self, day: int) -> None:
        """Let the orders of the days before one come in."""
        until = self.first_day + dt.timedelta(days=DAYS_BETWEEN_BUILDS * day)
        source = self.folder.parent / "orders.parquet"
        duckdb.execute(
            f"""
            copy (from read_parquet('{source}') where ordered_at < date '{until}')
            to '{self.folder / "data" / "orders.parquet"}' (format parquet)
            """
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command of the shop as the head of a group of its own."""
        with (self.folder / "said.log").open("w", encoding="utf-8") as log:
            return subprocess.Popen(
                words,
                cwd=self.folder,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    def run(self, *words: str) -> float:
        """Run a command to its end and give its seconds."""
        started = time.perf_counter()
        if self.start(*words).wait():
            raise RuntimeError(f"{' '.join(words)} failed:\n{self.said()[-3000:]}")
        return time.perf_counter() - started

    def said(self) -> str:
        """Give what the last command printed."""
        return (self.folder / "said.log").read_text(encoding="utf-8")

    def build(self) -> float:
        """Build to the end and give the seconds."""
        return self.run("dbt", "--no-use-colors", "build")

    def build_and_kill(self, seconds: float) -> str | None:
        """Build, kill after some seconds, and give the phase; None where the build was faster."""
        process = self.start("dbt", "--no-use-colors", "build")
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            started = [line for line in self.said().splitlines() if " START " in line]
            if not started:
                return "before the first model"
            return "while publishing" if "on-run-end" in started[-1] else "while building"
        return None


def lay_out(folder: Path, *, days: int, customers: int, seed: int) -> Shop:
    """Write a shop, build its first day, and forget a customer, so that there is all to lose."""
    simulate = ["holdfast", "simulate", "--output", "all", "--customers", str(customers)]
    subprocess.run([*simulate, "--seed", str(seed)], cwd=folder, check=True, capture_output=True)
    (folder / "all" / "orders.parquet").rename(folder / "orders.parquet")
    shutil.rmtree(folder / "all")
    found = duckdb.execute(
        f"""
        select cast(max(ordered_at) as date) + 1 - {DAYS_BETWEEN_BUILDS * days}, min(customer_id)
        from read_parquet('{folder / "orders.parquet"}')
        """
    ).fetchall()
    shop = Shop(folder / "control", found[0][0])
    (shop.folder / "data").mkdir(parents=True)
    (shop.folder / "packages.yml").write_text(json.dumps({"packages": [{"local": str(ROOT)}]}))
    (shop.folder / "profiles.yml").write_text(PROFILE)
    (shop.folder / "dbt_project.yml").write_text(PROJECT)
    shop.receive(0)
    shop.run("dbt", "deps")
    shop.build()
    shop.run("holdfast", "forget", str(found[0][1]))
    # models are measured once more without the rows of the forgotten one
    shop.build()
    return shop


def kill(control: Shop, *, kills: int, per_day: int, seed: int) -> dict[str, Any]:
    """Kill the builds of a copy of a shop and compare it with the shop itself."""
    chance = random.Random(seed)
    victim = control.copied("victim")
    phases: collections.Counter[str] = collections.Counter()
    faults: list[str] = []
    rows_kept = tables = day = 0
    while phases.total() < kills:
        day += 1
        for shop in (control, victim):
            shop.receive(day)
        seconds = control.build()
        tables_of_day = Tables.of(control)
        wanted = min(kills, phases.total() + per_day)
        while phases.total() < wanted:
            before = victim.folder / "before.duckdb"
            shutil.copy(victim.warehouse, before)
            phase = victim.build_and_kill(chance.uniform(0, seconds))
            if phase is None:
                continue
            phases[phase] += 1
            kept, found = tables_of_day.compare_history(before, victim.warehouse)
            rows_kept += kept
            found += look(victim.published).faults
            faults += [f"kill {phases.total()} ({phase}): {fault}" for fault in found]
            print(f"{phases.total()}: day {day}, {phase}, {found or 'nothing lost'}", flush=True)
        victim.build()
        tables, found = differing(victim.warehouse, control.warehouse)
        found += look(victim.published).faults
        faults += [f"day {day}: {fault}" for fault in found]
        print(f"day {day} built: {found or f'{tables} tables equal'}", flush=True)
    return {
        "kills": phases.total(),
        **phases,
        "builds_compared": day,
        "tables_compared": tables,
        "rows_of_history_looked_for": rows_kept,
        "seconds_of_a_build": round(seconds, 1),
        "faults": faults,
    }


@dataclass
class Tables:
    """What the project says of its tables: their keys, and which of them keep history."""

    keys: dict[str, list[str]]
    keep_history: list[str]
    as_of: dt.datetime

    @classmethod
    def of(cls, shop: Shop) -> Tables:
        """Read the manifest of a shop that was built."""
        text = (shop.folder / "target" / "manifest.json").read_text(encoding="utf-8")
        nodes = json.loads(text)["nodes"]
        keys = {
            nodes[node["attached_node"]]["alias"]: node["test_metadata"]["kwargs"]["columns"]
            for node in nodes.values()
            if (node.get("test_metadata") or {}).get("name") == "unique_grain"
            and node["attached_node"] in nodes
        }
        kept = [n["alias"] for n in nodes.values() if n["config"]["meta"].get("keeps_history")]
        with duckdb.connect(str(shop.warehouse), read_only=True) as connection:
            date = connection.execute(f"select max(as_of) from {SCHEMA}.customer_spine").fetchall()
        return cls(keys, [*kept, *OF_THE_FORGOTTEN], date[0][0])

    def compare_history(self, before: Path, after: Path) -> tuple[int, list[str]]:
        """Give how many kept rows there were, and what a killed build did to them and to keys."""
        faults = []
        kept = 0
        with duckdb.connect(str(after)) as connection:
            connection.execute(f"attach '{before}' as before (read_only)")
            now, then = f"{after.stem}.{SCHEMA}", f"before.{SCHEMA}"
            columns = columns_of(connection, after.stem)
            for table in self.keep_history:
                if table not in columns:
                    faults.append(f"{table} is gone")
                    continue
                told = [name for name in columns[table] if name not in CLOCK | CHANGES]
                # a build may write the rows of its own date a second time, with another model
                older = f"as_of < timestamp '{self.as_of}'" if "as_of" in told else "true"
                # and what is measured on outcomes changes as more of them are known
                older += " and split <> 'live'" if "split" in told else ""
                for names, rows in ((self.keys.get(table, told), "true"), (told, older)):
                    lost = count(
                        connection,
                        f"select {listed(names)} from {then}.{table} where {rows} "
                        f"except all select {listed(names)} from {now}.{table}",
                    )
                    if lost:
                        faults.append(f"{table} lost or changed {lost} rows")
                kept += count(connection, f"from {then}.{table}")
            for table, key in self.keys.items():
                if table not in columns:
                    continue
                doubled = count(
                    connection,
                    f"select {listed(key)} from {now}.{table} group by all having count(*) > 1",
                )
                if doubled:
                    faults.append(f"{table} has {doubled} keys twice")
        return kept, faults


def differing(one: Path, other: Path) -> tuple[int, list[str]]:
    """Give how many tables two warehouses have, and which of them differ."""
    faults = []
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one}' as one (read_only)")
        connection.execute(f"attach '{other}' as other (read_only)")
        columns = columns_of(connection, "one")
        if columns != columns_of(connection, "other"):
            return 0, ["the two warehouses have other tables or columns"]
        for table, names in columns.items():
            told = listed(name for name in names if name not in CLOCK)
            ours, theirs = (f"select {told} from {db}.{SCHEMA}.{table}" for db in ("one", "other"))
            rows = count(
                connection, f"({ours} except all {theirs}) union all ({theirs} except all {ours})"
            )
            if rows:
                faults.append(f"{table} differs in {rows} rows")
    return len(columns), faults


def columns_of(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[str]]:
    """Give the tables that a shop has built, with their columns."""
    rows = connection.execute(
        """
        select columns.table_name, list(column_name order by column_index)
        from duckdb_columns() as columns
        inner join duckdb_tables() using (database_name, schema_name, table_name)
        where database_name = ? and schema_name = ?
        group by columns.table_name
        order by columns.table_name
        """,
        [database, SCHEMA],
    ).fetchall()
    return dict(rows)


def count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """Count the rows of a query."""
    return int(connection.execute(f"select count(*) from ({query})").fetchall()[0][0])


def listed(names: Any) -> str:
    """Write names of columns as SQL."""
    return ", ".join(f'"{name}"' for name in names)


def read_beside(shop: Shop, *, readers: int, builds: int, kills: int, seed: int) -> dict[str, Any]:
    """Read a shop's published file while it builds day after day and some builds are killed."""
    chance = random.Random(seed)
    killed = set(chance.sample(range(1, builds + 1), kills))
    phases: collections.Counter[str] = collections.Counter()
    stop = shop.folder / "stop"
    reading = [start_reader(shop.published, stop, pause=2) for _ in range(readers)]
    seconds = 0.0
    try:
        # the first build gives the length of one, so it is not killed
        for day in range(1, builds + 1):
            shop.receive(day)
            if day in killed and seconds:
                phase = shop.build_and_kill(chance.uniform(0, seconds)) or "after its end"
                phases[phase] += 1
            else:
                seconds = shop.build()
            print(f"build {day} of {builds}", flush=True)
    finally:
        stop.touch()
        seen = together([finish(process) for process in reading])
    return {"builds": builds, "killed": phases.total(), **phases, **seen, "faults": seen["errors"]}


if __name__ == "__main__":
    main()
