"""The time grid: quarter-month steps, seasons, weekdays and hours of the day."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from holdfast.simulation._draws import Draws
from holdfast.simulation._parameters import ShopParameters

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

DAY = 86_400
_STEP_OFFSETS = (0, 7, 15, 22)
_LONGEST_STEP = 9


def day_number(value: date) -> int:
    """Days since 1970-01-01."""
    return value.toordinal() - date(1970, 1, 1).toordinal()


def shift_months(value: date, months: int) -> date:
    """Move to the same day some months on; to the last day of a shorter month."""
    year, month = divmod(value.year * 12 + value.month - 1 + months, 12)
    return date(year, month + 1, min(value.day, monthrange(year, month + 1)[1]))


def shift_months_array(days: Ints, months: Ints) -> Ints:
    """Do as ``shift_months`` for arrays of day numbers."""
    first = days.astype("datetime64[D]").astype("datetime64[M]")
    offset = days - first.astype("datetime64[D]").astype(np.int64)
    target = first + months.astype("timedelta64[M]")
    start = target.astype("datetime64[D]").astype(np.int64)
    length = (target + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - start
    return np.asarray(start + np.minimum(offset, length - 1), dtype=np.int64)


@dataclass(frozen=True)
class Calendar:
    """The window cut into steps. Days are numbers since 1970-01-01."""

    start_day: int
    end_day: int
    month_day: Ints  # first day of each calendar month that the window touches
    step_day: Ints
    step_days: Ints
    step_month: Ints
    step_season: Floats
    step_weight: Floats  # sum of the weekday weights of the step's days
    is_post_holiday: Bools
    is_busy: Bools  # December and January, when parcels and tickets wait
    day_cdf: Floats  # (steps, 9): how the days of a step share its orders
    first_month: int = 0  # months that the shop has behind it

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.step_day)

    @property
    def end_second(self) -> int:
        """The end of the window in seconds since 1970-01-01."""
        return self.end_day * DAY

    def share_to_step(self, share: float) -> int:
        """Find the first step at or after a share of the window."""
        day = self.start_day + share * (self.end_day - self.start_day)
        return int(np.searchsorted(self.step_day, day))

    def share_to_month(self, share: float) -> int:
        """Find the month that holds a share of the window; one past the last for 1 and more."""
        step = self.share_to_step(share)
        return int(self.step_month[step]) if step < self.steps else len(self.month_day)

    def draw_day(self, rng: Draws, steps: Ints) -> Ints:
        """Draw days within the given steps, by weekday."""
        u = rng.random(len(steps))
        offset = (u[:, None] >= self.day_cdf[steps]).sum(axis=1)
        return np.asarray(self.step_day[steps] + offset, dtype=np.int64)


def build_calendar(end: date, months: int, parameters: ShopParameters) -> Calendar:
    """Cut ``[end - months, end)`` into steps."""
    start_day, end_day = day_number(shift_months(end, -months)), day_number(end)
    month = shift_months(end, -months).replace(day=1)
    month_day, step_day, step_days, step_month, calendar_month = [], [], [], [], []
    while day_number(month) < end_day:
        following = shift_months(month, 1)
        month_day.append(day_number(month))
        cuts = [day_number(month) + offset for offset in _STEP_OFFSETS] + [day_number(following)]
        for first, after in pairwise(cuts):
            low, high = max(first, start_day), min(after, end_day)
            if low < high:
                step_day.append(low)
                step_days.append(high - low)
                step_month.append(len(month_day) - 1)
                calendar_month.append(month.month)
        month = following
    days = np.array(step_days)
    offsets = np.arange(_LONGEST_STEP)
    every_day = np.array(step_day)[:, None] + offsets
    # 1970-01-01 was a Thursday, weekday 3.
    weight = np.array(parameters.weekday_weight)[(every_day + 3) % 7] * (offsets < days[:, None])
    of_year = np.array(calendar_month)
    running = np.cumsum(weight, axis=1)
    return Calendar(
        start_day=start_day,
        end_day=end_day,
        month_day=np.array(month_day),
        step_day=np.array(step_day),
        step_days=days,
        step_month=np.array(step_month),
        step_season=np.array(parameters.season_by_month)[of_year - 1],
        step_weight=weight.sum(axis=1),
        is_post_holiday=np.isin(of_year, (1, 2)),
        is_busy=np.isin(of_year, (12, 1)),
        day_cdf=running[:, :-1] / running[:, -1:],
    )


def draw_second_of_day(rng: Draws, preferred_hour: Floats) -> Ints:
    """Draw the second of the day: mostly near the own hour, else at noon or in the evening."""
    count = len(preferred_hour)
    kind = rng.random(count)
    centre = np.where(kind < 0.65, preferred_hour, np.where(kind < 0.80, 12.5, 19.5))
    hour = (centre + 2.1 * rng.standard_normal(count)) % 24.0
    return np.minimum((hour * 3600).astype(np.int64), DAY - 1)


def draw_loaded_at(rng: Draws, event_at: Ints, typical_minutes: float, late_share: float) -> Ints:
    """Draw when rows reach the warehouse: in 15-minute batches, a few one to two days late."""
    count = len(event_at)
    delay = rng.standard_exponential(count, dtype=np.float32) * np.float32(typical_minutes * 60)
    delay = np.minimum(delay, np.float32(12 * 3600))
    is_late = rng.random(count, dtype=np.float32) < late_share
    delay = np.where(is_late, DAY + rng.random(count, dtype=np.float32) * DAY, delay)
    return -(-(event_at + delay.astype(np.int64) + 60) // 900) * 900
