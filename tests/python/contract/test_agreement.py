from __future__ import annotations

import numpy as np
import pytest

from holdfast.contract import check_parity
from holdfast.errors import TrainingError


def test_difference_above_the_tolerance_is_refused():
    half = np.array([0.5])
    assert check_parity("m", half, half + 9e-7) == pytest.approx(9e-7)
    with pytest.raises(TrainingError, match="m differ by 2e-06"):
        check_parity("m", half, half + 2e-6)
    with pytest.raises(TrainingError, match="differ by nan"):
        check_parity("m", half, np.array([np.nan]))
