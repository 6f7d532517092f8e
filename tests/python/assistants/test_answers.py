"""What the tools answer: figures, their meaning, what they rest on, and texts marked as data."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from holdfast.assistants import TOOLS, PublishedFile, Tool
from holdfast.assistants._answers import answer, output_schema
from holdfast.assistants._views import View
from publications import FACTS, HOSTILE, SHOP, columns, customer, tool, write

ROOT = Path(__file__).resolve().parents[3]
# a call of each tool that finds something in the shop
CALLS: dict[str, dict[str, Any]] = {
    "customers_at_risk": {},
    "explain_customer": {"customer_id": 1},
    "customer_context": {"customer_id": 1},
    "retention_metrics": {},
    "retention_by_segment": {"segment_by": "first_channel"},
    "offer_effects": {},
    "campaign_results": {},
    "support_issues": {},
    "waiting_for_review": {},
    "data_and_models": {},
}
INJECTIONS = [
    "' or 1=1 --",
    '" or ""="',
    "1; drop table customer_retention",
    "x' union select * from read_text('/etc/hosts') --",
    "$1",
    "?",
    "%",
    "\\",
    "\x00",
    "{table}",
    HOSTILE,
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "holdfast.duckdb"


@pytest.fixture
def file(path: Path) -> Iterator[PublishedFile]:
    opened = PublishedFile(path, linger=60)
    yield opened
    opened.close()


def ask(file: PublishedFile, name: str, **sent: Any) -> dict[str, Any]:
    """Ask, and hold the answer against the schema of the tool, as JSON."""
    told = json.loads(json.dumps(answer(file, tool(name), sent), allow_nan=False))
    jsonschema.validate(told, output_schema(tool(name)))
    assert isinstance(told, dict)
    return told


def ids(told: dict[str, Any], table: str = "customer_retention") -> list[Any]:
    return [row["customer_id"] for row in told["data"][table]["rows"]]


# the manifest is written by publishing, not by a model
VIEWS = [
    (each.name, view) for each in TOOLS for view in each.views if view.table != "holdfast_manifest"
]


@pytest.mark.parametrize(("name", "view"), VIEWS, ids=[f"{n}-{v.table}" for n, v in VIEWS])
def test_the_columns_are_those_that_the_models_declare(name: str, view: View) -> None:
    (yml,) = ROOT.glob(f"models/**/holdfast__{view.table}.yml")
    (model,) = yaml.safe_load(yml.read_text())["models"]
    declared = {column["name"]: column for column in model["columns"]}
    assert set(view.columns) <= set(declared)
    assert model["config"]["meta"]["publish"] is True
    assert not [n for n in view.columns if (declared[n].get("config") or {}).get("meta")]
    # what is not text of ours is marked as data
    for column, kind in view.columns.items():
        dtype = declared[column]["data_type"]
        expected = {"boolean": {"flag"}, "date": {"date"}, "timestamp": {"date"}, "id": {"id"}}
        allowed = expected.get(
            dtype, {"code", "text", "json", "id"} if dtype == "varchar" else {"number", "whole"}
        )
        assert kind in allowed, f"{column} is {dtype}"


@pytest.mark.parametrize("each", TOOLS, ids=lambda each: each.name)
def test_an_answer_says_what_it_rests_on_and_what_its_figures_mean(
    each: Tool, path: Path, file: PublishedFile
) -> None:
    write(path)
    told = ask(file, each.name, **CALLS[each.name])
    assert told["status"] == "ok"
    assert told["as_of_date"] == "2026-07-01"
    assert told["model_id"] == "model 1"
    assert told["published_at"] == "2026-07-01T06:00:00Z"
    assert told["currency"] == "EUR"
    assert told["missing"] == []
    for table, section in told["data"].items():
        if table == "note":
            assert "never an instruction" in section
            continue
        assert told["definitions"][table]["about"] == f"The table {table}."
        for row in section["rows"]:
            for column in {*row, *row.get("untrusted_text", ())} - {"untrusted_text"}:
                defined = told["definitions"][table]["columns"][column]
                assert defined == f"The {column} of {table}."


def test_those_at_risk_are_the_most_valuable_who_can_be_kept(
    path: Path, file: PublishedFile
) -> None:
    write(path)
    told = ask(file, "customers_at_risk")
    assert ids(told) == [1, 2]
    assert ids(told, "contact_policy") == [1, 2]
    assert [row["is_contactable"] for row in told["data"]["contact_policy"]["rows"]] == [
        False,
        True,
    ]
    assert ids(ask(file, "customers_at_risk", only_keepable=False)) == [1, 2, 3]
    assert ids(ask(file, "customers_at_risk", segment="Slipping")) == [2]
    assert ids(ask(file, "customers_at_risk", risk_band="high")) == [1]
    assert ids(ask(file, "customers_at_risk", minimum_value_at_risk=101)) == [1]
    cut = ask(file, "customers_at_risk", limit=1)["data"]["customer_retention"]
    assert (len(cut["rows"]), cut["total"], cut["is_cut_off"]) == (1, 2, True)


def test_without_anybody_the_groups_that_there_are_are_told(
    path: Path, file: PublishedFile
) -> None:
    write(path)
    told = ask(file, "customers_at_risk", segment="None of these")
    assert told["status"] == "nothing_found"
    assert told["data"]["churn_overview"]["rows"] == [
        {"risk_band": "high", "customers": 4, "untrusted_text": {"segment": "Champions"}}
    ]
    told = ask(file, "retention_by_segment", segment_by="nothing")
    assert told["message"] == (
        "No cohort matches. This publication has the groupings: first_channel."
    )


def test_retention_is_by_the_definition_of_the_project(path: Path, file: PublishedFile) -> None:
    write(path)

    def months(**sent: Any) -> list[tuple[str, str]]:
        rows = ask(file, "retention_metrics", **sent)["data"]["retention_metrics"]["rows"]
        return [(row["month"], row["churn_definition"]) for row in rows]

    assert months(months=2) == [
        ("2026-06-01", "non_contractual"),
        ("2026-05-01", "non_contractual"),
    ]
    assert months(months=1, churn_definition="contractual") == [("2026-06-01", "contractual")]


def test_issues_have_their_last_weeks(path: Path, file: PublishedFile) -> None:
    write(path)
    told = ask(file, "support_issues", weeks=2)["data"]
    assert [row["topic_id"] for row in told["support_issues"]["rows"]] == [1, 2]
    assert {row["week"] for row in told["support_issue_trends"]["rows"]} == {
        "2026-06-15",
        "2026-06-22",
    }
    told = ask(file, "support_issues", only_unusual=True)["data"]
    assert [row["topic_id"] for row in told["support_issues"]["rows"]] == [2]
    told = ask(file, "support_issues", topic_id="1")["data"]
    assert {row["topic_id"] for row in told["support_issue_trends"]["rows"]} == {1}


def test_weeks_are_those_of_the_issues_listed(path: Path, file: PublishedFile) -> None:
    first = dt.date(2026, 6, 22)
    weeks = [(first - dt.timedelta(days=7 * age)).isoformat() for age in range(52)]
    write(
        path,
        {
            "support_issues": [
                {"topic_id": topic, "status": "current", "texts": 100 - topic}
                for topic in range(1, 37)
            ],
            "support_issue_trends": [
                # those that are listed last have the largest weeks
                {"topic_id": topic, "week": week, "texts": topic, "is_unusual": topic in (30, 31)}
                for topic in range(1, 37)
                for week in weeks[: 52 if topic <= 10 else 8]
            ],
        },
    )

    def given(**sent: Any) -> tuple[dict[str, Any], set[Any], set[str]]:
        data = ask(file, "support_issues", **sent)["data"]
        trends = data["support_issue_trends"]
        listed = {row["topic_id"] for row in data["support_issues"]["rows"]}
        assert {row["topic_id"] for row in trends["rows"]} == listed
        return trends, listed, {row["week"] for row in trends["rows"]}

    trends, listed, told = given(limit=36)
    assert (len(trends["rows"]), len(listed)) == (36 * 8, 36)
    assert told == set(weeks[:8])
    trends, listed, told = given(limit=3)
    assert (len(trends["rows"]), listed, told) == (3 * 8, {1, 2, 3}, set(weeks[:8]))
    assert given(only_unusual=True, limit=1)[1] == {30}
    assert given(topic_id=36)[1] == {36}
    # beyond what an answer holds, the newest weeks are told, and that there are more
    trends, _, told = given(limit=10, weeks=52)
    assert (len(trends["rows"]), trends["total"], trends["is_cut_off"]) == (480, 520, True)
    assert told == set(weeks[:48])
    assert "480 rows at most" in tool("support_issues").description


def test_without_the_issues_there_are_still_weeks(path: Path, file: PublishedFile) -> None:
    write(path, without=["support_issues"])
    told = ask(file, "support_issues", only_unusual=True)
    assert {row["topic_id"] for row in told["data"]["support_issue_trends"]["rows"]} == {2}
    assert [missing["table"] for missing in told["missing"]] == ["support_issues"]


def test_what_works_what_waits_and_what_is_trusted(path: Path, file: PublishedFile) -> None:
    write(path)
    told = ask(file, "offer_effects")["data"]
    assert [row["offer_id"] for row in told["offer_effects"]["rows"]] == [2, 1]
    assert told["next_best_offer"]["rows"] == [
        {"offer_id": 2, "untrusted_text": {"offer_name": "Gift"}}
    ]
    assert ask(file, "campaign_results", only_estimated=True)["status"] == "nothing_found"
    assert [
        row["decision_id"] for row in ask(file, "waiting_for_review")["data"]["decisions"]["rows"]
    ] == ["d1"]
    told = ask(file, "data_and_models")
    assert told["message"].startswith("The data count up to 2026-07-01, ")
    assert [row["stage"] for row in told["data"]["model_performance"]["rows"]] == ["champion"]
    assert [row["feature"] for row in told["data"]["feature_drift"]["rows"]] == ["large"]
    told = ask(file, "data_and_models", all_models=True)
    assert len(told["data"]["model_performance"]["rows"]) == 2


@pytest.mark.parametrize("sent", INJECTIONS)
def test_an_argument_is_never_part_of_a_query(sent: str, path: Path, file: PublishedFile) -> None:
    write(path)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    tried = 0
    for each in TOOLS:
        for argument in each.arguments:
            if argument.kind in ("id", "text") and not argument.choices:
                told = ask(file, each.name, **CALLS[each.name] | {argument.name: sent})
                if each.name in ("waiting_for_review", "data_and_models"):
                    assert "decisions" not in told["data"] or not ids(told, "decisions")
                else:
                    assert told["status"] == "nothing_found", f"{each.name} {argument.name}"
                tried += 1
    assert tried >= 12
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


@pytest.mark.parametrize(
    ("dtype", "stored", "asked"),
    [
        ("bigint", 17, [17, "17"]),
        ("integer", -3, [-3, "-3"]),
        ("hugeint", 12345678901234567890, [12345678901234567890, "12345678901234567890"]),
        ("varchar", "007", ["007"]),
        ("varchar", "7", [7, "7"]),
        ("varchar", 'O\'Brien; --\n"x"', ['O\'Brien; --\n"x"']),
        ("varchar", "ünï 🎈", ["ünï 🎈"]),
        ("varchar", "", [""]),
        ("uuid", "0b2c8a4e-5f7d-4a43-9d56-2f8f3a1b6c7d", ["0b2c8a4e-5f7d-4a43-9d56-2f8f3a1b6c7d"]),
        ("decimal(38,0)", 12345678901234567890, ["12345678901234567890"]),
    ],
)
def test_ids_of_every_shape_are_found(
    dtype: str, stored: Any, asked: list[Any], path: Path, file: PublishedFile
) -> None:
    write(
        path,
        {
            "customer_retention": [customer(stored)],
            "contact_policy": [{"customer_id": stored, "channel": "email"}],
        },
        types={"customer_id": dtype},
    )
    for given in asked:
        told = ask(file, "explain_customer", customer_id=given)
        assert told["status"] == "ok"
        # what it gives can be asked again, and is exact in JavaScript, too
        (shown,) = ids(told)
        assert str(shown) == str(stored)
        assert isinstance(shown, str) or abs(shown) < 2**53
        assert ids(ask(file, "explain_customer", customer_id=shown)) == [shown]
    assert len(ids(ask(file, "customers_at_risk"), "contact_policy")) == 1


@pytest.mark.parametrize(
    "given", ["07", "+7", "7.0", " 7", "\u0667", "7 ", "1e1", 10**30, "9" * 50]
)
def test_an_id_is_found_only_as_it_is_written(given: Any, path: Path, file: PublishedFile) -> None:
    write(path, {"customer_retention": [customer(7), customer(10)]})
    assert ask(file, "explain_customer", customer_id=given)["status"] == "nothing_found"


def test_hostile_texts_come_back_as_data_and_marked(path: Path, file: PublishedFile) -> None:
    hidden = "A\u202eB\u200bC\U000e0041D\x07E\nF"
    write(
        path,
        {
            "customer_retention": [
                customer(1, segment=HOSTILE, reason_1=hidden, reason_2="x" * 5000)
            ],
            "customer_context": [
                {"customer_id": 1, "context": json.dumps({"tickets": [{"issue": HOSTILE}]})}
            ],
            "support_issues": [{"topic_id": 1, "topic": HOSTILE, "typical_text": HOSTILE}],
            "decisions": [
                {"decision_id": "d", "customer_id": 1, "status": "needs_review", "reason": HOSTILE}
            ],
        },
    )
    for name in ("customers_at_risk", "explain_customer", "customer_context", "support_issues"):
        told = ask(file, name, **CALLS[name])
        assert HOSTILE in json.dumps(told)
        for table, section in told["data"].items():
            for row in [] if table == "note" else section["rows"]:
                row.pop("untrusted_text", None)
        assert HOSTILE not in json.dumps(told)
    texts = ask(file, "customers_at_risk")["data"]["customer_retention"]["rows"][0][
        "untrusted_text"
    ]
    assert texts["reason_1"] == "ABCDE\nF"
    assert len(texts["reason_2"]) == 1000


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ('{"a": [1, {"b": "c\u202e"}], "n": NaN}', {"a": [1, {"b": "c"}], "n": None}),
        ('{"id": 12345678901234567890}', {"id": "12345678901234567890"}),
        ("no JSON", "no JSON"),
        ("[" * 5000, "[" * 999 + "…"),
        (json.dumps({"x": "y" * 20_000}), '{"x": "' + "y" * 992 + "…"),
    ],
)
def test_a_context_is_json_or_else_text(
    stored: str, told: Any, path: Path, file: PublishedFile
) -> None:
    write(path, {"customer_context": [{"customer_id": 1, "context": stored}]})
    (row,) = ask(file, "customer_context", customer_id=1)["data"]["customer_context"]["rows"]
    assert row["untrusted_text"]["context"] == told


def test_figures_that_json_does_not_know_are_left_out(path: Path, file: PublishedFile) -> None:
    row = customer(1, churn_percentile=float("nan"), revenue_365d=float("inf"), trigger=None)
    write(path, {"customer_retention": [row]})
    (told,) = ask(file, "customers_at_risk")["data"]["customer_retention"]["rows"]
    assert not {"churn_percentile", "revenue_365d", "trigger"} & told.keys()


@pytest.mark.parametrize("each", TOOLS, ids=lambda each: each.name)
def test_a_publication_without_the_tables_is_a_clear_answer(
    each: Tool, path: Path, file: PublishedFile
) -> None:
    tables = [table for table in columns() if table != "holdfast_manifest"]
    write(path, {}, without=tables)
    told = ask(file, each.name, **CALLS[each.name])
    if each.name == "data_and_models":
        # there is always a publication to speak of
        assert told["status"] == "ok"
    else:
        assert told["status"] == "not_available"
        assert "This publication has no table" in told["message"]
    assert {missing["table"] for missing in told["missing"]} <= set(tables)
    assert told["missing"]


def test_half_of_the_systems_is_half_of_the_answer(path: Path, file: PublishedFile) -> None:
    write(path, without=["customer_value", "decisions", "contact_policy"])
    told = ask(file, "explain_customer", customer_id=1)
    assert told["status"] == "ok"
    assert {missing["table"] for missing in told["missing"]} == {
        "customer_value",
        "decisions",
        "contact_policy",
    }


def test_a_file_of_an_earlier_version_lacks_columns(path: Path, file: PublishedFile) -> None:
    lacking = [
        "customer_retention.value_at_risk",
        "customer_retention.suggested_action",
        "holdfast_manifest.currency",
        "retention_metrics.is_project_definition",
    ]
    write(path, without=lacking)
    told = ask(file, "customers_at_risk")
    assert told["status"] == "ok"
    assert told["currency"] is None
    # without the value, those with the highest risk come first
    assert ids(told) == [1, 2]
    assert told["missing"] == [
        {
            "table": "customer_retention",
            "columns": ["value_at_risk", "suggested_action"],
            "why": "Another version of Holdfast published the file.",
        }
    ]
    told = ask(file, "customers_at_risk", minimum_value_at_risk=1)
    assert told["status"] == "not_available"
    assert "no column value_at_risk to search by" in told["message"]
    assert ask(file, "retention_metrics")["status"] == "not_available"
    assert ask(file, "retention_metrics", churn_definition="contractual")["status"] == "ok"


def test_a_column_of_another_type_is_no_error(path: Path, file: PublishedFile) -> None:
    rows = {"customer_retention": [customer(1, churn_probability="a lot", is_keepable="true")]}
    write(path, rows, types={"churn_probability": "varchar", "days_since_order": "boolean"})
    (row,) = ask(file, "customers_at_risk")["data"]["customer_retention"]["rows"]
    assert "churn_probability" not in row


def test_the_shop_has_only_columns_that_are_shown_or_searched() -> None:
    declared = columns()
    for table, rows in SHOP.items():
        assert set().union(*rows) <= set(declared[table])


def test_the_facts_are_those_of_the_file(path: Path, file: PublishedFile) -> None:
    write(path, facts=FACTS | {"as_of_date": None, "model_id": None, "currency": ""})
    told = ask(file, "data_and_models")
    assert (told["as_of_date"], told["model_id"], told["currency"]) == (None, None, None)
