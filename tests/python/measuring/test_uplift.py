"""Measures of a ranking by what treating its top brings."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.measuring import (
    MeasuringError,
    Trial,
    auuc,
    gain_curve,
    policy_value,
    qini,
    uplift_by_tenth,
)

# fmt: off
SCORE = [12, 1, 2, 3, 2, 12, 13, 8, 0, 1, 4, 6, 9, 7, 3, 2, 10, 11, 0, 1,
         6, 5, 13, 7, 6, 6, 9, 8, 2, 11, 11, 14, 11, 4, 4, 9, 9, 10, 13, 4]
TREATED = [1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1,
           1, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 0]
OUTCOME = [0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1,
           1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0]
# scikit-uplift 0.5.1: uplift_curve(OUTCOME, SCORE, TREATED)
ROWS = [0, 1, 4, 6, 10, 12, 16, 18, 20, 24, 25, 29, 31, 35, 38, 40]
GAINED = [0.0, 0.0, 2.0, 2.0, 0.8333333333, 3.0857142857, 3.3015873016, 3.6, 3.3333333333, 6.0,
          6.891025641, 6.5528846154, 6.3823529412, 6.7483660131, 10.0, 11.5288220551]
# fmt: on


def test_the_gain_curve_is_that_of_scikit_uplift() -> None:
    trial = Trial.of(TREATED, OUTCOME)
    share, gain = gain_curve(SCORE, trial)
    at = [int(np.argmin(np.abs(share * 40 - rows))) for rows in ROWS]
    # scikit-uplift counts an arm without rows as a mean of 0, as is done here
    assert share[at] * 40 == pytest.approx(ROWS)
    assert gain[at] * 40 == pytest.approx(GAINED)
    area = float(np.trapezoid(GAINED, ROWS)) / 40**2
    assert auuc(SCORE, trial) == pytest.approx(area)
    assert qini(SCORE, trial).value == pytest.approx(area - GAINED[-1] / 80)


def test_a_ranking_turned_round_loses_what_it_won() -> None:
    random = np.random.default_rng(2)
    score = random.random(20_000)
    treated = random.integers(0, 2, 20_000)
    outcome = random.random(20_000) < 0.1 + 0.2 * treated * score
    trial = Trial.of(treated, outcome)
    won, lost = qini(score, trial), qini(-score, trial)
    assert won.lower > 0.0 > lost.upper
    assert won.value == pytest.approx(-lost.value, abs=2e-3)
    # the covariance of effect 0.2 x and rank is 0.2 / 12
    assert won.lower < 0.2 / 12 < won.upper
    first, *_, last = uplift_by_tenth(score, trial)
    assert first.lower > last.value


def test_a_policy_is_worth_what_it_brings_less_its_cost() -> None:
    trial = Trial.of([1, 0] * 50, [1.0, 0.0] * 50)
    assert policy_value(np.ones(100), trial, cost=2.0, gain=10.0).value == pytest.approx(8.0)
    assert policy_value(np.zeros(100), trial, cost=2.0, gain=10.0).value == 0.0


def test_equal_scores_rank_nobody() -> None:
    trial = Trial.of(TREATED, OUTCOME)
    assert qini(np.ones(40), trial).value == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("treated", "outcome", "propensity", "says"),
    [
        ([1, 1, 1], [0, 1, 0], None, "3 of 3 rows were treated"),
        ([1, 0, 2], [0, 1, 0], None, "0 or 1"),
        ([1, 0, 1, 0], [0, 1, 0, float("nan")], None, "a number in every row"),
        ([1, 0, 1, 0], [0, 1, 0, 1], 1.0, "propensity above 0"),
        ([1, 0, 1, 0], [0, 1, 0], None, "one value per row"),
    ],
)
def test_what_is_no_trial_is_refused(treated, outcome, propensity, says) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MeasuringError, match=says):
        Trial.of(treated, outcome, propensity)
