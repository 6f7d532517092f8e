"""How far two ways of computing a model may differ, and whether they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TrainingError

__all__ = ["PROBABILITY_TOLERANCE", "Gap", "check_parity", "largest_gap"]

PROBABILITY_TOLERANCE = 1e-6
# Of the largest value: trees add up float32, which holds seven digits whatever the unit.
_VALUE_TOLERANCE = 1e-5
_OF_THE_LIBRARIES = (
    "Install the library versions that this version of Holdfast names, or report it with the "
    "training set."
)


@dataclass(frozen=True)
class Gap:
    """The largest difference of two predictions.

    Parameters
    ----------
    size
        The difference; NaN where one of the two has no result.
    tolerance
        How large it may be.
    unit
        What it is counted in, for messages.
    """

    size: float
    tolerance: float
    unit: str

    @property
    def is_small(self) -> bool:
        """Whether it is within the tolerance, which NaN is not."""
        return self.size <= self.tolerance


def largest_gap(expected: NDArray[Any], given: NDArray[Any], *, is_numeric: bool = False) -> Gap:
    """Measure the largest difference of two predictions of the same rows.

    Parameters
    ----------
    expected, given
        Probabilities, or numbers, shape (n,).
    is_numeric
        Whether they are numbers: their difference is told as a share of the largest of them.

    Returns
    -------
    Gap

    Examples
    --------
    >>> largest_gap(np.array([200.0, 1.0]), np.array([200.0, 1.1]), is_numeric=True).is_small
    False
    """
    size = float(np.max(np.abs(expected - given), initial=0.0))
    if not is_numeric:
        return Gap(size, PROBABILITY_TOLERANCE, "in probability")
    size /= float(np.max(np.abs(expected), initial=0.0)) or 1.0
    return Gap(size, _VALUE_TOLERANCE, "of the largest value")


def check_parity(
    algorithm: str,
    expected: NDArray[np.float64],
    given: NDArray[np.float64],
    *,
    is_numeric: bool = False,
    advice: str = _OF_THE_LIBRARIES,
) -> float:
    """Return the largest difference of two predictions; refuse one above the tolerance.

    Parameters
    ----------
    algorithm
        What was fitted, for the message.
    expected, given, is_numeric
        As for `largest_gap`.
    advice
        What to do if they differ. Default: it is up to the libraries.

    Raises
    ------
    TrainingError
        They differ by more.
    """
    gap = largest_gap(expected, given, is_numeric=is_numeric)
    if not gap.is_small:
        raise TrainingError(
            f"ONNX Runtime and the fitted {algorithm} differ by {gap.size:.3g} {gap.unit}, more "
            f"than {gap.tolerance:g}. Nothing was registered. {advice}"
        )
    return gap.size
