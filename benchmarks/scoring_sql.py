"""What scoring by compiled SQL costs, beside plain nested CASE and ONNX Runtime alone.

    python benchmarks/scoring_sql.py

Takes the rows and models of benchmarks/scoring.py: a DuckDB file of N rows with 20 DOUBLE features,
5 % of them NULL; the logistic regression that Holdfast trains, and gradient boosting of 100 trees
with 16 leaves (depth 4) and with 31. Each way leaves one probability per row:

- compiled: `create table … as` the query that `SqlModel.query` writes, planning included;
- case: the same with a nested CASE for each tree, which is exact too;
- floor: ONNX Runtime on a float32 matrix that is in memory already; nothing is read or written.

One thread each, several times in turn; the best run of each is compared by processor time. The
probabilities of all three are compared as well.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
from scoring import BLOCKS, TRAINING_ROWS, best, floor, make_models, make_rows, read_matrix

from holdfast.scoring import OnnxModel
from holdfast.sql import DIALECTS, SqlModel
from holdfast.sql._write import Writer


def nested_case(model: SqlModel, engine: str = "duckdb") -> str:
    """Return the query as one nested CASE a tree, not in the engine's fastest form."""
    dialect = DIALECTS[engine]
    columns = {index: f"_x{index}" for index in range(len(model.feature_names))}
    borders = ", ".join(
        f"{dialect.border(name)} as _x{index}" for index, name in enumerate(model.feature_names)
    )
    body = Writer(dialect, columns).write(model._probability)
    return f"select id, {body} as probability from (select id, {borders} from rows)"


def statement(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> Callable[[], None]:
    """Return a run of a whole statement."""

    def run() -> None:
        connection.execute(f"create or replace table {table} as {query}")

    return run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3, help="runs of each way (default: 3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        path = Path(folder) / "rows.duckdb"
        make_rows(path, options.rows)
        with duckdb.connect(str(path)) as connection:
            connection.execute("set threads = 1")
            matrix = read_matrix(connection, options.rows)
            print(f"{options.rows:,} rows, one thread; rows per second of processor time")
            for label, (blob, _) in make_models(matrix[:TRAINING_ROWS]).items():
                model = SqlModel.from_bytes(blob)
                compiled = model.query("rows", keys=["id"], output="probability")
                runs = {
                    "compiled": statement(connection, "by_compiled", compiled),
                    "case": statement(connection, "by_case", nested_case(model)),
                    "floor": floor(blob, matrix, 1, BLOCKS[1]),
                }
                cpu = {name: seconds for name, (_, seconds) in best(runs, options.times).items()}
                expected = OnnxModel.from_bytes(blob).predict(matrix)
                print(f"{label}: {len(compiled):,} characters of SQL", flush=True)
                for name, seconds in cpu.items():
                    gap = ""
                    if name != "floor":
                        given = connection.execute(
                            f"select probability from by_{name} order by id"
                        ).fetchnumpy()["probability"]
                        gap = f"   differs by {np.abs(given - expected).max():.1e}"
                    print(
                        f"  {name:9} {options.rows / seconds:11,.0f} rows/s"
                        f"   {cpu['case'] / seconds:5.2f} x case   "
                        f"{cpu['floor'] / seconds:5.2f} x floor{gap}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
