"""Marts of two days, or whose scores are gone, are not published."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from holdfast.publishing import Mart, Publication, PublishError, publish


def mart(name: str, package: str = "holdfast", **types: str) -> Mart:
    prefix = "holdfast__" if package == "holdfast" else ""
    return Mart(
        unique_id=f"model.{package}.{prefix}{name}",
        name=name,
        relation=f'"shop"."main"."{name}"',
        types={"as_of_date": "date", **types},
    )


RETENTION = mart("customer_retention", model_id="varchar", status="varchar")
SEGMENTS = mart("customer_segments")
HISTORY = mart("score_history", "shop")


@pytest.fixture
def warehouse(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(tmp_path / "shop.duckdb"))
    show(connection, "2026-07-01", "'model 1'", "scored")
    connection.execute(
        """
        create table customer_segments as select 1 as customer_id, date '2026-07-01' as as_of_date;
        create table score_history as
        select date '2020-01-01' + cast(i as integer) as as_of_date from range(9) as r (i)
        """
    )
    return connection


def show(connection: duckdb.DuckDBPyConnection, day: str, model_id: str, status: str) -> None:
    connection.execute(
        f"""
        create or replace table customer_retention as
        select
            i as customer_id,
            date '{day}' as as_of_date,
            cast({model_id} as varchar) as model_id,
            '{status}' as status
        from range(5) as r (i)
        """
    )


def publish_all(connection: duckdb.DuckDBPyConnection, file: Path) -> Publication:
    return publish(connection, [RETENTION, SEGMENTS, HISTORY], file, source="shop.duckdb")


def test_marts_of_one_day_are_published_with_own_ones_of_any_days(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    assert publish_all(warehouse, tmp_path / "bi.duckdb").row_counts["score_history"] == 9


def test_marts_of_two_days_are_refused_and_both_days_named(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    publish_all(warehouse, tmp_path / "bi.duckdb")
    before = (tmp_path / "bi.duckdb").read_bytes()
    show(warehouse, "2026-07-02", "'model 1'", "scored")
    said = (
        r"customer_segments as of 2026-07-01; customer_retention as of 2026-07-02\); "
        "run `dbt build`"
    )
    with pytest.raises(PublishError, match=said):
        publish_all(warehouse, tmp_path / "bi.duckdb")
    assert (tmp_path / "bi.duckdb").read_bytes() == before


@pytest.mark.parametrize("status", ["not_scored", "inactive", "never_ordered"])
def test_scores_that_are_gone_are_refused_until_the_file_is_removed(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, status: str
) -> None:
    file = tmp_path / "bi.duckdb"
    publish_all(warehouse, file)
    show(warehouse, "2026-07-01", "null", status)
    with pytest.raises(PublishError, match="has no scores, but the published one has those of"):
        publish_all(warehouse, file)
    file.unlink()
    publish_all(warehouse, file)


@pytest.mark.parametrize("status", ["no_model", "not_enough_history", "not_eligible"])
def test_scores_that_say_why_there_is_no_probability_are_published(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, status: str
) -> None:
    publish_all(warehouse, tmp_path / "bi.duckdb")
    show(warehouse, "2026-07-01", "null", status)
    publish_all(warehouse, tmp_path / "bi.duckdb")
