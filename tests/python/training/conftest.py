"""A synthetic shop in a real DuckDB session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from holdfast.training import train


@pytest.fixture
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    yield connection
    connection.close()


def store_shop(
    session: duckdb.DuckDBPyConnection,
    name: str = "training set",
    *,
    customers: int = 80,
    months: int = 12,
    seed: int = 1,
    strength: float = 1.5,
    **columns: Callable[[np.random.Generator, int], object],
) -> str:
    """Store a training set of customers observed monthly, and return its quoted name."""
    random = np.random.default_rng(seed)
    count = customers * months
    recency = random.exponential(60.0, count).astype(np.float32)
    order_count = random.poisson(3.0, count).astype(np.float32)
    revenue = (order_count * random.exponential(40.0, count)).astype(np.float32)
    revenue[random.random(count) < 0.2] = np.nan
    share = random.random(count).astype(np.float32)
    score = strength * (np.log1p(recency) - 3.6) - 0.4 * (order_count - 3.0)
    churned = random.random(count) < 1.0 / (1.0 + np.exp(-score))
    starts = np.datetime64("2024-01", "M") + np.arange(months)
    data = {
        "customer_id": np.tile(np.arange(customers), months),
        "as_of": np.repeat(starts.astype("datetime64[us]"), customers),
        "churned": churned,
        "days_since_order": recency,
        "order_count_90d": order_count,
        "revenue_90d": pa.array(revenue, from_pandas=True),
        "return_share": share,
    }
    data.update({key: made(random, count) for key, made in columns.items()})
    arrow = pa.table(data)
    session.register("arrow_rows", arrow)
    quoted = '"' + name + '"'
    session.execute(f"create or replace table {quoted} as select * from arrow_rows")
    session.unregister("arrow_rows")
    return quoted


@pytest.fixture
def make_shop(session: duckdb.DuckDBPyConnection) -> Callable[..., str]:
    """Give the function that stores a training set in the session."""
    return partial(store_shop, session)


@pytest.fixture(scope="session")
def first_build() -> pa.Table:
    """Train once on the shop that `make_shop` makes unless told otherwise: most tests begin so."""
    with duckdb.connect() as connection:
        return train(connection, connection.query(f"select * from {store_shop(connection)}"))
