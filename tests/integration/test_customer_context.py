"""The JSON of customer_context against its schema, for every customer of the demo."""

from __future__ import annotations

import json

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
