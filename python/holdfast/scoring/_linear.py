"""The linear model that Holdfast trains, alone or in a blend, in its closed form.

ONNX Runtime goes through its graph node by node, twenty times over all values in double precision.
Written as one expression per value it takes half the time, which is most of what scoring with it
costs. Which form runs is decided when a model is opened: see :func:`read_linear`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from holdfast.contract import LinearPart, read_linear_part
from holdfast.scoring._agreement import agrees

if TYPE_CHECKING:
    import onnx

__all__ = ["LinearForm", "linear_part_of", "read_linear"]

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]

# Rows at a time, so that what is worked on stays in the cache.
_BLOCK = 512


class LinearForm:
    """Log-odds, or values, of a linear model on clipped, partly logarithmic features.

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
        self._centre = of["mean"] * self._slope + of["missing_mean"] * of["missing_coefficient"]
        self._constant = part.base_value - float(self._centre.sum())

    def predict(self, features: FloatArray) -> FloatArray:
        """Return the probability of every row of a matrix float32 [N, F], float32 [N]."""
        # overflow on the way to a probability of 0
        with np.errstate(over="ignore"):
            probability = 1.0 / (1.0 + np.exp(-self.log_odds(features)))
        return probability.astype(np.float32)

    def log_odds(self, features: FloatArray) -> DoubleArray:
        """Return the log-odds, or value, of every row, [N]."""
        found = np.empty(len(features))
        for block in self._blocks(features):
            found[block] = self._terms(features[block]).sum(axis=0)
        found += self._constant
        return found

    def contributions(self, features: FloatArray) -> DoubleArray:
        """Return what each feature adds to the base value, [N, F]."""
        found = np.empty(features.shape)
        for block in self._blocks(features):
            terms = self._terms(features[block])
            terms -= self._centre
            found[block] = terms.T
        return found

    def _blocks(self, features: FloatArray) -> Iterator[slice]:
        """Cut the rows."""
        return (slice(start, start + _BLOCK) for start in range(0, len(features), _BLOCK))

    def _terms(self, features: FloatArray) -> DoubleArray:
        """Return what each feature adds to the constant, [F, N]."""
        terms = np.ascontiguousarray(features.T, dtype=np.float64)
        known = np.isfinite(terms)
        # the logarithm of infinity
        with np.errstate(invalid="ignore", over="ignore"):
            signed = terms[self._logarithmic]
            size = np.abs(signed)
            size += 1.0
            np.log(size, out=size)
            terms[self._logarithmic] = np.copysign(size, signed, out=size)
            np.maximum(terms, self._lower, out=terms)
            np.minimum(terms, self._upper, out=terms)
            terms *= self._slope
        np.copyto(terms, self._missing, where=~known)
        return terms


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
    form = linear_part_of(graph, width)
    return form if form is not None and agrees(form.predict, predict, width) else None


def linear_part_of(graph: onnx.GraphProto, width: int) -> LinearForm | None:
    """Read the closed form of the linear part of a graph; None where it has none.

    Whether it gives what the graph gives is for the caller to find out.
    """
    part = read_linear_part(graph, width)
    if part is None:
        return None
    with np.errstate(all="ignore"):
        return LinearForm(part)
