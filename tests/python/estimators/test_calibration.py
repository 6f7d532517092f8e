from __future__ import annotations

import numpy as np
import pytest

from holdfast.estimators._calibration import fit_slope, loss_given_rates, shrunk_slope


def drawn(slope: float, rates: list[float], count: int = 6000) -> tuple[list, list]:
    random = np.random.default_rng(1)
    scores, outcomes = [], []
    for rate in rates:
        score = random.normal(0, 1.5, count)
        true = slope * score + rate
        scores.append(score)
        outcomes.append((random.random(count) < 1 / (1 + np.exp(-true))).astype(np.int64))
    return scores, outcomes


@pytest.mark.parametrize("slope", [0.6, 0.8, 1.0, 1.3])
def test_slope_is_found_whatever_the_rate_of_each_date(slope: float):
    assert fit_slope(*drawn(slope, [-1.5, 0.0, 1.0])) == pytest.approx(slope, abs=0.05)


def test_slope_equals_a_logistic_regression_with_an_intercept_per_date():
    from sklearn.linear_model import LogisticRegression

    scores, outcomes = drawn(0.7, [-1.0, 1.0], 500)
    design = np.zeros((1000, 3))
    design[:, 0] = np.concatenate(scores)
    design[:500, 1] = design[500:, 2] = 1
    fitted = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=1000)
    fitted.fit(design, np.concatenate(outcomes))
    assert fit_slope(scores, outcomes) == pytest.approx(fitted.coef_[0, 0], abs=1e-4)


def test_few_rows_do_not_stretch_far_and_one_outcome_says_nothing():
    score = np.array([-1.0, 1.0])
    assert fit_slope([score], [np.array([1, 0])]) == 0.5
    assert fit_slope([score * 1e-3], [np.array([0, 1])]) == 1.5
    assert fit_slope([score], [np.array([1, 1])]) == 1.0
    assert fit_slope([np.zeros(2)], [np.array([0, 1])]) == 1.0
    assert fit_slope([], []) == 1.0


def test_loss_does_not_depend_on_the_level_of_a_date():
    scores, outcomes = drawn(1.0, [-1.0, 1.0], 400)
    odds, y = np.concatenate(scores), np.concatenate(outcomes)
    dates = np.repeat(np.array(["2025-01-01", "2025-02-01"], "datetime64[us]"), 400)
    lifted = odds + np.where(dates == dates[0], 2.0, -5.0)
    losses = loss_given_rates(np.stack([odds, lifted, 0.2 * odds]), y, dates)
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    assert losses[0] < losses[2]


def test_date_of_one_outcome_is_compared_as_it_is():
    odds = np.array([[-2.0, -2.0], [2.0, 2.0]])
    losses = loss_given_rates(odds, np.array([0, 0]), None)
    np.testing.assert_allclose(losses, 2 * np.logaddexp(0, [-2.0, 2.0]))


def test_slope_of_few_folds_is_drawn_to_one():
    score, y = np.array([-2.0, -2.0, 2.0, 2.0]), np.array([0, 1, 1, 0])
    slopes = [shrunk_slope([score] * count, [y] * count) for count in (1, 2, 4)]
    assert slopes == pytest.approx([0.75, 2 / 3, 0.6])
    assert shrunk_slope([], []) == 1.0
