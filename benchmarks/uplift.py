"""How well offers are aimed: public trials, and a simulated promotion of a small gain.

    python benchmarks/uplift.py --data <folder>

`--data` is the folder with hillstrom.parquet and insurance_offer_*.parquet; without it only the
simulation runs. Qini: the area between the gain curve and that of a random order.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb
import numpy as np

from holdfast.estimators import fit_uplift
from holdfast.measuring import Trial, policy_value, qini, uplift_by_tenth


def claims_without_effect(trials: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> int:
    """Count individual effects claimed where treatments are shuffled, so that there are none."""
    claims = 0
    for seed, (x, treated, outcome) in enumerate(trials):
        shuffled = np.random.default_rng([1, seed]).permutation(treated)
        claims += fit_uplift(x, shuffled, outcome).effect_kind == "individual"
    return claims


def hillstrom(folder: Path, segment: str, seeds: int) -> None:
    """Fit on half of the customers, measure on the other; the plain response model beside."""
    from sklearn.linear_model import LogisticRegression

    rows = duckdb.execute(
        "select * from read_parquet(?) where segment in (?, 'No E-Mail')",
        [str(folder / "hillstrom.parquet"), segment],
    ).df()
    columns = [rows[name] for name in ("recency", "history", "mens", "womens", "newbie")]
    columns += [rows["zip_code"] == name for name in ("Urban", "Rural")]
    columns += [rows["channel"] == name for name in ("Web", "Phone")]
    x = np.column_stack(columns).astype(np.float32)
    treated = (rows["segment"] == segment).to_numpy().astype(int)
    visit = rows["visit"].to_numpy(float)
    found, response, individual = [], [], 0
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(x))
        fit, test = order[: len(x) // 2], order[len(x) // 2 :]
        model = fit_uplift(x[fit], treated[fit], visit[fit])
        trial = Trial.of(treated[test], visit[test])
        individual += model.effect_kind == "individual"
        found.append(qini(model.uplift(x[test]), trial).value)
        scale = x.std(axis=0)
        some = fit[treated[fit] == 1]
        plain = LogisticRegression().fit(x[some] / scale, visit[some])
        response.append(qini(plain.predict_proba(x[test] / scale)[:, 1], trial).value)
    whole = fit_uplift(x, treated, visit).hyperparameters
    halves = [np.random.default_rng(seed).permutation(len(x))[: len(x) // 2] for seed in range(40)]
    false = claims_without_effect([(x[half], treated[half], visit[half]) for half in halves])
    print(
        f"{segment}: mean Qini {np.mean(found):.4f} over {seeds} half splits, response model "
        f"{np.mean(response):.4f}; individual in {individual}; on all rows {whole['effect_kind']}, "
        f"held-out Qini {whole['qini']['value']:.4f} [{whole['qini']['lower']:.4f}, "
        f"{whole['qini']['upper']:.4f}]; with shuffled treatments individual in {false} of 40"
    )


def insurance(folder: Path) -> None:
    """Fit on the one half of the trial, and measure on the other."""
    train, valid = (
        duckdb.execute(
            "select * from read_parquet(?)", [str(folder / f"insurance_offer_{part}.parquet")]
        ).df()
        for part in ("train", "valid")
    )
    names = [name for name in train if name not in ("UNIQUE_ID", "PURCHASE", "TREATMENT")]
    model = fit_uplift(train[names], train["TREATMENT"], train["PURCHASE"], names=names)
    trial = Trial.of(valid["TREATMENT"], valid["PURCHASE"])
    score = model.uplift(valid[names].to_numpy(np.float32))
    ranked, average = qini(score, trial), trial.average_effect()
    x, treated, outcome = (train[part].to_numpy() for part in (names, "TREATMENT", "PURCHASE"))
    false = claims_without_effect([(x, treated, outcome)] * 40)
    tenths = [round(each.value, 3) for each in uplift_by_tenth(score, trial)]
    print(
        f"insurance_offer: average claimed {model.effect[1]:.3f}, {model.effect_kind}; on valid "
        f"average {average.value:.4f} [{average.lower:.4f}, {average.upper:.4f}], Qini "
        f"{ranked.value:.4f} [{ranked.lower:.4f}, {ranked.upper:.4f}], tenths {tenths}; "
        f"with shuffled treatments individual in {false} of 40"
    )


def promotion(seed: int) -> tuple[float, float, float]:
    """Play a promotion of cost .15 and gain 10; give its true gain, the oracle's, everybody's."""
    random, count = np.random.default_rng(seed), 126_000
    shares = [[0.13, 0.37, 0.38, 0.12], [0.32, 0.68], [0.18, 0.37, 0.39, 0.06]]
    v1, v4, v5 = (random.choice(len(share), count, p=share) + 1 for share in shares)
    others = [random.normal(30, 5, count), random.normal(0, 1, count)]
    others += [random.integers(1, 5, count), random.integers(1, 3, count)]
    x = np.column_stack([v1, v4, v5, *others]).astype(np.float32)
    treated = random.integers(0, 2, count)
    without = -5.0 + 0.25 * (v4 == 2) + 0.15 * (v5 == 3)
    strength = 1.05 + 0.5 * ((v4 == 2) - 0.68) - 0.45 * (v5 == 2)
    low, high = (1 / (1 + np.exp(-score)) for score in (without, without + strength))
    bought = random.random(count) < np.where(treated == 1, high, low)
    fit, test = np.arange(84_000), np.arange(84_000, count)
    model = fit_uplift(x[fit], treated[fit], bought[fit], cost=0.15, gain=10.0)
    chosen = model.treats(x[test], cost=0.15, gain=10.0)
    each = 1000 * (10.0 * (high - low) - 0.15)[test]
    trial = Trial.of(treated[test], bought[test])
    measured = policy_value(chosen, trial, cost=0.15, gain=10.0)
    print(f"  seed {seed}: measured per 1,000 {1000 * measured.value:.1f}")
    return float((each * chosen).mean()), float(np.maximum(each, 0).mean()), float(each.mean())


def main() -> None:
    """Print a line per trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--promotions", type=int, default=5)
    asked = parser.parse_args()
    if asked.data:
        hillstrom(asked.data, "Womens E-Mail", asked.seeds)
        hillstrom(asked.data, "Mens E-Mail", asked.seeds)
        insurance(asked.data)
    played = np.mean([promotion(seed) for seed in range(asked.promotions)], axis=0)
    policy, oracle, everybody = played
    print(
        f"simulated promotion per 1,000: policy {policy:.1f}, oracle {oracle:.1f}, "
        f"everybody {everybody:.1f}"
    )


if __name__ == "__main__":
    main()
