"""What campaign_allocation loses while it learns, and how often daily looks raise a false alarm.

    python benchmarks/campaigns.py
    python benchmarks/campaigns.py --seeds 100 --sends 500

Both parts run the package's own SQL, which dbt renders once, in DuckDB.

1. Regret. Ten variants with success rates drawn at random, 50 rounds of --sends sends each; the
   outcome of a send is known three rounds later. Regret is the number of successes lost against
   always sending the best variant. Beside the allocation: an equal split, epsilon-greedy
   (a tenth at random), and Thompson sampling with a draw from Beta(1 + successes, 1 + failures)
   for every send. The rates, and so the best variant, are the same for all policies of a seed.
2. False alarms. Two variants with the same success rate, 20 sends each a day for 90 days. A run
   counts as a false alarm if the interval leaves zero out on any of the days, from the first on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
ARMS, ROUNDS, DELAY = 10, 50, 3
SHOPS = {"rates of 2 to 12 %": (0.02, 0.12), "rates of 10 to 50 %": (0.1, 0.5)}
RUNS, DAYS, DAILY = 2_000, 90, 20
COMPILE = "dbt --quiet --log-format json compile --output json"
POLICIES = ("equal split", "epsilon-greedy", "Thompson sampling", "campaign_allocation")


def rendered(jinja: str) -> str:
    """Let dbt render SQL of the package."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*COMPILE.split(), "--target-path", folder, "--inline", jinja],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    lines = [json.loads(line) for line in done.stdout.splitlines() if '"compiled"' in line]
    return str(json.loads(lines[-1]["info"]["msg"])["compiled"])


def allocation_of(connection: duckdb.DuckDBPyConnection, sql: str, known: np.ndarray) -> np.ndarray:
    """Give the shares of all worlds at once, for sends and successes (world, 2, arm)."""
    worlds, _, arms = known.shape
    sends, successes = known[:, 0].ravel().astype(float), known[:, 1].ravel().astype(float)
    rate = np.divide(successes, sends, out=np.zeros_like(sends), where=sends > 0)
    spread = sends * rate * (1 - rate)
    given = pa.table(
        {
            "world": np.repeat(np.arange(worlds), arms),
            "arm": np.tile(np.arange(arms), worlds),
            "is_open": np.ones(worlds * arms, dtype=bool),
            "estimate": pa.array(rate, mask=sends == 0),
            "sample_size": sends,
            "deviation": np.divide(spread, sends - 1, out=np.zeros_like(sends), where=sends > 1),
            "added_variance": np.zeros(worlds * arms),
        }
    )
    connection.register("arms", given)
    shares = connection.execute(f"select share from ({sql}) order by world, arm").fetchnumpy()
    return np.asarray(shares["share"]).reshape(worlds, arms)


def counts_of(
    policy: str, shares: np.ndarray, known: np.ndarray, sends: int, rng: np.random.Generator
) -> np.ndarray:
    """Give how many of a round's sends each variant gets in one world."""
    if policy == "Thompson sampling":
        drawn = rng.beta(1 + known[1], 1 + known[0] - known[1], size=(sends, ARMS))
        return np.bincount(drawn.argmax(axis=1), minlength=ARMS)
    if policy == "epsilon-greedy" and known[0].sum() > 0:
        rate = known[1] / np.maximum(known[0], 1)
        shares = np.full(ARMS, 0.1 / ARMS)
        shares[rng.choice(np.flatnonzero(rate == rate.max()))] += 0.9
    return rng.multinomial(sends, shares)


def regrets(sql: str, policy: str, rates: np.ndarray, sends: int, seed: int) -> np.ndarray:
    """Give the successes that a policy loses in each world (a row of rates)."""
    worlds = len(rates)
    connection = duckdb.connect()
    rngs = [np.random.default_rng([seed, world]) for world in range(worlds)]
    known = np.zeros((worlds, 2, ARMS))
    waiting: list[np.ndarray] = []
    lost = np.zeros(worlds)
    for _ in range(ROUNDS):
        shares = np.full((worlds, ARMS), 1 / ARMS)
        if policy == "campaign_allocation":
            shares = allocation_of(connection, sql, known)
        sent = np.array(
            [
                counts_of(policy, *given, sends, rng)
                for *given, rng in zip(shares, known, rngs, strict=True)
            ]
        )
        won = np.array(
            [rng.binomial(*given) for *given, rng in zip(sent, rates, rngs, strict=True)]
        )
        lost += (sent * (rates.max(axis=1, keepdims=True) - rates)).sum(axis=1)
        waiting.append(np.stack([sent, won], axis=1))
        if len(waiting) > DELAY:
            known = known + waiting.pop(0)
    return lost


def print_regret(sql: str, seeds: int, sends: int) -> None:
    """Print the mean regret of each policy, and its ratio to that of Thompson sampling."""
    for name, (least, most) in SHOPS.items():
        rates = np.array(
            [np.random.default_rng(seed).uniform(least, most, ARMS) for seed in range(seeds)]
        )
        found = {policy: regrets(sql, policy, rates, sends, 1) for policy in POLICIES}
        thompson = found["Thompson sampling"]
        print(f"{name}, {sends} sends a round, {seeds} seeds: successes lost")
        for policy, lost in found.items():
            error = lost.std(ddof=1) / np.sqrt(seeds)
            paired = (lost - thompson).std(ddof=1) / np.sqrt(seeds) / thompson.mean()
            print(
                f"  {policy:20} {lost.mean():7.1f} ± {1.96 * error:5.1f}"
                f"   of Thompson's {lost.mean() / thompson.mean():.2f} ± {1.96 * paired:.2f}"
            )


def false_alarms(
    variances: str, half_width: str, rate: float, runs: int
) -> tuple[float, float, float]:
    """Give the share of runs in which an interval of two equal variants ever leaves zero out.

    That of the confidence sequence, of the usual interval, and of the latter on the last day.
    """
    rng = np.random.default_rng(15)
    won = rng.binomial(DAILY, rate, size=(runs, DAYS, 2)).cumsum(axis=1)
    sends = np.broadcast_to(DAILY * np.arange(1, DAYS + 1)[None, :, None], won.shape)
    mean = won / sends
    look = np.broadcast_to(np.arange(runs * DAYS).reshape(runs, DAYS, 1), won.shape)
    arms = pa.table(
        {
            "look": look.ravel(),
            "arm": np.broadcast_to(np.arange(2), won.shape).ravel(),
            "is_open": np.ones(won.size, dtype=bool),
            "estimate": mean.ravel(),
            "sample_size": sends.ravel().astype(float),
            "deviation": (mean * (1 - mean) * sends / (sends - 1)).ravel(),
            "added_variance": np.zeros(won.size),
        }
    )
    connection = duckdb.connect()
    connection.register("arms", arms)
    found = connection.execute(
        f"""
        with estimated as ({variances}),
        pairs as (
            select
                one.look // {DAYS} as run,
                one.look % {DAYS} as day,
                abs(one.estimate - other.estimate) as difference,
                one.variance + other.variance as variance,
                one.sample_size as one,
                other.sample_size as other,
            from estimated as one inner join estimated as other using (look)
            where one.arm = 0 and other.arm = 1
        ),
        runs as (
            select
                run,
                bool_or(difference > 1.96e0 * sqrt(variance)) as fixed,
                bool_or(difference > {half_width}) as anytime,
                bool_or(difference > 1.96e0 * sqrt(variance) and day = {DAYS - 1}) as last,
            from pairs group by run
        )
        select avg(anytime::int), avg(fixed::int), avg(last::int) from runs
        """
    ).fetchone()
    assert found is not None
    return found[0], found[1], found[2]


def print_false_alarms(variances: str, half_width: str, rate: float) -> None:
    """Print the shares of false alarms for one rate."""
    anytime, fixed, last = false_alarms(variances, half_width, rate, RUNS)
    print(
        f"  rate {rate:.0%}: confidence sequence {anytime:.1%}, usual 95 % interval {fixed:.1%}"
        f" (looked at on day {DAYS} only: {last:.1%})"
    )


def main() -> None:
    """Render the SQL, and print both parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--sends", type=int, default=100)
    given = parser.parse_args()
    shares = rendered("{{ holdfast.allocation_shares('arms', ['world'], '0.02e0') }}")
    print_regret(shares, given.seeds, given.sends)
    variances = rendered("{{ holdfast.pooled_variances('arms', ['look']) }}")
    half_width = rendered("{{ holdfast.anytime_half_width('variance', 'one', 'other') }}")
    print(f"false alarms in {RUNS} runs, {DAILY} sends a variant and day, {DAYS} daily looks")
    for rate in (0.03, 0.1, 0.4):
        print_false_alarms(variances, half_width, rate)


if __name__ == "__main__":
    main()
