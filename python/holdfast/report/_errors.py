"""The error of the report."""

from __future__ import annotations

from holdfast.errors import HoldfastError

__all__ = ["ReportError"]


class ReportError(HoldfastError):
    """The report cannot be made from what the build left, or cannot be written."""
