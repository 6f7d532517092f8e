"""A model has to beat simple rules in its ranking and in its loss, and each is told apart."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.registry import defeats

RATE = ("base_rate", {"auroc": 0.5, "log_loss": 0.0621})
MEAN = ("training_mean", {"gini": 0.0, "rmse": 12.0})


@pytest.mark.parametrize(
    ("own", "baseline", "target", "metrics"),
    [
        ({"auroc": 0.61, "log_loss": 0.0600}, RATE, "classification", []),
        ({"auroc": 0.61, "log_loss": 0.0643}, RATE, "classification", ["log loss"]),
        ({"auroc": 0.49, "log_loss": 0.0600}, RATE, "classification", ["AUROC"]),
        ({"auroc": 0.50, "log_loss": 0.0621}, RATE, "classification", ["AUROC"]),
        ({"auroc": 0.48, "log_loss": 0.0643}, RATE, "classification", ["AUROC", "log loss"]),
        ({}, RATE, "classification", []),
        ({"gini": 0.3, "rmse": 11.0}, MEAN, "regression", []),
        ({"gini": 0.3, "rmse": 12.5}, MEAN, "regression", ["RMSE"]),
        ({"gini": None, "rmse": 12.5}, MEAN, "regression", ["RMSE"]),
        ({"gini": -0.1, "rmse": 11.0}, MEAN, "regression", ["Gini"]),
    ],
)
def test_what_a_model_does_not_beat_is_named(
    own: dict[str, Any], baseline: tuple[str, Any], target: str, metrics: list[str]
) -> None:
    found = defeats(own, [baseline], target=target)
    assert [defeat.metric for defeat in found] == metrics
    assert all(defeat.baseline == baseline[0].replace("_", " ") for defeat in found)
