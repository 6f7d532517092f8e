"""price_slopes: against statsmodels, on prices whose effect is known, and on orange juice."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import numpy as np
import pytest

from .rendering import slopes_of

ORACLE = json.loads(Path(__file__).with_name("oracle.json").read_text("utf-8"))["price_slopes"]
ROOT = Path(__file__).resolve().parents[3]


def benchmark() -> ModuleType:
    """Give benchmarks/pricing.py."""
    path = ROOT / "benchmarks" / "pricing.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_pricing", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def juice() -> Path:
    """Give the file, or skip."""
    shared = os.environ.get("HOLDFAST_SHARED_DATA", ROOT.parent / "shared" / "data")
    path = Path(shared) / "orange_juice.parquet"
    if not path.exists():
        pytest.skip(f"{path} is not there; set HOLDFAST_SHARED_DATA to the folder that holds it")
    return path


def slopes(
    connection: duckdb.DuckDBPyConnection,
    controls: tuple[str, ...] = (),
    is_logarithm: bool = False,
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


def test_intervals_cover_what_was_simulated() -> None:
    shop = benchmark()
    runs = [shop.simulated_slopes(slopes_of("panel"), seed, products=8) for seed in range(900, 904)]
    covered = np.concatenate([shop.is_covered(run, "slope", "standard_error") for run in runs])
    # 160 products: the interval that is asked for, 90 to 98 %, and twice the error of the share
    assert 0.86 <= covered.mean() <= 0.995
    misses = np.concatenate([run["slope"] - run["truth"] for run in runs])
    own = np.concatenate([run["own_slope"] - run["truth"] for run in runs])
    assert np.sqrt(np.mean(misses**2)) < 0.8 * np.sqrt(np.mean(own**2))


def test_the_slope_of_orange_juice_is_that_of_the_reference() -> None:
    shop = benchmark()
    sql = slopes_of("panel", ("deal", "feat"), is_logarithm=True)
    pooled = shop.juice_slopes(sql, juice(), shop.POOLED)
    assert pooled["category_slope"] == pytest.approx(-3.29, abs=0.05)
    brands = shop.juice_slopes(sql, juice(), shop.BY_BRAND)
    found = dict(zip(brands["category"], brands["category_slope"], strict=True))
    statuses = dict(zip(brands["category"], brands["category_status"], strict=True))
    del found["11"]
    assert min(found.values()) == pytest.approx(-3.04, abs=0.05)
    assert max(found.values()) == pytest.approx(-1.65, abs=0.05)
    assert {brand for brand, status in statuses.items() if status == "not_identified"} == {"11"}
    is_eleven = brands["category"] == "11"
    is_known = np.isin(brands["status"], ["estimated", "pooled"])
    np.testing.assert_array_equal(is_known, ~is_eleven)
    assert (brands["own_slope"][is_known] < 0).mean() >= 0.95


def shop_of(order: str = "1, 2, 5", fifth: float = -2.0) -> duckdb.DuckDBPyConnection:
    """Give a shop of tea and toys with one product for each status, in any order of the rows."""
    connection = duckdb.connect()
    connection.execute(f"""
        create table panel as
        with products (product_id, category, sales, elasticity, phase) as (
            values
            ('usual 1', 'tea', 200, -2.0, 1), ('usual 2', 'tea', 150, -2.0, 4),
            ('usual 3', 'tea', 180, -2.0, 7), ('usual 4', 'tea', 90, -2.0, 10),
            ('few sales', 'tea', 1, -2.0, 5), ('never moved', 'tea', 100, 0.0, null),
            ('usual 5', 'tea', 200, {fifth}, 3), ('one week', 'tea', 50, -2.0, 2),
            ('toy 1', 'toys', 60, -2.0, null), ('toy 2', 'toys', 80, -2.0, null)
        ),
        prices as (
            select
                *,
                -- reduced by a fifth for four weeks of twelve, each product at its time
                case when (week + phase) % 12 < 4 then ln(8) else ln(10) end as log_price,
            from products cross join range(104) as weeks (week)
            where product_id != 'one week' or week = 50
        )
        select
            category,
            product_id,
            product_id as unit,
            category || week as time_key,
            week,
            case
                -- few are sold, whatever they cost
                when product_id = 'few sales' then cast(week % 9 = 0 as double)
                else round(
                    sales * (1 + 0.1 * sin(week)) * exp(elasticity * (log_price - ln(10)))
                    + sales ** 0.5 * sin(length(product_id) * week * week)
                )
            end as sales,
            log_price,
        from prices
        order by {order}
    """)
    connection.execute("update panel set sales = greatest(sales, 0)")
    return connection


def test_each_product_has_a_status() -> None:
    found = slopes(shop_of())
    statuses = {product: row["status"] for product, row in found.items()}
    assert statuses == {
        "usual 1": "estimated",
        "usual 2": "estimated",
        "usual 3": "estimated",
        "usual 4": "estimated",
        "usual 5": "estimated",
        "few sales": "pooled",
        "never moved": "not_identified",
        "one week": "not_identified",
        "toy 1": "not_identified",
        "toy 2": "not_identified",
    }
    assert found["few sales"]["own_weight"] < 0.5 < found["usual 1"]["own_weight"]
    assert found["never moved"]["own_slope"] is None


def test_sales_that_rise_with_the_price_have_the_wrong_sign() -> None:
    found = slopes(shop_of(fifth=3.0))
    assert found["usual 5"]["own_slope"] > 0
    assert {product for product, row in found.items() if row["status"] == "wrong_sign"} == {
        "usual 5"
    }


def test_the_order_of_the_rows_does_not_matter() -> None:
    first, second = (slopes(shop_of(order=order)) for order in ("1, 2, 5", "5 desc, 2 desc"))
    assert first == second
