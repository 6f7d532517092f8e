"""The model file: how it is written, what it may hold, and how it is read.

All who write, run, explain or compile models take from here what the file looks like, so that it
stands in one place. Importing this package is cheap: ONNX and ONNX Runtime are imported when the
first model is read or written.
"""

from __future__ import annotations

from holdfast.contract._agreement import PROBABILITY_TOLERANCE, Gap, check_parity, largest_gap
from holdfast.contract._ensemble import (
    TreeEnsemble,
    as_regressor,
    leaf_prefix,
    read_ensemble,
    read_ensemble_node,
)
from holdfast.contract._errors import RESTORE, ModelError, TreeFormatError
from holdfast.contract._file import ModelFile
from holdfast.contract._format import (
    BGNBD_LOG_ODDS,
    CONTRACT,
    LINEAR_BASE_VALUE,
    LINEAR_LOG_ODDS,
    LINEAR_ROWS,
    LINEAR_TERMS,
    OPERATORS,
    OPSETS,
    RESULTS,
    TREE_OPERATORS,
)
from holdfast.contract._graph import Graph, finish, result_outputs
from holdfast.contract._header import OnnxHeader
from holdfast.contract._linear import LinearPart, read_linear_part
from holdfast.contract._row import ROW_COLUMNS, check_row, model_id
from holdfast.contract._session import last_column, open_session, predict_onnx
from holdfast.contract._topics import GRAM_WEIGHT, TopicFile, write_topics

__all__ = [
    "BGNBD_LOG_ODDS",
    "CONTRACT",
    "GRAM_WEIGHT",
    "LINEAR_BASE_VALUE",
    "LINEAR_LOG_ODDS",
    "LINEAR_ROWS",
    "LINEAR_TERMS",
    "OPERATORS",
    "OPSETS",
    "PROBABILITY_TOLERANCE",
    "RESTORE",
    "RESULTS",
    "ROW_COLUMNS",
    "TREE_OPERATORS",
    "Gap",
    "Graph",
    "LinearPart",
    "ModelError",
    "ModelFile",
    "OnnxHeader",
    "TopicFile",
    "TreeEnsemble",
    "TreeFormatError",
    "as_regressor",
    "check_parity",
    "check_row",
    "finish",
    "largest_gap",
    "last_column",
    "leaf_prefix",
    "model_id",
    "open_session",
    "predict_onnx",
    "read_ensemble",
    "read_ensemble_node",
    "read_linear_part",
    "result_outputs",
    "write_topics",
]
