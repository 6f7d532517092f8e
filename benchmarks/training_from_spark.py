"""What reading a training set from Spark costs in memory and time.

    python benchmarks/training_from_spark.py --rows 2000000 --features 40

Writes the table of benchmarks/training_memory.py to Parquet; then reads it as training does,
through an Ibis table of a local Spark of two threads. Prints the seconds and peak memory of the
process that reads, beside the size of the matrix that it fills. Java, whose heap is limited to
3 GB, is not part of it. `--as ibis` collects the rows by Ibis' own way.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from training_memory import make_table


def read(path: Path, way: str) -> None:
    """Read the table, and print what it took."""
    import ibis
    from pyspark.sql import SparkSession

    from holdfast.tasks import Recipe, Task
    from holdfast.training._dataset import describe, read_dataset
    from holdfast.warehouse.relations import open_source

    builder = SparkSession.builder.master("local[2]")
    for name, value in {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "3g",
        "spark.local.dir": str(path.parent),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }.items():
        builder = builder.config(name, value)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    backend = ibis.pyspark.connect(session)
    table = backend.read_parquet(path)
    before, started = peak(), time.perf_counter()
    if way == "ibis":
        count = backend.to_pyarrow(table.order_by(["as_of", "customer_id"])).num_rows
        size = f"{count:,} rows"
    else:
        source, task, recipe = open_source(None, table), Task(), Recipe()
        data = read_dataset(source, task, recipe, describe(source, task, recipe))
        size = f"{len(data):,} rows, a matrix of {data.features.nbytes / 1024**3:.2f} GB"
    seconds = time.perf_counter() - started
    print(f"{size}: {seconds:.0f} s, peak memory {peak():.2f} GB, of these {before:.2f} at first")
    session.stop()


def peak() -> float:
    """Return the peak resident memory of this process in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main() -> None:
    """Make the table, then read it in a fresh process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--features", type=int, default=40)
    parser.add_argument(
        "--as", dest="way", default="holdfast", help="holdfast (the default) or ibis"
    )
    parser.add_argument("--parquet", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way == "table":
        write(arguments.parquet, arguments.rows, arguments.features)
        return
    if arguments.parquet is not None:
        read(arguments.parquet, arguments.way)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        words = [sys.executable, __file__, "--parquet", str(path)]
        sizes = ["--rows", str(arguments.rows), "--features", str(arguments.features)]
        # a process keeps the peak of the one that started it
        subprocess.run([*words, *sizes, "--as", "table"], check=True)
        subprocess.run([*words, "--as", arguments.way], check=True)


def write(path: Path, rows: int, features: int) -> None:
    """Write the table as Parquet."""
    make_table(path.with_suffix(".duckdb"), rows, features)
    with duckdb.connect(str(path.with_suffix(".duckdb")), read_only=True) as connection:
        connection.execute(f"copy training_set to '{path}'")


if __name__ == "__main__":
    main()
