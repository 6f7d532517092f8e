"""Whether a faster form of a model gives what its graph gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from holdfast.contract import PROBABILITY_TOLERANCE

__all__ = ["agrees"]

FloatArray = npt.NDArray[np.float32]

_PROBES = 512


def agrees(
    form: Callable[[FloatArray], npt.NDArray[np.floating[Any]]],
    graph: Callable[[FloatArray], npt.NDArray[np.floating[Any]]],
    width: int,
    borders: Mapping[int, FloatArray] | None = None,
) -> bool:
    """Compare two ways of scoring, on rows that reach every part of a model.

    Parameters
    ----------
    form, graph : callable
        Both take a matrix float32 [N, F] and give results of one shape.
    width : int
        Number of features, F.
    borders : mapping of int to numpy.ndarray, optional
        Values of a feature, by its column, at which the result may jump.

    Returns
    -------
    bool
        Whether the results of all 512 rows differ by less than 1e-6 of the largest, and by less
        than 1e-6 where that is below 1. Where one of them is NaN the answer is no.
    """
    with np.errstate(all="ignore"):
        probes = _probes(width, borders or {})
        expected = graph(probes)
        tolerance = PROBABILITY_TOLERANCE * max(1.0, float(np.abs(expected).max()))
        # Written so that NaN on either side means no.
        return bool((np.abs(form(probes) - expected) <= tolerance).all())


def _probes(width: int, borders: Mapping[int, FloatArray]) -> FloatArray:
    """Return rows of all magnitudes, with missing and infinite values among them."""
    rng = np.random.default_rng(0)
    shape = (_PROBES, width)
    probes = rng.normal(size=shape) * 10.0 ** rng.integers(-4, 7, size=shape)
    for value in (0.0, 1.0, np.nan, np.inf, -np.inf):
        probes[rng.random(shape) < 0.05] = value
    for column, values in borders.items():
        # The border itself, and its neighbours on both sides.
        drawn = rng.choice(values, _PROBES)
        moved = np.nextafter(drawn, rng.choice(np.array([-np.inf, np.inf], np.float32), _PROBES))
        at_border = rng.random(_PROBES)
        probes[at_border < 0.5, column] = drawn[at_border < 0.5]
        probes[at_border < 0.25, column] = moved[at_border < 0.25]
    # One feature at a time, from a row of zeros and from one where all is missing.
    count = min(width, _PROBES // 2)
    probes[:count] = np.where(np.eye(count, width, dtype=np.bool_), probes[:count], 0.0)
    probes[-count:] = np.where(np.eye(count, width, dtype=np.bool_), probes[-count:], np.nan)
    return probes.astype(np.float32)
