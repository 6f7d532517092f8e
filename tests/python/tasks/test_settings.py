from __future__ import annotations

import datetime as dt

import pytest

from holdfast.errors import TrainingError
from holdfast.tasks import Recipe, Task, TaskSettings, TrainingPolicy


def test_no_settings_give_the_defaults():
    assert TaskSettings.from_mapping(None) == TaskSettings()
    assert TaskSettings.from_mapping({}).task.gap_days == 90


def test_unknown_key_is_named_with_what_is_allowed():
    with pytest.raises(TrainingError, match=r"'horizon'.*horizon_days.*lead_days"):
        TaskSettings.from_mapping({"horizon": 90})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("horizon_days", "90"),
        ("horizon_days", 0),
        ("horizon_days", True),
        ("lead_days", -1),
        ("seed", 2**32),
        ("seed", 1.0),
        ("retrain", "false"),
        ("retrain", 1),
        ("min_rows", 0),
        ("task", ""),
        ("label", None),
        ("as_of_date", "31.1.2026"),
        ("as_of_date", dt.datetime(2026, 1, 31)),
    ],
)
def test_wrong_value_is_named_and_shown(key: str, value: object):
    with pytest.raises(TrainingError) as caught:
        TaskSettings.from_mapping({key: value})
    assert repr(key) in str(caught.value)
    assert repr(value) in str(caught.value)


def test_settings_that_are_no_mapping_are_refused():
    with pytest.raises(TrainingError, match="mapping"):
        TaskSettings.from_mapping(["horizon_days"])


def test_a_date_is_accepted_as_text_and_as_date():
    day = dt.date(2026, 1, 31)
    assert TaskSettings.from_mapping({"as_of_date": "2026-01-31"}).policy.as_of_date == day
    assert TaskSettings.from_mapping({"as_of_date": day}).policy.as_of_date == day


@pytest.mark.parametrize(
    ("key", "meant"),
    [("horizon", "horizon_days"), ("exclude_feature", "exclude_features"), ("retrian", "retrain")],
)
def test_the_key_that_was_meant_is_named(key: str, meant: str):
    with pytest.raises(TrainingError, match=f"Did you mean '{meant}'"):
        TaskSettings.from_mapping({key: 1})


def test_a_key_like_no_other_is_named_without_a_guess():
    with pytest.raises(TrainingError, match=r"'zzz'\. Allowed:"):
        TaskSettings.from_mapping({"zzz": 1})


def test_every_key_goes_to_the_part_that_reads_it():
    found = TaskSettings.from_mapping({"task": "returns", "seed": 8, "min_rows": 9})
    assert found.task == Task(name="returns")
    assert found.recipe == Recipe(seed=8)
    assert found.policy == TrainingPolicy(min_rows=9)


def test_what_repeats_a_training_is_what_is_no_default():
    settings = {"task": "returns", "seed": 8, "min_rows": 9, "retrain": True, "label": "churned"}
    found = TaskSettings.from_mapping(settings).repeatable(dt.date(2026, 1, 31))
    assert found == {"task": "returns", "seed": 8, "min_rows": 9, "as_of_date": "2026-01-31"}
    again = TaskSettings.from_mapping(found)
    assert again.repeatable(dt.date(2026, 1, 31)) == found
