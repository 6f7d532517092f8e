"""What the page of a customer holds, and of whom there is one."""

from __future__ import annotations

import base64
import json
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from holdfast.report import _people
from holdfast.warehouse.project import Project
from holdfast.warehouse.quoting import text
from small_shop import Customer, customers, data_of, page_of

MakeProject = Callable[..., Project]

HOSTILE = "</script><img src=x onerror=alert(1)> <!-- \u2028 'quoted' \\ \U0001f600"


def contexts(*rows: tuple[int | str, str | None]) -> str:
    """Give the statement that makes customer_context of these texts."""
    values = ", ".join(
        f"({text(str(customer))}, {'null' if context is None else text(context)})"
        for customer, context in rows
    )
    return (
        "create table customer_context as select customer_id, date '2026-07-01' as as_of_date, "
        f"context from (values {values}) as made (customer_id, context)"
    )


def context(customer: int | str, **parts: Any) -> str:
    """Give what is known of a customer."""
    return json.dumps(
        {"schema": "holdfast/customer_context/1", "customer": {"id": customer}} | parts
    )


def known_in(html: str) -> dict[str, dict[str, Any]]:
    """Give what a page knows of customers, by id."""
    people = data_of(html)["people"]
    if people is None:
        return {}
    known = dict(json.loads(zlib.decompress(base64.b64decode(people["packed"]))))
    assert list(known) == people["ids"]
    return known


def test_customers_in_lists_have_a_page_and_others_have_none(
    project: MakeProject, tmp_path: Path
) -> None:
    shop = customers(
        [
            Customer(1, revenue=10),
            Customer(2, revenue=20),
            Customer(3, band="low"),
            Customer(4, state="lapsed", band=None, probability=None, back=0.4),
        ]
    )
    made = contexts(*((customer, context(customer)) for customer in (1, 2, 3, 4)))
    known = known_in(page_of(project(shop, made), tmp_path))
    # the one with more at risk first, those to win back last
    assert list(known) == ["2", "1", "4"]
    assert known["4"]["customer"] == {"id": 4}


def test_without_the_table_nobody_has_a_page(project: MakeProject, tmp_path: Path) -> None:
    assert known_in(page_of(project(customers([Customer(1)])), tmp_path)) == {}


def test_hostile_texts_come_as_they_are_and_end_nothing(
    project: MakeProject, tmp_path: Path
) -> None:
    shop = customers([Customer(HOSTILE)])
    made = contexts((HOSTILE, context(HOSTILE, tickets=[{"issue": HOSTILE}])))
    html = page_of(project(shop, made), tmp_path)
    assert known_in(html)[HOSTILE]["tickets"] == [{"issue": HOSTILE}]
    assert "</script><img" not in html
    assert "onerror=alert(1)>" not in html


def test_what_is_no_context_has_no_page(project: MakeProject, tmp_path: Path) -> None:
    shop = customers([Customer(n) for n in range(1, 6)])
    made = contexts((1, None), (2, "{not JSON"), (3, "[1]"), (4, ""), (5, '{"a": NaN, "b": 1e999}'))
    html = page_of(project(shop, made), tmp_path)
    assert known_in(html) == {"5": {"a": None, "b": None}}


def test_half_a_character_is_no_reason_to_fail(project: MakeProject, tmp_path: Path) -> None:
    made = contexts((1, '{"note": "\\ud83d"}'))
    assert known_in(page_of(project(customers([Customer(1)]), made), tmp_path)) == {
        "1": {"note": "?"}
    }


def test_personal_ids_or_contexts_have_no_pages(project: MakeProject, tmp_path: Path) -> None:
    for column in ("customer_id", "context"):
        built = project(
            "create or replace " + customers([Customer(1)]).strip().removeprefix("create "),
            contexts((1, context(1))).replace("create", "create or replace", 1),
            personal=(("customer_context", column),),
        )
        assert known_in(page_of(built, tmp_path)) == {}


def test_as_many_as_fit_have_a_page_the_first_ones_first(
    project: MakeProject, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(_people, "_MOST_BYTES", 20_000)
    # what cannot be made shorter
    noise = random.Random(7)
    rows = [(n, context(n, note=noise.randbytes(400).hex())) for n in range(1, 101)]
    shop = customers([Customer(n, revenue=1000 - n) for n in range(1, 101)])
    html = page_of(project(shop, contexts(*rows)), tmp_path)
    known = known_in(html)
    assert len(data_of(html)["people"]["packed"]) <= 20_000
    assert 20 <= len(known) < 100
    assert list(known) == [str(n) for n in range(1, len(known) + 1)]
