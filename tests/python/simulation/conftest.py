from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from holdfast.simulation import ShopParameters
from holdfast.simulation._simulate import simulate_in_chunks

Simulate = Callable[..., Path]
Connect = Callable[[Path], duckdb.DuckDBPyConnection]


def _connect(folder: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for path in sorted(folder.rglob("*.parquet")):
        connection.execute(f"create view {path.stem} as from read_parquet('{path}')")
    return connection


@pytest.fixture(scope="session")
def connect() -> Connect:
    """Open a simulated shop: one view per file."""
    return _connect


@pytest.fixture(scope="session")
def simulate(tmp_path_factory: pytest.TempPathFactory) -> Simulate:
    """Simulate in small chunks, with some parameters changed."""

    def run(
        customers: int = 3000,
        *,
        months: int = 24,
        end: date = date(2026, 7, 1),
        seed: int = 11,
        chunk: int = 1200,
        **changes: Any,
    ) -> Path:
        folder = tmp_path_factory.mktemp("shop")
        simulate_in_chunks(
            folder,
            customers=customers,
            months=months,
            end=end,
            seed=seed,
            progress=None,
            chunk=chunk,
            parameters=replace(ShopParameters(), **changes),
        )
        return folder

    return run


@pytest.fixture(scope="session")
def shop_folder(simulate: Simulate) -> Path:
    return simulate()


@pytest.fixture
def shop(shop_folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with _connect(shop_folder) as connection:
        yield connection
