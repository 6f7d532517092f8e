"""What it costs to measure one model: Holdfast's measures, beside the SQL that they replaced.

    python benchmarks/evaluation.py --rows 1000000 5000000 20000000
    python benchmarks/evaluation.py --rows 1000000 --target regression

Makes N predictions (N/12 customers at 12 months) in a DuckDB file, and measures them all together
and month by month, bootstrap included, in a process of its own. Prints its seconds and its peak
resident memory, DuckDB's share included, and the largest difference of the two in any value.

The SQL is the macros `evaluate` and `evaluate_values` of the last commit that had them, read from
git's history and rendered here. Without a clone that reaches back so far, leave it out:
`--only python`.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
from pyarrow import parquet

from holdfast.measuring import Costs, evaluate, evaluate_values

ROOT = Path(__file__).resolve().parents[1]
# the last commit whose evaluation was SQL
LAST_WITH_MACROS = "dfc1efc"
MACROS = (
    "_draws", "_slices", "_long", "_bootstrap", "_bootstrap_values", "evaluate", "evaluate_values",
)  # fmt: skip


class ReturnedError(Exception):
    """What dbt's `return` does: it leaves the macro."""


def rendered_sql(target: str) -> str:
    """Render the former macro over the table `predictions`; a few stubs play dbt's part."""
    text = "".join(
        subprocess.run(
            ["git", "show", f"{LAST_WITH_MACROS}:macros/measuring/{name}.sql"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout
        for name in MACROS
    )  # fmt: skip

    def give(value: Any) -> None:
        raise ReturnedError(value)

    def unwrapped(macro: Any) -> Any:
        def call(*words: Any, **named: Any) -> Any:
            try:
                return macro(*words, **named)
            except ReturnedError as returned:
                return returned.args[0]

        return call

    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    holdfast = SimpleNamespace(
        setting=asdict(Costs()).get, _double=lambda number: f"{float(number):.17e}"
    )
    template = environment.from_string(text)
    context = template.new_context({"return": give, "holdfast": holdfast})
    for _ in template.root_render_func(context):
        pass
    for name, macro in context.vars.items():
        setattr(holdfast, name, unwrapped(macro))
    name = "default__evaluate_values" if target == "regression" else "default__evaluate"
    return str(getattr(holdfast, name)("predictions"))


def make_predictions(path: Path, rows: int, target: str) -> None:
    """Write predictions as a model file gives them, with the precision of a float32."""
    outcome = (
        "cast(random() < predicted as integer)"
        if target == "classification"
        else "predicted * (0.5 + random()) * cast(random() < 0.6 as integer)"
    )
    predicted = "1 / (1 + exp(4 * random() + 2 * random() - 2))"
    if target == "regression":
        predicted = "-100 * ln(random() + 1e-9)"
    with duckdb.connect(str(path)) as connection:
        connection.execute("set threads to 1")
        connection.execute("select setseed(0.5)")
        connection.execute(
            f"""
            create table predictions as
            select
                'model' as model_id, 'churn' as task, 'test' as split,
                cast(null as varchar) as segment, customer_id, as_of,
                predicted as {"probability" if target == "classification" else "predicted_value"},
                {outcome} as outcome
            from (
                select
                    customer_id,
                    timestamp '2024-01-01' + to_months(cast(month as integer)) as as_of,
                    cast(cast({predicted} as float) as double) as predicted
                from range({rows // 12}) as customers (customer_id), range(12) as months (month)
            )
            """
        )


def measure(engine: str, target: str, path: Path, result: Path) -> None:
    """Measure with one of the two, write the metrics, and print what it took."""
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute(f"set temp_directory = '{path}.tmp'")
        started, cpu = time.perf_counter(), time.process_time()
        if engine == "sql":
            table = connection.sql(rendered_sql(target)).to_arrow_table()
        else:
            predictions = connection.sql(
                "select customer_id, as_of, * like 'p%', outcome from predictions"
            ).to_arrow_table()
            table = (evaluate_values if target == "regression" else evaluate)(predictions)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"  {engine:6} {seconds:7.1f} s, CPU {cpu:7.1f} s, peak memory {peak:6.2f} GB", flush=True
    )
    parquet.write_table(table, result)


def main() -> None:
    """Make the predictions, then measure them in fresh processes, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument(
        "--target", choices=("classification", "regression"), default="classification"
    )
    parser.add_argument("--only", choices=("sql", "python"))
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        path, result = map(Path, chosen.child)
        measure(chosen.only, chosen.target, path, result)
        return
    for rows in chosen.rows:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "predictions.duckdb"
            make_predictions(path, rows, chosen.target)
            print(f"{rows:,} rows, {chosen.target}", flush=True)
            engines = [chosen.only] if chosen.only else ["sql", "python"]
            for engine in engines:
                subprocess.run(
                    [
                        sys.executable, __file__, "--only", engine, "--target", chosen.target,
                        "--child", path, Path(directory) / f"{engine}.parquet",
                    ],
                    check=True,
                )  # fmt: skip
            if len(engines) == 2:
                print(difference(Path(directory)))


def difference(directory: Path) -> str:
    """Tell the largest relative difference of the two results in each column."""
    columns = ("value", "lower", "upper")
    listed = ", ".join(
        f"max(abs(s.{c} - p.{c}) / greatest(abs(s.{c}), 1)), "
        f"count(*) filter (where (s.{c} is null) <> (p.{c} is null))"
        for c in columns
    )
    found = duckdb.execute(
        f"""
        select count(*) filter (where s.metric is null or p.metric is null), {listed}
        from '{directory}/sql.parquet' as s
        full join '{directory}/python.parquet' as p
            on p.as_of is not distinct from s.as_of and p.metric = s.metric
        """
    ).fetchone()
    assert found is not None
    parts = (
        f"{c} {found[1 + 2 * i]:.1e} ({found[2 + 2 * i]} NULL in one)"
        for i, c in enumerate(columns)
    )
    return f"  rows in one only {found[0]}; largest difference: {', '.join(parts)}"


if __name__ == "__main__":
    main()
