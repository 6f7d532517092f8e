"""The linear part of a graph, read by the names of its constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.contract._format import LINEAR_BASE_VALUE, LINEAR_ROWS

if TYPE_CHECKING:
    import onnx

__all__ = ["LinearPart", "read_linear_part"]


@dataclass(frozen=True, eq=False)
class LinearPart:
    """What a graph holds of a regression on clipped, partly logarithmic features.

    Parameters
    ----------
    base_value
        Log-odds, or value, at the training mean.
    rows
        What it holds of every feature, by the names in `LINEAR_ROWS`, each of shape (F,).
    """

    base_value: float
    rows: dict[str, NDArray[Any]]


def read_linear_part(graph: onnx.GraphProto, width: int) -> LinearPart | None:
    """Read the linear part of a graph of so many features; None where it has none."""
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in graph.initializer}
    if not constants.keys() >= {LINEAR_BASE_VALUE, *LINEAR_ROWS}:
        return None
    rows = {name: numpy_helper.to_array(constants[name]).reshape(-1) for name in LINEAR_ROWS}
    base_value = numpy_helper.to_array(constants[LINEAR_BASE_VALUE]).reshape(-1)
    if len(base_value) != 1 or any(len(row) != width for row in rows.values()):
        return None
    return LinearPart(float(np.float64(base_value[0])), rows)
