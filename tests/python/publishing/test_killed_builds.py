"""The script that kills builds sees what it looks for."""

from __future__ import annotations

import datetime as dt
import importlib
from pathlib import Path
from types import ModuleType

import duckdb
import pytest

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
SHOP = """
    create schema main_retention;
    create table main_retention.churn_scores as
    select
        i as customer_id, timestamp '2026-07-01' as as_of, 0.1 * i as probability,
        now() as scored_at
    from range(3) as r (i);
    create table main_retention.customer_removals as select 'churn_scores' as table_name;
    create table main_retention.forgotten_customers as select 17 as customer_id
"""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Give the script as a module."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("killed_builds")


def warehouse(path: Path, *changes: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute(SHOP)
        for change in changes:
            connection.execute(change)
    return path


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ("select 1", []),
        ("update main_retention.churn_scores set scored_at = now() + interval 1 day", []),
        (
            "insert into main_retention.churn_scores select 5, timestamp '2026-07-11', 0.5, now()",
            [],
        ),
        (
            "delete from main_retention.churn_scores where customer_id = 1",
            ["churn_scores lost or changed 1 rows", "churn_scores lost or changed 1 rows"],
        ),
        (
            "update main_retention.churn_scores set probability = 0.9 where customer_id = 1",
            ["churn_scores lost or changed 1 rows"],
        ),
        (
            "insert into main_retention.churn_scores from main_retention.churn_scores limit 1",
            ["churn_scores has 1 keys twice"],
        ),
        ("drop table main_retention.forgotten_customers", ["forgotten_customers is gone"]),
    ],
)
def test_what_a_killed_build_lost_is_found(
    script: ModuleType, tmp_path: Path, change: str, faults: list[str]
) -> None:
    before, after = warehouse(tmp_path / "before.duckdb"), tmp_path / "shop.duckdb"
    warehouse(after, change)
    tables = script.Tables(
        {"churn_scores": ["customer_id", "as_of"]},
        ["churn_scores", "customer_removals", "forgotten_customers"],
        dt.datetime(2026, 7, 11),
    )
    assert tables.compare_history(before, after) == (5 - ("gone" in str(faults)), faults)


def test_two_warehouses_differ_by_their_rows_and_not_by_their_clocks(
    script: ModuleType, tmp_path: Path
) -> None:
    one = warehouse(tmp_path / "one.duckdb")
    later = "update main_retention.churn_scores set scored_at = now() + interval 1 day"
    assert script.differing(one, warehouse(tmp_path / "two.duckdb", later)) == (3, [])
    other = "update main_retention.churn_scores set probability = 0.9 where customer_id = 1"
    found = script.differing(one, warehouse(tmp_path / "three.duckdb", other))
    assert found == (3, ["churn_scores differs in 2 rows"])
