"""A user's own list of customers and moments in place of the calendar: `holdfast_spine`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest
import yaml

from projects import DbtProject, UserProject, copy_demo, write_user_project

ORDERS = """
    select customer_id, customer_id as order_id, timestamp '2026-01-05' as ordered_at, 10 as amount
    from range(1, 4) as customers (customer_id)
"""

# moments of the demo: those of orders and beside them, the second after an open ticket was
# loaded, a customer who never ordered, one long before the first order
MOMENTS = """
    select distinct customer_id, ordered_at + interval (order_id % 3) microsecond as as_of
    from read_parquet('{demo}/orders.parquet')
    where order_id % 40 = 0
    union
    select customer_id, loaded_at + interval 1 second
    from read_parquet('{demo}/support_tickets.parquet')
    where resolved_at > loaded_at + interval 1 hour and ticket_id % 5 = 0
    union
    values (-1, timestamp '2026-03-01 10:00'), (1, timestamp '1999-12-31 23:59:59.999999')
"""


@pytest.fixture(scope="module")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    project = write_user_project(tmp_path_factory.mktemp("small") / "project")
    project.orders(ORDERS)
    project.write(vars={"holdfast_orders": "raw.orders", "holdfast_spine": "raw.spine"})
    # a session that is not in UTC: times with a zone must not follow it
    profiles = project.directory / "profiles.yml"
    profile = yaml.safe_load(profiles.read_text())
    profile["shop"]["outputs"]["dev"]["settings"] = {"TimeZone": "Asia/Tokyo"}
    profiles.write_text(yaml.safe_dump(profile))
    return project


@pytest.fixture
def build_spine(small_shop: UserProject) -> Callable[[str], str]:
    """Give a function that builds customer_spine from a query, and gives what dbt said."""

    def build(sql: str) -> str:
        small_shop.warehouse.unlink()
        small_shop.orders(ORDERS)
        small_shop.execute(f"create table raw.spine as {sql}")
        # the tests that read other models stay out
        words = ("build", "--indirect-selection", "buildable", "--select")
        models = ("stg_holdfast__orders", "holdfast__customer_spine", "holdfast__calendar_features")
        return small_shop.dbt(*words, *models, check=False).stdout

    return build


@pytest.mark.parametrize(
    ("spine", "as_of"),
    [
        ("select 1 as customer_id, timestamp '2026-02-03 04:05:06.789012' as as_of", None),
        (
            "select 1::smallint as CUSTOMER_ID, timestamp '2026-02-03 04:05:06.789012' as As_Of",
            None,
        ),
        (
            "select 1 as customer_id, timestamptz '2026-02-03 06:05:06.789012+02' as as_of, "
            "true as label",
            None,
        ),
        ("select 1 as customer_id, date '2026-02-03' as as_of", datetime(2026, 2, 3)),
        (
            "select 1 as customer_id, unnest([timestamp_s '2026-02-03', timestamp_s '2026-02-03']) "
            "as as_of",
            datetime(2026, 2, 3),
        ),
    ],
    ids=["timestamp", "other case", "time zone", "date", "twice the same row"],
)
@pytest.mark.slow
def test_each_kind_of_moment_becomes_one_utc_timestamp(
    build_spine: Callable[[str], str], small_shop: UserProject, spine: str, as_of: datetime | None
) -> None:
    said = build_spine(spine)
    assert "ERROR=0" in said, said
    assert small_shop.columns("customer_spine") == {"customer_id": "BIGINT", "as_of": "TIMESTAMP"}
    expected = [(1, as_of or datetime(2026, 2, 3, 4, 5, 6, 789012))]
    assert small_shop.query("select * from customer_spine") == expected
    assert small_shop.query("select customer_id, as_of from calendar_features") == expected


@pytest.mark.parametrize(
    ("spine", "said"),
    [
        ("select 1 as customer_id, timestamp '2026-02-03' as at", ["has no column as_of", "at."]),
        ("select 1 as id, timestamp '2026-02-03' as as_of", ["has no column customer_id"]),
        ("select 1 as customer_id, '2026-02-03' as as_of", ["must be a timestamp or a date"]),
        ("select 1 as customer_id, 20260203 as as_of", ["it is INTEGER"]),
        (
            "select 'C1' as customer_id, timestamp '2026-02-03' as as_of",
            ["customer_id is VARCHAR", "but BIGINT in `holdfast_orders`"],
        ),
    ],
    ids=["no as_of", "no customer_id", "text", "number", "ids of another type"],
)
@pytest.mark.slow
def test_a_spine_of_the_wrong_form_is_refused_with_the_var_named(
    build_spine: Callable[[str], str], small_shop: UserProject, spine: str, said: list[str]
) -> None:
    printed = build_spine(spine)
    assert "`holdfast_spine`" in printed
    for words in said:
        assert words in printed
    assert not small_shop.has("customer_spine")
    assert not small_shop.has("calendar_features")


@pytest.mark.parametrize("column", ["customer_id", "as_of"])
@pytest.mark.slow
def test_a_row_without_customer_or_moment_fails_a_test_and_no_feature_is_built(
    build_spine: Callable[[str], str], small_shop: UserProject, column: str
) -> None:
    printed = build_spine(
        "select customer_id, as_of from (values (1, timestamp '2026-02-03'), (2, timestamp "
        f"'2026-02-04')) as spine (customer_id, as_of) "
        f"union all select * replace (null as {column}) from (select 3 as customer_id, "
        "timestamp '2026-02-05' as as_of)"
    )
    assert f"columns_are_sound of customer_spine: {column} missing in 1 row" in printed
    assert not small_shop.has("calendar_features")


@pytest.fixture(scope="module")
def moments_demo(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    """Build the features of the demo, with all its inputs, for moments of our own."""
    project = copy_demo(tmp_path_factory.mktemp("moments") / "project")
    moments = MOMENTS.format(demo=project.directory / "seeds" / "demo")
    project.execute(f"create schema raw; create table raw.spine as {moments}")
    # the tests of the views, rows_of_spine and as_known_then among them, run too; the unit tests of
    # the calendar do not, since there is none
    words = ("--exclude-resource-type", "unit_test", "--indirect-selection", "buildable")
    build_features(project, "build", *words)
    return project


def build_features(project: DbtProject, *words: str) -> None:
    """Build every feature view for the rows of raw.spine."""
    settings = json.dumps({"holdfast_spine": "raw.spine"})
    selected = "+holdfast__customer_features holdfast__calendar_features"
    project.dbt(*words, "--select", selected, "--vars", settings)


def views(project: DbtProject) -> list[str]:
    """Give every feature view that was built."""
    found = project.query(
        "select table_name from duckdb_tables() where table_name like '%\\_features' escape '\\' "
        "order by 1"
    )
    return [name for (name,) in found]


def content(project: DbtProject) -> dict[str, list[tuple[object, ...]]]:
    """Give the rows of every feature view."""
    return {view: project.query(f'select * from "{view}" order by all') for view in views(project)}


@pytest.mark.slow
def test_every_shipped_view_follows_a_spine_of_arbitrary_moments(moments_demo: DbtProject) -> None:
    spine = moments_demo.query("select customer_id, as_of from raw.spine order by all")
    assert len({as_of for _, as_of in spine}) > 300
    names = views(moments_demo)
    assert len(names) == 10
    for view in names:
        rows = f"select customer_id, as_of from {view} order by all"
        assert moments_demo.query(rows) == spine, view
    # with something in each: a view of NULLs and zeros would follow the spine, too
    columns = set(moments_demo.columns("customer_features")) - {"customer_id", "as_of"}
    filled = ", ".join(f'count(distinct "{column}")' for column in sorted(columns))
    counts = moments_demo.query(f"select {filled} from customer_features")[0]
    empty = [column for column, n in zip(sorted(columns), counts, strict=True) if n < 2]
    assert empty == []


@pytest.mark.slow
def test_a_second_build_with_other_rows_equals_a_full_refresh(moments_demo: DbtProject) -> None:
    """Rows go and come on moments that stay, moments go and come; then few moments for many."""
    moments_demo.execute(
        """
        create table raw.asked as from raw.spine where customer_id > 0;
        -- a third of the rows gone, other customers on the old moments, new moments
        create table raw.spine_0 as
            select * from raw.asked where customer_id % 3 != 0
            union select customer_id + 1, as_of from raw.asked where customer_id % 2 = 0
            union select customer_id, as_of + interval 5 hour from raw.asked
            where customer_id % 7 = 0;
        -- so few moments that each is computed by itself
        create table raw.spine_1 as
            select distinct customer_id, timestamp '2026-05-01 12:00' + to_months(month) as as_of
            from raw.asked cross join (values (-2), (-1), (0)) as months (month)
            where customer_id % 3 = 0 or month = 0;
        create table raw.spine_2 as
            select * from raw.spine_1 where customer_id % 6 != 0
            union values (1, timestamp '2026-04-01 12:00'), (1, timestamp '2026-02-01');
        """
    )
    incremental = []
    for number in range(3):
        moments_demo.execute(f"create or replace table raw.spine as from raw.spine_{number}")
        build_features(moments_demo, "run")
        incremental.append(content(moments_demo))
    for number, found in enumerate(incremental):
        moments_demo.execute(f"create or replace table raw.spine as from raw.spine_{number}")
        build_features(moments_demo, "run", "--full-refresh")
        full = content(moments_demo)
        for view, rows in full.items():
            assert len(rows) > 50
            assert found[view] == rows, (number, view)
