"""Plant a wave of a new kind of issue in simulated shops, and print when it is flagged.

    python benchmarks/issue_waves.py                    # three shops, 2 minutes each
    python benchmarks/issue_waves.py --alarms           # false alarms of counts without a wave

In each shop of 1,500 customers, on a day that no setting was chosen by, a week of tickets about a
kind of issue begins that nobody had before. dbt builds the topics and trends for the day of the
wave, for some days after it, with the topics learned before, and for the seventh with topics
learned again. For each day the script prints the tickets of the wave so far, the topics that are
flagged, and how much of the flagged tickets of the last seven days is the wave.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import yaml

from holdfast.simulation import simulate_shop

ROOT = Path(__file__).resolve().parents[1]
# seed, and the first day of the wave: of different weekdays
SHOPS = ((101, date(2026, 4, 14)), (102, date(2026, 5, 1)), (103, date(2026, 6, 14)))
BUILDS = ((0, False), (2, False), (3, False), (5, False), (7, False), (7, True))
INPUTS = ("orders", "support_tickets", "feedback")


def dbt(folder: Path, *words: str) -> None:
    """Run dbt in a project, or stop with what it said."""
    command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def write_project(folder: Path, shop: Path) -> None:
    """Write a project whose inputs are the files of a shop."""
    folder.mkdir(parents=True)
    files = {
        "dbt_project.yml": {
            "name": "shop",
            "profile": "shop",
            "flags": {"send_anonymous_usage_stats": False},
            "vars": {
                "holdfast_publish": False,
                **{f"holdfast_{name}": f"'{shop}/{name}.parquet'" for name in INPUTS},
            },
        },
        "packages.yml": {"packages": [{"local": str(ROOT)}]},
        "profiles.yml": {
            "shop": {
                "target": "dev",
                "outputs": {
                    "dev": {
                        "type": "duckdb",
                        "path": "shop.duckdb",
                        "threads": 2,
                        "plugins": [{"module": "holdfast.plugin"}],
                    }
                },
            }
        },
    }
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    dbt(folder, "deps")


def plant(folder: Path, seed: int, wave: date) -> None:
    """Print when the wave of a shop is flagged."""
    shop = folder / f"shop {seed}"
    simulate_shop(shop, customers=1500, seed=seed, wave=wave)
    project = folder / f"project {seed}"
    write_project(project, shop)
    inputs = [f"stg_holdfast__{name}" for name in INPUTS]
    models = [*inputs, "holdfast__support_t*", "holdfast__support_issue_history"]
    models += ["holdfast__support_issues", "holdfast__support_issue_texts"]
    models += ["holdfast__support_issue_trends"]
    for days, is_again in BUILDS:
        told = {"holdfast_as_of_date": str(wave + timedelta(days))}
        if is_again:
            told["holdfast_retrain"] = "true"
        dbt(project, "run", "--select", *models, "--vars", json.dumps(told))
        _print(project, shop, wave, days, is_again)


def _print(project: Path, shop: Path, wave: date, days: int, is_again: bool) -> None:
    """Print what is flagged on a day, and how much of it is the wave."""
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        (so_far,) = connection.execute(
            "select count(*) from support_issue_texts texts inner join "
            f"read_parquet('{shop}/support_tickets.parquet') tickets "
            "on texts.text_id = cast(tickets.ticket_id as varchar) and texts.source = 'ticket' "
            "where tickets.topic = 'app'"
        ).fetchone() or (0,)
        flagged = connection.execute(
            "select trends.topic, trends.judged_texts, trends.upper_bound, trends.status, "
            "count(*) filter (where tickets.topic = 'app') / count(*) "
            "from support_issue_trends trends "
            "inner join support_issue_texts texts on texts.topic_id = trends.topic_id "
            f"inner join read_parquet('{shop}/support_tickets.parquet') tickets "
            "on texts.text_id = cast(tickets.ticket_id as varchar) and texts.source = 'ticket' "
            "where trends.week = (select max(week) from support_issue_trends) "
            "and trends.is_unusual and tickets.opened_at >= trends.as_of_date - interval 7 day "
            "group by all order by 2 desc, 1"
        ).fetchall()
    told = "; ".join(
        f"{topic!r} ({texts} tickets, up to {bound} are usual, {status}; {share:.0%} the wave)"
        for topic, texts, bound, status, share in flagged
    )
    learned = "topics learned on the day" if is_again else "topics learned before"
    print(
        f"{wave:%a %Y-%m-%d} + {days} days, {learned}: {so_far} tickets of the wave; flagged: "
        f"{told or 'nothing'}",
        flush=True,
    )


def alarms() -> None:
    """Print how often counts exceed the bound although nothing has changed."""
    print("weeks before, mean, variance / mean: false alarms in 1,000 weeks")
    rng = np.random.default_rng(16)
    for weeks in (6, 13, 26):
        for mean in (0.3, 3.0, 30.0):
            for dispersion in (1.0, 1.5, 3.0):
                if dispersion == 1.0:
                    counts = rng.poisson(mean, (100_000, weeks + 1))
                else:
                    size = mean / (dispersion - 1)
                    counts = rng.negative_binomial(size, size / (size + mean), (100_000, weeks + 1))
                share = (counts[:, -1] > bound(counts[:, :-1])).mean()
                print(f"{weeks:3} {mean:5} {dispersion:4}: {1000 * share:.1f}")


def bound(history: np.ndarray) -> np.ndarray:
    """Give the upper bound of holdfast__support_issue_trends, in NumPy."""
    weeks = history.shape[1]
    middle = np.quantile(history, 0.5, axis=1, method="inverted_cdf")[:, None]
    distance = np.quantile(np.abs(history - middle), 0.5, axis=1, method="inverted_cdf")[:, None]
    most = np.floor(middle + np.maximum(6 * distance, 4 * np.sqrt(middle) + 5))
    kept = np.minimum(history, most)
    total = kept.sum(axis=1)
    expected = (total + 0.5) / weeks
    variance = ((kept * kept).sum(axis=1) - total * total / weeks) / (weeks - 1)
    spread = np.sqrt(np.maximum(expected, variance) * (1 + 1 / weeks))
    return np.maximum(4, np.floor(expected * (1 + 2 / 3 * 3.09 * spread / expected) ** 1.5))


def main() -> None:
    """Plant the waves, or count the false alarms."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--alarms", action="store_true", help="count false alarms instead")
    parser.add_argument("--shops", type=int, default=len(SHOPS), help="how many shops (default: 3)")
    options = parser.parse_args()
    if options.alarms:
        alarms()
        return
    with tempfile.TemporaryDirectory() as folder:
        for seed, wave in SHOPS[: options.shops]:
            plant(Path(folder), seed, wave)


if __name__ == "__main__":
    main()
