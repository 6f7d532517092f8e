"""What a training on a large table costs in memory and time.

    python benchmarks/training_memory.py --rows 5000000 --features 60
    python benchmarks/training_memory.py --rows 5000000 --features 60 --max-rows 5000000

Makes a table of N rows (N/12 customers at 12 months) with F features in a DuckDB file, in a process
of its own; then trains on it with the package's defaults and prints the peak resident memory of the
training process, DuckDB's share included, and its seconds. `--max-rows` sets how many rows are
read at most; the default is that of `holdfast_max_training_rows`, and a larger table is sampled.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb


def make_table(path: Path, rows: int, features: int) -> None:
    """Write a training set whose label follows a few of its features."""
    listed = ["days_since_order", *(f"feature_{number}" for number in range(1, features))]
    columns = ",\n".join(
        f"cast(case when random() < {0.1 if number % 4 == 0 and number else 0} then null "
        f'else -ln(random() + 1e-9) * {10 + number} end as float) as "{name}"'
        for number, name in enumerate(listed)
    )
    with duckdb.connect(str(path)) as connection:
        connection.execute("select setseed(0.5)")
        connection.execute(
            f"""
            create table rows as
            select
                customer_id,
                timestamp '2024-01-01' + to_months(cast(month as integer)) as as_of,
                {columns}
            from range({rows // 12}) as customers (customer_id), range(12) as months (month)
            """
        )
        connection.execute(
            """
            create table training_set as
            select
                *,
                random() < 1 / (1 + exp(1 - ln(1 + days_since_order) + 0.02 * feature_1))
                    as churned,
            from rows
            """
        )
        connection.execute("drop table rows")


def train_on(path: Path, max_rows: int | None) -> None:
    """Train, and print what it took."""
    from holdfast.training import train

    logging.basicConfig(level=logging.INFO, format="  %(message)s")
    settings = {} if max_rows is None else {"max_rows": max_rows}
    with duckdb.connect(str(path), read_only=True) as connection:
        started, cpu = time.perf_counter(), time.process_time()
        models = train(connection, '"training_set"', settings=settings).to_pylist()
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    champion = next(model for model in models if model["stage"] == "champion")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    sampled_from = json.loads(champion["parameters"])["sampled_from"]
    print(f"champion {champion['algorithm']}: {champion['row_count']:,} rows of {sampled_from:,}")
    print(f"peak memory {peak:.2f} GB, {seconds:.0f} s, of these {cpu:.0f} s of CPU")


def main() -> None:
    """Make the table, then train in a fresh process, so that its peak is that of training."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--features", type=int, default=60)
    parser.add_argument("--max-rows", type=int)
    parser.add_argument("--table", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.table is not None:
        train_on(arguments.table, arguments.max_rows)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.duckdb"
        make = "from training_memory import make_table; from pathlib import Path; import sys; "
        make += f"make_table(Path(sys.argv[1]), {arguments.rows}, {arguments.features})"
        here = Path(__file__).parent
        subprocess.run([sys.executable, "-c", make, str(path)], check=True, cwd=here)
        words = [sys.executable, __file__, "--table", str(path)]
        if arguments.max_rows is not None:
            words += ["--max-rows", str(arguments.max_rows)]
        subprocess.run(words, check=True)


if __name__ == "__main__":
    main()
