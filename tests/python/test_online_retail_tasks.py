"""The example's orders reproduce the benchmark's population and labels, customer by customer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "online_retail"
SHARED_DATA = Path(os.environ.get("HOLDFAST_SHARED_DATA", ROOT.parent / "shared" / "data"))
TASKS = SHARED_DATA / "tasks" / "online_retail_ii_90d.parquet"

# Without the plugin line: these tables are the user's own and need nothing of Holdfast.
PROFILE = """
online_retail:
  target: test
  outputs:
    test:
      type: duckdb
      path: online_retail.duckdb
      threads: 2
"""

# Population: a purchase in the 180 days before as_of. Churned: none in the 90 days from as_of on.
EXPECTED_BY_DEFINITION = """
    select
        cast(orders.customer_id as varchar) as customer_id,
        dates.as_of,
        cast(not bool_or(
            orders.ordered_at >= dates.as_of
            and orders.ordered_at < dates.as_of + interval 90 day
        ) as integer) as churned
    from (select distinct as_of from tasks) as dates
    cross join orders
    where orders.amount > 0
    group by orders.customer_id, dates.as_of
    having bool_or(
        orders.ordered_at >= dates.as_of - interval 180 day
        and orders.ordered_at < dates.as_of
    )
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The example's own tables, built by dbt in a copy that leaves the Holdfast package out."""
    if not TASKS.is_file():
        pytest.skip(
            f"the benchmark's task rows are not at {TASKS}; "
            "set HOLDFAST_SHARED_DATA to the folder that holds tasks/"
        )
    project = tmp_path_factory.mktemp("online_retail") / "project"
    shutil.copytree(
        EXAMPLE,
        project,
        ignore=shutil.ignore_patterns(
            "packages.yml", "package-lock.yml", "dbt_packages", "target", "logs", "*.duckdb*"
        ),
    )
    (project / "profiles.yml").write_text(PROFILE)
    completed = subprocess.run(
        [
            sys.executable,
            "-m",
            "dbt.cli.main",
            "build",
            "--select",
            "+orders",
            "--resource-type",
            "seed",
            "--resource-type",
            "model",
            "--no-use-colors",
        ],
        cwd=project,
        env={**os.environ, "DBT_PROFILES_DIR": str(project), "DBT_PROJECT_DIR": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    connection = duckdb.connect(str(project / "online_retail.duckdb"), read_only=True)
    connection.execute(
        "create temp view tasks as select customer_id, as_of, churned "
        f"from read_parquet('{str(TASKS).replace(chr(39), chr(39) * 2)}')"
    )
    return connection


def test_orders_reproduce_the_benchmark_population(warehouse: duckdb.DuckDBPyConnection) -> None:
    """The same customers at the same dates, none more and none less."""
    missing, extra, both = warehouse.execute(
        f"""
        with ours as ({EXPECTED_BY_DEFINITION})
        select
            count(*) filter (where ours.customer_id is null),
            count(*) filter (where tasks.customer_id is null),
            count(*) filter (where ours.customer_id is not null and tasks.customer_id is not null)
        from tasks
        full join ours using (customer_id, as_of)
        """
    ).fetchone()
    assert (missing, extra) == (0, 0)
    assert both > 0


def test_orders_reproduce_the_benchmark_labels(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Every row that the benchmark labels has the same label from our orders."""
    different, rows = warehouse.execute(
        f"""
        with ours as ({EXPECTED_BY_DEFINITION})
        select
            count(*) filter (where tasks.churned is distinct from ours.churned),
            count(*)
        from tasks
        left join ours using (customer_id, as_of)
        """
    ).fetchone()
    assert different == 0
    assert rows > 0
