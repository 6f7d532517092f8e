"""What the macros of macros/timing/ compute, rendered as dbt would and run by DuckDB."""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy.stats import beta

from .rendering import MACROS, add_macros


@lru_cache
def timing_macros(quiet_hours: tuple[int, ...] = ()) -> SimpleNamespace:
    """Give the macros of the folder, as functions that return what they return in dbt."""
    holdfast = SimpleNamespace(setting={"quiet_hours": quiet_hours}.__getitem__)
    return add_macros(holdfast, sorted((MACROS / "timing").glob("*.sql")))


def value_of(sql: str, **columns: float) -> Any:
    """Give the value of an expression on one row."""
    row = ", ".join(f"cast({value!r} as double) as {name}" for name, value in columns.items())
    found = duckdb.sql(f"select {sql} from (select {row})").fetchone()
    assert found is not None
    return found[0]


@pytest.mark.parametrize("one", [0.3, 1.0, 4.0, 25.0, 300.0])
@pytest.mark.parametrize("other", [0.5, 3.0, 20.0, 280.0])
def test_the_larger_of_two_shares_is_as_probable_as_the_beta_distribution_says(
    one: float, other: float
) -> None:
    given = value_of(timing_macros().timing_larger("one", "other"), one=one, other=other)
    assert given == pytest.approx(beta.sf(0.5, one, other), abs=0.01)


def test_a_share_is_as_likely_larger_as_smaller_than_its_like() -> None:
    sql = timing_macros().timing_larger("one", "other")
    assert value_of(sql, one=7.0, other=7.0) == 0.5
    assert value_of(sql, one=1e-6, other=1e6) >= 0


@pytest.mark.parametrize(
    ("quiet", "quiet_hours"),
    [
        ([21, 8], [21, 22, 23, *range(8)]),
        ([1, 5], [1, 2, 3, 4]),
        ([22, 0], [22, 23]),
        ([0, 23], list(range(23))),
        ([], []),
    ],
)
def test_a_quiet_hour_moves_to_the_nearest_that_is_not(
    quiet: list[int], quiet_hours: list[int]
) -> None:
    sql = timing_macros(tuple(quiet)).timing_send_hour("hour")
    loud = [hour for hour in range(24) if hour not in quiet_hours]
    for hour in range(24):
        sent = value_of(sql, hour=hour)
        assert sent in loud
        distance = min(min((hour - each) % 24, (each - hour) % 24) for each in loud)
        assert min((hour - sent) % 24, (sent - hour) % 24) == distance


def test_a_quiet_hour_in_the_middle_waits_for_the_morning() -> None:
    sql = timing_macros((21, 8)).timing_send_hour("hour")
    # as far from 20:00 as from 8:00
    assert value_of(sql, hour=2) == 8


def test_the_peak_lies_in_the_middle_of_the_six_hours_that_hold_most() -> None:
    sql = timing_macros().timing_peak("hour", "share_")
    for middle in range(24):
        shares = {f"share_{hour}": 0.0 for hour in range(24)}
        for step in range(-3, 3):
            shares[f"share_{(middle + step) % 24}"] = 1.0 + step / 10
        assert value_of(sql, **shares) == middle


def test_the_peak_of_equal_weekdays_is_the_first() -> None:
    sql = timing_macros().timing_peak("weekday", "share_")
    assert value_of(sql, **{f"share_{day}": 0.1 + (day == 4) for day in range(1, 8)}) == 4
    assert value_of(sql, **{f"share_{day}": 0.1 for day in range(1, 8)}) == 1


def test_hours_that_stand_for_both_cancel_out() -> None:
    sql = timing_macros().timing_apart("share_", "hour", "other")
    shares = {f"share_{hour}": float(hour) for hour in range(24)}
    # around 23: 20 to 1; around 2: 23 to 4
    assert value_of(sql, hour=23, other=2, **shares) == 20 + 21 + 22
    assert value_of(sql, hour=2, other=23, **shares) == 2 + 3 + 4
    assert value_of(sql, hour=5, other=5, **shares) == 0


@pytest.mark.parametrize("width", [0.0, 1.2, 2.5])
def test_shares_of_hours_add_up_and_go_round_the_clock(width: float) -> None:
    macros = timing_macros()
    counts = np.zeros(24)
    counts[[23, 0, 12]] = 3.0, 1.0, 2.0
    prior = np.arange(1, 25) / 300
    weights = ", ".join(f"{count}e0 as weight_{hour}" for hour, count in enumerate(counts))
    shares = ", ".join(
        macros.timing_mixed("hour", hour, "counted", "kernels", f"{prior[hour]}")
        for hour in range(24)
    )
    found = duckdb.sql(
        f"""
        with counted as (select 6e0 as weight, {weights}),
        settings as (select 1 as settled_at, 4e0 as concentration, {width}e0 as kernel_width),
        kernels as ({macros.timing_kernels("hour", "settings")})
        select {shares} from counted cross join kernels
        """
    ).fetchone()
    assert found is not None
    distance = np.abs(np.subtract.outer(np.arange(24), np.arange(24)))
    distance = np.minimum(distance, 24 - distance)
    bell = np.eye(24)
    if width:
        bell = np.where(distance <= 6, np.exp(-0.5 * (distance / width) ** 2), 0)
        bell /= bell.sum(axis=1, keepdims=True)
    assert np.allclose(found, (bell @ counts + 4 * prior) / 10)
    assert sum(found) == pytest.approx(1.0)
