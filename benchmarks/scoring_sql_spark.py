"""What scoring by compiled SQL costs in Spark, beside reading and writing alone and ONNX Runtime.

    python benchmarks/scoring_sql_spark.py

Takes the rows and models of benchmarks/scoring.py as a Parquet file. Each way reads the file in a
local Spark of one thread and writes one probability per row to another:

- copy: a sum of the features, no model;
- compiled: the query that `SqlModel.query` writes;
- case: the same model as one nested CASE a tree that asks each feature whether it is missing,
  without what keeps Spark from making one method of it all;
- floor: ONNX Runtime on a float32 matrix that is in memory already; nothing is read or written.

Every way runs once before it counts, since Java compiles while it runs; then several times in turn,
and the best run is compared by processor time, all of Java's threads together. `first` is the
seconds of the first run by the clock, with parsing, planning and compiling.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from pyspark.sql import SparkSession
from scoring import BLOCKS, NAMES, TRAINING_ROWS, best, floor, make_models, make_rows, read_matrix
from scoring_sql import nested_case

from holdfast.scoring import OnnxModel
from holdfast.sql import SqlModel


def start(folder: Path) -> Any:
    """Start a Spark of one thread whose log shows nothing but what stops it."""
    builder = SparkSession.builder.master("local[1]")
    for name, value in {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "3g",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session


def processor_seconds(process: int) -> float:
    """Return what a process has used so far, from Linux."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(
    session: Any, query: str, target: Path, times: int
) -> tuple[float, tuple[float, float]]:
    """Return the seconds of the first run, and the least of later ones by clock and processor."""
    process = session.sparkContext._gateway.proc.pid
    took = []
    for _ in range(times + 1):
        clock, cpu = time.perf_counter(), processor_seconds(process)
        session.sql(query).write.mode("overwrite").parquet(str(target))
        took.append((time.perf_counter() - clock, processor_seconds(process) - cpu))
    return took[0][0], (min(t for t, _ in took[1:]), min(c for _, c in took[1:]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3, help="runs of each way (default: 3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        folder = Path(name)
        make_rows(folder / "rows.duckdb", options.rows)
        with duckdb.connect(str(folder / "rows.duckdb")) as connection:
            matrix = read_matrix(connection, options.rows)
            connection.execute(f"copy rows to '{folder}/rows.parquet'")
        session = start(folder)
        session.read.parquet(f"{folder}/rows.parquet").createOrReplaceTempView("rows")
        copy = f"select id, cast({' + '.join(NAMES)} as float) as probability from rows"
        _, (_, copied) = measure(session, copy, folder / "copy", options.times)
        print(f"{options.rows:,} rows, one thread; by processor time. Copy: {copied:.2f} s")
        for label, (blob, _) in make_models(matrix[:TRAINING_ROWS]).items():
            run: Callable[[], None] = floor(blob, matrix, 1, BLOCKS[1])
            _, least = best({"floor": run}, options.times)["floor"]
            model = SqlModel.from_bytes(blob)
            expected = OnnxModel.from_bytes(blob).predict(matrix)
            queries = {
                "compiled": model.query("rows", keys=["id"], dialect="spark", output="probability"),
                "case": nested_case(model, "spark"),
            }
            print(f"{label}: floor {options.rows / least:,.0f} rows/s", flush=True)
            for way, query in queries.items():
                first, (_, cpu) = measure(session, query, folder / way, options.times)
                with duckdb.connect() as connection:
                    given = connection.execute(
                        f"select probability from '{folder}/{way}/*.parquet' order by id"
                    ).fetchnumpy()["probability"]
                print(
                    f"  {way:9} {options.rows / cpu:9,.0f} rows/s   {cpu:6.2f} s, without the copy"
                    f" {cpu - copied:6.2f}   first {first:5.1f} s   {len(query):8,} characters"
                    f"   differs by {np.abs(given - expected).max():.1e}",
                    flush=True,
                )
        session.stop()


if __name__ == "__main__":
    main()
