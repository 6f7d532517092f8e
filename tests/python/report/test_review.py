"""`holdfast review` on small warehouses made by hand."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.report import ReportError, review
from holdfast.report._review import APPROVAL_COLUMNS
from holdfast.warehouse.project import Project
from small_shop import Customer, customers, decided

MakeProject = Callable[..., Project]

SHOP = customers(Customer(n) for n in range(1, 13))


def test_what_waits_is_listed_with_all_that_a_decision_takes(project: MakeProject) -> None:
    told = review(project(SHOP, *decided(12)))
    assert told.startswith(
        "8 decisions wait for review, as of 2026-07-01. Approved and on the contact list: 1. "
        "Approved, but held back today: no_consent (1).\n"
    )
    assert "free: 4\n" in told
    assert "Ten off (action tenth): 4\n" in told
    # the largest expected profit first
    assert re.findall(r"^  (d\d+) ", told.split("To decide")[0], re.M) == [
        *("d9", "d7", "d3", "d1"),
        *("d10", "d8", "d4", "d2"),
    ]
    lines = [line.split() for line in told.splitlines()]
    ends = ["2026-07-01", "2026-07-15", "12:00:00", "crm", "Likely", "to", "stay", "with", "it"]
    assert ["d9", "9", "email", "9.00", "8.50", "to", "9.50", *ends] in lines
    # of this one only one end of the interval is known
    assert ["d1", "1", "email", "1.00", "-", *ends] in lines


def test_owners_are_told_where_there_are_any(project: MakeProject) -> None:
    built = project(SHOP, *decided(12), "update decisions set owner = null where customer_id <> 9")
    lines = [line.split() for line in review(built).splitlines()]
    [ours] = [
        line for line in lines if line[:1] == ["d9"] and "free" not in line and "8.50" in line
    ]
    assert ours[-6:] == ["crm", "Likely", "to", "stay", "with", "it"]
    built.warehouse.unlink()
    built = project(SHOP, *decided(12), "update decisions set owner = null")
    assert "owner" not in review(built)


def test_the_rows_to_write_are_shown(project: MakeProject) -> None:
    lines = [line.split() for line in review(project(SHOP, *decided(12))).splitlines()]
    assert [
        *("decision_id", "system", "action", "channel", "verdict", "decided_by", "decided_at")
    ] in lines
    at = ["2026-07-01", "23:59:59"]
    assert ["d9", "approve", "your", "name", *at] in lines
    assert ["offers", "free", "email", "approve", "your", "name", *at] in lines


def test_only_the_first_are_listed(project: MakeProject) -> None:
    told = review(project(SHOP, *decided(12)), limit=1)
    assert "free: 4, the first 1\n" in told
    assert " d9 " in told
    assert " d7 " not in told
    assert "Approvals with a problem: 2, the first 1:\n" in told
    with pytest.raises(ReportError, match="must be 1 or more; got 0"):
        review(project(), limit=0)


def test_nothing_waits(project: MakeProject) -> None:
    built = project(SHOP, *decided(12), "update decisions set status = 'proposed'")
    told = review(built)
    assert told.startswith("No decision waits for review, as of 2026-07-01.\n")
    assert "To decide" not in told


def test_contradictions_and_useless_approvals_are_told(project: MakeProject) -> None:
    built = project(
        SHOP,
        *decided(12),
        "update decisions set contradiction = 'approve (Ann), veto (Ben)' "
        "where customer_id in (6, 9)",
        "update decisions set status = 'expired' where customer_id = 9",
    )
    told = review(built)
    assert "Decisions with verdicts that contradict each other: 1." in told
    lines = [line.split() for line in told.splitlines()]
    assert ["d6", "tenth", "vetoed", "approve", "(Ann),", "veto", "(Ben)"] in lines
    assert "d991" in told
    assert "No decision has this id. Copy it from `decisions`." in told


def test_the_file_is_an_approvals_input_to_fill_in(project: MakeProject, tmp_path: Path) -> None:
    built = project(
        SHOP, *decided(12), "update decisions set reason = '=1+1' where customer_id = 2"
    )
    told = review(built, limit=1, output=tmp_path / "approvals.csv")
    assert f"Wrote {tmp_path / 'approvals.csv'} with 8 decisions." in told
    with (tmp_path / "approvals.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0])[: len(APPROVAL_COLUMNS)] == APPROVAL_COLUMNS
    assert {row["decision_id"] for row in rows} == {f"d{n}" for n in (1, 2, 3, 4, 7, 8, 9, 10)}
    by_id = {row["decision_id"]: row for row in rows}
    first = by_id["d9"]
    assert (first["customer_id"], first["action"], first["channel"]) == ("9", "free", "email")
    assert (first["verdict"], first["decided_by"], first["expires_at"]) == ("", "", "")
    # a build knows what was decided before its as-of date, and the data end on this day
    assert first["decided_at"] == "2026-07-01 23:59:59"
    assert first["to_be_sent_before"] == "2026-07-15 12:00:00"
    assert by_id["d2"]["reason"] == "'=1+1"
    with pytest.raises(ReportError, match="is a folder"):
        review(built, output=tmp_path)


@pytest.mark.parametrize("table", ["decisions", "customer_retention"])
def test_personal_ids_are_in_no_list_and_no_file(
    project: MakeProject, tmp_path: Path, table: str
) -> None:
    named = [
        statement.replace("id as customer_id", "4200 + id as customer_id")
        for statement in decided(12)
    ]
    built = project(SHOP, *named, personal=((table, "customer_id"),))
    told = review(built, output=tmp_path / "approvals.csv")
    assert " d9 " in told
    assert "4209" not in told
    assert "4209" not in (tmp_path / "approvals.csv").read_text(encoding="utf-8")


def test_a_personal_reason_is_not_told(project: MakeProject) -> None:
    built = project(SHOP, *decided(12), personal=(("decisions", "reason"),))
    assert "Likely to stay" not in review(built)


def test_without_decisions_it_says_what_to_do(project: MakeProject) -> None:
    with pytest.raises(ReportError, match="has no table decisions; name `decisions` in the var"):
        review(project(SHOP))
