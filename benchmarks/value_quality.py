"""How well the models of a customer's value do on real customers, beside a simple rule.

    python benchmarks/value_quality.py
    python benchmarks/value_quality.py --folder /tmp/value

Builds the package's own features, tasks and buy-till-you-die model in a copy of the example Online
Retail II, whose spine is the rows of the benchmark task: training dates until 2011-06-01 and the
test date 2011-09-01. Everything is the package's default but `test_dates: 1`: models, penalties,
level and intervals are chosen on the training dates. Prints, for spend and for orders in the next
90 days, what each model made of the test rows, and which of them a build puts into use by the rule
of `value_evaluations`: on these very rows, as far as the regression knows the customers (the others
are new, and the buy-till-you-die model tells them). Below stands what each estimator makes of the
rows it knows, and of the dates before.

The rows are not part of the project: `HOLDFAST_SHARED_DATA` names the folder with `tasks/`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import yaml

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HOLDFAST_SHARED_DATA", ROOT.parent / "shared" / "data"))
ROWS = DATA / "tasks" / "online_retail_ii_90d.parquet"
TASKS = {
    "future_spend": ("spend", "spend_90d", "revenue_365d"),
    "future_orders": ("orders", "orders_90d", "order_count_365d"),
}
LEFT = ("dbt_packages", "target", "logs", "*.duckdb*", "*-lock.yml")


def build(folder: Path) -> Path:
    """Build the example on the rows of the task; give the warehouse."""
    shutil.copytree(
        ROOT / "examples" / "online_retail", folder, ignore=shutil.ignore_patterns(*LEFT)
    )
    project = yaml.safe_load((folder / "dbt_project.yml").read_text())
    project["vars"]["holdfast_spine"] = "raw.task_rows"
    project["vars"]["holdfast_tasks"] = {name: {"test_dates": 1} for name in TASKS}
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(project, sort_keys=False))
    (folder / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}))
    warehouse = folder / "online_retail.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            f"""
            create schema raw;
            create table raw.task_rows as
            select distinct cast(customer_id as bigint) as customer_id, as_of
            from read_parquet('{ROWS}')
            """
        )
    dbt = str(Path(sys.executable).parent / "dbt")
    chosen = ["+holdfast__value_evaluations", "+holdfast__btyd_scores"]
    only = ["--resource-type", "model", "--resource-type", "seed"]
    unpublished = ["--vars", "{holdfast_publish: false}"]
    for words in (["deps"], ["build", "--select", *chosen, *only, *unpublished]):
        result = subprocess.run(
            [dbt, "--no-use-colors", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            sys.exit(result.stdout + result.stderr)
    return warehouse


def predictions(connection: duckdb.DuckDBPyConnection, task: str) -> pa.Table:
    """Give what each model expects of the test rows, by the tables that a build makes."""
    measure, label, _ = TASKS[task]
    btyd = f"expected_{measure}_90d"
    return connection.execute(
        f"""
        with

        test as (

            select features.*, labels.{label} as outcome
            from {task}_labels as labels
            inner join customer_features as features using (customer_id, as_of)
            where as_of = timestamp '2011-09-01'

        ),

        -- orders to expect, by twentieths of the days since the last one
        training as (

            select days_since_order, orders_90d
            from future_orders_training_set
            where as_of < timestamp '2011-09-01'

        ),

        edges as (

            select quantile_cont(days_since_order, [n / 20e0 for n in range(1, 20)]) as edges
            from training

        ),

        by_recency as (

            select
                len([edge for edge in edges if edge <= days_since_order]) as place,
                avg(orders_90d) as orders,
            from training
            cross join edges
            group by place

        ),

        btyd as (

            select
                customer_id, as_of, algorithm, {btyd} as predicted, {btyd}_raw as predicted_raw,
                {btyd}_lower as lower, {btyd}_upper as upper,
            from btyd_scores
            where role = 'scoring'

        ),

        regression as (

            select customer_id, as_of, algorithm, predicted, predicted_raw, lower, upper
            from value_predictions
            where task = 'value_{measure}' and algorithm = 'two_part'

        )

        select '{task}' as task, customer_id, as_of, outcome, btyd.* exclude (customer_id, as_of)
        from test
        inner join btyd using (customer_id, as_of)

        union all by name

        -- as customer_value does: whom the regression does not know long enough, the other tells
        select
            '{task}' as task, 'two_part' as algorithm, customer_id, as_of, outcome,
            coalesce(regression.predicted, btyd.predicted) as predicted,
            coalesce(regression.predicted_raw, btyd.predicted_raw) as predicted_raw,
            if(regression.predicted is null, btyd.lower, regression.lower) as lower,
            if(regression.predicted is null, btyd.upper, regression.upper) as upper,
        from test
        inner join btyd using (customer_id, as_of)
        left join regression using (customer_id, as_of)

        union all by name

        select
            '{task}' as task, 'recency x mean spend' as algorithm, customer_id, as_of, outcome,
            by_recency.orders * {"average_order_value" if measure == "spend" else "1e0"}
                as predicted,
            predicted as predicted_raw, null as lower, null as upper,
        from test
        cross join edges
        inner join by_recency
            on by_recency.place = len([e for e in edges.edges if e <= test.days_since_order])
        """
    ).to_arrow_table()


def report(task: str, table: pa.Table, chosen: str) -> None:
    """Print one table."""
    from holdfast.measuring import compare_forecasts

    found = [row for row in compare_forecasts(table).to_pylist() if row["as_of"] is None]
    mean = next(row["value"] for row in found if row["metric"] == "mean_label")
    count = found[0]["row_count"]
    print(f"\n{TASKS[task][0]} in 90 days: {count:,} test rows, {mean:,.2f} on average")
    print(f"  {'model':28}{'gini':26}{'mae':26}{'rmse':>9}{'raw total':>11}{'total':>8}{'80 %':>8}")
    for algorithm in sorted({row["algorithm"] for row in found}):
        told = {row["metric"]: row for row in found if row["algorithm"] == algorithm}
        in_use = " (in use)" if algorithm == chosen else ""
        held = told["coverage_80"]["value"] if "coverage_80" in told else None
        print(
            f"  {algorithm + in_use:28}"
            + "".join(
                f"{told[name]['value']:.{digits}f} [{told[name]['lower']:.{digits}f}, "
                f"{told[name]['upper']:.{digits}f}]".ljust(26)
                for name, digits in (("gini", 3), ("mae", 1 if task == "future_spend" else 3))
            )
            + f"{told['rmse']['value']:9.2f}{told['total_error_raw']['value']:+11.1%}"
            + f"{told['total_error']['value']:+8.1%}"
            + (f"{held:8.1%}" if held is not None else "")
        )


def report_estimators(connection: duckdb.DuckDBPyConnection, task: str) -> None:
    """Print what each estimator makes of the same rows, and how it did on the dates before."""
    from holdfast.training import train

    _, label, baseline = TASKS[task]
    settings: dict[str, Any] = {
        "task": task,
        "label": label,
        "target": "regression",
        "horizon_days": 90,
        "baseline_feature": baseline,
        "test_dates": 1,
    }
    level = ""
    print(
        f"  {'estimator':28}{'gini':>8}{'mae':>9}{'rmse':>10}{'total':>8}"
        f"   before: {'gini':>8}{'mae':>9}{'rmse':>10}"
    )
    for model in train(connection, f"{task}_training_set", settings=settings).to_pylist():
        measured = json.loads(model["metrics"])
        if "test" not in measured:
            continue
        test, before = measured["test"], measured.get("validation")
        total = test["mean_prediction"] / test["mean_label"] - 1
        print(
            f"  {model['algorithm']:28}{test['gini']:8.3f}{test['mae']:9.3f}{test['rmse']:10.2f}"
            f"{total:+8.1%}"
            + (
                f"{'':11}{before['gini']:8.3f}{before['mae']:9.3f}{before['rmse']:10.2f}"
                if before
                else ""
            )
        )
        if model["algorithm"] == "two_part":
            level = levels(json.loads(model["parameters"])["forecast"])
    print(f"  {level}")


def levels(forecast: dict[str, Any]) -> str:
    """Tell how far the totals of held-out dates were off, plain and by the quarter before."""
    ratios = [
        (np.datetime64(each["as_of"]), each["predicted"] / each["observed"])
        for each in forecast["horizons"]
    ]
    plain, corrected = [], []
    for as_of, ratio in ratios:
        known = [past for date, past in ratios if date + np.timedelta64(90, "D") <= as_of]
        if known:
            plain.append(abs(ratio - 1))
            corrected.append(abs(ratio / known[-1] - 1))
    return (
        f"two_part on {len(plain)} held-out dates before: totals off by {np.mean(plain):.0%}, with "
        f"the factor of the quarter before by {np.mean(corrected):.0%}; level {forecast['level']}"
    )


def main() -> None:
    """Build, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, help="where the project is built and found again")
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    if not ROWS.is_file():
        sys.exit(f"{ROWS} is not there; set HOLDFAST_SHARED_DATA")
    folder = options.folder or Path(tempfile.mkdtemp(prefix="holdfast-value-")) / "example"
    warehouse = folder / "online_retail.duckdb"
    if not warehouse.is_file():
        build(folder)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("use main_retention")
        for task in TASKS:
            chosen = connection.execute(
                "select max(algorithm) from value_evaluations where task = ? and stage = 'in_use'",
                [f"value_{TASKS[task][0]}"],
            ).fetchone()
            report(task, predictions(connection, task), chosen[0] if chosen else "")
            report_estimators(connection, task)
    if not options.folder:
        shutil.rmtree(folder.parent)


if __name__ == "__main__":
    main()
