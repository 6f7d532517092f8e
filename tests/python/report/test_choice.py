"""Why the champion is in use where another model looks better on a figure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from holdfast.report._choice import choice
from holdfast.report._tables import Tables, open_tables
from holdfast.warehouse.project import Project

NOTED = {
    "twin": {"validation": {"log_loss": 0.4695}},
    "rival": {"validation": {"log_loss": 0.4706}},
}


def model(model_id: str, stage: str, **figures: float | None) -> dict[str, Any]:
    """Give a row of model_performance."""
    names = ("auroc", "top_decile_lift", "expected_calibration_error", "log_loss")
    row: dict[str, Any] = dict.fromkeys(names, 0.5)
    for name in names:
        row[f"{name}_lower"] = row[f"{name}_upper"] = None
    algorithm = "blend" if stage == "champion" else "hist_gradient_boosting"
    row |= {"model_id": model_id, "stage": stage, "algorithm": algorithm, "evaluated_as": None}
    return row | figures


CHAMPION = model("champion", "champion", auroc=0.81, auroc_lower=0.79, auroc_upper=0.83)
CHAMPION["evaluated_as"] = "twin"


@pytest.fixture
def tables(project: Callable[..., Project]) -> Iterator[Callable[[dict[str, Any]], Tables]]:
    """Give a function that makes a registry in which these notes on models stand."""
    opened = []

    def make(notes: dict[str, Any]) -> Tables:
        rows = ", ".join(
            f"('churn', '{name}', '{json.dumps(noted)}'::json)" for name, noted in notes.items()
        )
        made = open_tables(
            project(
                "create table model_registry as from "
                f"(values {rows}) as made (task, model_id, metrics)"
            )
        )
        opened.append(made)
        return made.__enter__()

    yield make
    for made in opened:
        made.__exit__(None, None, None)


def test_nothing_is_explained_where_the_champion_leads(tables: Any) -> None:
    rival = model("rival", "challenger", auroc=0.80)
    assert choice(tables(NOTED), CHAMPION, [("all", [CHAMPION, rival])]) == []


def test_a_difference_that_the_table_does_not_show_is_none(tables: Any) -> None:
    rival = model("rival", "challenger", auroc=0.8104)
    assert choice(tables(NOTED), CHAMPION, [("all", [CHAMPION, rival])]) == []


def test_rule_figures_and_intervals_are_told(tables: Any) -> None:
    rival = model("rival", "challenger", auroc=0.82, auroc_lower=0.80, auroc_upper=0.84)
    rule, told = choice(tables(NOTED), CHAMPION, [("all", [CHAMPION, rival])])
    assert "lowest log loss on validation months" in rule
    assert "ranking (AUROC) 0.820 (0.800 to 0.840), against 0.810 (0.790 to 0.830)" in told
    assert "log loss was 0.4706, and that of blend of models 0.4695" in told
    assert "The 95% intervals overlap" in told


def test_a_rival_that_is_clearly_better_is_worth_a_look(tables: Any) -> None:
    rival = model("rival", "challenger", auroc=0.9, auroc_lower=0.88, auroc_upper=0.92)
    told = choice(tables(NOTED), CHAMPION, [("all", [CHAMPION, rival])])[-1]
    assert "do not overlap" in told
    assert "`holdfast models promote rival`" in told


def test_a_calibration_error_is_better_when_it_is_lower(tables: Any) -> None:
    groups = [
        ("those", [CHAMPION, model("rival", "challenger", expected_calibration_error=0.4)]),
        ("all", [CHAMPION, model("rival", "challenger", expected_calibration_error=0.6)]),
    ]
    told = choice(tables(NOTED), CHAMPION, groups)[-1]
    assert "looks better on calibration error among those 40.0%, against 50.0%." in told
    # without intervals nothing is said of chance
    assert "interval" not in told


def test_a_challenger_that_lost_is_told_with_what_was_compared(tables: Any) -> None:
    compared = {
        "former_champion": "champion",
        "log_loss_difference": 0.003,
        "lower": -0.0001,
        "upper": 0.0061,
        "share_worse": 0.97,
        "row_count": 1790,
    }
    notes = {**NOTED, "rival": {"comparison": compared}}
    rival = model("rival", "challenger", auroc=0.80)
    [told] = choice(tables(notes), CHAMPION, [("all", [CHAMPION, rival])])
    assert "did not replace the one in use" in told
    assert "On 1,790 rows its log loss was 0.0030 higher" in told
    assert "(95% interval -0.0001 to +0.0061), and higher in 97% of the samples" in told
    assert "ranking (AUROC) 0.800 against 0.810 (0.790 to 0.830)" in told
