"""Holdfast: an SQL-first feature store and in-warehouse modelling for customer retention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.errors import HoldfastError

if TYPE_CHECKING:
    from holdfast.features import FeatureStore
    from holdfast.scoring import register

__all__ = ["FeatureStore", "HoldfastError", "__version__", "register"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load the feature store, and with it Ibis, or scoring only where it is asked for."""
    if name == "FeatureStore":
        from holdfast.features import FeatureStore

        return FeatureStore
    if name == "register":
        from holdfast.scoring import register

        return register
    raise AttributeError(f"module 'holdfast' has no attribute '{name}'")
