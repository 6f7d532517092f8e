"""The observation dates: they follow horizon and history, and stay the same from day to day.

The macro is rendered as dbt would, and DuckDB runs what comes out for any date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.training._split import split_by_time

MACROS = Path(__file__).resolve().parents[2] / "macros"
TEXT = "".join(
    (MACROS / name).read_text(encoding="utf-8")
    for name in ("engines/duckdb.sql", "population/observation_grid.sql")
)
# Jinja hands out no names that begin with an underscore
SOURCE = TEXT.replace("{% macro _", "{% macro private_")

AS_OFS = st.dates(dt.date(2015, 1, 1), dt.date(2035, 12, 31))
HORIZONS = st.integers(1, 400)
HISTORY_DAYS = st.integers(0, 1500)


class ReturnedError(Exception):
    """What a macro returns."""


def give(value: object) -> None:
    raise ReturnedError(value)


ENVIRONMENT = jinja2.Environment(extensions=["jinja2.ext.do"])
ENVIRONMENT.globals.update({"return": give, "ref": lambda package, name: name})
TEMPLATE = ENVIRONMENT.from_string(SOURCE)


class Holdfast:
    """The package's macros, as far as the grid calls them."""

    def __init__(self, as_of: dt.date, settings: dict[str, Any]) -> None:
        self.settings = {
            "observation_interval": "auto",
            "observations": "auto",
            "churn_horizon_days": 90,
            "min_history_days": 30,
            "churn_definition": "non_contractual",
            **settings,
        }
        self.as_of = as_of
        self.module = TEMPLATE.make_module({"holdfast": self})

    def setting(self, name: str) -> Any:
        return self.settings[name]

    def as_of_date(self) -> str:
        return f"cast('{self.as_of}' as date)"

    def __getattr__(self, name: str) -> Callable[..., Any]:
        private = f"private{name}" if name.startswith("_") else name
        macro = getattr(self.module, private, None) or getattr(self.module, f"duckdb__{name}")

        def call(*arguments: Any) -> Any:
            try:
                return str(macro(*arguments))
            except ReturnedError as returned:
                return returned.args[0]

        return call


CONNECTION = duckdb.connect()
CONNECTION.execute(
    """
    create table stg_holdfast__orders (ordered_at timestamp, amount integer);
    create table stg_holdfast__subscriptions as select timestamp '2014-01-01' as started_at
    """
)


def dates(as_of: dt.date, first_order: dt.date, **settings: Any) -> list[dt.date]:
    """Give the observation dates of a build, in order."""
    CONNECTION.execute("delete from stg_holdfast__orders")
    CONNECTION.execute("insert into stg_holdfast__orders values (?, 5)", [first_order])
    sql = Holdfast(as_of, settings).observation_grid()
    rows = CONNECTION.execute(f"select as_of from ({sql}) order by as_of").fetchall()
    assert all(moment.time() == dt.time() for (moment,) in rows)
    return [moment.date() for (moment,) in rows]


@given(AS_OFS, HORIZONS, HISTORY_DAYS)
def test_a_day_later_all_former_dates_are_asked_for_again_but_the_scoring_date(
    as_of: dt.date, horizon: int, history: int
) -> None:
    first = as_of - dt.timedelta(days=history)
    today = dates(as_of, first, churn_horizon_days=horizon)
    tomorrow = dates(as_of + dt.timedelta(days=1), first, churn_horizon_days=horizon)
    new = [date for date in tomorrow if date not in today]
    # the scoring date, and a point of the grid where the scoring date has passed one
    assert all(date >= as_of for date in new)
    gone = [date for date in today if date not in tomorrow and date != as_of]
    # the oldest leaves when there are enough; or every second one, when there are too many
    thinned = len(gone) >= 17 and len(tomorrow) >= 18
    assert thinned or gone in ([], [min(today)])


@given(AS_OFS, HORIZONS, HISTORY_DAYS)
def test_dates_lie_within_the_history_and_no_closer_than_a_third_of_the_horizon(
    as_of: dt.date, horizon: int, history: int
) -> None:
    first = as_of - dt.timedelta(days=history)
    found = dates(as_of, first, churn_horizon_days=horizon)
    assert as_of in found
    assert max(found) == as_of
    grid = [date for date in found if date != as_of]
    assert all(date >= first + dt.timedelta(days=30) for date in grid)
    assert len(found) <= 38
    steps = [(later - earlier).days for earlier, later in pairwise(grid)]
    if horizon >= 84:
        assert all(date.day == 1 for date in grid)
        assert len(grid) <= 24
        return
    assert all(date.weekday() == 0 for date in grid)
    assert len(set(steps)) <= 1
    assert all(step in (7, 14, 28) and step >= min(horizon // 3 // 7 * 7, 14) for step in steps)
    # what there is, up to two years, is looked back on
    looked_back = (as_of - min(found)).days
    assert looked_back >= min(history - 30, 24 * 28) - 28


@pytest.mark.parametrize(("horizon", "history"), [(30, 135), (60, 210), (90, 300), (180, 500)])
def test_a_shop_older_than_four_horizons_has_enough_dates_to_learn_from(
    horizon: int, history: int
) -> None:
    as_of = dt.date(2026, 7, 1)
    found = dates(as_of, as_of - dt.timedelta(days=history), churn_horizon_days=horizon)
    mature = [date for date in found if date + dt.timedelta(days=horizon) <= as_of]
    split = split_by_time(np.array(mature, dtype="datetime64[us]"), horizon)
    assert split is not None
    assert len(split.test) >= 1
    assert len(split.training) >= 3


def test_a_growing_shop_has_more_dates_until_there_are_24() -> None:
    first = dt.date(2024, 1, 15)
    counts = [
        len(dates(first + dt.timedelta(days=days), first)) for days in (20, 80, 200, 500, 800, 1500)
    ]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert counts[-2:] == [25, 25]


@pytest.mark.parametrize(
    ("days", "step", "count"),
    [(280, 7, 37), (283, 14, 19), (534, 14, 37), (535, 28, 19), (2000, 28, 25)],
)
def test_when_there_are_more_than_36_every_second_one_leaves(
    days: int, step: int, count: int
) -> None:
    as_of = dt.date(2026, 7, 6)
    found = dates(as_of, as_of - dt.timedelta(days=days), churn_horizon_days=30)
    assert {(later - earlier).days for earlier, later in pairwise(found[:-1])} == {step}
    assert len(found) in (count, count - 1)


def test_what_is_set_is_kept_to() -> None:
    found = dates(
        dt.date(2026, 7, 3),
        dt.date(2026, 6, 1),
        observation_interval="3 month",
        observations=4,
    )
    months = [(2025, 10), (2026, 1), (2026, 4), (2026, 7)]
    assert found == [*(dt.date(year, month, 1) for year, month in months), dt.date(2026, 7, 3)]


def test_the_history_of_subscriptions_counts_where_churn_is_contractual() -> None:
    as_of, first = dt.date(2026, 7, 1), dt.date(2026, 6, 20)
    assert dates(as_of, first) == [as_of]
    assert len(dates(as_of, first, churn_definition="contractual")) == 24
