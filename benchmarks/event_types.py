"""Show what event types add: a subscription whose log tells who is about to cancel.

    python benchmarks/event_types.py --seeds 1 2 3

Customers pay about every 30 days, and some stop. Before they do, most look at the page to cancel or
to downgrade, among eight common things that say nothing. Payments alone hardly tell who stops. Each
line is one build with dbt out of the box, without `holdfast_events` and with it: AUROC and log loss
of the churn model on its latest dates, the number of features, and the CPU time of the training.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[1]
COMMON = ("play", "search", "like", "share", "playlist", "settings", "help", "logout")
MONTHS, GAP_DAYS = 24, 30
LEAVES_UNHAPPY, LEAVES_HAPPY = 0.5, 0.02
UNHAPPY, LOOKS_UNHAPPY, LOOKS_HAPPY = 0.08, 0.7, 0.01


def subscription_log(
    connection: duckdb.DuckDBPyConnection, seed: int, customers: int = 1200
) -> None:
    """Write raw.orders, the payments, and raw.app, what customers did between them."""
    rng = np.random.default_rng(seed)
    payments: list[tuple[int, float]] = []
    events: list[tuple[int, float, str]] = []
    activity = rng.gamma(2.0, 1.0, customers)
    for customer in range(customers):
        day = rng.uniform(0, 12 * GAP_DAYS)
        while day < MONTHS * GAP_DAYS:
            payments.append((customer, day))
            following = day + GAP_DAYS + rng.uniform(-1, 1)
            is_unhappy = rng.random() < UNHAPPY
            for event_type in COMMON:
                times = rng.uniform(day, following, rng.poisson(activity[customer]))
                events.extend((customer, at, event_type) for at in times)
            for event_type in ("cancel_page", "downgrade"):
                if rng.random() < (LOOKS_UNHAPPY if is_unhappy else LOOKS_HAPPY):
                    events.append((customer, rng.uniform(day, following), event_type))
            if rng.random() < (LEAVES_UNHAPPY if is_unhappy else LEAVES_HAPPY):
                break
            day = following
    at = "timestamp '2024-01-01' + to_seconds(round(day * 86400))"
    connection.execute("create schema if not exists raw")
    connection.execute(
        f"""create or replace table raw.orders as
        select row_number() over (order by day asc nulls last, customer_id asc nulls last)
                as order_id,
            customer_id, {at} as ordered_at, 10.0 as amount
        from (select unnest($customers) as customer_id, unnest($days) as day)""",
        {"customers": [row[0] for row in payments], "days": [row[1] for row in payments]},
    )
    connection.execute(
        f"""create or replace table raw.app as
        select customer_id, {at} as occurred_at, event_type
        from (
            select unnest($customers) as customer_id, unnest($days) as day,
                unnest($types) as event_type
        )
        where day < {MONTHS * GAP_DAYS}""",
        {
            "customers": [row[0] for row in events],
            "days": [row[1] for row in events],
            "types": [row[2] for row in events],
        },
    )


def build(directory: Path, *, with_events: bool) -> tuple[dict[str, float], int, float]:
    """Train the churn model; give its figures, its number of features, and CPU seconds."""
    settings = {
        "holdfast_orders": "raw.orders",
        "holdfast_churn_horizon_days": 35,
        "holdfast_active_within_days": 32,
        "holdfast_systems": [],
        "holdfast_publish": False,
        "holdfast_retrain": True,
        **({"holdfast_events": {"app": "raw.app"}} if with_events else {}),
    }
    project = {"name": "club", "profile": "club", "vars": settings}
    output = {
        **{"type": "duckdb", "path": "club.duckdb", "threads": 2},
        "plugins": [{"module": "holdfast.plugin"}],
    }
    for name, content in {
        "dbt_project.yml": project,
        "packages.yml": {"packages": [{"local": str(ROOT)}]},
        "profiles.yml": {"club": {"target": "dev", "outputs": {"dev": output}}},
    }.items():
        (directory / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for words in (["deps"], ["run", "--select", "+holdfast__churn_model"]):
        subprocess.run(
            ["dbt", "--quiet", *words],
            cwd=directory,
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with duckdb.connect(str(directory / "club.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select metrics, len(feature_names) from churn_model"
            " where stage in ('champion', 'evaluated')"
            " and json_extract(metrics, '$.test') is not null order by trained_at desc, stage desc"
        ).fetchone()
    if found is None:
        sys.exit("no model was trained")
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(found[0])["test"], found[1], seconds


def main() -> None:
    """Print a line per seed and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--customers", type=int, default=1200)
    arguments = parser.parse_args()
    for seed in arguments.seeds:
        for with_events in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                with duckdb.connect(str(Path(folder) / "club.duckdb")) as connection:
                    subscription_log(connection, seed, arguments.customers)
                figures, features, seconds = build(Path(folder), with_events=with_events)
            print(
                f"seed {seed}  {'with' if with_events else 'without':7} events: "
                f"AUROC {figures['auroc']:.4f}  log loss {figures['log_loss']:.4f}  "
                f"{features} features  {seconds:.0f} s CPU",
                flush=True,
            )


if __name__ == "__main__":
    main()
