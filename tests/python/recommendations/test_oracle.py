"""The SQL of TIFU-KNN and UP-CF, against the answers of Cornac: see make_oracle.py."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pytest

ROOT = Path(__file__).resolve().parents[3]
ORACLE = json.loads(Path(__file__).with_name("oracle.json").read_text(encoding="utf-8"))
PARAMETERS = ORACLE["parameters"]
BASKETS: dict[int, list[list[int]]] = {int(name): own for name, own in ORACLE["baskets"].items()}
# what Cornac computes in single precision
CLOSE = 1e-6


def answers(key: str) -> dict[int, dict[int, float]]:
    """Give what Cornac says of each customer, by product or by other customer."""
    return {
        int(customer): {int(name): value for name, value in values.items()}
        for customer, values in ORACLE[key].items()
    }


def sql_of(name: str, *arguments: Any, **named: Any) -> str:
    """Give the SQL that a macro makes."""
    returned: list[str] = []
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals["holdfast"] = SimpleNamespace()
    environment.globals["return"] = lambda value: returned.append(value) or ""
    text = (ROOT / f"macros/recommendations/{name}.sql").read_text(encoding="utf-8")
    rendered = environment.from_string(f"{text}{{{{ {name}(*arguments, **named) }}}}").render(
        arguments=arguments, named=named
    )
    return returned[0] if returned else rendered


@pytest.fixture(scope="module")
def shop() -> duckdb.DuckDBPyConnection:
    """Give the purchases as a table, with the place of each order counted from the last one."""
    rows = [
        (customer, len(own) - number, len(own), product)
        for customer, own in BASKETS.items()
        for number, basket in enumerate(own)
        for product in basket
    ]
    connection = duckdb.connect()
    connection.execute(
        "create table purchases as "
        "select timestamp '2026-06-01' as as_of, unnest(?) as customer_id, unnest(?) as position, "
        "unnest(?) as orders, unnest(?) as product_id",
        [list(column) for column in zip(*rows, strict=True)],
    )
    return connection


def ranked(scores: dict[int, float]) -> list[set[int]]:
    """Give what ranks first, second and so on; equal scores are of one rank."""
    places: list[set[int]] = []
    last = None
    for name, score in sorted(scores.items(), key=lambda pair: (-pair[1], pair[0])):
        if last is None or last - score > CLOSE:
            places.append(set())
        places[-1].add(name)
        last = score
    return places


def test_the_oracle_has_customers_of_all_lengths() -> None:
    assert sorted(len(own) for own in BASKETS.values()) == list(range(1, 31))


def test_vectors_of_tifu_knn_rank_products_as_cornac_does(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    weight = sql_of(
        "personal_frequency",
        "position",
        "orders",
        groups=PARAMETERS["groups"],
        within=PARAMETERS["within"],
        across=PARAMETERS["across"],
        whole_history=True,
    )
    found: dict[int, dict[int, float]] = {}
    for customer, product, value in shop.execute(
        f"select customer_id, product_id, sum({weight}) from purchases group by all"
    ).fetchall():
        found.setdefault(customer, {})[product] = value
    for customer, expected in answers("tifu_knn").items():
        # with fewer orders than groups Cornac's last group decays too: one factor for all products
        missing = max(PARAMETERS["groups"] - len(BASKETS[customer]), 0)
        own = {
            product: value * PARAMETERS["across"] ** missing
            for product, value in found[customer].items()
        }
        assert own == pytest.approx(expected, rel=1e-5, abs=CLOSE)
        assert ranked(found[customer]) == ranked(
            {
                product: value / PARAMETERS["across"] ** missing
                for product, value in expected.items()
            }
        )


def neighbours(shop: duckdb.DuckDBPyConnection, k: int) -> dict[int, dict[int, float]]:
    """Give the nearest customers of each customer with their similarity."""
    bought = "(select distinct as_of, customer_id, product_id from purchases)"
    sql = sql_of("nearest_customers", bought, bought, k=k, alpha=PARAMETERS["asymmetry"])
    found: dict[int, dict[int, float]] = {customer: {} for customer in BASKETS}
    for customer, other, similarity in shop.execute(
        f"select customer_id, neighbour_id, similarity from ({sql})"
    ).fetchall():
        found[customer][other] = similarity
    return found


@pytest.mark.parametrize("k", [1, 5, 29])
def test_the_nearest_customers_of_up_cf_are_those_of_cornac(
    shop: duckdb.DuckDBPyConnection, k: int
) -> None:
    expected = answers("up_cf_similarity")
    for customer, found in neighbours(shop, k).items():
        listed = ranked(expected[customer])
        count, nearest = 0, []
        for place in listed:
            nearest.append(place)
            count += len(place)
            if count >= k:
                break
        assert len(found) == min(k, len(expected[customer]))
        # all of the places before the last one, and as many of that one as there is room for
        assert set(found) <= set().union(*nearest)
        assert set().union(*nearest[:-1]) <= set(found)
        for other, similarity in found.items():
            assert similarity == pytest.approx(expected[customer][other], abs=CLOSE)


def test_what_nearest_customers_bought_ranks_products_as_up_cf_of_cornac_does(
    shop: duckdb.DuckDBPyConnection,
) -> None:
    """UP-CF@r: the similarity times the share of the last r orders that have the product."""
    recency = PARAMETERS["recency"]
    popularity = {}
    for customer, own in BASKETS.items():
        last = own[-recency:]
        counts = Counter(product for basket in last for product in basket)
        popularity[customer] = {name: count / len(last) for name, count in counts.items()}
    expected = answers("up_cf")
    for customer, found in neighbours(shop, len(BASKETS)).items():
        # the customer is there twice: as the one who asks, and as one of all customers
        scores: defaultdict[int, float] = defaultdict(float)
        for other, similarity in [*found.items(), (customer, 2.0)]:
            for product, share in popularity[other].items():
                scores[product] += similarity * share
        assert dict(scores) == pytest.approx(expected[customer], abs=1e-5)
