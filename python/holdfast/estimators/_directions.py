"""In which direction features are known to move the risk of churn."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["MONOTONIC", "directions"]

# the parameter of an algorithm that asks for it
MONOTONIC = "monotonic"

# Longer silence is no good sign, and buying more often no bad one, all else equal.
_KNOWN = (
    (re.compile(r"days_since_order(_per_gap)?"), 1),
    (re.compile(r"(order_count|active_months)_\d+[dwm]|orders_lifetime"), -1),
    (re.compile(r"(purchase_days|active_weeks)_\d+d"), -1),
    (re.compile(r"order_count_(trend|recent_share)_\d+[dwm]"), -1),
)


def directions(
    names: Sequence[str], asked: bool | Mapping[str, int] | None
) -> NDArray[np.int8] | None:
    """Give the direction of each feature: 1 raises what is predicted, -1 lowers it, 0 is open.

    Parameters
    ----------
    names
        Features, in the order of the model.
    asked
        True for what is known of recency and counts of orders, a mapping for directions of the
        author's own, False or None for none.

    Returns
    -------
    numpy.ndarray or None
        Shape (F,); None where every feature is open.

    Examples
    --------
    >>> directions(["days_since_order", "order_count_90d", "revenue_90d"], True).tolist()
    [1, -1, 0]
    >>> directions(["revenue_90d"], True) is None
    True
    """
    if not asked:
        return None
    if isinstance(asked, Mapping):
        found = [int(asked.get(name, 0)) for name in names]
    else:
        found = [
            next((sign for known, sign in _KNOWN if known.fullmatch(name)), 0) for name in names
        ]
    return np.array(found, np.int8) if any(found) else None
