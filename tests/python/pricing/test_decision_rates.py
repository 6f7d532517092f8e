"""decision_rates, against the answers of fairlearn: see make_oracle.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from .rendering import decision_rates

ORACLE = json.loads(Path(__file__).with_name("oracle.json").read_text("utf-8"))["decision_rates"]
COLUMNS = [{"name": "customer_group", "segment": "customer_group"}]


def rates_of(customers: list[list[Any]], least_group: int = 10) -> dict[tuple[str, str], Any]:
    """Give the rows of decision_rates by outcome and segment."""
    connection = duckdb.connect()
    connection.execute(
        "create table given (customer_id int, customer_group text, contact int, discount int, "
        "price double)"
    )
    connection.executemany(
        "insert into given values (?, ?, ?, ?, ?)",
        [(number, *customer) for number, customer in enumerate(customers)],
    )
    connection.execute("""
        create table customers as select customer_id, customer_group from given;
        create table stg_holdfast__offers as select 1 as offer_id, 0.1 as discount
        union all select 2, null;
        create table holdfast__decisions as
        select
            'offers' as system,
            timestamp '2026-07-01' as as_of,
            customer_id,
            case when contact = 1 then 'offer' else 'leave_alone' end as action,
            case when contact = 1 then 2 - discount end as offer_id,
            'approved' as status,
        from given
        -- of an earlier date, and vetoed: neither counts
        union all select 'offers', timestamp '2026-06-30', customer_id, 'offer', 1, 'approved'
        from given
        union all select 'offers', timestamp '2026-07-01', customer_id, 'offer', 1, 'vetoed'
        from given where customer_id % 3 = 0;
        create table stg_holdfast__orders as
        select
            customer_id,
            cast(10000 * price as int) as amount,
            10000 - cast(10000 * price as int) as discount_amount,
            timestamp '2026-06-01' as ordered_at,
        from given
        -- a return, and an order of two years ago
        union all select customer_id, -5000, 0, timestamp '2026-06-02' from given
        union all select customer_id, 5000, 5000, timestamp '2024-06-02' from given
    """)
    rows = connection.execute(decision_rates(least_group, COLUMNS))
    names = [column[0] for column in rows.description]
    found = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    return {(row["outcome"], row["segment"]): row for row in found}


@pytest.mark.parametrize(
    "answer", ORACLE["answers"], ids=lambda a: f"{a['outcome']}-{a['segment']}"
)
def test_rates_and_ratios_are_those_of_fairlearn(answer: dict[str, Any]) -> None:
    row = rates_of(ORACLE["customers"])[answer["outcome"], answer["segment"]]
    assert row["customers"] == answer["customers"]
    assert row["rate"] == pytest.approx(answer["rate"], abs=2e-6)
    assert row["rest_rate"] == pytest.approx(answer["rest_rate"], abs=2e-6)
    assert abs(row["difference"]) == pytest.approx(answer["difference"], abs=2e-6)
    if answer["ratio"] == 0:
        assert row["ratio"] is None
    else:
        assert min(row["ratio"], 1 / row["ratio"]) == pytest.approx(answer["ratio"], abs=1e-5)
    assert row["difference_lower"] < row["difference"] < row["difference_upper"]
    if answer["customers"] >= 60 and answer["rate"] > 0:
        assert row["rate_lower"] == pytest.approx(answer["rate_lower"], abs=0.02)
        assert row["rate_upper"] == pytest.approx(answer["rate_upper"], abs=0.02)


def test_a_rate_of_zero_has_an_interval() -> None:
    row = rates_of(ORACLE["customers"])["discount", "west"]
    assert row["rate"] == 0
    assert row["rate_lower"] == 0
    # 60 customers, none with a discount: Wilson's upper end is 3.8416 / (60 + 3.8416)
    assert row["rate_upper"] == pytest.approx(3.8416 / 63.8416, abs=1e-6)
    assert row["status"] == "different"


def test_no_group_of_few_customers_is_shown() -> None:
    rows = rates_of(ORACLE["customers"])
    assert {segment for _, segment in rows} == {"north", "other", "south", "west"}
    assert min(row["customers"] for row in rows.values()) >= 10


@pytest.mark.parametrize("customers", [9, 10])
def test_a_shop_of_few_customers_shows_nothing(customers: int) -> None:
    rows = rates_of([["a" if i < 5 else "b", 1, 0, 0.9] for i in range(customers)])
    assert [row["customers"] for row in rows.values()] == ([10] * 3 if customers == 10 else [])
    assert {row["status"] for row in rows.values()} <= {"nothing_to_compare"}
    assert all(row["difference_lower"] is None for row in rows.values())


def test_groups_that_are_treated_alike_are_not_said_to_differ() -> None:
    rows = rates_of([[group, i % 2, 0, 0.9] for group in "ab" for i in range(50)])
    assert {row["status"] for row in rows.values()} == {"no_difference_shown"}
    assert rows["contact", "a"]["ratio"] == 1
    assert rows["discount", "a"]["difference_upper"] > 0.05
