"""What it costs to let recency and counts of orders move the risk in one direction only.

    python benchmarks/directions.py
    python benchmarks/directions.py --task online_retail_ii_90d --folder /tmp/quality

Trains on the demo's warehouse (after `dbt build`) and on the benchmark tasks of churn_quality.py,
once freely and once with `monotonic: true`, and prints the loss on held-out earlier dates, by which
models are chosen. Test rows are not looked at.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import churn_quality
import duckdb

ROOT = Path(__file__).resolve().parents[1]
DEMO = "demo"
ALGORITHMS = ("logistic_regression", "hist_gradient_boosting")


def compare(name: str, session: duckdb.DuckDBPyConnection, settings: dict[str, Any]) -> None:
    """Train on the table training_set, freely and with directions, and print what was held out."""
    from holdfast.training import train

    print(f"\n{name}")
    for word, parameters in (
        ("free", {}),
        ("monotonic", {each: {"monotonic": True} for each in ALGORITHMS}),
    ):
        asked = {**settings, "estimator_parameters": parameters}
        for row in train(session, "training_set", settings=asked).to_pylist():
            found = json.loads(row["metrics"]).get("validation")
            if found:
                print(
                    f"  {word:10} {row['algorithm']:24} log loss {found['log_loss_given_rate']:.5f}"
                    f" given the rate, {found['log_loss']:.5f} plain, AUROC {found['auroc']:.4f}",
                    flush=True,
                )


def on_demo(warehouse: Path) -> None:
    """Compare on the training set of the demo."""
    if not warehouse.is_file():
        raise SystemExit(f"{warehouse} is not there; run `dbt build` first")
    with duckdb.connect() as session:
        session.execute(f"attach '{warehouse}' as demo (read_only)")
        session.execute("create temp table training_set as from demo.main.churn_training_set")
        ((parameters,),) = session.execute(
            "select parameters from demo.main.churn_model where stage = 'champion'"
        ).fetchall()
        compare("demo", session, json.loads(parameters)["settings"])


def on_task(task: churn_quality.Task, folder: Path) -> None:
    """Compare on the rows of a benchmark task."""
    project = folder / task.name
    found = list(project.glob("*.duckdb"))
    warehouse = found[0] if found else churn_quality.build_features(task, project)
    with duckdb.connect(str(warehouse), read_only=True) as session:
        churn_quality.load_rows(task, session)
        compare(task.title, session, {"horizon_days": task.horizon_days, "test_dates": 1})


def main() -> None:
    """Compare on all that is there."""
    names = [DEMO, *(task.name for task in churn_quality.TASKS)]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", choices=names, action="append")
    parser.add_argument("--folder", type=Path, help="where projects are built and found again")
    parser.add_argument("--warehouse", type=Path, default=ROOT / "warehouse.duckdb")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="holdfast-directions-"))
    chosen = options.task or names
    if DEMO in chosen:
        on_demo(options.warehouse)
    for task in churn_quality.TASKS:
        if task.name in chosen:
            on_task(task, folder)
    if not options.folder:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
