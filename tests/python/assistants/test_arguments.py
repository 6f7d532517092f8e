"""What a tool takes from an assistant, and what it refuses."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from holdfast.assistants import TOOLS, AssistantsError, Tool, chosen_tools
from holdfast.assistants._arguments import Argument, checked, input_schema

CUSTOMER = Argument("customer_id", "id", "Who.", is_required=True)
LIMIT = Argument("limit", "whole", "How many.", 20, least=1, most=100)
BAND = Argument("band", "text", "Which.", choices=("high", "low"))
VALUE = Argument("value", "number", "How much.", least=0)
FLAG = Argument("flag", "flag", "Whether.", True)
ALL = (CUSTOMER, LIMIT, BAND, VALUE, FLAG)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_argument_is_described_and_no_other_is_taken(tool: Tool) -> None:
    schema = input_schema(tool.arguments)
    assert schema["additionalProperties"] is False
    assert all(told["description"] for told in schema["properties"].values())
    for name in ("sql", "query", "where", "order_by", "__proto__"):
        with pytest.raises(AssistantsError, match="no other arguments"):
            checked(tool.arguments, {name: "x"})


def test_what_is_not_given_has_its_default() -> None:
    given = checked(ALL, {"customer_id": "17", "limit": None})
    assert given == {
        "customer_id": "17",
        "limit": 20,
        "band": None,
        "value": None,
        "flag": True,
    }


@pytest.mark.parametrize("value", [17, -1, 2**70, "17", "", "C'\"\n;--", "ünï 🎈"])
def test_ids_are_text_or_whole_numbers(value: Any) -> None:
    assert checked(ALL, {"customer_id": value})["customer_id"] == value


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("customer_id", True, "must be text or a whole number"),
        ("customer_id", 17.5, "must be text or a whole number"),
        ("customer_id", ["secret"], "must be text or a whole number"),
        ("customer_id", {"secret": 1}, "must be text or a whole number"),
        ("customer_id", 2**127, "is too large"),
        ("customer_id", "secret" * 200, "must not be longer"),
        ("customer_id", "secret\ud800", "not valid Unicode"),
        ("limit", 0, "at least 1"),
        ("limit", 101, "at most 100"),
        ("limit", 2.5, "whole number"),
        ("limit", "secret", "must be a number"),
        ("limit", True, "must be a number"),
        ("limit", 10**400, "is too large"),
        ("limit", -(10**400), "is too large"),
        ("value", 10**400, "is too large"),
        ("value", float("nan"), "must be a number"),
        ("value", float("inf"), "must be a number"),
        ("value", -1, "at least 0"),
        ("band", "secret", "one of high, low"),
        ("band", 1, "must be text"),
        ("flag", "secret", "true or false"),
        ("flag", 1, "true or false"),
    ],
)
def test_other_values_are_refused_and_not_repeated(name: str, value: Any, why: str) -> None:
    with pytest.raises(AssistantsError, match=f"The argument {name} .*{why}") as told:
        checked(ALL, {"customer_id": 1, name: value})
    assert "secret" not in str(told.value)


def test_a_needed_argument_that_is_missing_is_named() -> None:
    with pytest.raises(AssistantsError, match="customer_id is missing"):
        checked(ALL, None)


def test_tools_can_be_chosen() -> None:
    assert chosen_tools() == TOOLS
    assert [tool.name for tool in chosen_tools(["support_issues"])] == ["support_issues"]
    without = {tool.name for tool in chosen_tools(without_customers=True)}
    assert {tool.name for tool in TOOLS} - without == {
        "customers_at_risk",
        "explain_customer",
        "customer_context",
        "waiting_for_review",
    }
    with pytest.raises(AssistantsError, match="no tool sql; choose from customers_at_risk"):
        chosen_tools(["sql"])
    with pytest.raises(AssistantsError, match="no tool is left"):
        chosen_tools(["explain_customer"], without_customers=True)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_no_tool_that_is_said_to_tell_no_customers_shows_an_id(tool: Tool) -> None:
    shown = {name for view in tool.views for name in view.columns}
    assert tool.tells_customers == ("customer_id" in shown)


def test_the_page_names_every_tool_and_what_it_reads() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "assistants.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", page, re.M))
    for tool in TOOLS:
        named = set(re.findall(r"\w+", rows[tool.name]))
        main = {view.table for view in tool.views} - {"churn_overview", "next_best_offer"}
        assert main <= named
    for settings in re.findall(r"^```json\n(.*?)^```", page, re.M | re.S):
        (servers,) = json.loads(settings).values()
        assert servers["holdfast"]["args"][:2] == ["mcp", "--file"]
    (toml,) = re.findall(r"^```toml\n(.*?)^```", page, re.M | re.S)
    assert tomllib.loads(toml)["mcp_servers"]["holdfast"]["args"][0] == "mcp"
