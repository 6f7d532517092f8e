"""Whole dbt builds: the demo shop once for all tests, and small projects of users."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_spark import has_java, local_session
from postgres import fresh_database, private_server, server_programs
from projects import DbtProject, UserProject, copy_demo, write_user_project


@pytest.fixture(scope="session")
def built_demo(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    """Build the demo once; tests must leave it as it is."""
    project = copy_demo(tmp_path_factory.mktemp("demo") / "project")
    project.dbt("build")
    return project


@pytest.fixture
def demo(built_demo: DbtProject, tmp_path: Path) -> DbtProject:
    """Give a built demo of the test's own, to change and to build again."""
    shutil.copytree(built_demo.directory, tmp_path / "demo")
    return DbtProject(tmp_path / "demo", tmp_path / "demo" / "warehouse.duckdb")


@pytest.fixture(scope="session")
def simulated_orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulate the orders of a small shop, the only table that Holdfast needs."""
    from holdfast.simulation import simulate_shop

    output = tmp_path_factory.mktemp("simulated")
    simulate_shop(output, customers=500, seed=11)
    return output / "orders.parquet"


@pytest.fixture
def user_project(tmp_path: Path, simulated_orders: Path) -> UserProject:
    """Give a user's project with the orders of a small shop, not built yet."""
    project = write_user_project(tmp_path / "my shop's project")
    project.orders(
        f"select customer_id, order_id, ordered_at, amount from read_parquet('{simulated_orders}')"
    )
    return project


@pytest.fixture(scope="session")
def _parsed_user_project(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    project = write_user_project(tmp_path_factory.mktemp("users") / "project")
    project.orders(
        "select 1 as customer_id, 1 as order_id, timestamp '2026-01-01' as ordered_at, 1 as amount"
    )
    project.dbt("parse")
    return project


@pytest.fixture
def bad_input(_parsed_user_project: UserProject) -> Callable[[str], UserProject]:
    """Give a function that puts some orders into a fresh warehouse of a project parsed before."""

    def with_orders(sql: str) -> UserProject:
        _parsed_user_project.warehouse.unlink(missing_ok=True)
        _parsed_user_project.orders(sql)
        return _parsed_user_project

    return with_orders


@pytest.fixture(scope="session")
def _postgres_server() -> Iterator[str]:
    if server_programs() is None:
        pytest.skip("there is no Postgres server here (Debian: apt-get install postgresql)")
    with private_server() as dsn:
        yield dsn


@pytest.fixture
def postgres(_postgres_server: str) -> str:
    """Give the DSN of an empty database on a real Postgres server; skips where there is none."""
    return fresh_database(_postgres_server, "shop")


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give a SparkSession whose time zone is not UTC; skips where Spark or Java is missing."""
    pytest.importorskip("pyspark", reason="PySpark is not installed (pip install .[spark])")
    if not has_java():
        pytest.skip("there is no Java here (Debian: apt-get install openjdk-17-jre-headless)")
    with local_session(tmp_path_factory.mktemp("spark")) as session:
        yield session
