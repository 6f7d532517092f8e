"""How much memory `holdfast score` needs for a large file.

    python benchmarks/score_file.py --rows 20000000

Makes a Parquet file of N rows with 20 DOUBLE features, 5 % of them NULL, and scores it with
gradient boosting of 100 trees with 16 leaves, in a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import duckdb
from scoring import NAMES, make_models, read_matrix, store

from holdfast.scoring import score_file


def prepare(folder: Path, rows: int) -> None:
    """Write the file, and a warehouse with the models."""
    columns = ", ".join(
        f"case when random() >= 0.05e0 then exp(random() * {1 + i % 4}) - 1 end as {name}"
        for i, name in enumerate(NAMES)
    )
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("set memory_limit = '2GB'; set enable_progress_bar = false")
        connection.execute(
            f"copy (select i as id, {columns} from range({rows}) as numbers (i))"
            f" to '{folder / 'new.parquet'}'"
        )
        connection.execute(
            f"create table rows as select * from '{folder / 'new.parquet'}' limit 50000"
        )
        store(connection, make_models(read_matrix(connection, 50_000)))
        connection.execute("alter table models add column feature_names varchar[]")
        connection.execute("update models set feature_names = ?", [list(NAMES)])


def score(folder: Path) -> None:
    """Score the file; print how long it took and the peak memory."""
    started = time.perf_counter()
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        count = score_file(
            connection,
            "models",
            "100 x 16 leaves",
            folder / "new.parquet",
            folder / "scores.parquet",
        )
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{count:,} rows in {seconds:.0f} s, peak memory {peak:.2f} GB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000_000)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        for step, arguments in ((prepare, (Path(name), options.rows)), (score, (Path(name),))):
            process = context.Process(target=step, args=arguments)
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(process.exitcode)


if __name__ == "__main__":
    main()
