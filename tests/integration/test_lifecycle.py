"""The lifecycle states of random customers, day by day, by what was known on each day."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from projects import UserProject, write_user_project

pytestmark = pytest.mark.slow

FIRST = datetime(2024, 1, 1)
CUTOFF = datetime(2025, 4, 1)
LAST = datetime(2025, 7, 1)
SETTINGS = {
    "holdfast_churn_horizon_days": 60,
    "holdfast_allowed_gap_days": 20,
    "holdfast_slipping_after": 2,
}
OTHER_SETTINGS = {
    "holdfast_churn_horizon_days": 25,
    "holdfast_allowed_gap_days": 1,
    "holdfast_slipping_after": 1.5,
}
# a project's own model, which asks for the state of every day as a project would
DAILY = """
select
    lifecycle.customer_id,
    lifecycle.churn_definition,
    days.day,
    lifecycle.state,
from (
    select unnest(generate_series(
        timestamp '2024-01-01', cast({{ holdfast.as_of_date() }} as timestamp), interval 1 day
    )) as day
) as days
inner join {{ ref('holdfast', 'holdfast__customer_lifecycle') }} as lifecycle
    on {{ holdfast.state_in_force('lifecycle', 'days.day') }}
"""


@dataclass
class Shop:
    """What is in the inputs."""

    created: dict[int, datetime] = field(default_factory=dict)
    orders: list[tuple[int, datetime, int, datetime | None]] = field(default_factory=list)
    subscriptions: list[tuple[int, datetime, datetime | None]] = field(default_factory=list)


def random_shop(seed: int, customers: int = 150) -> Shop:
    """Make up customers with all that is odd: split orders, returns, pauses, nobody's creation."""
    dice = random.Random(seed)
    shop = Shop()
    for customer in range(1, customers + 1):
        whole_days = customer % 2 == 0
        at = FIRST + timedelta(days=dice.randrange(0, 400), hours=dice.randrange(1, 23))
        if customer % 5:
            # some register after their first order, or on a midnight that is a day's question
            shop.created[customer] = at.replace(hour=0) + timedelta(days=dice.choice([-9, 0, 0, 3]))
        if customer % 11 == 0:
            continue
        gap = dice.choice([1, 4, 9, 20, 40])
        while at < LAST + timedelta(days=5):
            moment = at.replace(hour=0) if whole_days else at
            late = dice.choice([None, None, 0, 30])
            loaded = None if late is None else moment + timedelta(days=late, hours=1)
            shop.orders.append((customer, moment, dice.choice([5, 5, 5, 5, 0, -5]), loaded))
            if dice.random() < 0.1:
                at += timedelta(hours=dice.choice([0, 1]))
            elif dice.random() < 0.25:
                at += timedelta(days=dice.choice([24, 25, 26, 59, 60, 61, 100, 200]))
            else:
                at += timedelta(days=max(1, round(dice.expovariate(1 / gap))))
        if customer % 2:
            continue
        at = FIRST + timedelta(days=dice.randrange(0, 300), hours=12)
        while at < LAST + timedelta(days=5):
            end = at + timedelta(days=dice.choice([10, 30, 90, 300]))
            shop.subscriptions.append((customer, at, end if dice.random() < 0.9 else None))
            at = end + timedelta(days=dice.choice([-15, 1, 19, 20, 21, 50, 70, 90]))
            if dice.random() < 0.2:
                break
    return shop


@dataclass
class Truth:
    """States by their definition in words, each day for itself, from what lies before it."""

    shop: Shop
    settings: dict[str, Any]
    as_of: datetime

    def __post_init__(self) -> None:
        self.horizon = timedelta(days=self.settings["holdfast_churn_horizon_days"])
        self.gap_days = self.settings["holdfast_allowed_gap_days"]
        self.purchases: dict[int, list[datetime]] = {}
        for customer, moment, amount, _ in sorted(self.shop.orders, key=lambda order: order[:2]):
            if amount > 0:
                self.purchases.setdefault(customer, []).append(moment)
        self.shop_gap = cache(self._shop_gap)
        self.has_terms = self._has_terms()

    def _has_terms(self) -> bool:
        """Tell whether most subscriptions that ended were followed by the next one."""
        known = sorted(
            (who, at, end or datetime.max)
            for who, at, end in self.shop.subscriptions
            if at < self.as_of
        )
        renewed = [
            after[0] == before[0] and after[1] <= before[2] + timedelta(days=self.gap_days)
            for before, after in zip(known, [*known[1:], (0, FIRST, FIRST)], strict=True)
            if before[2] < self.as_of
        ]
        return 2 * sum(renewed) > len(renewed)

    def gaps(self, purchases: Iterable[datetime]) -> list[tuple[date, int]]:
        """Give the day on which each gap of a rhythm began, and its length in days."""
        last: dict[date, datetime] = {}
        first: dict[date, datetime] = {}
        for moment in purchases:
            last[moment.date()] = moment
            first.setdefault(moment.date(), moment)
        days = sorted(last)
        return [
            (before, (after - before).days)
            for before, after in pairwise(days)
            if first[after] - last[before] < self.horizon
        ]

    def _shop_gap(self, month: datetime) -> float:
        """Give the lower median of the gaps whose horizon was over when the month began."""
        found = sorted(
            days
            for purchases in self.purchases.values()
            for began, days in self.gaps(purchases[: bisect_left(purchases, month)])
            if datetime.combine(began, time()) + self.horizon <= month
        )
        return found[(len(found) - 1) // 2] if len(found) >= 30 else self.horizon.days / 4

    def usual_gap(self, known: list[datetime]) -> float:
        """Give the usual gap of a customer of whom these purchases are known."""
        own = [days for _, days in self.gaps(known)]
        shop = self.shop_gap(datetime.combine(known[-1].date().replace(day=1), time()))
        return (3 * shop + sum(own)) / (3 + len(own))

    def known(self, customer: int, day: datetime) -> list[datetime]:
        """Give the purchases before a day."""
        purchases = self.purchases.get(customer, [])
        return purchases[: bisect_left(purchases, day)]

    def waiting(self, customer: int, day: datetime) -> str | None:
        return "never_ordered" if self.shop.created.get(customer, day) < day else None

    def non_contractual(self, customer: int, day: datetime) -> str | None:
        """Give the state on a day, None before anything is known of a customer."""
        known = self.known(customer, day)
        if not known:
            return self.waiting(customer, day)
        silence = day - known[-1]
        if silence >= self.horizon:
            return "lapsed"
        explained = math.floor(self.settings["holdfast_slipping_after"] * self.usual_gap(known))
        if silence >= timedelta(days=explained + 1):
            return "slipping"
        return "new" if len({moment.date() for moment in known}) == 1 else "on_rhythm"

    def contractual(self, customer: int, day: datetime) -> str | None:
        known = [(at, end) for who, at, end in self.shop.subscriptions if who == customer]
        known = [(at, end) for at, end in known if at < day]
        if not known:
            return self.waiting(customer, day)
        # an end that still lies ahead is known of nobody, except on the day of the build
        ends = [end if end and end < day else datetime.max for _, end in known]
        if max(ends) == datetime.max:
            all_end = all(end is not None for _, end in known) and not self.has_terms
            return "cancelled_running_out" if all_end and day == self.as_of else "running"
        if max(ends) + timedelta(days=self.gap_days) <= day:
            return "lapsed"
        has_gone = max(ends) + timedelta(days=min(1, self.gap_days)) <= day
        return "cancelled_running_out" if has_gone else "running"

    def days(self) -> set[tuple[int, str, datetime, str]]:
        """Give the state of every customer on every day, by both definitions."""
        customers = {*self.shop.created, *self.purchases, *(s[0] for s in self.shop.subscriptions)}
        found = set()
        day = FIRST
        while day <= self.as_of:
            for customer in customers:
                for definition in ("non_contractual", "contractual"):
                    if state := getattr(self, definition)(customer, day):
                        found.add((customer, definition, day, state))
            day += timedelta(days=1)
        return found


@dataclass
class Built:
    """A build: its settings, and what it gave."""

    settings: dict[str, Any]
    as_of: datetime
    lifecycle: list[tuple[Any, ...]]
    days: list[tuple[int, str, datetime, str]]


@pytest.fixture(scope="module")
def shop() -> Shop:
    return random_shop(seed=3)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> UserProject:
    project = write_user_project(tmp_path_factory.mktemp("lifecycle") / "project")
    (project.directory / "models").mkdir()
    (project.directory / "models" / "daily_states.sql").write_text(DAILY, encoding="utf-8")
    project.execute("create schema raw")
    for table, columns, rows in (
        ("customers", "customer_id bigint, created_at timestamp", sorted(shop.created.items())),
        (
            "all_orders",
            "customer_id bigint, ordered_at timestamp, amount integer, loaded_at timestamp",
            shop.orders,
        ),
        (
            "subscriptions",
            "customer_id bigint, started_at timestamp, ended_at timestamp",
            shop.subscriptions,
        ),
    ):
        values = ", ".join(
            f"({', '.join('null' if each is None else repr(str(each)) for each in row)})"
            for row in rows
        )
        project.execute(
            f"create table raw.{table} ({columns}); insert into raw.{table} values {values}"
        )
    project.execute(
        "create table raw.orders as select *, row_number() over () as order_id from raw.all_orders;"
        "alter table raw.subscriptions add column subscription_id integer;"
        "update raw.subscriptions set subscription_id = rowid"
    )
    return project


def build(project: UserProject, as_of: datetime, settings: dict[str, Any], orders: str) -> Built:
    """Build the states from some of the orders."""
    project.execute(
        "create or replace table raw.orders as "
        "select * from (select *, row_number() over () as order_id from raw.all_orders) "
        f"where {orders}"
    )
    project.write(
        vars={
            "holdfast_orders": "raw.orders",
            "holdfast_customers": "raw.customers",
            "holdfast_subscriptions": "raw.subscriptions",
            "holdfast_as_of_date": str(as_of.date()),
            **settings,
        }
    )
    project.dbt("run", "--select", "+daily_states", "holdfast__customer_spells")
    return Built(
        settings,
        as_of,
        project.query("select * from customer_lifecycle order by all"),
        project.query("select customer_id, churn_definition, day, state from daily_states"),
    )


@pytest.fixture(scope="module")
def built(project: UserProject) -> dict[str, Built]:
    """Build on all orders, on those before a day, as of that day, and with other settings."""
    return {
        "other settings": build(project, CUTOFF, OTHER_SETTINGS, "true"),
        "earlier date": build(project, CUTOFF, SETTINGS, "true"),
        "earlier orders": build(project, CUTOFF, SETTINGS, f"ordered_at < '{CUTOFF}'"),
        "all": build(project, LAST, SETTINGS, "true"),
    }


@pytest.mark.parametrize("name", ["all", "other settings"])
def test_every_day_of_every_customer_has_the_state_of_the_definition(
    built: dict[str, Built], shop: Shop, name: str
) -> None:
    found = built[name]
    assert len(set(found.days)) == len(found.days)
    expected = Truth(shop, found.settings, found.as_of).days()
    wrong = sorted(set(found.days) ^ expected)
    assert wrong[:5] == []
    counts = Counter(state for *_, state in expected)
    assert len(counts) == 7
    assert min(counts.values()) >= 5


def test_later_orders_do_not_change_the_states_of_days_before(built: dict[str, Built]) -> None:
    early, late = built["earlier orders"], built["all"]
    assert set(early.lifecycle) ^ set(built["earlier date"].lifecycle) == set()

    def before(found: Built) -> set[tuple[int, str, datetime, str]]:
        # on its own day a build knows the ends that lie ahead, which no later build says of it
        return {
            row
            for row in found.days
            if row[2] < CUTOFF or (row[2] == CUTOFF and row[1] == "non_contractual")
        }

    assert len(before(early)) > 10000
    assert sorted(before(early) ^ before(late))[:5] == []


def test_states_in_force_tell_the_usual_gap_and_when_to_expect_an_order(
    built: dict[str, Built], shop: Shop
) -> None:
    found = built["all"]
    truth = Truth(shop, found.settings, found.as_of)
    told = 0
    for customer, definition, state, *_, left_at, _, _, usual, expected in found.lifecycle:
        if left_at is not None or definition == "contractual":
            assert expected is None
            continue
        known = truth.known(customer, found.as_of)
        if state == "lapsed" or not known:
            assert (usual, expected) == (None, None)
            continue
        assert usual == truth.usual_gap(known)
        assert expected == known[-1] + timedelta(days=math.floor(usual + 0.5))
        told += 1
    assert told > 20


def test_lapsed_are_those_whose_spells_are_over(project: UserProject, built: Any) -> None:
    rows = project.query(
        """
        select lifecycle.state = 'lapsed', bool_or(spells.ended_at is null), count(*)
        from customer_lifecycle as lifecycle
        inner join customer_spells as spells using (customer_id, churn_definition)
        where lifecycle.left_at is null
        group by lifecycle.customer_id, lifecycle.churn_definition, lifecycle.state
        """
    )
    assert {(is_lapsed, is_active) for is_lapsed, is_active, _ in rows} == {
        (True, False),
        (False, True),
    }
