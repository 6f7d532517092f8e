"""How well price_response finds elasticities: orange juice, and prices whose effect is known.

    HOLDFAST_SHARED_DATA=<folder> python benchmarks/pricing.py
    python benchmarks/pricing.py --shops 100

Both parts run the package's own SQL, which dbt renders once, in DuckDB.

1. Orange juice. 83 stores, 121 weeks, 11 brands; logarithms of sales and prices, with deals and
   features kept apart. `HOLDFAST_SHARED_DATA` names the folder with `orange_juice.parquet`; where
   it is not set, this part is left out. The answer of a store and brand to a price that is 10 %
   higher is judged by weeks that its estimate has not seen: the first 81 weeks say whether it is
   identified, the last 40 which way the sales went.
2. Simulated shops. Five categories of twelve products, two years. Elasticities differ by category
   and product; a product's demand drifts by itself, and that of a category by week; prices are
   reduced for a month now and then. An interval should cover the truth in 95 of 100 cases.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
COMPILE = "dbt --quiet --log-format json compile --output json"
WEEKS, CATEGORIES, PRODUCTS = 104, 5, 12
# how unit and time_key are made of store, brand and week, and what has a slope of its own
POOLED = ("'*'", "brand", "store || '|' || brand", "week")
BY_BRAND = ("brand", "store || '|' || brand", "store || '|' || brand", "brand || '|' || week")


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


def juice_slopes(
    sql: str, path: Path, keys: tuple[str, str, str, str], weeks: str = "true"
) -> dict[str, np.ndarray]:
    """Give the slopes of orange juice, with category, product, unit and time as the keys say."""
    connection = duckdb.connect()
    category, product, unit, time_key = (f"cast({key} as varchar)" for key in keys)
    connection.execute(f"""
        create table panel as
        select
            {category} as category,
            {product} as product_id,
            {unit} as unit,
            {time_key} as time_key,
            week,
            logmove as sales,
            ln(unit_price_per_ounce) as log_price,
            cast(deal > 0 as int) as deal,
            feat,
        from read_parquet('{path}')
        where {weeks}
    """)
    found = connection.execute(f"select * from ({sql}) order by category, product_id")
    return dict(found.fetchnumpy())


def print_juice(sql: str, path: Path) -> None:
    """Print the slopes of orange juice, and how often the sign is that of later weeks."""
    pooled = juice_slopes(sql, path, POOLED)
    print("Orange juice, 83 stores x 121 weeks x 11 brands")
    error = pooled["category_standard_error"][0]
    print(f"  all brands      {pooled['category_slope'][0]:.2f} +- {1.96 * error:.2f}")
    brands = juice_slopes(sql, path, BY_BRAND)
    for brand in sorted(set(brands["category"]), key=int):
        rows = brands["category"] == brand
        slope, error, status = (
            brands[name][rows][0]
            for name in ("category_slope", "category_standard_error", "category_status")
        )
        print(f"  brand {brand:>2}        {slope:.2f} +- {1.96 * error:.2f}  {status}")
    early = juice_slopes(sql, path, BY_BRAND, "week <= 120")
    late = juice_slopes(sql, path, BY_BRAND, "week > 120")
    falls = dict(zip(late["product_id"], late["own_slope"] < 0, strict=True))
    for name, found in (("all weeks", brands), ("before week 121", early)):
        known = np.isin(found["status"], ["estimated", "pooled"])
        print(f"  identified from {name}: {known.sum()} of {len(known)} store x brand")
    seen = [falls[product] for product in early["product_id"][known] if product in falls]
    print(f"  their sales fell with a higher price after week 120: {100 * np.mean(seen):.1f} %")


def simulated(seed: int, products: int = PRODUCTS) -> tuple[pa.Table, np.ndarray]:
    """Give the panel of a shop, and the elasticity of each product."""
    rng = np.random.default_rng(seed)
    count = CATEGORIES * products
    category = np.repeat(np.arange(CATEGORIES), products)
    truth = rng.normal(-1.8, 0.4, CATEGORIES)[category] + rng.normal(0, 0.5, count)
    is_reduced = np.repeat(rng.random((count, WEEKS // 4)) < 0.2, 4, axis=1)
    depth = np.repeat(rng.uniform(0.1, 0.3, (count, WEEKS // 4)), 4, axis=1)
    log_price = np.log(rng.uniform(5, 50, (count, 1))) + np.where(is_reduced, np.log1p(-depth), 0)
    drift = np.zeros((count, WEEKS))
    for week in range(1, WEEKS):
        drift[:, week] = 0.8 * drift[:, week - 1] + 0.15 * rng.standard_normal(count)
    season = 0.3 * rng.standard_normal((CATEGORIES, WEEKS))[category]
    level = rng.normal(2.0, 0.8, (count, 1))
    mean_price = log_price.mean(axis=1, keepdims=True)
    rate = np.exp(level + season + drift + truth[:, None] * (log_price - mean_price))
    product, week = (grid.ravel() for grid in np.indices((count, WEEKS)))
    panel = pa.table(
        {
            "category": category[product].astype(str),
            "product_id": product,
            "unit": product.astype(str),
            "time_key": np.char.add(
                np.char.add(category[product].astype(str), "|"), week.astype(str)
            ),
            "week": week,
            "sales": rng.poisson(rate).ravel(),
            "log_price": log_price.ravel(),
        }
    )
    return panel, truth


def simulated_slopes(sql: str, seed: int, products: int = PRODUCTS) -> dict[str, np.ndarray]:
    """Give the slopes of a simulated shop, by product, with the truth beside them."""
    panel, truth = simulated(seed, products)
    connection = duckdb.connect()
    connection.register("given", panel)
    connection.execute("create table panel as select * from given")
    found = dict(connection.execute(f"select * from ({sql}) order by product_id").fetchnumpy())
    return found | {"truth": truth}


def is_covered(found: dict[str, np.ndarray], slope: str, error: str) -> np.ndarray:
    """Say for each product whether the 95 % interval covers the truth."""
    return np.asarray(np.abs(found[slope] - found["truth"]) <= 1.96 * found[error])


def print_simulated(sql: str, shops: int) -> None:
    """Print how often intervals cover the truth, and how far estimates are from it."""
    begun = time.perf_counter()
    runs = [simulated_slopes(sql, seed) for seed in range(shops)]
    found = {name: np.concatenate([run[name] for run in runs]) for name in runs[0]}
    print(f"Simulated prices, {shops} shops of {CATEGORIES * PRODUCTS} products")
    for name, slope, error in (
        ("own", "own_slope", "own_standard_error"),
        ("shrunk", "slope", "standard_error"),
    ):
        covered = is_covered(found, slope, error)
        by_shop = covered.reshape(shops, -1).mean(axis=1)
        margin = 1.96 * by_shop.std(ddof=1) / np.sqrt(shops) if shops > 1 else float("nan")
        miss = np.sqrt(np.mean((found[slope] - found["truth"]) ** 2))
        print(
            f"  {name:8} intervals cover {100 * covered.mean():.1f} % (+- {100 * margin:.1f}), "
            f"root mean squared error {miss:.2f}"
        )
    statuses, counts = np.unique(found["status"].astype(str), return_counts=True)
    print("  " + ", ".join(f"{s} {c}" for s, c in zip(statuses, counts, strict=True)))
    print(f"  {(time.perf_counter() - begun) / shops:.1f} s per shop")


def main() -> None:
    """Print both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=40)
    options = parser.parse_args()
    shared = os.environ.get("HOLDFAST_SHARED_DATA")
    if shared:
        of_logarithms = "{{ holdfast.price_slopes('panel', ['deal', 'feat'], is_logarithm=true) }}"
        print_juice(rendered(of_logarithms), Path(shared) / "orange_juice.parquet")
    else:
        print("Orange juice is left out: HOLDFAST_SHARED_DATA is not set")
    print_simulated(rendered("{{ holdfast.price_slopes('panel') }}"), options.shops)


if __name__ == "__main__":
    main()
