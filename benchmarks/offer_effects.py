"""How often the 95 % intervals of offer_effects contain the true effect, in simulated shops.

    make demo && python benchmarks/offer_effects.py
    python benchmarks/offer_effects.py --shops 100

Runs the package's own SQL (send_outcomes and offer_effects, compiled once by dbt) in DuckDB on the
sends of many small shops at once. A shop is an offer of its own, so that none knows of another.

1. One campaign. Each shop of 900 customers lives through six months. Then a month is played twice,
   with the offer sent to all who may be written to, and to nobody: everything else that befalls a
   customer is the same in both, so the true effect on each is known. A fifth is held out at
   random. The truth is the mean effect on the shop's own customers.
2. Many campaigns. Each shop of 400 customers lives through a year with offers that do nothing
   (their strength, their discounts and the annoyance of messages are zero), sent in about 15
   campaigns with many of the same customers. The truth is zero.

Coverage is that of the rows whose status is estimated, with a standard error over shops.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.simulation import Shop, ShopArguments, tidy, true_state
from holdfast.simulation._parameters import ShopParameters

ROOT = Path(__file__).resolve().parents[1]
COMPILE = "dbt --quiet compile"
MODELS = ("holdfast__send_outcomes", "holdfast__offer_effects")
AS_OF = date(2026, 7, 1)
MONTH = datetime(2026, 6, 1)
# ids of shops do not overlap
APART = 10_000_000
TABLES = ("customers", "orders", "order_items", "products", "campaign_sends")
IDS = ("customer_id", "order_id", "product_id", "send_id", "campaign_id")
Tables = dict[str, pa.Table]


class Memory:
    """Keeps the tables that a shop writes."""

    def __init__(self) -> None:
        self.parts: dict[str, list[pa.Table]] = defaultdict(list)
        self.row_counts: dict[str, int] = defaultdict(int)

    def append(self, name: str, table: pa.Table) -> None:
        """Keep a part of a table."""
        self.row_counts[name] += len(table)
        if name in TABLES:
            self.parts[name].append(table)


def gathered(memory: Memory, shop: int) -> Tables:
    """Give the tables of a shop, with ids that no other shop has."""
    tables = {}
    for name, parts in memory.parts.items():
        table = pa.concat_tables(parts)
        for place, column in enumerate(table.column_names):
            if column in IDS:
                moved = pc.add(table[column].cast(pa.int64()), shop * APART)
                table = table.set_column(place, column, moved)
        tables[name] = table
    return tables


def one_campaign(seed: int) -> tuple[Tables, Tables, Tables]:
    """Give a shop's window with its sends, and its next month with and without the offer."""
    made = ShopArguments(customers=900, months=6, end=MONTH.date(), seed=seed)
    window = Memory()
    shop = Shop(made, writer=window)  # type: ignore[arg-type]
    who = 1 + np.flatnonzero(true_state(shop, 0).is_opted_in)
    months = []
    for is_control in (False, True):
        contacts = pa.table(
            {
                "customer_id": who,
                "channel": ["email"] * len(who),
                "offer_id": [1 + seed % 5] * len(who),
                "send_at": pa.array([MONTH] * len(who), pa.timestamp("us")),
                "is_control": [is_control] * len(who),
            }
        )
        month = Memory()
        played = shop.fork()
        played.writer = month  # type: ignore[assignment]
        played.play(tidy(contacts))
        months.append(gathered(month, seed))
    window.parts["campaign_sends"].clear()
    drawn = np.random.default_rng([15, seed]).random(len(who)) < ShopParameters().control_share
    window.parts["campaign_sends"].append(
        pa.table(
            {
                "send_id": who,
                "customer_id": who,
                "campaign_id": np.zeros(len(who), dtype=np.int64),
                "sent_at": pa.array([MONTH] * len(who), pa.timestamp("us")),
                "channel": ["email"] * len(who),
                "offer_id": np.full(len(who), seed),
                "is_control": drawn,
            }
        )
    )
    return gathered(window, seed), months[0], months[1]


def many_campaigns(seed: int) -> Tables:
    """Give the tables of a shop whose offers do nothing."""
    nothing = (0.0, 0.0, 0.0, 0.0)
    idle = replace(
        ShopParameters(),
        offer_strength=(0.0, *nothing),
        type_annoyance=nothing,
        hazard_fatigue=0.0,
        coupon_steps=0,
        offer_cost_cents=(0, 0, 0, 0, 0),
    )
    memory = Memory()
    made = ShopArguments(customers=400, months=12, end=AS_OF, seed=seed)
    Shop(made, idle, writer=memory)  # type: ignore[arg-type]
    tables = gathered(memory, seed)
    sends = tables["campaign_sends"]
    offer = pa.array(np.full(len(sends), seed))
    place = sends.column_names.index("offer_id")
    tables["campaign_sends"] = sends.set_column(place, "offer_id", offer)
    return tables


def compiled() -> list[str]:
    """Let dbt compile both models, and name their inputs without database and schema."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        variables = f"{{holdfast_as_of_date: {AS_OF}}}"
        subprocess.run(
            [*COMPILE.split(), "--select", *MODELS, "--vars", variables, "--target-path", folder],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for model in MODELS:
            (path,) = Path(folder).rglob(f"compiled/**/{model}.sql")
            text = path.read_text(encoding="utf-8")
            found.append(re.sub(r'"\w+"\."\w+"\."(\w+)"', r'"\1"', text))
    return found


def stage(
    connection: duckdb.DuckDBPyConnection, tables: list[Tables], months: list[Tables]
) -> None:
    """Lay out the inputs of send_outcomes: the tables of all shops, and one month after them."""
    for name in TABLES:
        connection.register(f"raw_{name}", pa.concat_tables([each[name] for each in tables]))
    more = dict.fromkeys(("orders", "order_items"), "")
    for name in more if months else ():
        connection.register(f"next_{name}", pa.concat_tables([each[name] for each in months]))
        more[name] = f"union all by name select * from next_{name}"
    connection.execute(
        f"""
        create or replace temp table stg_holdfast__orders as
        select customer_id, order_id, ordered_at, amount::decimal(18, 4) as amount,
            discount_amount::decimal(18, 4) as discount_amount, null::timestamp as loaded_at
        from (select * from raw_orders {more["orders"]});
        create or replace temp table stg_holdfast__order_items as
        select order_id, product_id, quantity::double as quantity,
            unit_price::decimal(18, 4) as unit_price
        from (select * from raw_order_items {more["order_items"]});
        create or replace temp table stg_holdfast__products as
        select product_id, unit_cost::decimal(18, 4) as unit_cost from raw_products;
        create or replace temp table stg_holdfast__customers as
        select customer_id, created_at from raw_customers;
        create or replace temp table stg_holdfast__campaign_sends as
        select send_id, customer_id, campaign_id, sent_at, channel, offer_id, is_control,
            null::timestamp as opened_at, null::timestamp as clicked_at,
            null::timestamp as delivered_at, null::varchar as decision_id,
            null::double as propensity, null::varchar as variant, null::decimal(18, 4) as cost
        from raw_campaign_sends;
        create or replace temp table customer_history as
        select customer_id from stg_holdfast__customers where false;
        create or replace temp table stg_holdfast__subscriptions as
        select customer_id, created_at as started_at from stg_holdfast__customers where false;
        create or replace temp table customer_spine as
        select customer_id, created_at as as_of from stg_holdfast__customers where false;
        -- two segments, by something known before every send
        create or replace temp table customer_lifecycle as
        select customer_id, 'non_contractual' as churn_definition,
            case when customer_id % 2 = 0 then 'on_rhythm' else 'slipping' end as state,
            timestamp '1900-01-01' as entered_at, null::timestamp as left_at,
            null::varchar as next_state
        from stg_holdfast__customers;
        """
    )


TRUTH = """
    create or replace temp table truth as
    with pairs as (
        select treated.offer_id, treated.channel, segment.segment,
            treated.is_retained::int - control.is_retained::int as retained,
            treated.orders - control.orders as orders,
            (treated.revenue - control.revenue)::double as revenue,
            (treated.margin - control.margin)::double as margin
        from treated inner join control using (send_id)
        cross join lateral (values ('all'), (treated.segment)) as segment (segment)
    ),
    long as (unpivot pairs on retained, orders, revenue, margin into name outcome value effect)
    select offer_id, channel, segment, outcome, avg(effect) as truth from long group by all
"""


def print_coverage(connection: duckdb.DuckDBPyConnection, estimate: str) -> None:
    """Print, by segment and outcome, how often intervals contain the truth."""
    rows = connection.execute(
        f"""
        select
            case when segment = 'all' then 'all' else 'halves' end as part,
            outcome,
            count(*),
            count(*) filter (where status = 'estimated'),
            count(*) filter (where status = 'not_randomised'),
            avg((truth between {estimate}_lower and {estimate}_upper)::int)
                filter (where status = 'estimated'),
            avg(truth),
            avg({estimate}) filter (where status = 'estimated'),
            avg(({estimate}_upper - {estimate}_lower) / 2) filter (where status = 'estimated')
        from effects inner join truth using (offer_id, channel, segment, outcome)
        group by all
        order by part, outcome
        """
    ).fetchall()
    for part, outcome, count, estimated, refused, covered, truth, mean, reach in rows:
        error = np.sqrt(covered * (1 - covered) / estimated)
        print(
            f"  {estimate:13} {part:6} {outcome:8} {covered:6.1%} ± {1.96 * error:.1%}"
            f" of {estimated} (of {count}; not_randomised {refused});"
            f" truth {truth:+.3f}, mean {mean:+.3f}, half an interval {reach:.3f}",
            flush=True,
        )


def main() -> None:
    """Simulate the shops, run the SQL, and print the coverage of both parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shops", type=int, default=400)
    parser.add_argument("--first-seed", type=int, default=1)
    given = parser.parse_args()
    outcomes, effects = compiled()
    seeds = range(given.first_seed, given.first_seed + given.shops)
    connection = duckdb.connect()
    with ProcessPoolExecutor() as pool:
        played = list(pool.map(one_campaign, seeds, chunksize=5))
        windows = [window for window, _, _ in played]
        for name, place in (("treated", 1), ("control", 2)):
            stage(connection, windows, [shop[place] for shop in played])
            connection.execute(f"create or replace temp table {name} as {outcomes}")
        connection.execute(TRUTH)
        connection.execute(
            """
            create or replace temp table send_outcomes as
            select * from treated where not is_control
            union all select * from control where is_control
            """
        )
        connection.execute(f"create or replace temp table effects as {effects}")
        print(f"one campaign, {given.shops} shops: intervals that contain the true effect")
        for estimate in ("difference", "effect", "effect_shrunk"):
            print_coverage(connection, estimate)
        del played, windows
        idle = list(pool.map(many_campaigns, seeds, chunksize=5))
    stage(connection, idle, [])
    connection.execute(f"create or replace temp table send_outcomes as {outcomes}")
    connection.execute(f"create or replace temp table effects as {effects}")
    connection.execute(
        """
        create or replace temp table truth as
        select distinct offer_id, channel, segment, outcome, 0.0::double as truth from effects
        """
    )
    print(f"many campaigns without effect, {given.shops} shops: intervals that contain zero")
    for estimate in ("difference", "effect"):
        print_coverage(connection, estimate)


if __name__ == "__main__":
    main()
