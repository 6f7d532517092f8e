"""The rules of the stages: who is champion, who stands for whom, who must not score."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.registry import (
    RegisteredModel,
    RegistryError,
    Stage,
    assign_stages,
    champion_of,
    measured_model,
    twin_of,
)
from holdfast.registry._stages import check_promotable, stages_after_promotion

OLD, NEW = dt.datetime(2025, 1, 1), dt.datetime(2026, 1, 1)


def registry_row(model_id: str, stage: str = "", **changes: Any) -> dict[str, Any]:
    row = {
        "model_id": model_id,
        "task": "churn",
        "stage": stage,
        "trained_at": OLD,
        "feature_hash": "same",
        "parameters": json.dumps({"as_of_date": "2026-01-01"}),
    }
    return {**row, **changes}


def registered(model_id: str, stage: str, **noted: Any) -> RegisteredModel:
    parameters = json.dumps({"as_of_date": "2026-01-01", **noted})
    return RegisteredModel.from_row(registry_row(model_id, stage, parameters=parameters))


def test_two_champions_are_refused_with_both_ids():
    with pytest.raises(RegistryError, match="a1 and b2"):
        champion_of([registered("a1", "champion"), registered("b2", "champion")], "churn")


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
    before = [registered(model_id, stage) for model_id, stage in former.items()]
    chosen, other, baseline = (registry_row(model_id, trained_at=NEW) for model_id in new)
    rows = assign_stages(
        before, chosen, [other], [baseline] if has_baseline else [], promote=promote
    )

    ids = [row["model_id"] for row in rows]
    assert len(set(ids)) == len(ids)
    after = {model.model_id: model.row for model in before} | {row["model_id"]: row for row in rows}
    (standing,) = (key for key, row in after.items() if row["stage"] == "champion")
    assert standing == (new[0] if promote or champion is None else champion)
    for row in rows:
        assert row["trained_at"] == (OLD if row["model_id"] in former else NEW)
    for model_id, stage in former.items():
        if stage == "archived" and model_id not in new:
            assert model_id not in ids


def test_a_promotion_archives_the_former_champion_and_its_challengers():
    before = [
        registered("a", "champion"),
        registered("b", "challenger"),
        registered("c", "baseline"),
    ]
    rows = assign_stages(
        before, registry_row("x"), [registry_row("y")], [registry_row("z")], promote=True
    )
    assert {row["model_id"]: row["stage"] for row in rows} == {
        "x": "champion",
        "y": "challenger",
        "z": "baseline",
        "a": "archived",
        "b": "archived",
        "c": "archived",
    }


def test_the_first_champion_sends_the_fallback_and_its_twin_away():
    before = [registered("f", "fallback", evaluated_as="t"), registered("t", "evaluated")]
    rows = assign_stages(before, registry_row("x"), [], [], promote=True)
    assert {row["model_id"]: row["stage"] for row in rows} == {
        "x": "champion",
        "f": "archived",
        "t": "archived",
    }


def test_a_fallback_is_not_promoted():
    with pytest.raises(RegistryError, match="gives way to the first model"):
        check_promotable(registered("f", "fallback"), [registered("f", "fallback")], None)


def test_without_promotion_the_former_champion_is_not_touched():
    before = [registered("a", "champion"), registered("b", "challenger")]
    rows = assign_stages(before, registry_row("x"), [registry_row("a")], [], promote=False)
    assert {row["model_id"]: row["stage"] for row in rows} == {"x": "challenger", "b": "archived"}


def test_the_same_model_trained_again_stays_champion():
    rows = assign_stages([registered("a", "champion")], registry_row("a"), [], [], promote=False)
    assert [(row["model_id"], row["stage"]) for row in rows] == [("a", "champion")]


WHOLE, TWIN = registered("whole", "champion", evaluated_as="twin"), registered("twin", "evaluated")


def test_champion_is_looked_for_within_its_task() -> None:
    assert champion_of([WHOLE, TWIN], "churn") is WHOLE
    assert champion_of([WHOLE, TWIN], "spend") is None
    assert champion_of([TWIN], "churn") is None


def test_a_twin_stands_for_the_model_that_was_fitted_again() -> None:
    models = [registered("other", "challenger"), TWIN, WHOLE]
    assert twin_of(WHOLE, models) is measured_model(WHOLE, models) is TWIN
    # a twin that somebody removed leaves the model to speak for itself
    assert twin_of(WHOLE, [WHOLE]) is None
    assert measured_model(WHOLE, [WHOLE]) is WHOLE
    assert twin_of(TWIN, models) is None


def test_a_training_keeps_the_twin_of_the_new_champion_and_archives_that_of_the_former() -> None:
    rows = assign_stages(
        [WHOLE, TWIN], registry_row("x"), [], [], twin=registry_row("y"), promote=True
    )
    assert {row["model_id"]: row["stage"] for row in rows} == {
        "x": "champion",
        "y": "evaluated",
        "whole": "archived",
        "twin": "archived",
    }


def test_the_twin_follows_its_model_when_somebody_promotes() -> None:
    older = registered("older", "archived", as_of_date="2025-01-01", evaluated_as="its twin")
    assert stages_after_promotion(older, WHOLE) == {
        "older": Stage.CHAMPION,
        "its twin": Stage.EVALUATED,
        # the later training: archived, the next build would train at once
        "whole": Stage.CHALLENGER,
        "twin": Stage.ARCHIVED,
    }
    newer = registered("newer", "challenger", as_of_date="2026-02-01")
    assert stages_after_promotion(newer, WHOLE)["whole"] == Stage.ARCHIVED
    assert stages_after_promotion(newer, None) == {"newer": Stage.CHAMPION}


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (WHOLE, "is champion already"),
        (TWIN, "promote whole instead"),
        # whatever stage a twin has, it has not learned from the test months
        (registered("twin", "archived"), "promote whole instead"),
        (registered("alone", "evaluated"), "promote another"),
        (registered("simple", "baseline"), "there to be beaten"),
        (registered("short", "archived", horizon_days=60), "was trained for horizon_days 60"),
    ],
)
def test_what_must_not_score_is_not_promoted(model: RegisteredModel, told: str) -> None:
    champion = registered("whole", "champion", evaluated_as="twin", horizon_days=90)
    with pytest.raises(RegistryError, match=told):
        check_promotable(model, [champion, TWIN, model], champion)


def test_what_was_not_noted_keeps_no_model_from_promotion() -> None:
    older = registered("older", "archived")
    check_promotable(older, [older], registered("a", "champion", horizon_days=90))
    check_promotable(registered("x", "challenger", horizon_days=60), [], None)


def test_a_row_comes_back_to_the_letter_with_another_stage() -> None:
    # as a hand has written it, not as Python would
    row = registry_row("a", "champion", parameters='{"seed":7,  "label":"churned"}', onnx=b"file")
    model = RegisteredModel.from_row(row)
    assert model.parameters == {"seed": 7, "label": "churned"}
    assert model.onnx == b"file"
    assert model.staged(Stage.ARCHIVED) == {**row, "stage": "archived"}
    assert type(model.staged(Stage.ARCHIVED)["stage"]) is str
