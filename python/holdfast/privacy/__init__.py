"""Customers who asked to be forgotten: gone from all that was built and published, for good."""

from __future__ import annotations

from holdfast.privacy._forgetting import ForgetError, Forgotten, forget_customers

__all__ = ["ForgetError", "Forgotten", "forget_customers"]
