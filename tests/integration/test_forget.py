"""`holdfast forget` on the demo: gone from the warehouse, from what is published, and for good."""

from __future__ import annotations

import duckdb
import pytest

from projects import DbtProject, run


def tables(project: DbtProject) -> list[str]:
    """Give the tables that have a column customer_id."""
    rows = project.query(
        "select table_name from duckdb_columns() inner join duckdb_tables() "
        "using (database_name, schema_name, table_name) "
        "where column_name = 'customer_id' and table_name != 'forgotten_customers' order by 1"
    )
    return [name for (name,) in rows]


def rows_of(project: DbtProject, ids: str) -> dict[str, int]:
    """Count the rows of some customers in every table."""
    return {
        name: project.query(f"select count(*) from {name} where customer_id in ({ids})")[0][0]
        for name in tables(project)
    }


@pytest.mark.slow
def test_forgotten_customers_are_gone_everywhere_and_no_build_brings_them_back(
    demo: DbtProject,
) -> None:
    before, others = rows_of(demo, "2, 7"), rows_of(demo, "3")
    assert before["churn_scores"] == 2
    dry = run("holdfast", "forget", "2", "7", "--dry-run", cwd=demo.directory, check=True)
    assert rows_of(demo, "2, 7") == before

    done = run("holdfast", "forget", "2", "7", "nobody", cwd=demo.directory, check=True)
    assert "No table knows nobody." in done.stdout
    told = {line.split()[0]: line.split()[-1] for line in done.stdout.splitlines() if line}
    for name, rows in before.items():
        if rows:
            assert told[f"main.{name}"] == str(rows)
            assert f"main.{name} " in dry.stdout
    assert set(rows_of(demo, "2, 7").values()) == {0}
    assert rows_of(demo, "3") == others
    assert demo.query("select sum(row_count) from customer_removals") == [(sum(before.values()),)]
    serving = demo.directory / "serving"
    count = "select count(*) filter (where customer_id in (2, 7)), count(*) from {}"
    with duckdb.connect(str(serving / "holdfast.duckdb"), read_only=True) as published:
        assert published.execute(count.format("customer_retention")).fetchall() == [(0, 1498)]
    parquet = f"read_parquet('{serving}/holdfast_parquet/*/customer_retention/*.parquet')"
    # no former set is left, and `latest` is the present one again
    assert duckdb.sql(count.format(parquet)).fetchall()[0][0] == 0

    demo.dbt("build", "--full-refresh")
    assert set(rows_of(demo, "2, 7").values()) == {0}
    assert demo.query("select count(*) from forgotten_customers") == [(2,)]
    with duckdb.connect(str(serving / "holdfast.duckdb"), read_only=True) as published:
        assert published.execute(count.format("customer_retention")).fetchall() == [(0, 1498)]
