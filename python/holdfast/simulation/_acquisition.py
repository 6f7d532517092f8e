"""What the shop spends on winning customers: budgets per month and channel."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from holdfast.simulation._arrow import money
from holdfast.simulation._calendar import Calendar
from holdfast.simulation._parameters import ACQUISITION_CHANNELS, ShopParameters


def acquisition_costs_table(
    rng: np.random.Generator, customers: float, calendar: Calendar, parameters: ShopParameters
) -> pa.Table:
    """Lay out the budgets, planned by the season; channels that cost nothing have no rows."""
    p = parameters
    weight = calendar.step_weight * np.sqrt(calendar.step_season)
    of_month = np.bincount(calendar.step_month, weight, len(calendar.month_day))
    expected = customers * (1 - p.existing_share) * of_month / of_month.sum()
    of_channel = np.array(p.segment_share) @ np.array(p.channel_share)
    paid = np.flatnonzero(np.array(p.acquisition_cost))
    euros = np.outer(expected, (of_channel * np.array(p.acquisition_cost))[paid])
    euros *= np.exp(rng.normal(0.0, p.acquisition_cost_spread, euros.shape))
    first_day = calendar.month_day.astype("datetime64[D]")
    return pa.table(
        {
            "month": pa.array(np.repeat(first_day, len(paid))),
            "channel": pa.array(ACQUISITION_CHANNELS).take(pa.array(np.tile(paid, len(first_day)))),
            "spend": money(np.rint(100 * euros.ravel()).astype(np.int64)),
        }
    )
