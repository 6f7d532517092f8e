"""Single measures of predicted numbers, which training and the backtest share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn import metrics as reference

from holdfast.measuring import gini, mae, r2, rmse

NUMBERS = st.integers(-20, 20).map(float)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=40))
def test_measures_are_those_of_numpy_and_scikit_learn(rows: list[tuple[float, float]]) -> None:
    y, predicted = np.array(rows).T
    assert rmse(y, predicted) == pytest.approx(reference.root_mean_squared_error(y, predicted))
    assert mae(y, predicted) == pytest.approx(reference.mean_absolute_error(y, predicted))
    if np.ptp(y) == 0:
        assert r2(y, predicted) is None
        assert gini(y, predicted) is None
        return
    assert r2(y, predicted) == pytest.approx(reference.r2_score(y, predicted))
    off = y - y.mean()
    expected = float(off @ rankdata(predicted)) / float(off @ rankdata(y))
    assert gini(y, predicted) == pytest.approx(expected, abs=1e-9)


def test_gini_of_the_right_order_is_one_and_of_the_reverse_minus_one() -> None:
    y = np.array([3.0, -1.0, 2.0, 10.0])
    assert gini(y, y * 5 - 2) == 1
    assert gini(y, -y) == -1
