"""Play policies on in the simulated shop, and print what each is truly worth.

    python benchmarks/closed_loop.py --seeds 10 --months 12
    python benchmarks/closed_loop.py --seeds 3 --months 4 --policies nobody risk oracle holdfast

A policy decides once a month. All policies meet the same customers and the same luck, so that
their differences have little noise. Profit is margin after discounts and returns, less what
offers and contacts cost. The policies:

- nobody: the reference of every gain
- random: leave alone or one of the five offers, with equal chances
- everybody: 20 % off to all who may be written to
- risk: 20 % off to the fifth with the highest true hazard, which no score can beat
- oracle: the offer with the highest true expected profit over six months, if that is above zero
- holdfast: `contact_list`, by dbt runs on the shop's tables; minutes per month

20 % off was the best offer for "everybody" and "risk" on the seeds 1 and 2, not used here.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from holdfast.simulation import (
    PlayedMonth,
    Shop,
    ShopArguments,
    continue_shop,
    no_contacts,
    simulate_shop,
    tidy,
    true_state,
)

ROOT = Path(__file__).resolve().parents[1]
POLICIES = ("nobody", "random", "everybody", "risk", "oracle", "holdfast")
USUAL_OFFER = 4
TABLES = (
    *("customers", "orders", "order_items", "products", "web_events", "support_tickets"),
    *("campaign_sends", "subscriptions", "feedback", "offers", "consents"),
)


def chosen(policy: str, shop: Shop, contact_cents: int) -> pa.Table:
    """Give the contacts of a policy that knows the truth, or needs to know nothing."""
    truth = true_state(shop, contact_cents)
    count = shop.customers
    offer = np.zeros(count, dtype=np.int64)
    if policy == "random":
        draws = np.random.default_rng([shop.arguments.seed, shop.now.toordinal()])
        offer = draws.integers(0, 6, count)
    elif policy == "everybody":
        offer[:] = USUAL_OFFER
    elif policy == "risk":
        risk = np.where(truth.is_opted_in & truth.is_alive, truth.hazard, -1.0)
        offer[np.argsort(-risk)[: int(truth.is_opted_in.sum()) // 5]] = USUAL_OFFER
    elif policy == "oracle":
        offer = np.where(truth.gain.max(axis=1) > 0, 1 + truth.gain.argmax(axis=1), 0)
    who = np.flatnonzero(truth.is_opted_in & (offer > 0))
    if not len(who):
        return no_contacts()
    return tidy(
        pa.table({"customer_id": 1 + who, "channel": ["email"] * len(who), "offer_id": offer[who]})
    )


def play(
    policy: str, window: Shop, months: int, contact_cents: int
) -> Iterator[tuple[PlayedMonth, np.ndarray]]:
    """Play a policy on from the end of a window; tell of each month who is a sleeping dog."""
    shop = window.fork()
    for _ in range(months):
        month = shop.play(chosen(policy, shop, contact_cents))
        yield month, true_state(shop).is_sleeping_dog


def play_holdfast(
    made: ShopArguments, months: int, contact_cents: int, folder: Path
) -> Iterator[tuple[PlayedMonth, np.ndarray]]:
    """Let `contact_list` decide: load the shop's tables, run dbt, play the month, repeat."""
    shop, project = folder / "shop", folder / "project"
    simulate_shop(shop, customers=made.customers, months=made.months, end=made.end, seed=made.seed)
    write_project(project, contact_cents)
    run_dbt(project, "deps")
    warehouse, now = project / "shop.duckdb", made.end
    for _ in range(months):
        load(shop, warehouse, now)
        values = {"holdfast_publish": False, "holdfast_as_of_date": f"{now:%Y-%m-%d}"}
        run_dbt(project, "run", "--select", "+holdfast__contact_list", "--vars", yaml.dump(values))
        played = continue_shop(shop, warehouse, arguments=made)
        now = played.now
        traits = pq.read_table(
            shop / "truth" / "customer_traits.parquet", columns=["persuasion_type"]
        )
        kinds = np.array(traits["persuasion_type"].to_pylist())
        yield played.month, kinds == "sleeping_dog"


def write_project(project: Path, contact_cents: int) -> None:
    """Write a dbt project as a user would, with everything that waits approved by a rule."""
    project.mkdir()
    values = {f"holdfast_{name}": f"raw.{name}" for name in (*TABLES, "approvals")}
    settings = {
        "name": "shop",
        "profile": "shop",
        "flags": {"send_anonymous_usage_stats": False},
        "vars": {
            **values,
            "holdfast_customer_attributes": ["country", "acquisition_channel"],
            "holdfast_contact_cost": contact_cents / 100,
            # as many as it takes: the other policies have no limit either
            "holdfast_contact_budget": 1_000_000,
        },
    }
    target = {
        "type": "duckdb",
        "path": "shop.duckdb",
        "threads": 2,
        "plugins": [{"module": "holdfast.plugin"}],
    }
    profile = {"shop": {"target": "dev", "outputs": {"dev": target}}}
    for name, content in (
        ("dbt_project.yml", settings),
        ("packages.yml", {"packages": [{"local": str(ROOT)}]}),
        ("profiles.yml", profile),
    ):
        (project / name).write_text(yaml.safe_dump(content, sort_keys=False))


def load(shop: Path, warehouse: Path, now: date) -> None:
    """Load the shop's tables into the warehouse, as a pipeline would."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema if not exists raw")
        for name in TABLES:
            connection.execute(
                f"create or replace table raw.{name} as from '{shop}/{name}.parquet'"
            )
        connection.execute(
            """
            create or replace table raw.approvals as
            select 'offers' as system, 'approve' as verdict, 'the benchmark' as decided_by,
                cast(? as timestamp) as decided_at, 'to see what the policy is worth' as why
            """,
            [now.replace(year=now.year - 5)],
        )


def run_dbt(project: Path, *words: str) -> None:
    """Run dbt, and show what it said where it fails."""
    bin_folder = Path(sys.executable).parent
    result = subprocess.run(
        [str(bin_folder / "dbt"), "--no-use-colors", *words],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise SystemExit(f"dbt {words[0]} failed:\n{result.stdout[-6000:]}{result.stderr}")


def main() -> None:
    """Print a row per seed and policy, then what the policies come to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=1500)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=101)
    parser.add_argument("--contact-cents", type=int, default=5)
    parser.add_argument("--policies", nargs="+", choices=POLICIES, default=POLICIES[:-1])
    options = parser.parse_args()
    names = ["nobody", *(name for name in options.policies if name != "nobody")]
    print(
        f"{'seed':>5} {'policy':10}{'profit':>10}{'gain':>9}{'kept':>7}{'contacts':>10}"
        f"{'discount':>10}{'unsubscribed':>14}{'dogs contacted':>16}"
    )
    gains: dict[str, list[float]] = {name: [] for name in names}
    dogs: dict[str, list[int]] = {name: [] for name in names}
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        made = ShopArguments(customers=options.customers, seed=seed)
        window = Shop(made)
        alone = 0.0
        for name in names:
            with tempfile.TemporaryDirectory() as folder:
                if name == "holdfast":
                    months = play_holdfast(
                        made, options.months, options.contact_cents, Path(folder)
                    )
                else:
                    months = play(name, window, options.months, options.contact_cents)
                sums = np.zeros(5)
                for month, is_dog in months:
                    contacts = month.by_customer["contacts"]
                    sums += [
                        month.profit(options.contact_cents) / 100,
                        month.total("contacts"),
                        month.total("discount") / 100,
                        month.total("unsubscribed"),
                        contacts[is_dog].sum(),
                    ]
            profit, contacted, discount, unsubscribed, annoyed = sums.tolist()
            alone = profit if name == "nobody" else alone
            gains[name].append(profit - alone)
            dogs[name].append(int(annoyed))
            print(
                f"{seed:>5} {name:10}{profit:>10,.0f}{profit - alone:>9,.0f}"
                f"{month.total('is_alive'):>7,}{contacted:>10,.0f}{discount:>10,.0f}"
                f"{unsubscribed:>14,.0f}{annoyed:>16,.0f}",
                flush=True,
            )
    print(f"\n{'policy':10}{'mean gain':>11}{'of oracle':>11}{'above risk':>12}{'dogs':>8}")
    for name in names:
        mean = np.mean(gains[name])
        share = f"{mean / np.mean(gains['oracle']):.0%}" if "oracle" in gains else "-"
        above = "-"
        if "risk" in gains:
            pairs = zip(gains[name], gains["risk"], strict=True)
            above = f"{sum(mine > theirs for mine, theirs in pairs)} of {options.seeds}"
        print(f"{name:10}{mean:>11,.0f}{share:>11}{above:>12}{np.mean(dogs[name]):>8,.0f}")


if __name__ == "__main__":
    main()
