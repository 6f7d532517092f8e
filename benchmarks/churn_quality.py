"""How good the default models are on real customers, beside what others reached.

    python benchmarks/churn_quality.py
    python benchmarks/churn_quality.py --task cdnow_90d --folder /tmp/quality --keep

Builds the package's own feature views on the rows of each benchmark task (customer and moment), in
a small dbt project, trains with the package's defaults on the rows that the task calls training,
and prints what every model and baseline makes of its test rows, with 95 % intervals of 2,000
bootstrap replicates. Nothing is tuned on test rows: `train` chooses on earlier dates.

The data are not part of the project: `HOLDFAST_SHARED_DATA` names the folder with
`online_retail_ii.parquet`, `cdnow_master.parquet` and `tasks/`. Online Retail II is read by the
example project; CDNOW has nothing but purchases.
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
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HOLDFAST_SHARED_DATA", ROOT.parent / "shared" / "data"))
REPLICATES = 2000


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


def write_project(task: Task, folder: Path) -> Path:
    """Lay out a dbt project whose spine is the task's rows; give its warehouse."""
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
            "name": "cdnow",
            "profile": "cdnow",
            "flags": {"send_anonymous_usage_stats": False},
            "vars": {"holdfast_orders": "raw.orders"},
        }
        warehouse = folder / "cdnow.duckdb"
        output = {"type": "duckdb", "path": warehouse.name, "threads": 2}
        output["plugins"] = [{"module": "holdfast.plugin"}]
        profile = {"cdnow": {"target": "dev", "outputs": {"dev": output}}}
        (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
    project["vars"]["holdfast_spine"] = "raw.task_rows"
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(project, sort_keys=False))
    (folder / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}))
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"create schema raw; create table raw.task_rows as {rows}")
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
    return warehouse


def build_features(task: Task, folder: Path) -> Path:
    """Let dbt compute the features of the task's rows; give the warehouse."""
    warehouse = write_project(task, folder)
    dbt = str(Path(sys.executable).parent / "dbt")
    build = ["build", "--select", "+holdfast__customer_features", "--resource-type", "model"]
    for words in (["deps"], [*build, "--resource-type", "seed"]):
        command = [dbt, "--no-use-colors", *words]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if result.returncode:
            sys.exit(result.stdout + result.stderr)
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


def main() -> None:
    """Build, train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", choices=[task.name for task in TASKS], action="append")
    parser.add_argument("--folder", type=Path, help="where projects are built and found again")
    parser.add_argument("--verbose", action="store_true", help="show the log of the training")
    options = parser.parse_args()
    if options.verbose:
        logging.basicConfig(level=logging.INFO, format="  %(message)s")
    else:
        logging.basicConfig(level=logging.ERROR)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="holdfast-quality-"))
    for task in TASKS:
        if options.task and task.name not in options.task:
            continue
        if not _task_file(task).is_file():
            sys.exit(f"{_task_file(task)} is not there; set HOLDFAST_SHARED_DATA")
        project = folder / task.name
        found = list(project.glob("*.duckdb"))
        warehouse = found[0] if found else build_features(task, project)
        started = time.perf_counter()
        models = train_on(task, warehouse)
        report(task, models, time.perf_counter() - started)
    if not options.folder:
        shutil.rmtree(folder)


def _task_file(task: Task) -> Path:
    """Name the file of a task's rows."""
    return DATA / "tasks" / f"{task.name}.parquet"


if __name__ == "__main__":
    main()
