"""How many rows are enough to fit a model on: more of them cost time and memory, and gain nothing.

`benchmarks/learning_curve.py` prints by how much, and docs/decisions.md has its figures.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.estimators._target import Target

__all__ = ["enough_rows"]

_ENOUGH_ROWS = 300_000
# Of the rarer outcome, which is what a model learns from where it is rare.
_ENOUGH_EVENTS = 30_000


def enough_rows(y: NDArray[Any], target: Target) -> NDArray[np.intp] | slice:
    """Pick evenly spaced rows where there are more than enough, and else all.

    Rows lie in the order of their dates, so every date keeps its share. Both outcomes keep theirs
    but for chance, so probabilities need no correction; where one is rare, more rows are picked.

    Parameters
    ----------
    y
        Outcomes, shape (n,).
    target
        What `y` holds.

    Returns
    -------
    array or slice
        An index into the rows; a slice where it is all of them.

    Examples
    --------
    >>> from holdfast.estimators._target import CLASSIFICATION
    >>> enough_rows(np.tile([0, 1], 10), CLASSIFICATION)
    slice(None, None, None)
    >>> len(enough_rows(np.tile([0, 1], 1_000_000), CLASSIFICATION))
    300000
    """
    count, enough = len(y), _ENOUGH_ROWS
    if not target.is_numeric:
        rarer = float(min(y.sum(), count - y.sum()))
        if rarer:
            enough = max(enough, int(np.ceil(_ENOUGH_EVENTS * count / rarer)))
    if count <= enough:
        return slice(None)
    return np.arange(enough) * count // enough
