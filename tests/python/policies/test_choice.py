"""The choice of at most one action per customer under limits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import HoldfastError
from holdfast.policies import Choice, Grouping, choose


def by_trying_all(customer, profit, cost, budget, groupings) -> float:
    """Find the highest profit by trying every choice."""
    options = [
        [None, *np.flatnonzero(customer == who).tolist()] for who in np.unique(customer).tolist()
    ]
    best = 0.0
    for combination in itertools.product(*options):
        rows = np.array([row for row in combination if row is not None], int)
        if is_within(rows, cost, budget, groupings):
            best = max(best, float(profit[rows].sum()))
    return best


def is_within(rows, cost, budget, groupings) -> bool:
    return cost[rows].sum() <= budget + 1e-9 and all(
        np.all(np.bincount(one.group[rows], minlength=len(one.limit)) <= one.limit)
        for one in groupings
    )


def check(choice: Choice, customer, profit, cost, budget, groupings) -> None:
    """What holds for every choice."""
    assert np.unique(customer[choice.chosen]).size == choice.chosen.size
    assert np.all(profit[choice.chosen] > 0)
    assert is_within(choice.chosen, cost, budget, groupings)
    assert choice.profit == pytest.approx(profit[choice.chosen].sum())
    assert choice.profit <= choice.bound + 1e-6


@st.composite
def small(draw):
    """A few customers and offers, with many ties, empty limits and losses among them."""
    customers, offers = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    kept = draw(st.lists(st.booleans(), min_size=customers * offers, max_size=customers * offers))
    rows = np.flatnonzero(kept)
    customer, offer = rows // offers, rows % offers
    cents = st.integers(-300, 900) | st.sampled_from([100, 200])
    profit = np.array([draw(cents) for _ in rows], float) / 100
    cost = np.array([draw(st.integers(0, 500)) for _ in rows], float) / 100
    budget = draw(st.sampled_from([np.inf, 0.0, 3.0, 7.5]))
    segment = np.array([draw(st.integers(0, 1)) for _ in range(customers)])[customer]
    limit = st.sampled_from([0.0, 1.0, 2.0, np.inf])
    groupings = [
        Grouping(np.zeros(len(rows), np.int64), np.array([draw(limit)])),
        Grouping(offer, np.array([draw(limit) for _ in range(offers)])),
        Grouping(segment, np.array([draw(limit) for _ in range(2)])),
    ]
    return customer, profit, cost, budget, groupings


@settings(max_examples=150, deadline=None)
@given(small())
def test_a_small_choice_is_the_best_of_all(problem) -> None:
    customer, profit, cost, budget, groupings = problem
    best = by_trying_all(customer, profit, cost, budget, groupings)

    choice = choose(customer, profit, cost, budget, groupings)
    check(choice, *problem)
    assert choice.method in ("exact", "unlimited")
    assert choice.profit == pytest.approx(best, abs=1e-6)

    by_prices = choose(customer, profit, cost, budget, groupings, most_exact=0)
    check(by_prices, *problem)
    assert by_prices.profit <= best + 1e-6 <= by_prices.bound + 2e-6


def large(seed: int, customers: int = 20_000, offers: int = 5):
    rng = np.random.default_rng(seed)
    customer = np.repeat(np.arange(customers), offers)
    offer = np.tile(np.arange(offers), customers)
    profit = np.round(rng.normal(1.0, 3.0, customers * offers), 4)
    cost = np.round(rng.gamma(2.0, 1.0 + 0.5 * offer), 4)
    segment = np.repeat(rng.integers(0, 9, customers), offers)
    groupings = [
        Grouping(np.zeros(customers * offers, np.int64), np.array([0.2 * customers])),
        Grouping(offer, np.array([0.03 * customers, np.inf, 500.0, 10.0, 0.0])),
        Grouping(segment, np.array([100.0, 50.0] + [np.inf] * 7)),
    ]
    return customer, profit, cost, 0.25 * customers, groupings


def test_a_large_choice_comes_near_its_bound() -> None:
    problem = large(1)
    choice = choose(*problem, most_exact=0)
    check(choice, *problem)
    assert choice.method == "prices"
    assert choice.gap < 0.001


def test_prices_come_near_the_exact_choice() -> None:
    problem = large(2, customers=500)
    exact, by_prices = choose(*problem), choose(*problem, most_exact=0)
    assert exact.method == "exact"
    assert exact.profit <= by_prices.bound + 1e-6
    assert by_prices.profit > 0.98 * exact.profit


def test_equal_customers_fill_the_limit() -> None:
    customer = np.arange(30_000)
    ones = np.ones(30_000)
    choice = choose(customer, 2.0 * ones, ones, budget=1234.5)
    assert len(choice.chosen) == 1234
    assert choice.gap < 0.001


def test_the_same_input_gives_the_same_choice() -> None:
    problem = large(3, customers=3000)
    first, second = choose(*problem, most_exact=0), choose(*problem, most_exact=0)
    assert first.chosen.tolist() == second.chosen.tolist()


def test_others_have_a_preference_and_use_up_nothing() -> None:
    customer = np.array([0, 1, 1, 2])
    profit, cost = np.array([5.0, 3.0, 9.0, 4.0]), np.ones(4)
    takes_part = np.array([True, False, False, True])
    choice = choose(customer, profit, cost, 1.0, takes_part=takes_part)
    assert choice.chosen.tolist() == [0]
    # a unit of the budget is worth 4 to 5, so of the other customer's only the second is worth it
    assert 2 in choice.preferred.tolist()
    assert 1 not in choice.preferred.tolist()


@pytest.mark.parametrize("budget", [0.0, -5.0])
def test_an_empty_budget_buys_nothing_that_costs(budget: float) -> None:
    choice = choose(np.arange(3), np.full(3, 5.0), np.array([1.0, 0.0, 2.0]), budget)
    assert choice.chosen.tolist() == [1]


def test_nothing_to_choose_from() -> None:
    for profit in (np.empty(0), np.array([-1.0, 0.0])):
        choice = choose(np.zeros(len(profit), int), profit, np.zeros(len(profit)), 0.0)
        assert choice.chosen.tolist() == choice.preferred.tolist() == []
        assert (choice.profit, choice.bound, choice.gap) == (0.0, 0.0, 0.0)


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(HoldfastError, match="leave out"):
        choose(np.array([0]), np.array([np.nan]), np.array([1.0]))
    with pytest.raises(HoldfastError, match="leave out"):
        choose(np.array([0]), np.array([1.0]), np.array([-1.0]))
    with pytest.raises(HoldfastError, match="sorted"):
        choose(np.array([1, 0]), np.ones(2), np.ones(2))
