"""What can go wrong with the registry and its models."""

from __future__ import annotations

from holdfast.errors import HoldfastError

__all__ = ["RegistryError"]


class RegistryError(HoldfastError):
    """A model is not there or cannot be what was asked of it, or the registry is broken."""
