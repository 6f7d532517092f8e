"""The error of training."""

from __future__ import annotations

from holdfast.errors import HoldfastError

__all__ = ["TrainingError"]


class TrainingError(HoldfastError):
    """Training cannot go on until someone changes a setting, a column or the registry.

    Too little history is not an error: then the build goes on without a new model.
    """
