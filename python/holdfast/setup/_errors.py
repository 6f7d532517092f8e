"""The error of setting up a project."""

from __future__ import annotations

from holdfast.errors import HoldfastError

__all__ = ["SetupError"]


class SetupError(HoldfastError):
    """A project cannot be set up until someone answers a question or changes a table."""
