"""What the macros of macros/campaigns/ compute, rendered as dbt would and run by DuckDB."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from .rendering import MACROS, add_macros

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ("all_but", "list_of", "list_rows")
EXPLORATION = 0.02


@lru_cache
def campaign_macros() -> SimpleNamespace:
    """Give the macros of the folder, as functions that return their SQL."""
    holdfast = add_macros(SimpleNamespace(), [MACROS / "engines/duckdb.sql"], ENGINE)
    paths = [MACROS / "sql/normal_cdf.sql", *(MACROS / "campaigns").glob("*.sql")]
    return add_macros(holdfast, paths)


@lru_cache
def benchmark() -> ModuleType:
    """Give benchmarks/campaigns.py, whose policies and worlds the tests share."""
    spec = importlib.util.spec_from_file_location("campaigns", ROOT / "benchmarks/campaigns.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shares_sql() -> str:
    sql: str = campaign_macros().allocation_shares("arms", ["world"], "0.02e0")
    return sql


def allocated(rows: list[tuple[Any, ...]]) -> dict[str, np.ndarray]:
    """Give the allocation of one group, from (is_open, estimate, sample_size, deviation)."""
    names = ("is_open", "estimate", "sample_size", "deviation")
    kinds = (pa.bool_(), pa.float64(), pa.float64(), pa.float64())
    columns = {
        name: pa.array([row[place] for row in rows], kind)
        for place, (name, kind) in enumerate(zip(names, kinds, strict=True))
    }
    count = len(rows)
    arms = {"world": [1] * count, "arm": list(range(count)), "added_variance": [0.0] * count}
    connection = duckdb.connect()
    connection.register("arms", pa.table(arms | columns))
    return connection.execute(f"from ({shares_sql()}) order by arm").fetchnumpy()


def test_shares_add_up_and_none_falls_below_the_floor() -> None:
    found = allocated([(True, 0.1, 500, 0.09), (True, 0.3, 500, 0.21), (True, None, 0, None)])
    assert found["share"].sum() == pytest.approx(1)
    assert found["share"].min() >= EXPLORATION / 3 - 1e-12
    assert found["share"].argmax() == 1


def test_variants_without_an_outcome_share_equally() -> None:
    found = allocated([(True, None, 0, None)] * 4)
    assert found["share"] == pytest.approx([0.25] * 4)
    assert found["probability_best"] == pytest.approx([0.25] * 4)


def test_a_variant_that_may_not_win_gets_the_floor_only() -> None:
    found = allocated([(False, 0.9, 500, 0.09), (True, 0.1, 500, 0.09), (True, 0.1, 500, 0.09)])
    assert found["share"] == pytest.approx([0.02 / 3, 0.5 - 0.01 / 3, 0.5 - 0.01 / 3])


def test_one_without_outcomes_is_tried_more_than_one_that_is_known_to_be_worse() -> None:
    found = allocated([(True, 0.3, 900, 0.21), (True, 0.1, 900, 0.09), (True, None, 0, None)])
    assert found["share"][2] > found["share"][1]


def test_the_quadrature_gives_what_drawing_from_the_posterior_would() -> None:
    rows = [(True, mean, size, 0.2) for mean, size in ((0.2, 60), (0.24, 40), (0.3, 9), (0.1, 300))]
    found = allocated(rows)
    rng = np.random.default_rng(3)
    spread = np.sqrt(found["posterior_variance"])
    drawn = found["posterior_mean"] + spread * rng.standard_normal((400_000, len(rows)))
    best = np.bincount(drawn.argmax(axis=1), minlength=len(rows)) / len(drawn)
    loss = drawn.max(axis=1, keepdims=True) - drawn
    assert found["probability_best"] == pytest.approx(best, abs=0.004)
    assert found["expected_loss"] == pytest.approx(loss.mean(axis=0), abs=0.001)


def test_the_unit_of_the_outcome_does_not_matter() -> None:
    rows = [(True, 0.2, 60, 0.16), (True, 0.25, 50, 0.18), (True, 0.31, 9, 0.2)]
    scaled = [(is_open, mean * 1e4, size, spread * 1e8) for is_open, mean, size, spread in rows]
    assert allocated(rows)["share"] == pytest.approx(allocated(scaled)["share"], abs=1e-9)


def test_little_is_lost_while_outcomes_come_late() -> None:
    """The same in full, with more worlds and rounds: python benchmarks/campaigns.py."""
    module = benchmark()
    rates = np.array([np.random.default_rng(9 + seed).uniform(0.1, 0.5, 10) for seed in range(6)])
    lost = {
        policy: module.regrets(shares_sql(), policy, rates, 100, 2).mean()
        for policy in module.POLICIES
    }
    assert lost["campaign_allocation"] <= 1.05 * lost["Thompson sampling"]
    assert lost["campaign_allocation"] < lost["epsilon-greedy"]
    assert lost["campaign_allocation"] < lost["equal split"] / 2


@pytest.mark.parametrize("rate", [0.03, 0.4])
def test_daily_looks_raise_no_more_false_alarms_than_promised(rate: float) -> None:
    """The same in full, with 2,000 runs: python benchmarks/campaigns.py."""
    macros = campaign_macros()
    anytime, fixed, last = benchmark().false_alarms(
        macros.pooled_variances("arms", ["look"]),
        macros.anytime_half_width("variance", "one", "other"),
        rate,
        300,
    )
    assert anytime <= 0.05
    # the usual interval, which is right on the last day only
    assert fixed > 0.15
    assert last <= 0.10


def test_an_effect_is_found_in_the_end() -> None:
    width = campaign_macros().anytime_half_width("variance", "size", "size")
    (found,) = duckdb.sql(
        f"select {width} from (select cast(2 * 0.2 / 4000 as double) as variance, 4000.0 as size)"
    ).fetchone()
    # three standard errors
    assert found < 3.5 * np.sqrt(2 * 0.2 / 4000)
