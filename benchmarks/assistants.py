"""Ask `holdfast mcp` from several clients while builds publish, and count what goes wrong.

    python benchmarks/assistants.py serving/holdfast.duckdb --calls 10000 --clients 8

The tables of a published file become a small warehouse. One process publishes it again and again,
as a build does at its end, each time with other figures: every table carries the number of its
publication. The clients, processes of their own with the official SDK, ask all tools at random and
check that an answer carries one number only, that of the publication that it names. The time of a
call is what the client waits, its own check of the answer against the tool's schema included.

`--transport stdio` gives every client a server of its own; with `http` all share one. `--pause` is
the time between two publications. Prints one line per transport. On a busy machine the times of
calls say little; the processor time, of client and server together, hardly depends on the load.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio
import duckdb
from mcp import Client, StdioServerParameters

from holdfast.publishing import MANIFEST, Mart, publish

# a column of each table that is set to the number of the publication
MARKED = {
    "customer_retention": "revenue_365d",
    "customer_value": "historic_revenue",
    "churn_after_order": "order_amount",
    "decisions": "expected_profit",
    "retention_metrics": "revenue",
    "retention_cohorts": "revenue",
    "offer_effects": "smallest_detectable",
    "campaign_performance": "cost",
    "model_performance": "base_rate",
}
SERVER = [sys.executable, "-m", "holdfast.cli", "mcp"]


def marts_of(published: Path, warehouse: Path) -> list[Mart]:
    """Copy a published file as a warehouse, and describe its tables as marts."""
    shutil.copy(published, warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"drop table {MANIFEST}")
        marts = []
        for name, about in connection.execute(
            "select table_name, coalesce(comment, '') from duckdb_tables() order by 1"
        ).fetchall():
            comments = connection.execute(
                "select column_name, coalesce(comment, '') from duckdb_columns() "
                "where table_name = ?",
                [name],
            ).fetchall()
            marts.append(
                Mart(
                    unique_id=f"model.holdfast.holdfast__{name}",
                    name=name,
                    relation=f'main."{name}"',
                    description=about,
                    descriptions={column.lower(): comment for column, comment in comments},
                )
            )
    return marts


def publish_version(warehouse: Path, marts: list[Mart], serving: Path, version: int) -> None:
    """Publish the warehouse with the number of this publication in every marked table."""
    with duckdb.connect(str(warehouse), config={"threads": 1}) as connection:
        names = {mart.name for mart in marts}
        for table, column in MARKED.items():
            if table in names:
                connection.execute(f"update {table} set {column} = ?", [version])
        connection.execute("update customer_retention set model_id = ?", [f"model {version}"])
        publish(connection, marts, serving, source="benchmark")


def publish_on(warehouse: Path, marts: list[Mart], serving: Path, pause: float, stop: Any) -> None:
    """Publish one version after another."""
    version = 1
    while not stop.wait(pause):
        version += 1
        publish_version(warehouse, marts, serving, version)


def questions(serving: Path) -> list[tuple[str, dict[str, Any]]]:
    """Give what the clients ask."""
    with duckdb.connect(str(serving), read_only=True) as connection:
        ids = [
            row[0]
            for row in connection.execute(
                "select customer_id from customer_retention order by hash(customer_id) limit 200"
            ).fetchall()
        ]
    return [
        *(("explain_customer", {"customer_id": customer}) for customer in ids[:30]),
        *(("customer_context", {"customer_id": customer}) for customer in ids[:30]),
        *(("customers_at_risk", {"limit": limit}) for limit in (5, 10, 20)),
        ("customers_at_risk", {"risk_band": "high", "limit": 10}),
        ("retention_metrics", {"months": 12}),
        ("retention_by_segment", {"segment_by": "first_channel", "limit": 20}),
        ("offer_effects", {}),
        ("campaign_results", {"limit": 10}),
        ("support_issues", {}),
        ("waiting_for_review", {"limit": 10}),
        ("data_and_models", {"task": "churn"}),
    ]


def processor_time(of: int) -> float:
    """Give the seconds of processor time of this process, or of its children that have ended."""
    used = resource.getrusage(of)
    return used.ru_utime + used.ru_stime


def inconsistencies(answer: dict[str, Any]) -> int:
    """Count the figures of an answer that are not of the publication that it names."""
    number = re.search(r"\d+$", answer["model_id"])
    assert number is not None
    return sum(
        row[column] != int(number[0])
        for table, column in MARKED.items()
        for row in answer["data"].get(table, {"rows": []})["rows"]
        if column in row
    )


def ask(target: str, serving: str, calls: int, seed: int, answers: Any) -> None:
    """Ask at random, one question after the other, and tell what came of it."""
    asked = questions(Path(serving))
    draw = random.Random(seed)
    server: Any = target or StdioServerParameters(
        command=SERVER[0], args=[*SERVER[1:], "--file", serving], env=dict(os.environ)
    )

    async def run() -> None:
        times: list[float] = []
        errors = wrong = 0
        seen = set()
        async with Client(server) as client:
            # a client learns the schemas once
            await client.list_tools()
            began = processor_time(resource.RUSAGE_SELF)
            for _ in range(calls):
                name, arguments = draw.choice(asked)
                begin = time.perf_counter()
                try:
                    result = await client.call_tool(name, arguments)
                except Exception as error:
                    print(f"{name}: {error!r}", file=sys.stderr)
                    errors += 1
                    continue
                times.append(time.perf_counter() - begin)
                if result.is_error:
                    print(f"{name}: {result.content}", file=sys.stderr)
                    errors += 1
                    continue
                seen.add(result.structured_content["publication_id"])
                wrong += inconsistencies(result.structured_content)
            used = processor_time(resource.RUSAGE_SELF) - began
        # a server of its own has ended with the client
        used += processor_time(resource.RUSAGE_CHILDREN)
        answers.put((times, errors, wrong, used, seen))

    anyio.run(run)


def measure(
    transport: str, published: Path, calls: int, clients: int, pause: float
) -> dict[str, Any]:
    """Run the clients beside the publisher.

    Parameters
    ----------
    transport
        `http` or `stdio`.
    published
        A published file to take the tables from.
    calls, clients
        How many calls in all, from how many processes.
    pause
        Seconds between two publications; negative: none is published meanwhile.

    Returns
    -------
    dict
        Times of all calls, their processor time, errors, inconsistent figures, and how many
        publications were seen.
    """
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        warehouse, serving = Path(folder) / "shop.duckdb", Path(folder) / "holdfast.duckdb"
        marts = marts_of(published, warehouse)
        publish_version(warehouse, marts, serving, 1)
        stop, answers = context.Event(), context.Queue()
        publisher = context.Process(
            target=publish_on, args=(warehouse, marts, serving, pause, stop)
        )
        server, target = None, ""
        if transport == "http":
            server = subprocess.Popen(
                [*SERVER, "--file", str(serving), "--http", "--port", "0"],
                stderr=subprocess.PIPE,
                text=True,
            )
            assert server.stderr is not None
            found = re.search(r"http://\S+/mcp", server.stderr.readline())
            assert found is not None
            target = found[0]
        try:
            if pause >= 0:
                publisher.start()
            asking = [
                context.Process(
                    target=ask, args=(target, str(serving), calls // clients, seed, answers)
                )
                for seed in range(clients)
            ]
            begin = time.perf_counter()
            for process in asking:
                process.start()
            told = [answers.get(timeout=3600) for _ in asking]
            seconds = time.perf_counter() - begin
            for process in asking:
                process.join()
        finally:
            stop.set()
            if pause >= 0:
                publisher.join()
            used = -processor_time(resource.RUSAGE_CHILDREN)
            if server is not None:
                server.terminate()
                server.communicate()
            used += processor_time(resource.RUSAGE_CHILDREN)
    return {
        "times": [seconds for times, *_ in told for seconds in times],
        "errors": sum(errors for _, errors, *_ in told),
        "inconsistent": sum(wrong for _, _, wrong, *_ in told),
        "processor": used + sum(used for *_, used, _ in told),
        "publications": len(set().union(*(seen for *_, seen in told))),
        "seconds": seconds,
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("published", type=Path, help="a published file, such as that of the demo")
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--pause", type=float, default=5, help="negative: publish nothing")
    parser.add_argument("--transport", choices=["http", "stdio"], nargs="+", default=["http"])
    options = parser.parse_args()
    for transport in options.transport:
        found = measure(transport, options.published, options.calls, options.clients, options.pause)
        times = sorted(found["times"])
        print(
            f"{transport}: {len(times):,} calls from {options.clients} clients in "
            f"{found['seconds']:.0f} s, {found['publications']} publications seen: "
            f"{found['errors']} errors, {found['inconsistent']} inconsistent figures; "
            f"median {1000 * statistics.median(times):.0f} ms, "
            f"95 % below {1000 * times[int(0.95 * len(times))]:.0f} ms; "
            f"processor time {1000 * found['processor'] / len(times):.1f} ms a call; "
            f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        )


if __name__ == "__main__":
    main()
