from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.training import TrainingError, TrainingSettings
from holdfast.training._promotion import (
    assign_stages,
    find_champion,
    no_worse,
    retrain_reason,
    unfit_reason,
)

OLD, NEW = dt.datetime(2025, 1, 1), dt.datetime(2026, 1, 1)


def registry_row(model_id: str, stage: str = "", **changes: Any) -> dict[str, Any]:
    row = {
        "model_id": model_id,
        "stage": stage,
        "trained_at": OLD,
        "feature_hash": "same",
        "parameters": json.dumps({"as_of_date": "2026-01-01"}),
    }
    return {**row, **changes}


CHAMPION = registry_row("a", "champion")
LOSER = registry_row(
    "b", "challenger", feature_hash="new", parameters=json.dumps({"as_of_date": "2026-02-01"})
)


@pytest.mark.parametrize(
    ("former", "feature_hash", "day", "settings", "trains"),
    [
        ([], "same", "2026-01-01", {}, True),
        ([registry_row("a", "archived")], "same", "2026-01-01", {}, True),
        ([CHAMPION], "same", "2026-01-01", {}, False),
        ([CHAMPION], "same", "2026-01-30", {}, False),
        ([CHAMPION], "same", "2026-01-31", {}, True),
        ([CHAMPION], "same", "2025-06-01", {}, False),
        ([CHAMPION], "same", "2026-01-30", {"retrain_after_days": 29}, True),
        ([CHAMPION], "new", "2026-01-01", {}, True),
        ([CHAMPION], "same", "2026-01-01", {"retrain": True}, True),
        ([registry_row("a", "champion", parameters="{}")], "same", "2026-01-01", {}, True),
        ([registry_row("a", "champion", parameters=None)], "same", "2026-01-01", {}, True),
        # A lost challenge counts as the last training.
        ([CHAMPION, LOSER], "new", "2026-02-15", {}, False),
        ([CHAMPION, LOSER], "new", "2026-03-03", {}, True),
        ([CHAMPION, LOSER], "newer", "2026-02-15", {}, True),
    ],
)
def test_retrain_policy(
    former: list[dict[str, Any]],
    feature_hash: str,
    day: str,
    settings: dict[str, Any],
    trains: bool,
):
    reason = retrain_reason(
        former,
        feature_hash=feature_hash,
        as_of_date=dt.date.fromisoformat(day),
        settings=TrainingSettings.from_mapping(settings),
    )
    assert (reason is not None) is trains


def test_two_champions_are_refused_with_both_ids():
    with pytest.raises(TrainingError, match="a1 and b2"):
        find_champion([registry_row("a1", "champion"), registry_row("b2", "champion")], "churn")


def test_a_loss_within_rounding_is_no_worse():
    assert no_worse(0.5 + 5e-10, 0.5)
    assert not no_worse(0.5 + 2e-9, 0.5)


IDS = st.sampled_from("abcdef")


@given(
    former=st.dictionaries(IDS, st.sampled_from(["challenger", "archived", "baseline"])),
    champion=st.none() | IDS,
    new=st.lists(IDS, min_size=3, max_size=3, unique=True),
    has_baseline=st.booleans(),
    promote=st.booleans(),
)
def test_after_the_upsert_exactly_one_champion_stands(
    former: dict[str, str],
    champion: str | None,
    new: list[str],
    has_baseline: bool,
    promote: bool,
):
    if champion is not None:
        former = {**former, champion: "champion"}
    before = [registry_row(model_id, stage) for model_id, stage in former.items()]
    chosen, other, baseline = (registry_row(model_id, trained_at=NEW) for model_id in new)
    rows = assign_stages(
        before, chosen, [other], baseline if has_baseline else None, promote=promote
    )

    ids = [row["model_id"] for row in rows]
    assert len(set(ids)) == len(ids)
    after = {row["model_id"]: row for row in before} | {row["model_id"]: row for row in rows}
    (standing,) = (key for key, row in after.items() if row["stage"] == "champion")
    assert standing == (new[0] if promote or champion is None else champion)
    for row in rows:
        assert row["trained_at"] == (OLD if row["model_id"] in former else NEW)
    for model_id, stage in former.items():
        if stage == "archived" and model_id not in new:
            assert model_id not in ids


def test_a_promotion_archives_the_former_champion_and_its_challengers():
    before = [
        registry_row("a", "champion"),
        registry_row("b", "challenger"),
        registry_row("c", "baseline"),
    ]
    rows = assign_stages(
        before, registry_row("x"), [registry_row("y")], registry_row("z"), promote=True
    )
    assert {row["model_id"]: row["stage"] for row in rows} == {
        "x": "champion",
        "y": "challenger",
        "z": "baseline",
        "a": "archived",
        "b": "archived",
        "c": "archived",
    }


def test_without_promotion_the_former_champion_is_not_touched():
    before = [registry_row("a", "champion"), registry_row("b", "challenger")]
    rows = assign_stages(before, registry_row("x"), [registry_row("a")], None, promote=False)
    assert {row["model_id"]: row["stage"] for row in rows} == {"x": "challenger", "b": "archived"}


def test_the_same_model_trained_again_stays_champion():
    rows = assign_stages([CHAMPION], registry_row("a"), [], None, promote=False)
    assert [(row["model_id"], row["stage"]) for row in rows] == [("a", "champion")]


@pytest.mark.parametrize(
    ("parameters", "training_to", "why"),
    [
        ({"horizon_days": 90, "lead_days": 0}, "2025-01-01", None),
        ({"horizon_days": 60, "lead_days": 0}, "2025-01-01", "trained for horizon_days 60"),
        ({"horizon_days": 90, "lead_days": 7}, "2025-01-01", "trained for lead_days 7"),
        ({"definition": "contractual"}, "2025-01-01", "trained for definition contractual"),
        ({"label": "lapsed"}, "2025-01-01", "trained for label lapsed"),
        # the last label is over on the as-of date, and one day after it
        ({"horizon_days": 90}, "2025-10-03", None),
        ({"horizon_days": 90}, "2025-10-04", "after the as-of date"),
    ],
)
def test_a_champion_of_another_label_or_from_the_future_must_not_score(
    parameters: dict[str, object], training_to: str, why: str | None
) -> None:
    champion = {
        "model_id": "a",
        "stage": "champion",
        "feature_hash": "same",
        "parameters": json.dumps(parameters),
        "training_to": dt.datetime.fromisoformat(training_to),
    }
    settings = TrainingSettings()
    found = unfit_reason(champion, as_of_date=dt.date(2026, 1, 1), settings=settings)
    assert (found is None) if why is None else (found is not None and why in found)
    reason = retrain_reason(
        [champion], feature_hash="same", as_of_date=dt.date(2026, 1, 1), settings=settings
    )
    assert (why is None) or ("cannot score" in (reason or ""))
