"""The doctor on a project that dbt has built."""

from __future__ import annotations

import json

import pytest

from projects import DbtProject, run

pytestmark = pytest.mark.slow


def test_a_sound_build_is_told_to_be_sound_and_nobody_is_named(built_demo: DbtProject) -> None:
    told = run("holdfast", "doctor", cwd=built_demo.directory, check=True).stdout
    assert "ok       orders: 14,293 rows, 2024-07-01 to 2026-06-30" in told
    assert "ok       orders to customers: all 14,293 rows join" in told
    assert "systems: on: campaigns, churn, decisions" in told
    assert "published file" in told
    found = json.loads(
        run("holdfast", "doctor", "--json", cwd=built_demo.directory, check=True).stdout
    )
    assert found["is_sound"] is True
    inputs = {c["name"]: c["facts"] for c in found["checks"] if c["area"] == "inputs"}
    for name, facts in inputs.items():
        assert built_demo.query(f"select count(*) from stg_holdfast__{name}") == [(facts["rows"],)]
    assert {"orders", "web_events", "subscriptions", "feedback"} <= set(inputs)


def test_what_is_broken_after_a_build_is_told_with_what_to_do(demo: DbtProject) -> None:
    published = demo.directory / "serving" / "holdfast.duckdb"
    published.unlink()
    published.write_text("no database", encoding="utf-8")
    demo.execute(
        "create or replace view stg_holdfast__feedback as select * replace (-customer_id as "
        "customer_id) from read_parquet('seeds/demo/feedback.parquet')"
    )
    demo.execute(
        "create or replace view stg_holdfast__web_events as select range as event_id, 1 as "
        "customer_id, timestamp '2999-01-01' as occurred_at from range(5)"
    )
    result = run("holdfast", "doctor", cwd=demo.directory)
    assert result.returncode == 1
    assert "ERROR    feedback to customers: 1,990 of 1,990 rows (100.0%)" in result.stdout
    assert "5 lie in the future" in result.stdout
    assert "cannot be read" in result.stdout
    assert "holdfast publish" in result.stdout
