from __future__ import annotations

import datetime as dt

import pytest

from holdfast.training import TrainingError, TrainingSettings


def test_no_settings_give_the_defaults():
    assert TrainingSettings.from_mapping(None) == TrainingSettings()
    assert TrainingSettings.from_mapping({}).gap_days == 90


def test_unknown_key_is_named_with_what_is_allowed():
    with pytest.raises(TrainingError, match=r"'horizon'.*horizon_days.*lead_days"):
        TrainingSettings.from_mapping({"horizon": 90})


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
        TrainingSettings.from_mapping({key: value})
    assert repr(key) in str(caught.value)
    assert repr(value) in str(caught.value)


def test_settings_that_are_no_mapping_are_refused():
    with pytest.raises(TrainingError, match="mapping"):
        TrainingSettings.from_mapping(["horizon_days"])


def test_a_date_is_accepted_as_text_and_as_date():
    day = dt.date(2026, 1, 31)
    assert TrainingSettings.from_mapping({"as_of_date": "2026-01-31"}).as_of_date == day
    assert TrainingSettings.from_mapping({"as_of_date": day}).as_of_date == day
