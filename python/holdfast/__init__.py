"""Holdfast: an SQL-first feature store and in-warehouse modelling for customer retention."""

from __future__ import annotations

from holdfast.errors import HoldfastError

__all__ = ["HoldfastError", "__version__"]

__version__ = "0.1.0"
