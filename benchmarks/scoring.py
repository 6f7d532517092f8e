"""What scoring in DuckDB costs, beside ONNX Runtime alone and beside a round trip through pandas.

    python benchmarks/scoring.py

Makes a DuckDB file of N rows with 20 DOUBLE features, 5 % of them NULL, and three models: the
logistic regression that Holdfast trains, and gradient boosting of 100 trees with 16 leaves (depth
4) and with 31. Each way of scoring reads the features and leaves one probability per row:

- the floor: ONNX Runtime on a float32 matrix that is in memory already, in blocks of the size that
  suits it best; nothing is read and nothing written;
- the function: `create table … as select id, holdfast_predict(…) from rows`;
- pandas: the rows to pandas, scikit-learn's `predict_proba`, and the result back into a table.

Every way runs with one thread and with two, several times in turn; the best run of each is
compared, by the clock and by processor time. Machines are noisy: read the ratios, and where other
programs run, the second one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from holdfast.contract import OnnxHeader
from holdfast.estimators import TreeModel, fit_linear
from holdfast.scoring import register

WIDTH = 20
NAMES = tuple(f"f{i}" for i in range(WIDTH))
TRAINING_ROWS = 50_000
BLOCKS = (2_048, 16_384, 131_072, 1_000_000)


def make_rows(path: Path, rows: int) -> None:
    """Write the table of features."""
    columns = ", ".join(
        f"case when random() >= 0.05e0 then exp(random() * {1 + i % 4}) - 1 end as {name}"
        for i, name in enumerate(NAMES)
    )
    with duckdb.connect(str(path)) as connection:
        connection.execute("set threads = 1; select setseed(0.5)")
        connection.execute(
            f"create table rows as select i as id, {columns} from range({rows}) as numbers (i)"
        )


def read_matrix(connection: duckdb.DuckDBPyConnection, rows: int) -> np.ndarray:
    """Return the first rows as a float32 matrix, NULL as NaN."""
    found = connection.execute(
        f"select {', '.join(NAMES)} from rows where id < {rows} order by id"
    ).fetchnumpy()
    columns = [np.ma.filled(found[name], np.nan) for name in NAMES]
    return np.stack(columns, axis=1).astype(np.float32)


def make_models(features: np.ndarray) -> dict[str, tuple[bytes, Callable[[Any], Any]]]:
    """Fit the models; give each one's ONNX file and how Python predicts with it."""
    rng = np.random.default_rng(1)
    signal = np.nan_to_num(features, nan=0.5)
    odds = signal[:, 0] - signal[:, 1] * (signal[:, 4] > 1) + 0.3 * signal[:, 2:].sum(axis=1) - 8
    y = (odds + rng.logistic(size=len(odds)) * 3 > 0).astype(np.int64)
    models: dict[str, tuple[bytes, Callable[[Any], Any]]] = {}
    line = fit_linear(features, y, NAMES)
    header = OnnxHeader("churn", "logistic_regression", "benchmark", NAMES)
    models["logistic"] = (line.to_onnx(header), line.predict)
    for label, shape in (
        ("100 x 16 leaves", {"max_leaf_nodes": 16, "max_depth": 4}),
        ("100 x 31 leaves", {"max_leaf_nodes": 31}),
    ):
        trees = HistGradientBoostingClassifier(max_iter=100, early_stopping=False, **shape)
        trees.fit(features, y)
        header = OnnxHeader("churn", "hist_gradient_boosting", "benchmark", NAMES)
        models[label] = (
            TreeModel(trees).to_onnx(header),
            lambda x, t=trees: t.predict_proba(x)[:, 1],
        )
    return models


def store(connection: duckdb.DuckDBPyConnection, models: dict[str, tuple[bytes, Any]]) -> None:
    """Put the models into a table, as a registry has them."""
    connection.execute("create table models (model_id varchar, onnx blob, onnx_sha256 varchar)")
    for label, (blob, _) in models.items():
        connection.execute(
            "insert into models values (?, ?, ?)", [label, blob, hashlib.sha256(blob).hexdigest()]
        )


def floor(blob: bytes, matrix: np.ndarray, threads: int, block: int) -> Callable[[], None]:
    """Return a run of ONNX Runtime alone."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(blob, options, providers=["CPUExecutionProvider"])

    def run() -> None:
        for start in range(0, len(matrix), block):
            session.run(["probabilities"], {"features": matrix[start : start + block]})

    return run


def function(connection: duckdb.DuckDBPyConnection, label: str) -> Callable[[], None]:
    """Return a run of the DuckDB function, the whole statement."""
    arguments = ", ".join(NAMES)

    def run() -> None:
        connection.execute(
            "create or replace table scores as select id,"
            f" holdfast_predict('models', '{label}', {arguments}) as probability from rows"
        )

    return run


def round_trip(connection: duckdb.DuckDBPyConnection, predict: Any) -> Callable[[], None]:
    """Return a run through pandas and scikit-learn."""

    def run() -> None:
        frame = connection.execute(f"select id, {', '.join(NAMES)} from rows").df()
        features = frame[list(NAMES)].to_numpy(np.float32)
        frame = frame[["id"]].assign(probability=predict(features))
        connection.execute("create or replace table scores as select * from frame")

    return run


def best(runs: dict[str, Callable[[], None]], times: int) -> dict[str, tuple[float, float]]:
    """Run all in turn; give the least seconds and processor seconds of each."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(times):
        for name, run in runs.items():
            clock, cpu = time.perf_counter(), time.process_time()
            run()
            took[name].append((time.perf_counter() - clock, time.process_time() - cpu))
    return {name: (min(t for t, _ in all_), min(c for _, c in all_)) for name, all_ in took.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3, help="runs of each way (default: 3)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        path = Path(folder) / "rows.duckdb"
        make_rows(path, options.rows)
        with duckdb.connect(str(path)) as connection:
            register(connection)
            matrix = read_matrix(connection, options.rows)
            models = make_models(matrix[:TRAINING_ROWS])
            store(connection, models)
            print(f"{options.rows:,} rows x {WIDTH} features; rows per second, and in floors")
            for threads in options.threads:
                connection.execute(f"set threads = {threads}")
                os.environ["OMP_NUM_THREADS"] = str(threads)
                for label, (blob, predict) in models.items():
                    runs = {
                        f"floor {block}": floor(blob, matrix, threads, block) for block in BLOCKS
                    }
                    runs["function"] = function(connection, label)
                    runs["pandas"] = round_trip(connection, predict)
                    took = best(runs, options.times)
                    floors = {n: t for n, t in took.items() if n.startswith("floor")}
                    name = min(floors, key=lambda n: floors[n])
                    least, least_cpu = floors[name]
                    print(f"{threads} thread(s), {label}", flush=True)
                    for what in (name, "function", "pandas"):
                        clock, cpu = took[what]
                        print(
                            f"  {what:16} {options.rows / clock:12,.0f} rows/s   cpu {cpu:6.2f} s"
                            f"   {least / clock:5.2f} by clock, {least_cpu / cpu:5.2f} by cpu",
                            flush=True,
                        )


if __name__ == "__main__":
    main()
