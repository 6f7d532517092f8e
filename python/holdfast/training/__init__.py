"""Training: from a training set in the warehouse to rows of the model registry.

`update_registry` is what the dbt model calls; `train` does the work: it reads the training set
through Ibis, splits it by time, fits the algorithms, writes them as ONNX, and decides which one is
the champion.
"""

from __future__ import annotations

from holdfast.errors import TrainingError
from holdfast.training._registry import REGISTRY_SCHEMA
from holdfast.training._train import train, update_registry

__all__ = ["REGISTRY_SCHEMA", "TrainingError", "train", "update_registry"]
