"""What can go wrong while publishing."""

from __future__ import annotations

from holdfast.errors import HoldfastError

__all__ = ["PublishError"]


class PublishError(HoldfastError):
    """Nothing was published; what was published before is as it was."""
