"""What an assistant is told where there is no answer."""

from __future__ import annotations

from holdfast.errors import HoldfastError

__all__ = ["ArgumentError", "AssistantsError"]


class AssistantsError(HoldfastError):
    """The server cannot start, or the published file cannot be read."""


class ArgumentError(AssistantsError):
    """An argument of a call is not one that the tool takes."""
