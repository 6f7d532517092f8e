"""How good recommendations are on Online Retail II, and how long they take in a large shop.

    python benchmarks/recommendations.py quality
    python benchmarks/recommendations.py quality --as-of 2011-10-15 --as-of 2011-09-17
    python benchmarks/recommendations.py speed
    python benchmarks/recommendations.py speed --lines 2000000 --customers 100000

`quality` builds the example in examples/online_retail (its database must be there: see its README)
as of a day, 28 days before the end of the data by default, and judges the lists by what customers
who had ordered before bought in the 28 days from then on: hit rate, recall and NDCG of the first
ten. Beside them stand the products that most customers bought in the 28 days before, those that
the customer bought most often, and the fixed blend.

`speed` makes a shop with a power law of popularity (benchmarks/affinity.py), builds all tables of
recommendations and prints the seconds of each, those of the processors, and the peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
from affinity import make_shop, write_project

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "online_retail"
SYSTEM = (
    "recommendation_purchases",
    "recommendation_customers",
    "recommendation_history",
    "recommendation_neighbours",
    "recommendation_similar_customers",
    "recommendation_products",
    "recommendation_candidates",
    "recommendation_labels",
    "recommendation_training_set",
    "recommendation_model",
    "recommendation_scores",
    "product_recommendations",
)

# customer_id, product_id and a score, by what is judged; {t} is the schema of the tables
LISTS = {
    "popularity, 28 days": """
        select customers.customer_id, products.product_id, products.buyer_share_28d as score
        from {t}.recommendation_customers as customers
        cross join (
            select * from {t}.recommendation_products
            where as_of = {as_of} order by popularity_rank limit 2000
        ) as products
        where customers.as_of = {as_of} and customers.customer_id in (select customer_id from truth)
    """,
    "personal frequency": """
        select customer_id, product_id, times_bought + 1 / (2e0 + days_since_bought) as score
        from {t}.recommendation_history where as_of = {as_of}
        union all
        select customers.customer_id, products.product_id, 1 / (1e3 + products.popularity_rank)
        from {t}.recommendation_customers as customers
        cross join (
            select * from {t}.recommendation_products
            where as_of = {as_of} order by popularity_rank limit 50
        ) as products
        anti join {t}.recommendation_history as history
            on history.customer_id = customers.customer_id
            and history.product_id = products.product_id
            and history.as_of = {as_of}
        where customers.as_of = {as_of}
    """,
    "fixed blend": """
        select customer_id, product_id, blend_score as score from {t}.recommendation_scores
    """,
    "product_recommendations": """
        select customer_id, product_id, -rank as score
        from {t}.product_recommendations where list = '{list}'
    """,
}


def judge(connection: duckdb.DuckDBPyConnection, schema: str, as_of: str) -> None:
    """Print the figures of a day."""
    moment = f"timestamp '{as_of}'"
    connection.execute(f"""
        create or replace temp table truth as
        select distinct
            bought.customer_id,
            bought.product_id,
            earlier.product_id is null as is_new,
        from {schema}.recommendation_purchases as bought
        left join (
            select distinct customer_id, product_id from {schema}.recommendation_purchases
            where ordered_at < {moment}
        ) as earlier using (customer_id, product_id)
        where
            bought.ordered_at >= {moment}
            and bought.ordered_at < {moment} + interval 28 day
            and bought.customer_id in (
                select customer_id from {schema}.recommendation_purchases
                where ordered_at < {moment}
            )
    """)
    print(f"\nas of {as_of}              customers     hit@10  recall@10    NDCG@10")
    for name, query in LISTS.items():
        for which, only in (("top", ""), ("explore", "where is_new")):
            rows = query.format(t=schema, as_of=moment, list=which)
            new = f"""
                where (customer_id, product_id) not in (
                    select (customer_id, product_id) from {schema}.recommendation_purchases
                    where ordered_at < {moment}
                )
            """
            figures = connection.execute(f"""
                with wanted as (
                    select customer_id, product_id, count(*) over (partition by customer_id) as n
                    from truth {only}
                ),
                ranked as (
                    select
                        customer_id,
                        product_id,
                        row_number() over (
                            partition by customer_id order by score desc, product_id
                        ) as rank,
                    from ({rows}) {new if only else ""}
                ),
                judged as (
                    select
                        wanted.customer_id,
                        wanted.n,
                        count(ranked.rank) as hits,
                        coalesce(sum(1 / log2(ranked.rank + 1)), 0) as gain,
                    from wanted
                    left join ranked
                        on ranked.customer_id = wanted.customer_id
                        and ranked.product_id = wanted.product_id
                        and ranked.rank <= 10
                    group by wanted.customer_id, wanted.n
                )
                select
                    count(*),
                    avg(cast(hits > 0 as integer)),
                    avg(hits / n),
                    avg(gain / list_sum([1 / log2(i + 1) for i in range(1, least(n, 10) + 1)])),
                from judged
            """).fetchall()[0]
            label = f"{name}, {'new products' if only else 'all'}"
            told = "".join(f"{figure:11.3f}" for figure in figures[1:])
            print(f"{label:38s}{figures[0]:8d}{told}")


def run(
    folder: Path, models: list[str], variables: dict[str, Any]
) -> tuple[dict[str, float], float, float]:
    """Build models; give the seconds of each, those of the processors, and the peak memory."""
    process = subprocess.Popen(
        ["dbt", "--no-use-colors", "run", "--vars", json.dumps(variables), "--select", *models],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
    )
    assert process.stdout is not None
    log = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(log)
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    seconds = {
        result["unique_id"].split(".")[-1]: result["execution_time"]
        for result in results
        if result["unique_id"].startswith("model.")
    }
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


def quality(days: list[str]) -> None:
    """Build the example as of each day, in a copy, and judge it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "online_retail"
        shutil.copytree(
            EXAMPLE, folder, ignore=shutil.ignore_patterns("target", "logs", "dbt_packages")
        )
        (folder / "packages.yml").write_text(f"packages:\n  - local: {ROOT}\n")
        subprocess.run(["dbt", "deps"], cwd=folder, check=True, capture_output=True)
        for day in days:
            settings = {
                "holdfast_as_of_date": day,
                "holdfast_publish": False,
                "holdfast_retrain": True,
            }
            models = [f"holdfast__{name}" for name in SYSTEM]
            run(folder, ["stg_holdfast__*", *models], settings)
            with duckdb.connect(str(folder / "online_retail.duckdb"), read_only=True) as connection:
                judge(connection, "main_retention", day)


def speed(lines: int, customers: int, products: int, folder: Path | None) -> None:
    """Build a large shop and print what each table took."""
    with tempfile.TemporaryDirectory() as temporary:
        place = folder or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        warehouse = place / "warehouse.duckdb"
        if not warehouse.exists():
            make_shop(warehouse, lines, customers, products)
            write_project(place, warehouse)
        run(
            place, ["stg_holdfast__*", "holdfast__customer_history", "holdfast__customer_spine"], {}
        )
        total, peak = 0.0, 0.0
        for name in SYSTEM:
            seconds, processors, memory = run(place, [f"holdfast__{name}"], {})
            total, peak = total + sum(seconds.values()), max(peak, memory)
            print(
                f"{name:36s}{sum(seconds.values()):7.1f} s  (processors, with dbt's start: "
                f"{processors:.0f} s)  {memory:.1f} GB",
                flush=True,
            )
        print(f"{'all':36s}{total:7.1f} s  peak {peak:.1f} GB")
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            print(
                connection.sql(
                    "select list, count(*) from product_recommendations group by list order by list"
                )
            )


def main() -> None:
    """Read what is asked for, and do it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    of_quality = commands.add_parser("quality")
    of_quality.add_argument("--as-of", action="append", help="a day; may be given several times")
    of_speed = commands.add_parser("speed")
    of_speed.add_argument("--lines", type=int, default=20_000_000)
    of_speed.add_argument("--customers", type=int, default=1_000_000)
    of_speed.add_argument("--products", type=int, default=20_000)
    of_speed.add_argument(
        "--folder", type=Path, help="where to work; a temporary folder by default"
    )
    options = parser.parse_args()
    if options.command == "quality":
        quality(options.as_of or ["2011-11-12"])
    else:
        speed(options.lines, options.customers, options.products, options.folder)


if __name__ == "__main__":
    main()
