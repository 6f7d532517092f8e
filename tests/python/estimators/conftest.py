"""Rows that every estimator is fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.contract import OnnxHeader
from holdfast.estimators import Part

NAMES = ("days_since_order", "revenue_90d", "return_share", "order_count_90d")


@pytest.fixture(scope="session")
def part() -> Part:
    random = np.random.default_rng(0)
    features = np.column_stack(
        [
            random.exponential(60, 800),
            random.normal(0, 500, 800),
            random.random(800),
            random.poisson(3, 800),
        ]
    ).astype(np.float32)
    features[random.random(features.shape) < 0.1] = np.nan
    features[:, 2] = random.random(800)
    score = np.nan_to_num(features[:, 0]) / 60 - 1 + (np.isnan(features[:, 1]) * 1.0)
    y = (random.random(800) < 1 / (1 + np.exp(-score))).astype(np.int64)
    return Part(features, y, NAMES)


@pytest.fixture(scope="session")
def header() -> OnnxHeader:
    """Say what the files of these rows are."""
    return OnnxHeader("churn", "some_algorithm", "some algorithm", NAMES)
