"""What reading a model file raises."""

from __future__ import annotations

from holdfast.errors import HoldfastError

__all__ = ["RESTORE", "ModelError", "TreeFormatError"]

# What to do about a file that should never have come to be.
RESTORE = (
    "Restore the row of the model registry from a backup, or retrain the model: set the stage of "
    "its row to 'archived', and the next `dbt build` trains another."
)


class ModelError(HoldfastError):
    """A stored model is corrupt, is not of the contract, or cannot do what was asked of it."""


class TreeFormatError(ModelError):
    """The attributes of a tree ensemble do not make trees, or none of the kind that is asked for.

    Its message is a part of a sentence; who catches it says of which model it speaks.
    """
