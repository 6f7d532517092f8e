"""The JSON of customer_context against its schema, for every customer of the demo."""

from __future__ import annotations

import json

import duckdb
from jsonschema import Draft202012Validator, FormatChecker

from projects import ROOT, DbtProject


def test_every_customer_has_a_context_of_the_schema_below_4_kb(built_demo: DbtProject) -> None:
    schema = json.loads((ROOT / "docs" / "customer_context.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    rows = built_demo.query("select cast(customer_id as varchar), context from customer_context")
    assert len(rows) == built_demo.query("select count(*) from customer_retention")[0][0]
    for customer_id, text in rows:
        context = json.loads(text)
        assert [error.message for error in validator.iter_errors(context)] == []
        assert context["customer"]["id"] == customer_id
        assert len(text.encode()) < 4096
        assert {"orders", "tickets", "decisions", "do_not"} < context.keys()


def test_hostile_texts_make_valid_json_below_4_kb(built_demo: DbtProject) -> None:
    compiled = built_demo.directory / "target/compiled/holdfast/models/marts"
    sql = (compiled / "holdfast__customer_context.sql").read_text(encoding="utf-8")
    # a text of which each character takes six bytes in JSON, and one with all that JSON quotes
    long, odd = (
        "repeat(chr(1), 5000)",
        r"""'"}],\n{"do_not": []}' || chr(0) || chr(9) || '\😀' || chr(8232)""",
    )
    texts = {
        "customer_retention": ["segment", "model_id", "reason_1", "reason_2", "reason_3"],
        "decisions": ["decision_id", "offer_name", "channel", "reason", "held_because"],
        "contact_policy": ["channel"],
        "stg_holdfast__support_tickets": ["topic"],
        "customer_value": [],
        "support_issues": ["topic"],
        "support_issue_texts": [],
        "stg_holdfast__orders": [],
    }
    with duckdb.connect() as connection:
        connection.execute(f"attach '{built_demo.warehouse}' as warehouse (read_only)")
        # views of the demo read its files by their path in the project
        connection.execute(f"set file_search_path = '{built_demo.directory}'")
        for name, columns in texts.items():
            # every second customer gets the long texts; a number keeps ids and channels apart
            half = "customer_id % 2 = 0" if name != "support_issues" else "false"
            hostile = [
                f"case when {half} then {long} else {odd} end || row_number() over () as {column}"
                for column in columns
            ]
            if name != "support_issues":
                hostile.append(f"{odd} || customer_id as customer_id")
            connection.execute(
                f"create table {name} as "
                f"select * replace ({', '.join(hostile)}) from warehouse.main.{name}"
            )
        connection.execute("update decisions set status = 'approved'")
        for name in texts:
            sql = sql.replace(f'"warehouse"."main"."{name}"', name)
        rows = connection.execute(f"select customer_id, context from ({sql})").fetchall()
        forbidden = dict(
            connection.execute(
                "select customer_id, list_distinct(list_concat(array_agg(dropped_because), "
                "array_agg(case when not is_discount_allowed then 'discount_gap' end), "
                "array_agg(case when has_refused_since then 'consent_withdrawn' end))) "
                "from contact_policy group by 1"
            ).fetchall()
        )
    assert len(rows) == built_demo.query("select count(*) from customer_retention")[0][0]
    shortened = 0
    for customer_id, text in rows:
        assert len(text.encode()) < 4096
        context = json.loads(text)
        assert context["customer"]["id"] == customer_id
        shortened += "shortened" in context
        # what is cut forbids no less than the whole
        assert {rule["code"] for rule in context["do_not"]} == set(forbidden[customer_id])
    assert 0 < shortened < len(rows)
