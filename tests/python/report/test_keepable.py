"""Reports about those who can still be kept: headline, list, next steps, win-back, states."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from holdfast.report._lifecycle import _sizes
from holdfast.warehouse.project import Project
from small_shop import Customer, customers, data_of, listed_in, page_of

MakeProject = Callable[..., Project]

SHOP = (
    Customer(1, "slipping", "high", 0.8, 100, action="Send a reminder"),
    Customer(2, "on_rhythm", "medium", 0.4, 200, action="Call them"),
    Customer(3, "on_rhythm", "medium", 0.5, 10, action="Send a reminder"),
    Customer(4, "new", "low", 0.1, 300),
    Customer(5, "lapsed", None, 0.95, 5000, back=0.2),
    Customer(6, "lapsed", None, 0.99, 5000, back=0.6),
    Customer(7, "lapsed", None, None, 0),
)
CUSTOMERS = customers(SHOP)
LIFECYCLE = """
    create table customer_lifecycle as
    select *, 'non_contractual' as churn_definition,
        state not in ('lapsed', 'never_ordered') as is_keepable
    from (
        values
            (1, 'new', timestamp '2026-01-10', timestamp '2026-02-20'),
            (1, 'on_rhythm', timestamp '2026-02-20', timestamp '2026-05-02'),
            (1, 'slipping', timestamp '2026-05-02', null),
            (2, 'new', timestamp '2026-01-31', timestamp '2026-01-31'),
            (2, 'lapsed', timestamp '2026-01-31', null)
    ) as made (customer_id, state, entered_at, left_at)
"""


def test_headline_and_list_leave_out_who_is_lost(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(CUSTOMERS), tmp_path)
    # 80 + 80 + 5 + 30 of 610; the lapsed would add ten thousand
    assert "Of 4 scored customers who can still be kept, 1 is at high risk of leaving." in html
    told = "At stake is 195 of the 610 that they are expected to spend in the next 365 days."
    assert told in html
    assert "buying nothing in the horizon" in html
    rows = listed_in(html)
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert [row["state"] for row in rows] == ["slipping", "on_rhythm", "on_rhythm"]
    assert rows[0]["expected"] == "2026-07-05"


def test_amounts_have_the_currency_of_the_project(project: MakeProject, tmp_path: Path) -> None:
    built = project(CUSTOMERS, meta={"currency": "CHF", "locale": "de"})
    html = page_of(built, tmp_path)
    assert "At stake is CHF\u00a0195 of the CHF\u00a0610 that they are expected" in html
    assert "Value at risk (CHF)" in html
    assert "Amounts are in CHF." in html
    data = data_of(html)
    # spreadsheets in Germany expect these
    assert data["csv"] == {"separator": ";", "decimal": ","}
    assert (data["currency"], data["language"]) == ("CHF", "de")
    assert data_of(page_of(project_without(built), tmp_path))["csv"]["separator"] == ","


def project_without(project: Project) -> Project:
    """Take a project's currency and locale away."""
    for node in project.manifest["nodes"].values():
        node["config"] = {}
    return project


def test_next_steps_are_grouped_by_the_suggested_action(
    project: MakeProject, tmp_path: Path
) -> None:
    html = page_of(project(CUSTOMERS), tmp_path)
    steps = re.findall(r"<li><h3[^>]*>(.*?)</h3><p>(.*?)</p>", html)
    assert [title for title, _ in steps] == [
        "Contact those at high risk first",
        "Send a reminder",
        "Call them",
        "Win back lapsed customers separately",
        "Leave a random tenth out, and compare",
    ]
    assert "Suggested for 2 customers at high or medium risk, with 85.00 of value" in steps[1][1]
    assert "3 customers have lapsed" in steps[3][1]
    assert 'data-field="action" data-value="Send a reminder"' in html


def test_the_lapsed_have_a_list_of_their_own(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(CUSTOMERS), tmp_path)
    rows = listed_in(html, "winback")
    assert [(row["id"], row["probability"], row["value"]) for row in rows] == [
        ("6", 0.6, 30.0),
        ("5", 0.2, 10.0),
    ]
    assert "3 customers have lapsed. 2 of them have a return probability" in html


def test_personal_ids_are_in_no_list(project: MakeProject, tmp_path: Path) -> None:
    personal = (("customer_retention", "customer_id"),)
    html = page_of(project(CUSTOMERS, personal=personal), tmp_path)
    assert data_of(html)["lists"] == {}
    assert "3 customers have lapsed. They cannot be listed" in html
    # nor are groups of one or two customers told apart
    assert "Suggested for" not in html


def test_without_states_the_definition_of_churn_tells_who_is_lost(
    project: MakeProject, tmp_path: Path
) -> None:
    built = project(
        customers(SHOP, without=("lifecycle_state", "suggested_action")),
        "alter table customer_retention rename column is_keepable to is_active",
        "update customer_retention set risk_band = 'high'",
    )
    html = page_of(built, tmp_path)
    assert "Of 4 scored customers who can still be kept" in html
    assert "These tables have no lifecycle states yet" in html
    assert "These tables were built without lifecycle states" in html
    data = data_of(html)
    assert {row["id"] for row in data["lists"]["customers"]["rows"]} == {"1", "2", "3", "4"}
    keys = [column["key"] for column in data["lists"]["customers"]["columns"]]
    assert "state" not in keys
    assert "action" not in keys


def test_change_is_told_against_who_could_be_kept_then(
    project: MakeProject, tmp_path: Path
) -> None:
    html = page_of(
        project(
            CUSTOMERS,
            LIFECYCLE,
            """
            create table churn_scores as
            select customer_id, timestamp '2026-06-01' as as_of, 'scored' as status,
                'high' as risk_band, 0.5 as churn_probability
            from (values (1), (2)) as made (customer_id)
            """,
        ),
        tmp_path,
    )
    # customer 2 had lapsed by then: one at high risk, and one now
    assert "the same as on 1 June 2026" in html


def test_moves_are_told_by_month_and_together(project: MakeProject, tmp_path: Path) -> None:
    moves = """
        create table lifecycle_transitions as
        select *, true as is_project_definition, month < '2026-07-01' as is_complete
        from (
            values
                (date '2026-05-01', 'on_rhythm', 'slipping', 12),
                (date '2026-05-01', 'slipping', 'lapsed', 30),
                (date '2026-06-01', 'on_rhythm', 'slipping', 20),
                (date '2026-06-01', 'asleep', '<b>odd</b>', 4),
                (date '2026-06-01', 'other', 'other', 11),
                (date '2026-07-01', 'slipping', 'lapsed', 5)
        ) as made (month, from_state, to_state, customers)
    """
    html = page_of(project(CUSTOMERS, moves), tmp_path)
    flow = data_of(html)["flow"]
    assert [period["name"] for period in flow["periods"]] == [
        "June 2026",
        "May 2026",
        "2 months together",
    ]
    assert flow["moves"]["2026-05-01"] == [
        ["slipping", "lapsed", 30],
        ["on_rhythm", "slipping", 12],
    ]
    assert ["on_rhythm", "slipping", 32] in flow["moves"]["all"]
    assert flow["rare"] == {"2026-06-01": 11, "all": 11}
    # known states in the order of a life, then those that are not known
    assert [state["key"] for state in flow["states"]] == [
        "on_rhythm",
        "slipping",
        "lapsed",
        "<b>odd</b>",
        "asleep",
    ]
    assert "<b>odd" not in html


def test_sizes_of_states_add_up_over_the_months(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(CUSTOMERS, LIFECYCLE), tmp_path)
    assert "Now: 1 slipping, 1 lapsed." in html
    assert "states" in data_of(html)["charts"]
    rows = _sizes(
        [
            {"month": "2026-01-01", "state": "new", "customers": 2},
            {"month": "2026-01-01", "state": "lapsed", "customers": 1},
            {"month": "2026-02-01", "state": "new", "customers": -2},
            {"month": "2026-02-01", "state": "on_rhythm", "customers": 2},
        ]
    )
    assert [(row["month"], row["state"], row["customers"]) for row in rows] == [
        ("2026-01-01", "new", 2),
        ("2026-01-01", "lapsed", 1),
        ("2026-02-01", "lapsed", 1),
        ("2026-02-01", "on_rhythm", 2),
    ]


def test_a_fallback_is_told_and_its_list_has_no_reasons(
    project: MakeProject, tmp_path: Path
) -> None:
    parameters = json.dumps({"horizon_days": 30, "missing": "two more months"})
    html = page_of(
        project(
            CUSTOMERS,
            "update customer_retention set status = 'scored_by_fallback', reason_1 = null, "
            "suggested_action = null, risk_band = 'medium'",
            f"""
            create table model_registry as
            select 'churn' as task, 'rule' as model_id, 'fallback' as stage,
                'bg_nbd_fallback' as algorithm, '{parameters}' as parameters, null as metrics
            """,
            "create table model_performance (task varchar, algorithm varchar, stage varchar, "
            "model_id varchar, evaluated_as varchar, trained_at timestamp, training_to timestamp, "
            "split varchar, row_count bigint, base_rate double, mean_probability double, "
            "auroc double, auroc_lower double, auroc_upper double, log_loss double, "
            "expected_calibration_error double, top_decile_lift double)",
        ),
        tmp_path,
    )
    told = "so a simple rule scores: buying habit (BG/NBD). What is missing: two more months."
    # at the top, and where the figures of a model would be
    assert html.count(told) == 2
    assert "none is at high risk of leaving" in html
    assert "buying nothing in the next 30 days" in html
    keys = [column["key"] for column in data_of(html)["lists"]["customers"]["columns"]]
    assert not {"reasons", "action"} & set(keys)
    assert "Reasons say" not in html
