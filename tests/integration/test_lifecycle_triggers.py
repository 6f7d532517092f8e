"""Lifecycle triggers over many builds: none fires twice in its period, whatever happens between."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from projects import UserProject, write_user_project

pytestmark = pytest.mark.slow

FIRST = date(2026, 3, 1)
DAYS = 50
INPUTS = ("orders", "order_items", "products", "web_events", "subscriptions")
# rows that come late: most within hours, one in ten up to eight days
LATE = """to_seconds(cast(case when hash(i + 5) % 10 = 0 then hash(i + 6) % 700000
    else hash(i + 6) % 20000 end as bigint))"""
AT = "timestamp '2025-10-01' + to_seconds(cast(hash(i + {salt}) % (200 * 86400) as bigint))"
SHOP = f"""
    create or replace table raw.orders as
    select
        i as order_id,
        cast(hash(i) % 40 as bigint) as customer_id,
        {AT.format(salt=1)} as ordered_at,
        case when i % 20 = 0 then -5 else 30 end as amount,
        {AT.format(salt=1)} + {LATE} as loaded_at,
    from range(400) as orders (i)
    union all
    select
        1000 + i as order_id,
        40 + i as customer_id,
        timestamp '2026-02-25' + to_days(cast(3 * i as integer)) as ordered_at,
        30 as amount,
        timestamp '2026-02-25' + to_days(cast(3 * i as integer)) as loaded_at,
    from range(10) as newcomers (i);
    create or replace table raw.order_items as
    select
        cast(i // 2 as bigint) as order_id,
        cast(hash(i) % 12 as bigint) as product_id,
        case when i % 9 = 0 then 0 when i % 11 = 0 then -1 else 2 end as quantity,
        case
            when i % 13 = 0 then 0
            when month(ordered_at) % 2 = 0 then 8
            else 10
        end as unit_price,
    from range(800) as items (i)
    inner join raw.orders on orders.order_id = i // 2;
    create or replace table raw.products as
    select i as product_id, 'Product ' || i as product_name, 'Things' as category
    from range(12) as products (i);
    create or replace table raw.web_events as
    select
        i as event_id,
        cast(hash(i // 6) % 40 as bigint) as customer_id,
        {AT.format(salt=2).replace("hash(i + 2)", "hash(i // 6 + 2)")}
        + to_seconds(cast(i % 6 * 400 as bigint)) as occurred_at,
        case when i % 12 = 5 then 'add_to_cart' else 'product_view' end as event_type,
        cast(hash(i) % 12 as bigint) as product_id,
        case when i % 5 > 0 then i // 6 end as session_id,
        {AT.format(salt=2).replace("hash(i + 2)", "hash(i // 6 + 2)")} + interval 1 hour
        + {LATE} as loaded_at,
    from range(2400) as events (i);
    create or replace table raw.subscriptions as
    select
        i as subscription_id,
        i as customer_id,
        timestamp '2025-10-01' + to_days(cast(i as integer)) as started_at,
        cast(null as timestamp) as ended_at,
    from range(10) as subscriptions (i);
    create or replace table raw.availability as
    select
        cast(i % 12 as bigint) as product_id,
        i // 12 % 2 = 1 as is_available,
        timestamp '2026-02-20' + to_days(cast(i // 12 * 9 + i % 12 as integer)) as changed_at,
    from range(72) as changes (i);
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    """Give a shop with the first day of triggers built, and the SQL of the next one compiled."""
    project = write_user_project(tmp_path_factory.mktemp("triggers") / "project")
    names = {f"holdfast_{name}": f"raw.{name}" for name in INPUTS}
    project.write(
        vars={
            **names,
            "holdfast_product_availability": "raw.availability",
            "holdfast_as_of_date": FIRST.isoformat(),
        }
    )
    project.execute("create schema raw")
    project.execute(SHOP)
    project.dbt("run", "--select", "+holdfast__lifecycle_triggers")
    project.dbt("compile", "--select", "+holdfast__lifecycle_triggers")
    return project


def compiled(project: UserProject, model: str, day: date) -> str:
    """Give the SQL of a model as of another day."""
    (path,) = (project.directory / "target" / "compiled").rglob(f"holdfast__{model}.sql")
    text = path.read_text(encoding="utf-8")
    assert f"'{FIRST}'" in text
    return text.replace(f"'{FIRST}'", f"'{day}'")


def builds() -> Iterator[date]:
    """Give the days of successive builds: each twice, some skipped, and steps back in between."""
    for number in range(1, DAYS):
        day = FIRST + timedelta(days=number)
        if number % 13 in (5, 6):
            continue
        yield day
        yield day
        if number % 10 == 0:
            yield day - timedelta(days=3)


@pytest.fixture(scope="module")
def log(shop: UserProject) -> list[dict[str, object]]:
    """Give what has fired after many builds."""
    with duckdb.connect(str(shop.warehouse)) as connection:
        built = set()
        for day in builds():
            before = connection.execute(
                "select * from lifecycle_trigger_log order by all"
            ).fetchall()
            lifecycle = compiled(shop, "customer_lifecycle", day)
            connection.execute(f"create or replace table customer_lifecycle as {lifecycle}")
            fresh = compiled(shop, "lifecycle_trigger_log", day)
            connection.execute(f"insert into lifecycle_trigger_log by name {fresh}")
            after = connection.execute(
                "select * from lifecycle_trigger_log order by all"
            ).fetchall()
            if day in built:
                assert after == before
            assert set(before) <= set(after)
            built.add(day)
        rows = connection.execute("select * from lifecycle_trigger_log")
        names = [column[0] for column in rows.description]
        return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def test_every_trigger_fires_in_this_shop(shop: UserProject, log: list[dict[str, object]]) -> None:
    rules = {name for (name,) in shop.query("select trigger from trigger_rules")}
    # nobody has been a customer for a year
    assert {row["trigger"] for row in log} == rules - {"anniversary"}
    assert len(log) > 200


def test_no_trigger_fires_twice_in_its_period(
    shop: UserProject, log: list[dict[str, object]]
) -> None:
    periods = dict(shop.query("select trigger, period_days from trigger_rules"))
    fired = defaultdict(list)
    for row in log:
        fired[row["customer_id"], row["trigger"]].append(row)
    assert max(map(len, fired.values())) > 2
    for (_, trigger), rows in fired.items():
        for number, one in enumerate(rows):
            for other in rows[number + 1 :]:
                started = abs(one["period_starts_at"] - other["period_starts_at"])
                sent = abs(one["fired_date"] - other["fired_date"])
                assert min(started, sent) >= timedelta(days=periods[trigger])
    assert len({row["trigger_id"] for row in log}) == len(log)


def test_carts_fire_as_a_computation_by_hand_has_it(
    shop: UserProject, log: list[dict[str, object]]
) -> None:
    carts = shop.query("""
        select customer_id, occurred_at, loaded_at from raw.web_events
        where event_type = 'add_to_cart'
    """)
    orders = shop.query(
        "select customer_id, ordered_at, loaded_at from raw.orders where amount > 0"
    )
    expected: list[tuple[int, datetime, date]] = []
    for day in [FIRST, *builds()]:
        as_of = datetime(day.year, day.month, day.day)
        for customer in range(40):
            bought = max(
                (at for who, at, known in orders if who == customer and max(at, known) < as_of),
                default=datetime.min,
            )
            settled = [
                at
                for who, at, known in carts
                if who == customer
                and max(at, known) < as_of
                and at + timedelta(days=1) <= as_of
                and at > bought
            ]
            if not settled or max(settled) + timedelta(days=4) <= as_of:
                continue
            moment = max(settled) + timedelta(days=1)
            blocked = any(
                who == customer
                and (abs((moment.date() - then.date()).days) < 7 or abs((day - fired_on).days) < 7)
                for who, then, fired_on in expected
            )
            if not blocked:
                expected.append((customer, moment, day))
    found = [
        (row["customer_id"], row["triggered_at"], row["fired_date"])
        for row in log
        if row["trigger"] == "cart_without_order"
    ]
    assert len(found) > 30
    assert sorted(found) == sorted(expected)


def test_a_full_refresh_keeps_what_has_fired_and_fires_nothing_again(
    shop: UserProject, log: list[dict[str, object]]
) -> None:
    last = max(day for day in builds())
    shop.dbt(
        "run",
        "--full-refresh",
        "--select",
        "holdfast__customer_lifecycle",
        "holdfast__lifecycle_trigger_log",
        "holdfast__lifecycle_triggers",
        "--vars",
        f"{{holdfast_as_of_date: '{last}'}}",
    )
    assert shop.query("select count(*) from lifecycle_trigger_log") == [(len(log),)]
    # of each customer's open triggers exactly one is the first choice
    wrong = shop.query("""
        select customer_id from lifecycle_triggers
        group by customer_id
        having count(*) filter (where is_first_choice)
            != least(1, count(*) filter (where is_open and excluded_by is null))
    """)
    assert wrong == []
    assert shop.query("select count(*) from lifecycle_triggers where is_first_choice")[0][0] > 5


def test_rules_of_a_seed_replace_the_shipped_ones(tmp_path: Path, shop: UserProject) -> None:
    seeds = shop.directory / "seeds"
    seeds.mkdir()
    (seeds / "my_rules.csv").write_text(
        "trigger,is_enabled,period_days\nrenewal,false,\ncart_without_order,true,30\n"
    )
    settings = {**shop.settings["vars"], "holdfast_trigger_rules": "my_rules"}
    shop.write(vars=settings)
    shop.dbt("build", "--select", "my_rules", "holdfast__trigger_rules")
    rules = shop.query("select trigger, is_enabled, period_days, priority from trigger_rules")
    assert len(rules) == 10
    assert ("renewal", False, 25, 5) in rules
    assert ("cart_without_order", True, 30, 1) in rules
    (seeds / "my_rules.csv").write_text("trigger,priority\nwinback,1\n")
    refused = shop.dbt("build", "--select", "my_rules", "holdfast__trigger_rules", check=False)
    assert refused.returncode != 0
    assert "columns_are_sound" in refused.stdout
