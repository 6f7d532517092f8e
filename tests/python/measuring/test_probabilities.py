"""Single measures of arrays, which training and the backtest share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from holdfast.measuring import MODEL_RESOLUTION, auroc, brier, log_loss, log_losses

# few values, so that many are tied
ROWS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])),
    min_size=2,
    max_size=60,
)


@given(ROWS)
def test_measures_are_those_of_scikit_learn_whatever_the_ties(
    rows: list[tuple[int, float]],
) -> None:
    y, p = np.array([outcome for outcome, _ in rows]), np.array([given for _, given in rows])
    assert brier(y, p) == pytest.approx(np.mean((y - p) ** 2))
    clipped = np.clip(p, MODEL_RESOLUTION, 1 - MODEL_RESOLUTION)
    expected = reference.log_loss(y, clipped, labels=[0, 1])
    assert log_loss(y, p, MODEL_RESOLUTION) == pytest.approx(expected)
    if len(set(y)) == 2:
        assert auroc(y, p) == pytest.approx(reference.roc_auc_score(y, p))
    else:
        assert auroc(y, p) is None


def test_loss_of_a_small_probability_keeps_its_digits() -> None:
    losses = log_losses(np.array([0, 1]), np.array([1e-12, 0.0]))
    assert losses.tolist() == [pytest.approx(1e-12, rel=1e-9), pytest.approx(34.538776394910684)]
