"""`holdfast backtest` on the demo, and what it answers to wrong words."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from projects import DbtProject, run


@pytest.mark.slow
def test_backtest_of_the_demo_beats_recency_and_leaves_the_warehouse_alone(
    built_demo: DbtProject, tmp_path: Path
) -> None:
    before = built_demo.warehouse.read_bytes()
    file = tmp_path / "figures.parquet"
    said = run(
        "holdfast", "backtest", "--last", "2", "--output", file,
        cwd=built_demo.directory, check=True,
    ).stdout  # fmt: skip
    assert built_demo.warehouse.read_bytes() == before
    figures = duckdb.sql(f"select * from '{file}' order by as_of").fetchall()
    columns = duckdb.sql(f"describe '{file}'").fetchall()
    rows = [dict(zip((name for name, *_ in columns), row, strict=True)) for row in figures]
    assert [f"{row['as_of']:%Y-%m-%d}" for row in rows] == re.findall(
        r"^  (\d{4}-\d{2}-\d{2}) ", said, flags=re.MULTILINE
    )
    for row in rows:
        assert row["status"] == "scored"
        assert (row["as_of"] - row["training_to"]).days >= 90
        assert row["auroc"] > row["baseline_auroc"] > 0.65
        assert built_demo.query(
            "select count(*), round(avg(churned::int), 9) from churn_training_set "
            f"where as_of = '{row['as_of']}'"
        ) == [(row["row_count"], round(row["base_rate"], 9))]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--task", "upgrade"], "has no task 'upgrade'; it has the tasks churn"),
        (["--output", "figures.xlsx"], "must end in .csv or .parquet"),
        (["--last", "0"], "must be 1 or more; got 0"),
        (["--target", "nowhere"], "nowhere"),
    ],
)
def test_wrong_words_are_answered_with_what_is_there(
    built_demo: DbtProject, words: list[str], message: str
) -> None:
    result = run("holdfast", "backtest", *words, cwd=built_demo.directory)
    assert result.returncode == 1
    assert result.stderr.startswith("holdfast backtest: ")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
