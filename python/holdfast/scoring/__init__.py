"""Scoring with a stored ONNX model, in Python and as DuckDB functions.

Importing this package is cheap: ONNX and ONNX Runtime are imported when the first model is read.
"""

from __future__ import annotations

from holdfast.contract import ModelError
from holdfast.scoring._file import score_file
from holdfast.scoring._function import register
from holdfast.scoring._model import OnnxModel
from holdfast.scoring._topics import TopicModel, assign

__all__ = ["ModelError", "OnnxModel", "TopicModel", "assign", "register", "score_file"]
