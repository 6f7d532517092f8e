"""What can go wrong while predictions are measured."""

from __future__ import annotations

from holdfast.errors import HoldfastError

__all__ = ["MeasuringError"]


class MeasuringError(HoldfastError):
    """Predictions cannot be measured as they are; no figure was made."""
