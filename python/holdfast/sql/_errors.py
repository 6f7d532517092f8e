"""What the SQL compiler raises."""

from __future__ import annotations

from holdfast.errors import HoldfastError

__all__ = ["SqlError"]


class SqlError(HoldfastError):
    """A model cannot be written as SQL, exactly and within the limits."""
