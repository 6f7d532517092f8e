"""How far the total of the next 90 days is off, by which rule of recalibration.

    python benchmarks/value_level.py

On the first day of every month with 90 days before it and 90 after it, the buy-till-you-die model
is fitted on what lies before, and predicts the orders of the next 90 days. Printed is the mean
absolute error of the total, as a share of the actual total: raw; multiplied by actual / expected of
the last complete horizon; and by the rule of the package, which takes the same season a year before
where the history reaches, and else the last horizon's ratio to the power of two thirds. Dates with
such a year behind them and others stand apart.

CDNOW is here without the customers of the sample that the tests predict.
The data are not part of the project: `HOLDFAST_SHARED_DATA` names the folder with
`online_retail_ii.parquet`, `cdnow_master.parquet` and `cdnow_sample.parquet`.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import numpy as np

from holdfast.estimators import choose_btyd
from holdfast.threads import one_thread
from holdfast.training._value import OrderDays, _orders_per_day, calibrate

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HOLDFAST_SHARED_DATA", ROOT.parent / "shared" / "data"))
HORIZON = 90
SHOPS = {
    "demo": f"""
        select customer_id, cast(ordered_at as date) as day, order_id, amount
        from '{ROOT}/seeds/demo/orders.parquet'
        where amount > 0
    """,
    "online_retail_ii": f"""
        select
            customer_id,
            cast(min(invoiced_at) as date) as day,
            invoice_no as order_id,
            sum(quantity * unit_price) as amount
        from '{DATA}/online_retail_ii.parquet'
        where
            customer_id is not null and invoice_no not like 'C%' and quantity > 0 and unit_price > 0
        group by all
    """,
    "cdnow": f"""
        select customer_id, date as day, date as order_id, greatest(dollar_value, 0.01) as amount
        from '{DATA}/cdnow_master.parquet'
        where customer_id not in (select customer_id from '{DATA}/cdnow_sample.parquet')
    """,
}


def read(query: str) -> OrderDays:
    """Read the order days of a shop."""
    table = duckdb.sql(
        f"""
        select
            dense_rank() over (order by customer_id) as customer,
            day - date '1970-01-01' as day,
            count(distinct order_id) as orders,
            cast(sum(amount) as double) as spend
        from ({query})
        group by customer_id, day
        order by customer_id, day
        """
    ).fetchnumpy()
    day = table["day"].astype(np.int64)
    customer, orders = table["customer"].astype(np.int64), table["orders"].astype(np.float64)
    return OrderDays(customer, day, day, orders, table["spend"])


def months(days: OrderDays) -> list[int]:
    """Give the dates that can be judged."""
    moments = days.day.astype("datetime64[D]")
    first, last = (each.astype("datetime64[M]") for each in (moments.min(), moments.max()))
    starts = np.arange(first, last + 1).astype("datetime64[D]").astype(np.int64)
    judged = (starts >= days.day.min() + HORIZON) & (starts + HORIZON <= days.day.max() + 1)
    return [int(start) for start in starts[judged]]


def main() -> None:
    """Print a row per shop and kind of date."""
    print("| shop | dates | | raw | last horizon | the package's rule |")
    print("|---|---|---|---|---|---|")
    for shop, query in SHOPS.items():
        days = read(query)
        errors: dict[bool, list[tuple[float, float, float]]] = {False: [], True: []}
        for day in months(days):
            known = days.before(day)
            past = known.histories(day)
            with one_thread():
                model = choose_btyd(past.x, past.t_x, past.t, past.log_gaps)[0]
                level = calibrate(known, model, day, day, HORIZON)
                if level.from_day == day - 365:
                    # as if the day lay a year after that horizon, so that its ratio counts in full
                    last = calibrate(known, model, day + 365 - HORIZON, day, HORIZON).orders
                else:
                    last = level.orders**1.5
            expected = model.expected_orders(past.x, past.t_x, past.t, HORIZON).sum()
            expected *= _orders_per_day(known)
            is_next = (days.day >= day) & (days.day < day + HORIZON)
            is_next &= np.isin(days.customer, past.customer)
            actual = days.orders[is_next].sum()
            ratios = (1.0, last, level.orders)
            off = tuple(abs(float(expected * ratio / actual) - 1.0) for ratio in ratios)
            errors[level.from_day == day - 365].append(off)
        for has_year, found in errors.items():
            if found:
                told = " | ".join(f"{each:.1%}" for each in np.mean(found, axis=0))
                kind = "a year behind them" if has_year else "less"
                print(f"| {shop} | {len(found)} | {kind} | {told} |", flush=True)


if __name__ == "__main__":
    main()
