"""Feature views against a brute-force reference, in both forms that they compile to."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from projects import UserProject, write_user_project

VIEW = """
{{{{ config(materialized='table') }}}}
{{{{ holdfast.feature_view(
    spine={spine},
    events=ref('events'),
    event_at='happened_at',
    windows=[7, '2w', '1m', '30d offset 30d'],
    features={{
        'n': {{'sql': 'count(*)', 'empty': 0}},
        'total': {{'sql': 'sum(amount)', 'where': "kind = 'it''s'"}},
        'top': {{'sql': 'max(amount)', 'windows': [400]}},
        'kinds': {{'sql': 'count(distinct kind)', 'empty': 0}},
        'middle': {{'sql': 'median(amount)'}},
    }},
    lifetime={{
        'n_ever': {{'sql': 'count(*)', 'empty': 0}},
        'total_ever': {{'sql': 'sum(amount)', 'where': 'amount > 0'}},
        'least_ever': {{'sql': 'min(amount)'}},
        'kinds_ever': {{'sql': 'count(distinct kind)', 'empty': 0}},
    }},
    recency={{'days_since': 'happened_at', 'days_since_it': {{'where': "kind = 'it''s'"}}}},
    entity=['customer_id', 'shop'],
    delay={delay},
) }}}}
"""

# the dates that the view is compiled for: a leap day, ends of months of different length, before
# 1970, midnight and not
DATES = [
    datetime(1969, 12, 31),
    datetime(2024, 2, 29),
    datetime(2024, 3, 31),
    datetime(2024, 5, 31, 13, 30, 0, 1),
    datetime(2025, 3, 1),
]
CUSTOMERS = ["a", "O'Brien", 'say "hi"', "Zoë 🦆", ""]
DELAY = 2


@dataclass(frozen=True)
class Event:
    """One event of a customer in a shop."""

    customer_id: str | None
    shop: int
    happened_at: datetime
    loaded_at: datetime | None
    kind: str
    amount: int


@dataclass(frozen=True)
class Compiled:
    """The SQL of the view under test, as dbt compiled it."""

    by_date: str = field(repr=False)
    by_range: str = field(repr=False)
    delayed: str = field(repr=False)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """Compile the view once; the examples change the data only."""
    project = write_user_project(tmp_path_factory.mktemp("view") / "project")
    create_tables(project)
    models = project.directory / "models"
    models.mkdir()
    (models / "events.sql").write_text(
        "{{ config(materialized='table') }} select * from raw.events"
    )
    (models / "spine.sql").write_text("{{ config(materialized='table') }} select * from raw.spine")
    views = {
        "by_date": VIEW.format(spine="ref('spine')", delay=0),
        "by_range": VIEW.format(spine="ref('spine') | string", delay=0),
        "delayed": VIEW.format(spine="ref('spine')", delay=DELAY),
    }
    for name, code in views.items():
        (models / f"{name}.sql").write_text(code)
    project.dbt("run", "--select", "events", "spine", *views)
    folder = project.directory / "target" / "compiled" / "shop" / "models"
    sql = {name: (folder / f"{name}.sql").read_text() for name in views}
    assert "timestamp '2024-02-29" in sql["by_date"]
    assert "timestamp '2024-02-29" not in sql["by_range"]
    return Compiled(**sql)


def create_tables(project: UserProject) -> None:
    """Give the project the tables that the view reads, with every date in the spine."""
    dates = ", ".join(f"(timestamp '{date}')" for date in DATES)
    project.execute(
        f"""
        create schema raw;
        create table raw.events (
            customer_id varchar, shop int, happened_at timestamp, loaded_at timestamp,
            kind varchar, amount decimal(18, 4)
        );
        create table raw.spine as
            select 'a' as customer_id, 1 as shop, as_of from (values {dates}) as dates (as_of);
        """
    )


@pytest.fixture(scope="session")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a warehouse in memory in which the compiled SQL finds its tables."""
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as shop; use shop")
        yield connection


moments = st.builds(
    lambda date, days, microseconds: date - timedelta(days=days, microseconds=microseconds),
    st.sampled_from(DATES),
    # at the bounds of the windows, one microsecond beside them, and anywhere
    st.sampled_from([-1, 0, 1, 2, 7, 9, 14, 16, 28, 29, 30, 31, 32, 60, 62, 400, 402]),
    st.sampled_from([-1, 0, 1, 43_200_000_000]),
)
events = st.lists(
    st.builds(
        Event,
        customer_id=st.sampled_from([*CUSTOMERS, None]),
        shop=st.sampled_from([1, 2]),
        happened_at=moments,
        loaded_at=st.none() | moments,
        kind=st.sampled_from(["it's", "other"]),
        amount=st.integers(-5, 5),
    ),
    max_size=30,
)


def month_before(moment: datetime) -> datetime:
    """Give the same day of the month before, or that month's last day."""
    year, month = (moment.year, moment.month - 1) if moment.month > 1 else (moment.year - 1, 12)
    return moment.replace(
        year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1])
    )


def reference(
    rows: list[Event], customer_id: str | None, shop: int, as_of: datetime, delay: int
) -> dict[str, Any]:
    """Compute a row of the view the slow way."""
    upto = as_of - timedelta(days=delay)
    known = [
        row
        for row in rows
        if row.customer_id is not None
        and (row.customer_id, row.shop) == (customer_id, shop)
        and row.happened_at < upto
        and (row.loaded_at or row.happened_at) < as_of
    ]
    bounds = {
        "7d": (upto - timedelta(days=7), upto),
        "2w": (upto - timedelta(days=14), upto),
        # months are counted from as_of, before the days of the blind spot
        "1m": (month_before(as_of) - timedelta(days=delay), upto),
        "30d_offset_30d": (upto - timedelta(days=60), upto - timedelta(days=30)),
    }
    expected: dict[str, Any] = {}
    for suffix, (start, end) in bounds.items():
        inside = [row for row in known if start <= row.happened_at < end]
        its = [row.amount for row in inside if row.kind == "it's"]
        expected[f"n_{suffix}"] = len(inside)
        expected[f"total_{suffix}"] = sum(its) if its else None
        expected[f"kinds_{suffix}"] = len({row.kind for row in inside})
        expected[f"middle_{suffix}"] = median(row.amount for row in inside) if inside else None
    far = [row.amount for row in known if row.happened_at >= upto - timedelta(days=400)]
    positive = [row.amount for row in known if row.amount > 0]
    its_at = [row.happened_at for row in known if row.kind == "it's"]
    return expected | {
        "top_400d": max(far, default=None),
        "n_ever": len(known),
        "total_ever": sum(positive) if positive else None,
        "least_ever": min((row.amount for row in known), default=None),
        "kinds_ever": len({row.kind for row in known}),
        "days_since": (as_of - max(row.happened_at for row in known)).days if known else None,
        "days_since_it": (as_of - max(its_at)).days if its_at else None,
    }


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=events)
@example(rows=[])
@example(rows=[Event("a", 1, DATES[1], None, "it's", 1)])
@example(rows=[Event("a", 1, DATES[1] - timedelta(microseconds=1), DATES[1], "it's", 1)])
def test_both_forms_agree_with_brute_force_on_every_row_of_the_spine(
    compiled: Compiled, warehouse: duckdb.DuckDBPyConnection, rows: list[Event]
) -> None:
    spine = [
        (customer, shop, date)
        for customer in [*CUSTOMERS, None]
        for shop in (1, 2)
        for date in DATES
    ]
    warehouse.execute(
        """
        create or replace table events (
            customer_id varchar, shop int, happened_at timestamp, loaded_at timestamp,
            kind varchar, amount decimal(18, 4)
        );
        create or replace table spine (customer_id varchar, shop int, as_of timestamp);
        """
    )
    if rows:
        warehouse.executemany(
            "insert into events values (?, ?, ?, ?, ?, ?)",
            [(r.customer_id, r.shop, r.happened_at, r.loaded_at, r.kind, r.amount) for r in rows],
        )
    warehouse.executemany("insert into spine values (?, ?, ?)", spine)
    for sql, delay in (
        (compiled.by_date, 0),
        (compiled.by_range, 0),
        (compiled.delayed, DELAY),
    ):
        result = warehouse.execute(sql)
        assert result.description is not None
        names = [column[0] for column in result.description]
        found = {
            (row["customer_id"], row["shop"], row["as_of"]): row
            for row in (dict(zip(names, values, strict=True)) for values in result.fetchall())
        }
        assert set(found) == set(spine)
        for key, row in found.items():
            expected = reference(rows, *key, delay)
            assert {name: row[name] for name in expected} == expected, key


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("windows=[0], features={'n': {'sql': 'count(*)'}}", "`windows` takes a whole number"),
        ("windows=['fortnight'], features={'n': {'sql': 'count(*)'}}", "got: fortnight"),
        ("features={'n': {'sql': 'count(*)'}}", "the feature 'n' has no windows"),
        ("windows=[7], features={'n': {'sql': 'sum(a) / count(*)'}}", "must be one aggregate call"),
        ("windows=[7], features={'n': {'sql': 'amount'}}", "must be one aggregate call"),
        ("windows=[7], features={'n': {'sqll': 'count(*)'}}", "must be a mapping with `sql`"),
        ("windows=[7], features={'my n': {'sql': 'count(*)'}}", "must be letters, digits and _"),
        (
            "windows=[7], features={'n': {'sql': 'count(*)'}}, "
            "lifetime={'n_7d': {'sql': 'count(*)'}}",
            "two columns are named 'n_7d'",
        ),
        ("recency={'r': 'gone_at'}", "gone_at"),
        ("windows=[7], features={'n': {'sql': 'no_such(amount)'}}", "no_such"),
        ("lifetime={'n': {'sql': 'count(*)'}}, known_at='arrived_at'", "have no column arrived_at"),
        ("lifetime={'n': {'sql': 'count(*)'}}, delay=-1", "`delay` must be a whole number"),
    ],
)
@pytest.mark.slow
def test_wrong_arguments_stop_the_compile_and_are_named(
    view_project: UserProject, arguments: str, said: str
) -> None:
    (view_project.directory / "models" / "wrong.sql").write_text(
        "{{ holdfast.feature_view(spine=ref('spine'), events=ref('events'), "
        f"event_at='happened_at', {arguments}) }}}}"
    )
    result = view_project.dbt("run", "--select", "wrong", check=False)
    assert result.returncode != 0
    assert said in result.stdout


@pytest.fixture(scope="session")
def view_project(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    """Give a project with the tables of the view, built."""
    project = write_user_project(tmp_path_factory.mktemp("wrong") / "project")
    create_tables(project)
    models: Path = project.directory / "models"
    models.mkdir()
    (models / "events.sql").write_text("select * from raw.events")
    (models / "spine.sql").write_text("{{ config(materialized='table') }} select * from raw.spine")
    project.dbt("run", "--select", "events", "spine")
    return project
