"""What can go wrong with the registry's models."""

from __future__ import annotations

from holdfast.errors import HoldfastError

__all__ = ["RegistryError"]


class RegistryError(HoldfastError):
    """A model is not there, or cannot be what was asked of it."""
