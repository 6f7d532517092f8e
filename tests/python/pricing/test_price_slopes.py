"""price_slopes: against statsmodels, on prices whose effect is known, and on orange juice."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from .rendering import slopes_of

ORACLE = json.loads(Path(__file__).with_name("oracle.json").read_text("utf-8"))["price_slopes"]
SHARED = os.environ.get("HOLDFAST_SHARED_DATA")


def slopes(
    connection: duckdb.DuckDBPyConnection, controls: tuple[str, ...] = (), is_logarithm: bool = False
) -> dict[Any, dict[str, Any]]:
    """Give the rows of price_slopes of the table `panel`, by product."""
    rows = connection.execute(slopes_of("panel", controls, is_logarithm))
    names = [column[0] for column in rows.description]
    found = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    return {row["product_id"]: row for row in found}


@pytest.mark.parametrize("is_logarithm", [False, True], ids=["poisson", "logarithm"])
@pytest.mark.parametrize("controls", [(), ("feature",)], ids=["plain", "with_feature"])
def test_the_slope_is_that_of_a_regression_with_dummies(
    controls: tuple[str, ...], is_logarithm: bool
) -> None:
    connection = duckdb.connect()
    connection.execute(
        "create table given (unit int, week int, sales int, log_price double, feature int)"
    )
    connection.executemany("insert into given values (?, ?, ?, ?, ?)", ORACLE["panel"])
    connection.execute(f"""
        create table panel as
        select
            'juice' as category,
            1 as product_id,
            cast(unit as varchar) as unit,
            cast(week as varchar) as time_key,
            {"ln(sales + 1e0)" if is_logarithm else "sales"} as sales,
            * exclude (unit, sales),
        from given
    """)
    (found,) = slopes(connection, controls, is_logarithm).values()
    answer = ORACLE["slopes"]["with_feature" if controls else "plain"]
    expected = answer["logarithm" if is_logarithm else "poisson"]
    assert found["category_slope"] == pytest.approx(expected, abs=2e-4)
