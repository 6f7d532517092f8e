"""What the report shows of decisions that wait for a person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.warehouse.project import Project
from small_shop import Customer, customers, data_of, decided, listed_in, page_of
from test_systems import text_of

MakeProject = Callable[..., Project]

COUNT = 60
SHOP = customers(Customer(n) for n in range(1, COUNT + 1))


def test_the_section_is_there_when_something_was_decided(
    project: MakeProject, tmp_path: Path
) -> None:
    built = project(SHOP, *decided(0), "delete from approval_problems")
    assert "#review" not in page_of(built, tmp_path)


def test_what_waits_is_counted_and_listed(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(SHOP, *decided(COUNT), meta={"currency": "EUR"}), tmp_path)
    told = text_of(html, "review")
    assert "40 decisions wait for review, as of 2026-07-01." in told
    assert "Approved, but held back today: no_consent (1)." in told
    # 1 + 3 + 7 + 9 + … + 57 and 2 + 4 + 8 + 10 + … + 58
    assert "free 20 580 15 July 2026" in told
    assert "Ten off 20 600 15 July 2026" in told
    rows = listed_in(html, "review")
    assert len(rows) == 40
    assert rows[0] == {
        "id": "58",
        "offer": "Ten off",
        "why": "Likely to stay with it",
        "channel": "email",
        "profit": 58.0,
        "lower": 57.5,
        "upper": 58.5,
        "due": "2026-07-01",
        "expires": "2026-07-15",
        "decision": "d58",
    }
    # no attribute of the customers
    assert data_of(html)["lists"]["review"]["total"] == ["profit", "expected profit"]
    assert "No decision has this id. Copy it from decisions . 2" in told


def test_it_is_a_step_to_take(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(SHOP, *decided(COUNT)), tmp_path)
    assert "40 decisions wait for a person" in text_of(html, "next")
    assert 'data-shows="review"' in html


def test_few_customers_of_an_action_are_not_told_apart(
    project: MakeProject, tmp_path: Path
) -> None:
    rare = "update decisions set action = 'rare ' || customer_id, offer_name = null"
    built = project(SHOP, *decided(COUNT), f"{rare} where customer_id <= 4")
    assert "other 4 " not in text_of(page_of(built, tmp_path), "review")
    built.warehouse.unlink()
    built = project(SHOP, *decided(COUNT), f"{rare} where customer_id <= 16")
    told = text_of(page_of(built, tmp_path), "review")
    assert "other 12 " in told
    assert "rare" not in told.split("Decisions that wait ")[0]


@pytest.mark.parametrize("table", ["decisions", "customer_retention"])
def test_personal_ids_are_not_listed(project: MakeProject, tmp_path: Path, table: str) -> None:
    html = page_of(project(SHOP, *decided(COUNT), personal=((table, "customer_id"),)), tmp_path)
    assert "review" not in data_of(html)["lists"]
    assert "40 decisions wait" in text_of(html, "review")
    assert 'data-shows="review"' not in html
