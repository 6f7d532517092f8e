"""The logistic regression that Holdfast trains, in its closed form.

ONNX Runtime goes through its graph node by node, twenty times over all values in double precision.
Written as one expression per value it takes half the time, which is most of what scoring with it
costs. Which form runs is decided when a model is opened: see :func:`read_linear`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from holdfast.contract import LinearPart, read_linear_part
from holdfast.scoring._agreement import agrees

if TYPE_CHECKING:
    import onnx

__all__ = ["LinearForm", "read_linear"]

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]

# Rows at a time, so that what is worked on stays in the cache.
_BLOCK = 512


class LinearForm:
    """Probabilities of a logistic regression on clipped, partly logarithmic features.

    Parameters
    ----------
    part : LinearPart
        What the graph holds.
    """

    def __init__(self, part: LinearPart) -> None:
        of = {name: row.astype(np.float64)[:, None] for name, row in part.rows.items()}
        self._logarithmic = np.flatnonzero(part.rows["is_signed_log"])
        self._lower, self._upper = of["lower"], of["upper"]
        self._slope = of["coefficient"] / of["scale"]
        # What a missing value adds; everything that does not depend on the row is in the constant.
        imputed = np.minimum(np.maximum(of["median"], self._lower), self._upper)
        self._missing = imputed * self._slope + of["missing_coefficient"]
        centre = of["mean"] * self._slope + of["missing_mean"] * of["missing_coefficient"]
        self._constant = part.base_value - float(centre.sum())

    def predict(self, features: FloatArray) -> FloatArray:
        """Return the probability of every row of a matrix float32 [N, F], float32 [N]."""
        probability = np.empty(len(features), np.float32)
        for start in range(0, len(features), _BLOCK):
            block = slice(start, start + _BLOCK)
            probability[block] = self._predict_block(features[block])
        return probability

    def _predict_block(self, features: FloatArray) -> DoubleArray:
        """Return the probabilities of a few rows."""
        terms = np.ascontiguousarray(features.T, dtype=np.float64)
        known = np.isfinite(terms)
        # The logarithm of infinity, and overflow on its way to a probability of 0.
        with np.errstate(invalid="ignore", over="ignore"):
            signed = terms[self._logarithmic]
            size = np.abs(signed)
            size += 1.0
            np.log(size, out=size)
            terms[self._logarithmic] = np.copysign(size, signed)
            np.maximum(terms, self._lower, out=terms)
            np.minimum(terms, self._upper, out=terms)
            terms *= self._slope
            np.copyto(terms, self._missing, where=~known)
            log_odds = terms.sum(axis=0) + self._constant
            probability: DoubleArray = 1.0 / (1.0 + np.exp(-log_odds))
        return probability


def read_linear(
    graph: onnx.GraphProto, width: int, predict: Callable[[FloatArray], FloatArray]
) -> LinearForm | None:
    """Read the closed form of a graph, if it is a logistic regression of Holdfast's.

    Parameters
    ----------
    graph : onnx.GraphProto
        The verified graph.
    width : int
        Number of features, F.
    predict : callable
        The graph itself in ONNX Runtime, which the form must agree with on rows of all kinds.

    Returns
    -------
    LinearForm or None
        None where the graph is anything else, or gives another probability anywhere.
    """
    if any(node.domain == "ai.onnx.ml" for node in graph.node):
        return None
    part = read_linear_part(graph, width)
    if part is None:
        return None
    with np.errstate(all="ignore"):
        form = LinearForm(part)
    return form if agrees(form.predict, predict, width) else None
