"""The windows of feature views follow the horizon that is predicted."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from .rendering import MACROS, add_macros


def _macros(horizon: Any = 90) -> SimpleNamespace:
    def refuse(message: str) -> None:
        raise ValueError(message)

    return add_macros(
        SimpleNamespace(setting={"churn_horizon_days": horizon}.__getitem__),
        [MACROS / "features/horizon_windows.sql", MACROS / "features/order_windows.sql"],
        exceptions=SimpleNamespace(raise_compiler_error=refuse),
    )


@pytest.mark.parametrize(
    ("horizon", "windows"),
    [
        (1, [2, 7, 14, 28, 365]),
        (7, [2, 7, 14, 28, 365]),
        (28, [9, 28, 56, 112, 365]),
        (30, [10, 30, 60, 120, 365]),
        (60, [20, 60, 120, 365]),
        (90, [30, 90, 180, 365]),
        (180, [60, 180, 365]),
        (273, [91, 273, 546, 365]),
        (365, [122, 365, 730]),
        (1000, [122, 365, 730]),
    ],
)
def test_windows_scale_with_the_horizon(horizon: int, windows: list[int]) -> None:
    assert _macros().horizon_windows(horizon) == sorted(windows)


@pytest.mark.parametrize("horizon", [*range(1, 400, 3), *range(400, 1200, 50)])
def test_windows_are_few_and_apart(horizon: int) -> None:
    windows = _macros(horizon).horizon_windows()
    assert 2 <= len(windows) <= 5
    assert windows[0] >= 1
    assert windows[-1] <= 730
    assert all(later >= 1.2 * earlier for earlier, later in pairwise(windows))


@pytest.mark.parametrize("horizon", [0, -3, "90", True, 1.5])
def test_a_horizon_is_a_whole_number_of_days(horizon: Any) -> None:
    with pytest.raises(ValueError, match="must be a whole number of days, 1 or more"):
        _macros().horizon_windows(horizon)


@pytest.mark.parametrize(
    ("horizon", "added"),
    [
        (1, [2, 7, 14]),
        (7, [2, 7, 14]),
        (14, [5, 14, 56]),
        (28, [9, 56, 112]),
        (60, [20, 60, 120]),
        # what dashboards and models of this horizon know by name
        (84, []),
        (90, []),
        (183, []),
        (365, [730]),
    ],
)
def test_windows_of_orders_keep_their_names_and_are_joined_by_those_of_the_horizon(
    horizon: int, added: list[int]
) -> None:
    assert _macros().order_windows(horizon) == [30, 90, 180, 365, *added]
    assert _macros(horizon).order_windows() == [30, 90, 180, 365, *added]
