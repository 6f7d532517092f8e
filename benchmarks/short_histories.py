"""How good models of short histories are, and what the grid and the windows are worth.

    python benchmarks/short_histories.py --folder /tmp/short
    python benchmarks/short_histories.py --folder /tmp/short --compare grid
    python benchmarks/short_histories.py --folder /tmp/short --compare windows

Builds the package's feature views on the first days and the middles of all months of Online
Retail II, once per folder. Then it trains as on several dates, on rows whose label was known by
then, and measures what is said of the customers of that day by what they did. All dates lie before
the test date of `churn_quality.py`, and so does what is learned from.

The default compares, on the first dates on which there are labels at all, the model with the
fallback that would score otherwise, and the blend with the two models that it is made of. `grid`
compares observation dates by number and distance; `windows` compares order features for horizons
of 28 and 90 days.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from churn_quality import DATA, TASKS, metrics, run_dbt, write_project

SHORT = ("2010-06-01", "2010-07-01", "2010-08-01", "2010-09-01", "2010-10-01")
LONG = ("2011-03-01", "2011-05-01", "2011-07-01", "2011-08-01")
GRIDS = {
    "24 months": ("day(as_of) = 1", 24),
    "12 months": ("day(as_of) = 1", 12),
    "48 half months": ("true", 48),
    "24 half months": ("true", 24),
}
SHORT_WINDOWS = [
    *(
        f"count(distinct ordered_at::date) filter (ordered_at >= as_of - interval {days} day)"
        f"::float as purchase_days_{days}d"
        for days in (7, 14, 28, 56)
    ),
    "count(distinct date_trunc('week', ordered_at)) filter "
    "(ordered_at >= as_of - interval 182 day)::float as active_weeks_182d",
]
OF_HORIZON = [
    f"count(distinct ordered_at) filter (ordered_at >= as_of - interval {days} day)"
    f"::float as order_count_{days}d"
    for days in (9, 56, 112)
]


def build(folder: Path) -> Path:
    """Compute the features of all dates, unless they are there; give the warehouse."""
    warehouse = folder / "online_retail.duckdb"
    if warehouse.exists():
        return warehouse
    write_project(TASKS[0], folder)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            f"""
            create table raw.buys as
            select distinct cast(customer_id as bigint) as customer_id,
                cast(invoiced_at as timestamp) as ordered_at
            from read_parquet('{DATA / "online_retail_ii.parquet"}')
            where customer_id is not null and invoice_no not like 'C%'
                and quantity > 0 and unit_price > 0;
            create or replace table raw.task_rows as
            select distinct customer_id, as_of
            from raw.buys
            inner join (
                select unnest(generate_series(timestamp '2010-02-01', timestamp '2011-08-01',
                    interval 1 month)) as as_of
                union all
                select unnest(generate_series(timestamp '2010-02-15', timestamp '2011-07-15',
                    interval 1 month))
            ) as dates on ordered_at < as_of and ordered_at >= as_of - interval 180 day
            """
        )
    words = ["build", "--select", "+holdfast__customer_features", "--resource-type", "model"]
    run_dbt(folder, ["deps"], {})
    run_dbt(folder, [*words, "--resource-type", "seed"], {})
    return warehouse


def load(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """Open the features in a session of its own."""
    connection = duckdb.connect()
    connection.execute(f"attach '{warehouse}' as built (read_only)")
    connection.execute(
        "create table features as select * from built.main_retention.customer_features "
        "where first_order_age_days >= 30; create table buys as from built.raw.buys"
    )
    return connection


def label(
    connection: duckdb.DuckDBPyConnection, horizon: int, more: list[str] | None = None
) -> None:
    """Make the table `rows`: features, a few more where asked for, and what came."""
    beside = f", {', '.join(more)}" if more else ""
    connection.execute(
        f"""
        create or replace table more as
        select features.customer_id, as_of{beside}
        from features inner join buys
            on buys.customer_id = features.customer_id and ordered_at < as_of
        group by all;
        create or replace table rows as
        select features.*, more.* exclude (customer_id, as_of), not exists (
            select 1 from buys where buys.customer_id = features.customer_id
                and ordered_at >= as_of and ordered_at < as_of + interval {horizon} day
        ) as churned
        from features inner join more using (customer_id, as_of)
        """
    )


def train_at(
    connection: duckdb.DuckDBPyConnection,
    date: str,
    horizon: int,
    grid: tuple[str, int] = GRIDS["24 months"],
    **settings: Any,
) -> dict[str, tuple[float, float]]:
    """Train as on a date; give AUROC and log loss that day of each model, by stage and name."""
    from holdfast.contract import predict_onnx
    from holdfast.training import train

    condition, count = grid
    known = (
        f"(select * from rows where as_of + interval {horizon} day <= timestamp '{date}' and as_of "
        f"in (select distinct as_of from rows where as_of < timestamp '{date}' and {condition} "
        f"order by as_of desc limit {count}))"
    )
    histories = f"(select * exclude (churned) from rows where as_of <= timestamp '{date}')"
    told = {
        "horizon_days": horizon,
        "as_of_date": date,
        "baseline_feature": "days_since_order",
        **settings,
    }
    found = {}
    for model in train(connection, known, None, told, histories).to_pylist():
        names = ", ".join(f'"{name}"' for name in model["feature_names"])
        given = connection.execute(
            f"select churned, {names} from rows where as_of = ? order by customer_id",
            [date],
        ).to_arrow_table()
        features = np.column_stack([column.to_numpy() for column in given.columns[1:]])
        y = given["churned"].to_numpy(zero_copy_only=False).astype(int)
        probability = predict_onnx(model["onnx"], features.astype(np.float32))
        selection = json.loads(model["parameters"])["selection"]
        name = model["stage"] if model["stage"] in ("champion", "fallback") else model["algorithm"]
        found[name] = metrics(y, probability, np.ones(len(y)))[:2]
        if name == "champion":
            print(f"  {date}  {selection:24} {model['row_count']:6} rows", end="", flush=True)
    return found


def told(figures: dict[str, tuple[float, float]]) -> str:
    """Write figures in one line."""
    return "  ".join(f"{name} {auroc:.4f} {loss:.4f}" for name, (auroc, loss) in figures.items())


def compare_short(connection: duckdb.DuckDBPyConnection) -> None:
    """Compare what can score a shop that has just got its first labels."""
    label(connection, 90)
    print("AUROC and log loss of the customers of each date, 90 days")
    for date in SHORT:
        models = train_at(connection, date, 90)
        fallback = train_at(connection, date, 90, min_rows=10**8, fallback="bg_nbd")
        wanted = ("champion", "blend", "logistic_regression", "hist_gradient_boosting")
        figures = {name: models[name] for name in wanted if name in models}
        print(f"  {told({**figures, 'fallback': fallback['fallback']})}")


def compare_long(connection: duckdb.DuckDBPyConnection, what: str) -> None:
    """Compare grids, or features, by their means over dates."""
    cases: list[tuple[str, int, list[str] | None, tuple[str, int]]]
    if what == "grid":
        cases = [(name, 90, None, grid) for name, grid in GRIDS.items()]
    else:
        month = GRIDS["24 months"]
        of_days = ("purchase days and active weeks", SHORT_WINDOWS)
        cases = [
            (f"{horizon} days: {name}", horizon, more, month)
            for horizon in (28, 90)
            for name, more in (("as they are", None), of_days, ("of the horizon", OF_HORIZON))
        ]
    for name, horizon, more, grid in cases:
        label(connection, horizon, more)
        print(name)
        all_of_them = []
        for date in LONG:
            figures = train_at(connection, date, horizon, grid)["champion"]
            all_of_them.append(figures)
            print(f"  {told({'champion': figures})}", flush=True)
        auroc, loss = np.mean(all_of_them, axis=0)
        print(f"  mean {auroc:.4f} {loss:.4f}", flush=True)


def main() -> None:
    """Build what is needed, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where the project is, or goes")
    parser.add_argument("--compare", choices=("fallback", "grid", "windows"), default="fallback")
    options = parser.parse_args()
    if not DATA.exists():
        sys.exit(f"There is no {DATA}; HOLDFAST_SHARED_DATA names the folder with the data.")
    logging.disable(logging.WARNING)
    connection = load(build(options.folder))
    if options.compare == "fallback":
        compare_short(connection)
    else:
        compare_long(connection, options.compare)


if __name__ == "__main__":
    main()
