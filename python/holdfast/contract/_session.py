"""The one place that opens sessions of ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.contract._format import RESULTS

# Of these, what a graph computes in between fits the processor's cache, and little memory.
_BLOCK_ROWS = 4_096

__all__ = ["last_column", "open_session", "predict_onnx"]


def open_session(blob: bytes) -> Any:
    """Return an ONNX Runtime session that leaves parallelism to its caller.

    Whatever ONNX Runtime raises comes through; its errors have no common base. A file that others
    may have touched is opened through `ModelFile`, which verifies it first.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # DuckDB already runs one call per thread; threads below that would fight for the same cores.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(blob, options, providers=["CPUExecutionProvider"])


def last_column(
    session: Any, output: str, inputs: Mapping[str, NDArray[Any]]
) -> NDArray[np.float32]:
    """Run a session: of two classes the second, or the only value, float32 [N]."""
    (given,) = session.run([output], inputs)
    return np.ascontiguousarray(given[:, -1])


def predict_onnx(blob: bytes, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what ONNX Runtime predicts for each row, a probability or value, shape (n,)."""
    session = open_session(blob)
    names = {output.name for output in session.get_outputs()}
    output = next(name for name in RESULTS.values() if name in names)
    given = np.empty(len(features))
    for start in range(0, len(features), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        given[rows] = last_column(session, output, {"features": features[rows]})
    return given
