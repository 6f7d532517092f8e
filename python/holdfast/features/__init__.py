"""Features as they were known then, for any customers and times, by the dbt models' own SQL."""

from __future__ import annotations

from holdfast.features._definitions import Feature, FeatureError
from holdfast.features._store import FeatureStore

__all__ = ["Feature", "FeatureError", "FeatureStore"]
