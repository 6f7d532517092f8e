"""How good the default models are on real customers, beside what others reached.

    python benchmarks/churn_quality.py
    python benchmarks/churn_quality.py --task cdnow_90d --folder /tmp/quality
    python benchmarks/churn_quality.py --builds --folder /tmp/quality --keep /tmp/before
    python benchmarks/churn_quality.py --builds --folder /tmp/quality --against /tmp/before

Builds the package's own feature views on the rows of each benchmark task (customer and moment), in
a small dbt project, trains with the package's defaults on the rows that the task calls training,
and prints what every model and baseline makes of its test rows, with 95 % intervals of 2,000
bootstrap replicates. Nothing is tuned on test rows: `train` chooses on earlier dates.

`--builds` measures what a user gets out of the box, which rows that were handed over cannot tell:
the package's own grid of observation dates, and the champion of a build on each of several as-of
dates (rolling origins), beside what came after that date. Two folders of predictions are compared
pair by pair; the intervals of the differences draw customers and dates. The dates of the tasks
above are left out, unless `--test` asks for them and nothing else: choose on the earlier ones.
Delete a project in the folder after a change of features or of the grid; it is built once.

The data are not part of the project: `HOLDFAST_SHARED_DATA` names the folder with
`online_retail_ii.parquet`, `cdnow_master.parquet` and `tasks/`. Online Retail II is read by the
example project; CDNOW has nothing but purchases.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HOLDFAST_SHARED_DATA", ROOT.parent / "shared" / "data"))
REPLICATES = 2000
# of two states over all dates, each of which takes as long as those of one date
PAIRED_REPLICATES = 400


@dataclass(frozen=True)
class Task:
    """Rows to train and test on; `horizon_days` is that of the training labels."""

    name: str
    title: str
    horizon_days: int
    to_reach: str


TASKS = (
    Task(
        "online_retail_ii_90d",
        "Online Retail II, 90 days, test 2011-09-01",
        90,
        "AUROC 0.784 (never below 0.780), log loss 0.542, calibration error 0.03",
    ),
    Task(
        "cdnow_90d",
        "CDNOW, 90 days, test 1998-04-01",
        90,
        "AUROC 0.746 (never below 0.744), log loss 0.520",
    ),
    Task(
        "cdnow_39w",
        "CDNOW, all customers, 273 days after one training date with 183, test 1997-10-01",
        183,
        "AUROC 0.771; probabilities are of another horizon",
    ),
)


def write_project(task: Task, folder: Path, *, own_rows: bool = True) -> Path:
    """Lay out a dbt project, its spine the task's rows unless the grid is; give its warehouse."""
    rows = f"select distinct customer_id, as_of from read_parquet('{_task_file(task)}')"
    if task.name.startswith("online_retail"):
        left = shutil.ignore_patterns("dbt_packages", "target", "logs", "*.duckdb*", "*-lock.yml")
        shutil.copytree(ROOT / "examples" / "online_retail", folder, ignore=left)
        project = yaml.safe_load((folder / "dbt_project.yml").read_text())
        rows = f"select cast(customer_id as bigint) as customer_id, as_of from ({rows})"
        warehouse = folder / "online_retail.duckdb"
    else:
        folder.mkdir(parents=True)
        project = {
            "name": "shop",
            "profile": "shop",
            "flags": {"send_anonymous_usage_stats": False},
            "vars": {"holdfast_orders": "raw.orders"},
        }
        warehouse = folder / "shop.duckdb"
        output = {"type": "duckdb", "path": warehouse.name, "threads": 2}
        output["plugins"] = [{"module": "holdfast.plugin"}]
        profile = {"shop": {"target": "dev", "outputs": {"dev": output}}}
        (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
    if own_rows:
        project["vars"]["holdfast_spine"] = "raw.task_rows"
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(project, sort_keys=False))
    (folder / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}))
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema raw")
        if own_rows:
            connection.execute(f"create table raw.task_rows as {rows}")
        if task.name.startswith("cdnow"):
            # a purchase is a row; 80 of them cost nothing, and would be no purchases
            connection.execute(
                f"""
                create table raw.orders as
                select
                    customer_id,
                    row_number() over (
                        order by customer_id, date, number_of_cds, dollar_value
                    ) as order_id,
                    cast(date as timestamp) as ordered_at,
                    cast(greatest(dollar_value, 0.01) as decimal(18, 2)) as amount,
                from read_parquet('{DATA / "cdnow_master.parquet"}')
                """
            )
        elif task.name.startswith("simulated"):
            shop = folder / "shop"
            holdfast = str(Path(sys.executable).parent / "holdfast")
            simulate = ["simulate", "--customers", "6000", "--months", "36", "--seed", "3"]
            subprocess.run([holdfast, *simulate, "--output", str(shop)], check=True)
            connection.execute(
                "create table raw.orders as select customer_id, order_id, ordered_at, amount "
                f"from read_parquet('{shop / 'orders.parquet'}')"
            )
    return warehouse


def build_features(task: Task, folder: Path) -> Path:
    """Let dbt compute the features of the task's rows; give the warehouse."""
    warehouse = write_project(task, folder)
    build = ["build", "--select", "+holdfast__customer_features", "--resource-type", "model"]
    for words in (["deps"], [*build, "--resource-type", "seed"]):
        run_dbt(folder, words, {})
    return warehouse


def load_rows(task: Task, connection: duckdb.DuckDBPyConnection) -> None:
    """Put a task's rows, with features and label, into the table training_set."""
    schema = "main_retention" if task.name.startswith("online_retail") else "main"
    connection.execute(
        f"""
        create temp table training_set as
        select features.*, labels.churned = 1 as churned
        from read_parquet('{_task_file(task)}') as labels
        inner join {schema}.customer_features as features
            on cast(features.customer_id as varchar) = labels.customer_id
            and features.as_of = labels.as_of
        """
    )


def train_on(task: Task, warehouse: Path) -> list[dict[str, Any]]:
    """Train with the defaults, and give the registry's rows with their test predictions."""
    from holdfast.contract import predict_onnx
    from holdfast.training import train

    with duckdb.connect(str(warehouse), read_only=True) as connection:
        load_rows(task, connection)
        settings = {"horizon_days": task.horizon_days, "test_dates": 1}
        models = train(connection, "training_set", settings=settings).to_pylist()
        for model in models:
            names = ", ".join(f'"{name}"' for name in model["feature_names"])
            rows = connection.execute(
                f"""
                select churned, {names} from training_set
                where as_of = (select max(as_of) from training_set)
                order by customer_id
                """
            ).to_arrow_table()
            features = np.column_stack([column.to_numpy() for column in rows.columns[1:]])
            model["y"] = rows["churned"].to_numpy().astype(int)
            model["probability"] = predict_onnx(model["onnx"], features.astype(np.float32))
    return models


def metrics(y: np.ndarray, probability: np.ndarray, weight: np.ndarray) -> tuple[float, ...]:
    """Give AUROC, log loss and calibration error of ten groups, with weights (rows drawn)."""
    order = np.argsort(probability, kind="stable")
    y, p, w = y[order], probability[order], weight[order].astype(float)
    _, group = np.unique(p, return_inverse=True)
    positives = np.bincount(group, weights=w * y)
    negatives = np.bincount(group, weights=w * (1 - y))
    below = np.cumsum(negatives) - negatives
    auroc = positives @ (below + negatives / 2) / (positives.sum() * negatives.sum())
    clipped = np.clip(p, 1e-15, 1 - 1e-15)
    loss = -(w @ np.where(y == 1, np.log(clipped), np.log1p(-clipped))) / w.sum()
    tenth = np.minimum((np.cumsum(w) - w / 2) / w.sum() * 10, 9.999).astype(int)
    gaps = np.abs(np.bincount(tenth, weights=w * (p - y), minlength=10))
    return float(auroc), float(loss), float(gaps.sum() / w.sum())


def interval(y: np.ndarray, probability: np.ndarray) -> list[tuple[float, float, float]]:
    """Give each metric with the bounds of a bootstrap over rows (one date: one row a customer)."""
    whole = metrics(y, probability, np.ones(len(y)))
    random = np.random.default_rng(1)
    drawn = [
        metrics(y, probability, np.bincount(random.integers(0, len(y), len(y)), minlength=len(y)))
        for _ in range(REPLICATES)
    ]
    lower, upper = np.quantile(drawn, [0.025, 0.975], axis=0)
    return list(zip(whole, lower.tolist(), upper.tolist(), strict=True))


def report(task: Task, models: list[dict[str, Any]], seconds: float) -> None:
    """Print one table."""
    rows = len(models[0]["y"])
    print(f"\n{task.title}: {rows:,} test rows, {models[0]['y'].mean():.1%} churn")
    print(f"to reach: {task.to_reach}; training took {seconds:.1f} s")
    print(f"  {'model':24} {'stage':11} {'AUROC':24} {'log loss':24} {'ECE':6} predicted")
    order = {"champion": 0, "evaluated": 0, "challenger": 1, "baseline": 2}
    for model in sorted(models, key=lambda each: (order[each["stage"]], each["algorithm"])):
        if not json.loads(model["parameters"])["split"]["test"]:
            continue  # refitted on all rows, the test rows among them: its twin stands here
        auroc, loss, ece = interval(model["y"], model["probability"])
        print(
            f"  {model['algorithm']:24} {model['stage']:11} "
            f"{auroc[0]:.4f} [{auroc[1]:.4f}, {auroc[2]:.4f}]  "
            f"{loss[0]:.4f} [{loss[1]:.4f}, {loss[2]:.4f}]  "
            f"{ece[0]:.4f} {model['probability'].mean():.1%}"
        )


@dataclass(frozen=True)
class Shop:
    """Data that are built at several as-of dates; nothing is to be chosen on `test`."""

    name: str
    title: str
    as_of_dates: tuple[str, ...]
    test: str
    variables: dict[str, Any] = field(default_factory=dict)


def _months(first: str, count: int) -> tuple[str, ...]:
    """Give the first days of some months."""
    months = np.datetime64(first, "M") + np.arange(count)
    return tuple(str(month.astype("datetime64[D]")) for month in months)


SHOPS = (
    Shop("online_retail_ii", "Online Retail II", _months("2010-08", 11), "2011-09-01"),
    # nearly all of its customers bought in the first quarter, and half of them never again
    Shop(
        "cdnow",
        "CDNOW, customers of the last 365 days",
        _months("1997-08", 6),
        "1998-04-01",
        {"holdfast_active_within_days": 365},
    ),
    # with nothing but its orders; three years, so that seasons come again
    Shop("simulated", "A simulated shop", _months("2025-01", 15)[::2], "2026-04-01"),
)

_MEASURES = ("AUROC", "log loss", "ECE")


def run_dbt(folder: Path, words: list[str], variables: dict[str, Any]) -> None:
    """Run dbt in a project, or stop with what it printed."""
    dbt = str(Path(sys.executable).parent / "dbt")
    command = [dbt, "--no-use-colors", *words]
    if variables:
        command += ["--vars", json.dumps(variables)]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(result.stdout + result.stderr)


def build_shop(shop: Shop, folder: Path) -> Path:
    """Build the observations of every as-of date, and features and labels of all of them at once.

    A build computes each observation from what was known at its own date, so it is the same in the
    build of any later date; `check_build` says whether that holds.
    """
    warehouse = write_project(Task(shop.name, shop.title, 90, ""), folder, own_rows=False)
    run_dbt(folder, ["deps"], {})
    select = ["run", "--select"]
    run_dbt(folder, ["seed"], shop.variables)
    for number, date in enumerate((*shop.as_of_dates, shop.test)):
        inputs = "" if number else "+"
        variables = {**shop.variables, "holdfast_as_of_date": date}
        run_dbt(folder, [*select, f"{inputs}holdfast__customer_spine"], variables)
        with duckdb.connect(str(warehouse)) as connection:
            schema = _schema(shop.name)
            connection.execute("create schema if not exists raw")
            connection.execute(
                "create table if not exists raw.builds as "
                f"select date '1970-01-01' as built_at, * from {schema}.customer_spine limit 0"
            )
            connection.execute(
                f"insert into raw.builds select date '{date}', * from {schema}.customer_spine"
            )
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "create table raw.all_rows as select distinct customer_id, as_of from raw.builds"
        )
    variables = {**shop.variables, "holdfast_spine": "raw.all_rows"}
    run_dbt(folder, [*select, "+holdfast__churn_training_set"], variables)
    run_dbt(folder, ["compile", "--select", "holdfast__model_registry"], variables)
    return warehouse


def settings_of_build(folder: Path) -> dict[str, Any]:
    """Give what a build would tell the training, as dbt rendered it."""
    manifest = json.loads((folder / "target" / "manifest.json").read_text())
    node = manifest["nodes"]["model.holdfast.holdfast__model_registry"]
    settings: dict[str, Any] = node["config"]["meta"]["tasks"]["churn"]
    return settings


def predict_build(
    shop: Shop, connection: duckdb.DuckDBPyConnection, date: str, settings: dict[str, Any]
) -> pa.Table:
    """Train as a build on a date would, and give its predictions for that day with what came."""
    from holdfast.contract import predict_onnx
    from holdfast.training import train

    schema, gap = _schema(shop.name), settings["horizon_days"] + settings["lead_days"]
    built = f"(select customer_id, as_of from raw.builds where built_at = date '{date}')"
    known = (
        f"(select t.* from {schema}.churn_training_set as t semi join {built} "
        f"using (customer_id, as_of) where as_of + interval {gap} day <= date '{date}')"
    )
    histories = (
        f"(select f.* from {schema}.customer_features as f semi join {built} "
        "using (customer_id, as_of))"
    )
    given = {**settings, "as_of_date": dt.date.fromisoformat(date)}
    models = train(connection, known, None, given, histories).to_pylist()
    scores = [model for model in models if model["stage"] in ("champion", "fallback")]
    query = f"from {schema}.churn_training_set where as_of = date '{date}' order by customer_id"
    rows = connection.execute(
        f"select cast(customer_id as varchar) as customer_id, cast(churned as integer) as y {query}"
    ).to_arrow_table()
    probability = np.full(len(rows), np.nan)
    if scores:
        names = ", ".join(f'cast("{name}" as float)' for name in scores[0]["feature_names"])
        columns = connection.execute(f"select {names} {query}").to_arrow_table().columns
        features = np.column_stack([column.to_numpy() for column in columns])
        probability = predict_onnx(scores[0]["onnx"], features.astype(np.float32))
    return rows.append_column("probability", pa.array(probability))


def measure_builds(shop: Shop, folder: Path, kept: Path, dates: tuple[str, ...]) -> None:
    """Keep the predictions of each date, which are made where there are none yet."""
    wanted = [date for date in dates if not _predictions(kept, shop, date).is_file()]
    if not wanted:
        return
    project = folder / f"builds_{shop.name}"
    found = list(project.glob("*.duckdb"))
    warehouse = found[0] if found else build_shop(shop, project)
    settings = settings_of_build(project)
    kept.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for date in wanted:
            rows = predict_build(shop, connection, date, settings)
            pq.write_table(rows, _predictions(kept, shop, date))


def report_builds(shop: Shop, kept: Path, dates: tuple[str, ...]) -> None:
    """Print one line for each date, and the means."""
    print(f"\n{shop.title}, out of the box")
    print(f"  {'as of':11} {'rows':>6} {'AUROC':>7} {'log loss':>9} {'ECE':>6} predicted  actual")
    found = []
    for date in dates:
        _, y, probability = _read(kept, shop, date)
        if np.isnan(probability).any():
            print(f"  {date:11} {len(y):>6} no model")
            continue
        values = (*metrics(y, probability, np.ones(len(y))), probability.mean(), y.mean())
        print(f"  {date:11} {len(y):>6} {_line(values)}")
        found.append(values)
    if len(found) > 1:
        print(f"  {'mean':11} {'':>6} {_line(tuple(np.mean(found, axis=0)))}")


def compare_builds(
    shops: list[Shop], kept: Path, against: Path, dates: dict[str, tuple[str, ...]]
) -> None:
    """Print the mean differences of each shop and of their mean, with intervals.

    Each replicate draws customers, with all their dates, and then dates, so that neither some odd
    customers nor one odd date can make a difference look sure.
    """
    print("\nDifference to", against, "(AUROC: more is better; the others: less)")
    replicates = []
    for shop in shops:
        pairs = [(_read(kept, shop, date), _read(against, shop, date)) for date in dates[shop.name]]
        pairs = [pair for pair in pairs if not any(np.isnan(state[2]).any() for state in pair)]
        if not pairs:
            continue
        everyone = np.unique(np.concatenate([own[0] for (own, _) in pairs]))
        places = [np.searchsorted(everyone, own[0]) for (own, _) in pairs]
        random = np.random.default_rng(1)
        drawn = np.empty((PAIRED_REPLICATES + 1, len(_MEASURES)))
        for number in range(PAIRED_REPLICATES + 1):
            weight, of_date = np.ones(len(everyone)), np.ones(len(pairs))
            if number:
                some = random.integers(0, len(everyone), len(everyone))
                weight = np.bincount(some, minlength=len(everyone)).astype(float)
                some = random.integers(0, len(pairs), len(pairs))
                of_date = np.bincount(some, minlength=len(pairs)).astype(float)
            differences = np.zeros((len(pairs), len(_MEASURES)))
            for index in np.flatnonzero(of_date):
                (_, y, own), (_, y_before, before) = pairs[index]
                assert np.array_equal(y, y_before)
                here = weight[places[index]]
                differences[index] = np.subtract(metrics(y, own, here), metrics(y, before, here))
            drawn[number] = of_date @ differences / len(pairs)
        print(f"  {shop.name}, {len(pairs)} dates: {_differences(drawn)}")
        replicates.append(drawn)
    if len(replicates) > 1:
        print(f"  mean of the data sets: {_differences(np.mean(replicates, axis=0))}")


def check_build(shop: Shop, folder: Path, kept: Path, date: str) -> None:
    """Build for real on one date, and compare its scores with the predictions that were kept."""
    project = folder / f"true_{shop.name}_{date}"
    warehouse = write_project(Task(shop.name, shop.title, 90, ""), project, own_rows=False)
    variables = {**shop.variables, "holdfast_as_of_date": date}
    run_dbt(project, ["deps"], {})
    run_dbt(project, ["seed"], variables)
    run_dbt(project, ["run", "--select", "+holdfast__churn_scores"], variables)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        built = dict(
            connection.execute(
                "select cast(customer_id as varchar), churn_probability "
                f"from {_schema(shop.name)}.churn_scores where as_of = date '{date}'"
            ).fetchall()
        )
    customers, _, probability = _read(kept, shop, date)
    scored = np.array([built[customer] for customer in customers], dtype=float)
    gap = np.abs(scored - probability).max()
    print(f"\n{shop.title}: a true build at {date} differs by {gap:.2g} at most")


def _line(values: tuple[float, ...]) -> str:
    """Write the figures of a date."""
    auroc, loss, ece, predicted, actual = values
    return f"{auroc:>7.4f} {loss:>9.4f} {ece:>6.4f} {predicted:>9.1%} {actual:>7.1%}"


def _differences(drawn: np.ndarray) -> str:
    """Write mean differences, the first row, with the bounds of the other rows."""
    lower, upper = np.quantile(drawn[1:], [0.025, 0.975], axis=0)
    return "  ".join(
        f"{name} {mean:+.4f} [{low:+.4f}, {high:+.4f}]"
        for name, mean, low, high in zip(_MEASURES, drawn[0], lower, upper, strict=True)
    )


def _read(kept: Path, shop: Shop, date: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give customers, outcomes and probabilities of a date."""
    table = pq.read_table(_predictions(kept, shop, date))
    return tuple(column.to_numpy() for column in table.columns)


def _predictions(kept: Path, shop: Shop, date: str) -> Path:
    """Name the file of the predictions of a date."""
    return kept / f"{shop.name}_{date}.parquet"


def _schema(name: str) -> str:
    """Name the schema of Holdfast's tables."""
    return "main_retention" if name.startswith("online_retail") else "main"


def measure_tasks(names: list[str], folder: Path) -> None:
    """Measure the rows of each task."""
    for task in TASKS:
        if names and task.name not in names:
            continue
        if not _task_file(task).is_file():
            sys.exit(f"{_task_file(task)} is not there; set HOLDFAST_SHARED_DATA")
        project = folder / task.name
        found = list(project.glob("*.duckdb"))
        warehouse = found[0] if found else build_features(task, project)
        started = time.perf_counter()
        models = train_on(task, warehouse)
        report(task, models, time.perf_counter() - started)


def main() -> None:
    """Build, train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", choices=[task.name for task in TASKS], action="append")
    parser.add_argument("--folder", type=Path, help="where projects are built and found again")
    parser.add_argument("--verbose", action="store_true", help="show the log of the training")
    parser.add_argument("--builds", action="store_true", help="measure builds, and no given rows")
    parser.add_argument("--shop", choices=[shop.name for shop in SHOPS], action="append")
    parser.add_argument("--test", action="store_true", help="the test dates instead of the others")
    parser.add_argument("--keep", type=Path, help="where predictions of builds are kept")
    parser.add_argument("--against", type=Path, help="predictions of another state to compare with")
    parser.add_argument("--check", action="store_true", help="compare with one true build a shop")
    options = parser.parse_args()
    if options.verbose:
        logging.basicConfig(level=logging.INFO, format="  %(message)s")
    else:
        logging.basicConfig(level=logging.ERROR)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="holdfast-quality-"))
    if options.builds:
        kept = options.keep or folder / "predictions"
        if kept != options.keep:
            # what another state of the code predicted must not pass for this one's
            shutil.rmtree(kept, ignore_errors=True)
        shops = [shop for shop in SHOPS if shop.name in (options.shop or [s.name for s in SHOPS])]
        dates = {s.name: (s.test,) if options.test else s.as_of_dates for s in shops}
        for shop in shops:
            measure_builds(shop, folder, kept, dates[shop.name])
            report_builds(shop, kept, dates[shop.name])
            if options.check:
                check_build(shop, folder, kept, dates[shop.name][-1])
        if options.against:
            compare_builds(shops, kept, options.against, dates)
    else:
        measure_tasks(options.task, folder)
    if not options.folder:
        shutil.rmtree(folder)


def _task_file(task: Task) -> Path:
    """Name the file of a task's rows."""
    return DATA / "tasks" / f"{task.name}.parquet"


if __name__ == "__main__":
    main()
