"""Models told on a terminal, and their figures."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from holdfast.registry import (
    Change,
    Figure,
    RegisteredModel,
    RegistryError,
    describe_change,
    describe_model,
    describe_models,
    matching,
)

MODEL = RegisteredModel(
    model_id="3b5c105d",
    task="churn",
    algorithm="blend",
    stage="champion",
    trained_at=dt.datetime(2026, 7, 1, 9, 30),
    training_from=dt.datetime(2025, 8, 1),
    training_to=dt.datetime(2026, 3, 1),
    row_count=1234,
    positive_count=321,
    feature_names=("order_count_30d", "days_since_order"),
    feature_hash="f00",
    onnx_sha256="abc",
    sql_characters=None,
    parameters={"seed": 7, "evaluated_as": "77aa"},
    metrics={"importance": {"days_since_order": 0.8, "order_count_30d": 0.1}},
    library_versions={"numpy": "2.4"},
    figures={"test": {"auroc": Figure(0.81234, 0.79, 0.83), "lift_decile_1": Figure(2.5)}},
)


def test_a_model_that_was_not_measured_is_listed_with_dashes() -> None:
    text = describe_models([dataclasses.replace(MODEL, figures={})])
    assert text.splitlines()[-1].split()[-2:] == ["-", "-"]


def test_a_list_has_the_figures_of_the_models_in_it() -> None:
    spend = dataclasses.replace(
        MODEL,
        task="spend",
        parameters={"target": "regression"},
        figures={"test": {"rmse": Figure(1234.5), "r2": Figure(0.4), "gini": Figure(0.6)}},
    )
    heads = [
        describe_models(m).splitlines()[0].split("(UTC)")[1].split() for m in ([MODEL], [spend])
    ]
    assert heads == [["AUROC", "log", "loss"], ["RMSE", "R2", "Gini"]]
    both = describe_models([MODEL, spend]).splitlines()
    assert both[0].split("(UTC)")[1].split() == ["AUROC", "log", "loss", "RMSE", "R2", "Gini"]
    assert both[-1].split()[-5:] == ["-", "-", "1,234.500", "0.400", "0.600"]
    assert "with the event" not in describe_model(spend)


def test_show_tells_figures_with_intervals_and_the_most_important_feature_first() -> None:
    lines = describe_model(MODEL).splitlines()
    assert any(line.split() == ["auroc", "0.81234", "0.7900", "to", "0.8300"] for line in lines)
    assert not any("decile" in line for line in lines)
    assert any(line.split() == ["tested", "as", "77aa"] for line in lines)
    assert [line.split()[0] for line in lines[-2:]] == ["days_since_order", "order_count_30d"]


def test_a_change_says_what_became_of_the_former_champion() -> None:
    assert "a is archived" in describe_change(Change("churn", "b", "a", "archived"))
    assert "a is a challenger" in describe_change(Change("churn", "b", "a", "challenger"))
    assert ";" not in describe_change(Change("churn", "b", None, None))


def test_a_beginning_of_an_id_finds_its_model_unless_it_fits_several() -> None:
    other = dataclasses.replace(MODEL, model_id="3b77")
    assert matching([MODEL, other], "3b5") is MODEL
    # a whole id counts before the beginnings of others
    longer = dataclasses.replace(MODEL, model_id="3b777")
    assert matching([other, longer], "3b77") is other
    with pytest.raises(RegistryError, match="several models begin with '3b': 3b5c105d, 3b77"):
        matching([MODEL, other], "3b")
    with pytest.raises(RegistryError, match="there is no model ''"):
        matching([MODEL], "")
