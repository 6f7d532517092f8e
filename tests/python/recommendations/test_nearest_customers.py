"""The nearest customers, against sets in Python."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
DAY = "2026-06-01"


def nearest(bought: dict[int, set[int]], **arguments: Any) -> dict[int, list[tuple[int, float]]]:
    """Give the neighbours of each customer with their similarity, the nearest first."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals["holdfast"] = SimpleNamespace()
    text = (ROOT / "macros/recommendations/nearest_customers.sql").read_text(encoding="utf-8")
    call = "{{ nearest_customers('bought', 'bought', **arguments) }}"
    sql = environment.from_string(text + call).render(arguments=arguments)
    rows = [(DAY, customer, product) for customer, own in bought.items() for product in own]
    with duckdb.connect() as connection:
        connection.execute(
            "create table bought (as_of timestamp, customer_id integer, product_id integer)"
        )
        connection.executemany("insert into bought values (?, ?, ?)", rows)
        found = connection.execute(
            f"select customer_id, neighbour_id, similarity from ({sql}) order by customer_id, place"
        ).fetchall()
    given: dict[int, list[tuple[int, float]]] = {}
    for customer, neighbour, similarity in found:
        given.setdefault(customer, []).append((neighbour, similarity))
    return given


def by_hand(
    bought: dict[int, set[int]], k: int, alpha: float
) -> dict[int, list[tuple[int, float]]]:
    """Compare each customer with each other one."""
    given = {}
    for customer, own in bought.items():
        found = [
            (other, len(own & theirs) / (len(own) ** alpha * len(theirs) ** (1 - alpha)))
            for other, theirs in bought.items()
            if other != customer and own & theirs
        ]
        given[customer] = sorted(found, key=lambda pair: (-round(pair[1], 12), pair[0]))[:k]
    return given


@pytest.mark.parametrize("alpha", [0.25, 0.5])
def test_neighbours_are_the_nearest_by_asymmetric_cosine(alpha):
    random = np.random.default_rng(1)
    bought = {
        customer: {int(product) for product in random.integers(0, 30, random.integers(1, 12))}
        for customer in range(60)
    }
    expected = by_hand(bought, k=5, alpha=alpha)
    found = nearest(bought, k=5, alpha=alpha)
    for customer, neighbours in expected.items():
        similarities = [similarity for _, similarity in found[customer]]
        assert similarities == pytest.approx([similarity for _, similarity in neighbours])
        # equal ones may change places in the last digit
        least = neighbours[-1][1] + 1e-9
        assert {other for other, similarity in found[customer] if similarity > least} == {
            other for other, similarity in neighbours if similarity > least
        }


def test_product_that_too_many_bought_brings_nobody_together():
    bought = {customer: {0, 1 + customer // 2} for customer in range(6)}
    assert {other for other, _ in nearest(bought)[0]} == {1, 2, 3, 4, 5}
    assert [other for other, _ in nearest(bought, most_buyers=2)[0]] == [1]
