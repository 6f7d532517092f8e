"""The choice of offers from the tables of a build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from holdfast.policies import choose_offers


@dataclass(frozen=True)
class Relation:
    """A relation as a Python model of dbt gets it."""

    sql: str

    def sql_query(self) -> str:
        return self.sql


def chosen(limits: str = "", rows: str = "select *") -> list[tuple[Any, ...]]:
    """Choose for six customers, each with two offers, and tell what is chosen."""
    connection = duckdb.connect()
    connection.execute(
        """
        create table given as
        select
            customer_id,
            offer_id,
            'offer ' || offer_id as action,
            case when customer_id <= 3 then 'Loyal' else null end as segment,
            case customer_id when 6 then 'random' else 'policy' end as arm,
            cast(null as varchar) as not_because,
            customer_id = 6 and offer_id = 2 as is_drawn,
            10e0 - customer_id + offer_id as expected_profit,
            1e0 + offer_id as expected_cost
        from range(1, 7) as customers (customer_id), range(1, 3) as offers (offer_id)
        """
    )
    none = "select null as kind, null as name, null as amount where false"
    found = choose_offers(
        connection,
        Relation(f"{rows} from given"),
        Relation(f"select * from {limits}" if limits else none),
    )
    return [(row["customer_id"], row["offer_id"]) for row in found.to_pylist() if row["is_chosen"]]


def limited(*rows: str) -> str:
    return f"(values {', '.join(rows)}) as limits (kind, name, amount)"


def test_the_best_offer_of_each_customer_is_chosen_but_not_in_the_random_arm() -> None:
    assert chosen() == [(customer, 2) for customer in range(1, 6)]


def test_what_the_random_arm_draws_is_taken_off_each_limit() -> None:
    assert chosen(limited("('contacts', null, 3)")) == [(1, 2), (2, 2)]
    # 3 of 9 go to what was drawn; the cheaper offer makes more of the rest
    assert chosen(limited("('budget', null, 9)")) == [(1, 1), (2, 1), (3, 1)]
    assert chosen(limited("('offer', 'offer 2', 2)")) == [(1, 2), (2, 1), (3, 1), (4, 1), (5, 1)]


def test_a_limit_of_a_segment_is_for_its_customers_only() -> None:
    assert chosen(limited("('segment', 'Loyal', 1)")) == [(1, 2), (4, 2), (5, 2)]


def test_an_empty_budget_chooses_nobody() -> None:
    assert chosen(limited("('budget', null, 0)")) == []


def test_what_may_not_be_chosen_and_what_brings_nothing_is_not() -> None:
    assert chosen(rows="select * replace ('no_consent' as not_because)") == []
    assert chosen(rows="select * replace (-1e0 as expected_profit)") == []
    assert chosen(rows="select * replace ('holdout' as arm)") == []
