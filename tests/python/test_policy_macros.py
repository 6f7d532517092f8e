"""What the macros of macros/policy/ draw, rendered as dbt would and run by DuckDB."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from .rendering import MACROS, add_macros

PRIMITIVES = ("same_id", "stable_number", "days_between", "text")
SETTINGS = {"holdout_share": 0.05, "holdout_salt": "s", "random_share": 0.1, "response_days": 30}
CUSTOMERS = "(select range as customer_id from range(100000))"


@lru_cache
def policy_macros(**changes: Any) -> SimpleNamespace:
    """Give the macros of the folder, as functions that return their SQL."""
    holdfast = SimpleNamespace(setting=(SETTINGS | changes).__getitem__)
    add_macros(holdfast, [MACROS / "engines" / "duckdb.sql"], PRIMITIVES)
    return add_macros(holdfast, sorted((MACROS / "policy").glob("*.sql")))


def column(sql: str, rows: str = CUSTOMERS) -> Any:
    """Give the values of an expression, in the order of the customers."""
    query = f"select {sql} as drawn from {rows} as given order by customer_id"
    return duckdb.sql(query).fetchnumpy()["drawn"]


def actions(count: int = 100_000, chosen: str = "2") -> str:
    """Give four allowed actions of each customer, one of them chosen."""
    return (
        f"(select range as customer_id, action, channel, action = '{chosen}' as is_chosen "
        f"from range({count}) cross join (values ('leave_alone', null), ('1', 'email'), "
        "('2', 'email'), ('3', 'push')) as allowed (action, channel))"
    )


def arms(given: str, as_of: str = "timestamp '2026-07-01'", **changes: Any) -> str:
    return f"({policy_macros(**changes).policy_arms(given, as_of, 'offers')})"


@pytest.mark.parametrize("salt", ["a", "b", "it's"])
def test_numbers_are_uniform_and_no_two_customers_share_one(salt: str) -> None:
    drawn = column(policy_macros().uniform(["customer_id"], salt))
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert len(np.unique(drawn)) == len(drawn)
    assert kstest(drawn, "uniform").pvalue > 1e-3


def test_salts_and_further_keys_draw_independently() -> None:
    uniform = policy_macros().uniform
    draws = [
        column(uniform(["customer_id"], "a")),
        column(uniform(["customer_id"], "b")),
        column(uniform(["customer_id", "'2026-07'"], "a")),
        column(uniform(["customer_id + 1"], "a")),
    ]
    # a correlation of 100,000 independent pairs has the standard error 0.003
    off_diagonal = np.corrcoef(draws)[np.triu_indices(len(draws), 1)]
    assert np.abs(off_diagonal).max() < 0.015


def test_numbers_are_the_same_for_ids_of_other_types_and_never_change() -> None:
    uniform = policy_macros().uniform(["customer_id"], "holdfast")
    digest = hashlib.md5(b"holdfast|17", usedforsecurity=False).digest()
    expected = int.from_bytes(digest[8:], "little") % 2**53 / 2**53
    for sql in (
        "select 17 as customer_id",
        "select '17' as customer_id",
        "select ' 17 ' as customer_id",
        "select 17::decimal(9, 1) as customer_id",
        "select 17::hugeint as customer_id",
    ):
        assert column(uniform, f"({sql})")[0] == expected, sql


def test_the_holdout_has_its_share_and_a_larger_one_keeps_it() -> None:
    small = column(policy_macros().in_global_holdout("customer_id"))
    large = column(policy_macros(holdout_share=0.2).in_global_holdout("customer_id"))
    assert small.mean() == pytest.approx(0.05, abs=0.003)
    assert large[small].all()
    assert not column(policy_macros(holdout_share=0).in_global_holdout("customer_id")).any()
    assert column(policy_macros(holdout_share=1).in_global_holdout("customer_id")).all()


def test_more_customers_move_nobody_in_or_out() -> None:
    sql = policy_macros().in_global_holdout("customer_id")
    few = column(sql, "(select range as customer_id from range(1000))")
    assert (column(sql)[:1000] == few).all()


def test_propensities_are_how_often_actions_are_taken() -> None:
    rows = duckdb.sql(
        f"select action, arm, count(*), min(propensity), max(propensity) from {arms(actions())} "
        "group by all"
    ).fetchall()
    taken = {(action, arm): count for action, arm, count, _, _ in rows}
    in_holdout = sum(count for (_, arm), count in taken.items() if arm == "holdout")
    assert {action for action, arm in taken if arm == "holdout"} == {"leave_alone"}
    others = 100_000 - in_holdout
    for action, arm, _, low, high in rows:
        expected = 1.0 if arm == "holdout" else 0.9 * (action == "2") + 0.1 / 4
        assert low == high == pytest.approx(expected)
    of_action = {
        action: sum(n for (name, arm), n in taken.items() if name == action and arm != "holdout")
        for action in ("leave_alone", "1", "2", "3")
    }
    expected_counts = [others * (0.9 * (action == "2") + 0.025) for action in of_action]
    assert chisquare(list(of_action.values()), expected_counts).pvalue > 1e-3


def test_everybody_gets_one_action_whatever_is_chosen() -> None:
    nobody = f"(select * replace (false as is_chosen) from {actions(2000)})"
    twice = f"(select * replace (action in ('1', '3') as is_chosen) from {actions(2000)})"
    no_rest = f"(select * from {actions(2000)} where action <> 'leave_alone')"
    for given, policy_takes in ((nobody, "leave_alone"), (twice, "1"), (no_rest, "2")):
        found = duckdb.sql(
            f"select count(*), count(distinct customer_id), "
            "min(action) filter (arm = 'policy'), max(action) filter (arm = 'policy'), "
            f"max(action) filter (arm = 'holdout') from {arms(given)}"
        ).fetchone()
        assert found == (2000, 2000, policy_takes, policy_takes, "leave_alone")


def test_a_draw_holds_for_a_period_and_the_next_one_is_independent() -> None:
    arm = "case arm when 'random' then 1e0 else 0e0 end"
    by_day = [
        column(arm, arms(actions(20_000), f"timestamp '2026-07-01' + to_days({day})"))
        for day in (0, 1, 30, 60)
    ]
    changed = (by_day[0] != by_day[1]).mean()
    # one customer in thirty begins a period on a day; of those, 18 % change their arm
    assert changed == pytest.approx(0.95 * 2 * 0.1 * 0.9 / 30, abs=0.003)
    for later in by_day[2:]:
        assert abs(np.corrcoef(by_day[0], later)[0, 1]) < 0.04


def test_the_drawn_action_stays_while_it_is_allowed() -> None:
    fewer = f"(select * from {actions(20_000)} where action <> '3')"
    moved = duckdb.sql(
        "select count(*), count(*) filter (was.action <> now.action) "
        f"from {arms(actions(20_000))} as was join {arms(fewer)} as now using (customer_id) "
        "where was.action <> '3'"
    ).fetchone()
    assert moved is not None
    assert moved[0] > 15_000
    assert moved[1] == 0


def test_what_is_not_drawable_is_taken_only_by_the_policy() -> None:
    # of actions 1 and 2 neither may be drawn; 2 is the policy's
    drawable = policy_macros().policy_arms(
        actions(20_000), "timestamp '2026-07-01'", "offers", "action in ('leave_alone', '3')"
    )
    found = duckdb.sql(
        "select arm, list(distinct action order by action), min(action_count), "
        "list(distinct propensity order by propensity) "
        f"from ({drawable}) where arm <> 'holdout' group by arm order by arm"
    ).fetchall()
    policy, random = ("policy", ["2"], 2, [0.9]), ("random", ["3", "leave_alone"], 2, [0.05])
    assert found == [policy, random]
