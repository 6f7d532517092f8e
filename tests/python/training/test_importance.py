"""The importance of a feature is its mean absolute contribution."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.contract import OnnxHeader
from holdfast.estimators._linear import fit_linear
from holdfast.training._importance import feature_importance


def test_importance_is_the_mean_absolute_contribution() -> None:
    random = np.random.default_rng(5)
    features = random.normal(size=(400, 3)).astype(np.float32)
    features[random.random(400) < 0.2, 1] = np.nan
    y = (features[:, 0] + 0.3 * random.normal(size=400) > 0).astype(np.int64)
    names = ("strong_share", "gappy_share", "idle_share")
    model = fit_linear(features, y, names)
    blob = model.to_onnx(OnnxHeader("churn", "logistic_regression", "test", names))

    found = feature_importance(blob, features)
    by_hand = np.abs(model.contributions(features)).mean(axis=0)
    assert list(found) == list(names)
    assert list(found.values()) == pytest.approx(by_hand.tolist(), rel=1e-4)
    assert found["strong_share"] > 10 * max(found["gappy_share"], found["idle_share"])
