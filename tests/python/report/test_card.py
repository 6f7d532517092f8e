"""What a model card says of a champion that was fitted again on all rows."""

from __future__ import annotations

import dataclasses
import datetime as dt
import sys

import pytest

from holdfast.registry import Figure, RegisteredModel
from holdfast.report._card_sections import (
    Bin,
    Facts,
    _calibration,
    _charts,
    _data,
    _features,
    _limits,
    _performance,
)

TWIN = RegisteredModel(
    model_id="twin",
    task="churn",
    algorithm="blend",
    stage="evaluated",
    trained_at=dt.datetime(2026, 7, 1),
    training_from=dt.datetime(2025, 8, 1),
    training_to=dt.datetime(2025, 12, 1),
    row_count=100,
    positive_count=30,
    feature_names=("a", "b<script>"),
    feature_hash="f00",
    onnx_sha256="abc",
    sql_characters=None,
    parameters={"split": {"test": ["2026-03-01T00:00:00", "2026-04-01T00:00:00"], "gap_days": 90}},
    metrics={},
    library_versions={},
    figures={"test": {"auroc": Figure(0.80, 0.75, 0.85), "row_count": Figure(200.0)}},
)
CHAMPION = dataclasses.replace(
    TWIN,
    model_id="whole",
    stage="champion",
    parameters={
        "evaluated_as": "twin",
        "refitted": True,
        "split": {"test": [], "gap_days": 90},
        "suspected_leaks": ["b<script>"],
    },
    metrics={"importance": {"a": 0.1, "b<script>": 0.4}},
)
BASELINE = dataclasses.replace(
    TWIN,
    model_id="simple",
    stage="baseline",
    algorithm="base_rate",
    figures={"test": {"auroc": Figure(0.76), "row_count": Figure(200.0)}},
)
FACTS = Facts({"a": "What a is."}, {"test": [Bin(0.1, 0.2, 0.1, 0.3, 20)]}, [], [])


def test_test_dates_are_those_of_the_twin() -> None:
    html = _data(CHAMPION, [CHAMPION, TWIN])
    assert "2026-03-01, 2026-04-01" in html
    assert "its twin twin" in html


def test_figures_stand_beside_the_baseline_and_the_twin_is_not_listed_again() -> None:
    html = _performance(CHAMPION, [CHAMPION, TWIN, BASELINE], FACTS)
    assert "base rate (baseline)" in html
    assert html.count("<th>") + html.count("<th ") == 3
    assert "(0.750 to 0.850)" in html
    assert html.count("2026-03-01 to 2026-04-01") == 2


def test_features_come_by_importance_with_their_names_escaped() -> None:
    html = _features(CHAMPION, FACTS)
    assert html.index("b&lt;script&gt;") < html.index("What a is.")
    assert "<script>" not in html


def test_limits_name_what_the_figures_warn_of() -> None:
    drifting = dataclasses.replace(FACTS, drift=[("a", 0.9, 0.0)])
    html = _limits(CHAMPION, [CHAMPION, TWIN, BASELINE], drifting)
    assert "not clearly above the 0.760 of the baseline base rate" in html
    assert "122 days of observation dates, less than a year" in html
    assert "b&lt;script&gt;" in html
    assert "1 of its features differs" in html
    assert "old enough yet" in html


SPEND = dataclasses.replace(
    CHAMPION,
    task="spend",
    parameters={"target": "regression", "label": "spend_60d", "horizon_days": 60},
    figures={
        "test": {
            "rmse": Figure(1_234.5, 1_200.0, 1_300.0),
            "gini": Figure(0.5, 0.4, 0.6),
            "r2": Figure(-1e-9, -0.5, -1e-9),
            "mean_prediction": Figure(20.0),
            "mean_label": Figure(30.0, 25.0, 35.0),
        }
    },
)
MEAN = dataclasses.replace(
    SPEND,
    model_id="mean",
    stage="baseline",
    algorithm="training_mean",
    figures={"test": {"rmse": Figure(1_290.0), "gini": Figure(0.0)}},
)


def test_card_of_a_number_speaks_of_values() -> None:
    facts = Facts(
        {},
        {"test": [Bin(61.5, 1870.0, 1500.0, 2240.0, 20, 0.4)]},
        [("country: NL", 60, 0.4, 1.0, 2.0)],
        [],
    )
    models = [SPEND, MEAN, BASELINE]
    html = "".join(
        (
            _performance(SPEND, models, facts),
            _calibration(SPEND, facts, {}),
            _features(SPEND, facts),
            _limits(SPEND, models, facts),
        )
    )
    assert "1,234.50" in html
    assert "(1,200.00 to 1,300.00)" in html
    assert "training mean (baseline)" in html
    assert "<th>segment</th>" in html
    assert ">Gini</th>" in html
    assert "40.0 %" in html
    assert "0.000 " in html
    assert "-0.000" not in html
    assert "to the value, in its unit" in html
    assert "Its RMSE is not clearly below the 1,290.00 of the baseline training mean" in html
    assert "it predicted a mean of 20.00, and the observed mean was 30.00" in html
    for word in ("leave", "AUROC", "log-odds", "probability", "base rate"):
        assert word not in html


def test_card_of_a_yes_or_no_of_ones_own_does_not_speak_of_leaving() -> None:
    upgrade = dataclasses.replace(
        CHAMPION, task="upgrade", parameters={**CHAMPION.parameters, "label": "upgraded"}
    )
    html = _limits(upgrade, [upgrade], FACTS)
    assert "for whom upgraded is likely" in html
    assert "leave" not in html
    assert "likely to leave" in _limits(CHAMPION, [CHAMPION], FACTS)


def test_a_model_that_a_simple_rule_beats_by_its_loss_says_so_first() -> None:
    def with_loss(model: RegisteredModel, loss: float) -> RegisteredModel:
        figures = {"test": {**model.figures["test"], "log_loss": Figure(loss)}}
        return dataclasses.replace(model, figures=figures)

    worse, better = with_loss(CHAMPION, 0.0643), with_loss(CHAMPION, 0.0600)
    baseline = with_loss(BASELINE, 0.0621)
    html = _limits(worse, [worse, TWIN, baseline], FACTS)
    assert html.startswith("<ul>\n<li>Do not act on its scores: no better than a simple rule, ")
    assert "log loss 0.0643 on test rows, against 0.0621 of the baseline base rate" in html
    assert "Do not act" not in _limits(better, [better, TWIN, baseline], FACTS)


def test_a_card_without_the_extra_has_tables_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _charts(CHAMPION, FACTS).keys() == {"card_test"}
    html = _calibration(CHAMPION, FACTS, _charts(CHAMPION, FACTS))
    assert 'data-chart="card_test"' in html
    for module in ("altair", "vl_convert"):
        with monkeypatch.context() as patched:
            patched.setitem(sys.modules, module, None)
            patched.delitem(sys.modules, "holdfast.report._calibration", raising=False)
            patched.delitem(sys.modules, "holdfast.report._chart", raising=False)
            assert _charts(CHAMPION, FACTS) == {}
    html = _calibration(CHAMPION, FACTS, {})
    assert "data-chart" not in html
    assert "20.0 %" in html
