"""The metrics of lists of products, against sums made by hand and by numpy."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
DAY = "2026-06-01 00:00:00"
Row = tuple[Any, ...]


def refuse(message: str) -> None:
    """Raise as dbt does."""
    raise ValueError(message)


def sql_of(k: Any) -> str:
    """Give the SQL of the macro, on the tables lists and truth."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals["holdfast"] = SimpleNamespace(text=lambda value: f"'{value}'")
    environment.globals["exceptions"] = SimpleNamespace(raise_compiler_error=refuse)
    text = (ROOT / "macros/recommendations/ranking_metrics.sql").read_text(encoding="utf-8")
    return environment.from_string(f"{text}{{{{ ranking_metrics('lists', 'truth', k) }}}}").render(
        k=k
    )


def measure(lists: list[Row], truth: list[Row], k: int = 3, threads: int = 1) -> dict[Row, Row]:
    """Give (value, lower, upper, row_count) by algorithm, list, date and metric."""
    with duckdb.connect() as connection:
        connection.execute(f"set threads = {threads}")
        connection.execute(
            "create table lists (algorithm varchar, list varchar, as_of timestamp, "
            "customer_id bigint, product_id bigint, rank integer)"
        )
        connection.execute(
            "create table truth (list varchar, as_of timestamp, customer_id bigint, "
            "product_id bigint)"
        )
        for table, rows in (("lists", lists), ("truth", truth)):
            if rows:
                columns = ", ".join("unnest(?)" for _ in rows[0])
                values = [list(column) for column in zip(*rows, strict=True)]
                connection.execute(f"insert into {table} select {columns}", values)
        found = connection.execute(sql_of(k)).fetchall()
    return {(row[0], row[1], row[2] and str(row[2]), row[3]): row[4:] for row in found}


def listed(customer: int, products: list[int], algorithm: str = "a", day: str = DAY) -> list[Row]:
    """Give the rows of one list."""
    return [
        (algorithm, "top", day, customer, product, rank)
        for rank, product in enumerate(products, start=1)
    ]


def bought(customer: int, products: list[int], day: str = DAY) -> list[Row]:
    """Give what one customer bought."""
    return [("top", day, customer, product) for product in products]


def test_one_list_by_hand() -> None:
    """Ranks 1 and 3 are among the four that were bought; the fourth rank is not looked at."""
    found = measure(listed(1, [10, 99, 30, 40]), bought(1, [10, 30, 40, 50]))
    gain = 1 + 1 / math.log2(4)
    best = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert found["a", "top", DAY, "hit_rate_at_3"] == (1.0, None, None, 1)
    assert found["a", "top", DAY, "recall_at_3"] == (0.5, None, None, 1)
    value, lower, upper, rows = found["a", "top", DAY, "ndcg_at_3"]
    assert value == pytest.approx(gain / best, abs=1e-11)
    assert (lower, upper, rows) == (None, None, 1)


def test_the_best_list_of_a_customer_who_bought_one_product_has_it_first() -> None:
    found = measure(listed(1, [10, 20, 30]) + listed(2, [99, 10, 30]), bought(1, [10]))
    assert found["a", "top", DAY, "ndcg_at_3"][0] == 1.0
    # and the list of a customer who bought nothing is not judged
    assert found["a", "top", DAY, "ndcg_at_3"][3] == 1
    second = measure(listed(2, [99, 10, 30]), bought(2, [10]))
    assert second["a", "top", DAY, "ndcg_at_3"][0] == pytest.approx(1 / math.log2(3), abs=1e-11)


def test_a_customer_without_a_list_is_a_miss() -> None:
    found = measure(listed(1, [10]), bought(1, [10]) + bought(2, [20]))
    value, lower, upper, rows = found["a", "top", DAY, "hit_rate_at_3"]
    assert (value, rows) == (0.5, 2)
    # each of the two is half a hit away from the mean: 0.5 ± 0.98 is cut to what a rate can be
    assert (lower, upper) == (0.0, 1.0)


def test_nothing_bought_or_nothing_listed_gives_no_rows() -> None:
    assert measure(listed(1, [10]), []) == {}
    assert measure([], bought(1, [10])) == {}


def test_dates_together_count_a_customer_once_in_the_interval() -> None:
    """Two dates on which everybody does the same tell no more than one."""
    later = "2026-07-01 00:00:00"
    rng = np.random.default_rng(3)
    lists, truth, hits = [], [], []
    for customer in range(200):
        hit = bool(rng.random() < 0.4)
        hits.append(float(hit))
        for day in (DAY, later):
            lists += listed(customer, [1 if hit else 2], day=day)
            truth += bought(customer, [1], day=day)
    found = measure(lists, truth)
    one = found["a", "top", DAY, "hit_rate_at_3"]
    both = found["a", "top", None, "hit_rate_at_3"]
    assert one[3] == 200
    assert both[3] == 400
    half = 1.959963984540054 * np.std(hits, ddof=1) / math.sqrt(200)
    for value, lower, upper, _ in (one, both):
        assert value == pytest.approx(np.mean(hits))
        assert lower == pytest.approx(np.mean(hits) - half)
        assert upper == pytest.approx(np.mean(hits) + half)


def test_figures_are_the_same_with_any_number_of_threads_and_order() -> None:
    rng = np.random.default_rng(5)
    lists, truth = [], []
    for customer in range(3000):
        lists += listed(customer, [int(x) for x in rng.permutation(30)[:10]])
        lists += listed(customer, [int(x) for x in rng.permutation(30)[:10]], algorithm="b")
        truth += bought(customer, [int(x) for x in rng.permutation(30)[: rng.integers(1, 8)]])
    first = measure(lists, truth, k=10)
    assert first == measure(lists[::-1], truth[::-1], k=10, threads=4)
    assert len(first) == 12
    chance = first["a", "top", DAY, "recall_at_10"]
    assert chance[1] < 1 / 3 < chance[2]


@pytest.mark.parametrize("k", [0, -1, 1.5, "10"])
def test_k_must_be_a_whole_number(k: Any) -> None:
    with pytest.raises(ValueError, match="k must be a whole number, 1 or more; got"):
        sql_of(k)
