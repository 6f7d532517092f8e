"""Which models are published, and when a build allows it."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.publishing import PublishError, find_marts, obstacle
from shops import CUSTOMERS, TOTALS, node, nodes


def names(*marts: dict[str, Any]) -> list[str]:
    return [mart.name for mart in find_marts(nodes(*marts))]


def configured(name: str, package: str = "shop", folder: str = "sales", **meta: Any) -> Any:
    changes = {
        "name": name,
        "package_name": package,
        "fqn": [package, folder, name],
        "config": {"meta": meta, "contract": {}, "materialized": "table"},
    }
    return node(name) | changes


def test_marts_of_holdfast_and_models_that_ask_for_it_are_published() -> None:
    assert names(
        CUSTOMERS,
        configured("own"),
        configured("asked", publish=True),
        configured("features", "holdfast", "features"),
        configured("kept_back", "holdfast", "marts", publish=False),
        configured("personal", "holdfast", "marts", publish=True, pii=True),
        configured("own_mart", folder="marts"),
    ) == ["asked", "customer_retention"]


def test_two_models_of_one_name_and_models_without_a_relation_are_refused() -> None:
    with pytest.raises(PublishError, match=r"model\.shop\.totals"):
        find_marts(nodes(TOTALS, configured("Totals", publish=True) | {"name": "totals"}))
    ephemeral = node("gone", config={"meta": {"publish": True}, "materialized": "ephemeral"})
    with pytest.raises(PublishError, match="ephemeral"):
        find_marts(nodes(ephemeral))
    with pytest.raises(PublishError, match="another alias"):
        find_marts(nodes(node("holdfast_manifest")))


def test_a_test_of_code_need_not_run_and_must_not_fail() -> None:
    known = nodes(CUSTOMERS)
    mart = "model.holdfast.holdfast__customer_retention"
    test = {"resource_type": "test", "name": "weekly", "depends_on": {"nodes": [mart]}}
    known["test.shop.weekly"] = test | {"tags": ["holdfast_weekly"]}
    built = [{"unique_id": mart, "status": "success"}]
    marts = find_marts(known)
    assert obstacle(known, marts, built) is None
    failed = [*built, {"unique_id": "test.shop.weekly", "status": "fail"}]
    assert obstacle(known, marts, failed) == "the test weekly: fail"
    known["test.shop.weekly"] = test | {"tags": ["slow"]}
    assert obstacle(known, marts, built) == "this run left out the test weekly"


def outcome(**status: str) -> str | None:
    known = nodes(CUSTOMERS, TOTALS)
    known["test.shop.unique"] = {
        "resource_type": "test",
        "name": "unique_customer",
        "depends_on": {"nodes": ["model.holdfast.holdfast__customer_retention", "model.shop.x"]},
    }
    known["test.shop.other"] = {
        "resource_type": "test",
        "name": "other",
        "depends_on": {"nodes": ["model.shop.x"]},
    }
    ids = {
        "customers": "model.holdfast.holdfast__customer_retention",
        "totals": "model.holdfast.holdfast__totals",
        "unique": "test.shop.unique",
        "other": "test.shop.other",
    }
    results = [{"unique_id": ids[name], "status": value} for name, value in status.items()]
    return obstacle(known, find_marts(known), results)


def test_marts_that_were_built_and_passed_their_tests_may_be_published() -> None:
    assert outcome(customers="success", totals="success", unique="pass") is None
    assert outcome(customers="success", totals="success", unique="warn", other="fail") is None


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            {"customers": "success", "totals": "error", "unique": "pass"},
            "model holdfast__totals: error",
        ),
        (
            {"customers": "success", "totals": "skipped", "unique": "pass"},
            "holdfast__totals: skipped",
        ),
        (
            {"customers": "success", "totals": "success", "unique": "fail"},
            "the test unique_customer: fail",
        ),
        ({"customers": "success", "unique": "pass"}, "left out the model holdfast__totals"),
        ({"customers": "success", "totals": "success"}, "left out the test unique_customer"),
        ({}, "left out the model holdfast__customer_retention and 2 more"),
    ],
)
def test_anything_else_is_named(status: dict[str, str], said: str) -> None:
    assert said in (outcome(**status) or "")
