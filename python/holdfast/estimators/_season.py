"""What a year ago tells of the level: a shift of the log-odds by the part of the year.

A model carries the mean level of its training dates to every season. What it got wrong on the same
date a year before, beside the mean of that year, is the best guess of what it will get wrong again,
but only as far as such errors come back. Half of them is expected to; dates that have another one a
year before them correct that, by the more of them there are, down to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from holdfast.estimators._calibration import best_intercept, sigmoid

__all__ = ["YEAR_SHARE", "Season", "fit_season"]

_Doubles: TypeAlias = NDArray[np.float64]

# the feature that a season reads: days since the first of January, in years
YEAR_SHARE = "calendar_year_share"

_YEAR_DAYS = 365.25
# The year in half months; the first one begins before New Year and ends after it.
_PARTS = 24
# How far from a day its neighbours count, less the farther they are: those of a monthly grid are
# then drawn together by a line.
_REACH = 1.0 / 12.0
_LEAST_WEIGHT = 0.3
# Of a year-ago error, before there is any evidence; it weighs as much as one label window.
_EXPECTED_SHARE = 0.5


@dataclass(frozen=True)
class Season:
    """Log-odds to add, by half month.

    Parameters
    ----------
    shifts
        Of each half month; the first stands at the end again, shape (25,).
    rows
        Training rows in each, at least 1, likewise.
    share
        The share of a year-ago error that is expected to come back, 0 to 1.
    """

    shifts: _Doubles
    rows: NDArray[np.int64]
    share: float

    @property
    def edges(self) -> NDArray[np.float32]:
        """Greatest year share of every half month but the last, shape (24,)."""
        return ((np.arange(_PARTS) + 0.5) / _PARTS).astype(np.float32)

    @property
    def base_value(self) -> float:
        """Mean over the training rows, of shifts rounded as they are stored."""
        stored = self.shifts.astype(np.float32).astype(np.float64)
        return float(np.average(stored, weights=self.rows.astype(np.float64)))

    def log_odds(self, year_share: NDArray[np.float32]) -> _Doubles:
        """Return what is added; a missing value stands at the end of the year, shape (n,)."""
        result: _Doubles = self.shifts[np.searchsorted(self.edges, year_share, side="left")]
        return result

    def scaled(self, factor: float, weight: float = 1.0) -> Season:
        """Return it stretched around its mean, and then weighed."""
        base = self.base_value
        return replace(self, shifts=weight * (base + factor * (self.shifts - base)))


def fit_season(
    log_odds: _Doubles,
    y: NDArray[np.int64],
    as_of: NDArray[np.datetime64],
    gap_days: int,
    counts: NDArray[np.bool_] | None = None,
) -> Season | None:
    """Measure the errors of each date's level, and how far they come back a year later.

    Parameters
    ----------
    log_odds
        Of the model, on the rows that it was fitted on, shape (n,).
    y
        Outcome 0 or 1, shape (n,).
    as_of
        Observation of each row, shape (n,).
    gap_days
        Days from an as_of to the end of its label window: dates closer than that tell in part the
        same.
    counts
        Which rows are of dates whose level can be compared, shape (n,); None for all. The first
        dates of a shop cannot: nobody there has been seen for long.

    Returns
    -------
    Season or None
        None for a single date, where the label windows of the dates span less than a year, or where
        errors do not come back.

    Examples
    --------
    >>> months = np.arange("2023-01", "2025-01", dtype="datetime64[M]").astype("datetime64[us]")
    >>> as_of = np.repeat(months, 100)
    >>> in_winter = np.isin(as_of.astype("datetime64[M]").astype(int) % 12, [0, 10, 11])
    >>> y = (np.tile(np.arange(100), 24) < np.where(in_winter, 30, 50)).astype(np.int64)
    >>> season = fit_season(np.zeros(len(y)), y, as_of, 90)
    >>> bool(season.share > 0.5), bool(season.shifts[0] < 0 < season.shifts[12] + 0.1)
    (True, True)
    """
    dates, position = np.unique(as_of, return_inverse=True)
    days = dates.astype("datetime64[D]").astype(np.int64).astype(np.float64)
    errors, known = np.zeros(len(dates)), np.zeros(len(dates), dtype=bool)
    chance = np.zeros(len(dates))
    for index in range(len(dates)):
        here = position == index
        outcomes = y[here]
        # of a date with one outcome nothing finite can be told
        known[index] = 0 < outcomes.sum() < len(outcomes)
        known[index] &= counts is None or bool(counts[here].all())
        if known[index]:
            errors[index] = best_intercept(log_odds[here], outcomes, 0.0)
            expected = sigmoid(log_odds[here] + errors[index])
            chance[index] = 1.0 / max(float(np.sum(expected * (1.0 - expected))), 1e-12)
    days, errors, chance = days[known], errors[known], chance[known]
    # a long window says little of the seasons after the last date
    seen_after = min(float(gap_days), _YEAR_DAYS / 4.0)
    if len(days) < 2 or days[-1] + seen_after - days[0] < _YEAR_DAYS:
        return None
    # a season is what differs from the mean of a whole year
    errors -= errors[days > days[-1] - _YEAR_DAYS].mean()
    pairs = [
        (error, before)
        for day, error in zip(days, errors, strict=True)
        if (before := _near((days - (day - _YEAR_DAYS)) / _YEAR_DAYS, errors)) is not None
    ]
    own, year_ago = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    # months whose windows overlap are one piece of evidence together
    step = float(np.median(np.diff(days)))
    evidence = min(1.0, step / gap_days)
    # a ridge regression whose prior weighs as much as one window of a mean error
    prior = float(np.mean(errors**2))
    # what chance alone moves the level of so few customers does not come back
    lasting = max(0.0, 1.0 - float(np.mean(chance)) / max(prior, 1e-12))
    share = evidence * float(np.sum(own * year_ago)) + _EXPECTED_SHARE * lasting * prior
    share /= max(evidence * float(np.sum(year_ago**2)) + prior, 1e-12)
    share = float(np.clip(share, 0.0, 1.0))
    if share <= 0.0:
        return None
    of_year = _year_share(dates[known])
    shifts = np.zeros(_PARTS + 1)
    for part in range(_PARTS):
        away = of_year - part / _PARTS
        found = _near(away - np.round(away), errors)
        shifts[part] = 0.0 if found is None else share * found
    shifts[-1] = shifts[0]
    season = Season(shifts, np.zeros(_PARTS + 1, np.int64), share)
    part_of_date = np.searchsorted(season.edges, _year_share(dates).astype(np.float32), "left")
    rows = np.bincount(part_of_date, weights=np.bincount(position), minlength=_PARTS + 1)
    # what explains a tree asks for a row in each of its leaves
    return replace(season, rows=np.maximum(rows, 1).astype(np.int64))


def _near(years_away: _Doubles, errors: _Doubles) -> float | None:
    """Return the mean error of the dates that lie near, None where none does."""
    weight = np.maximum(0.0, 1.0 - np.abs(years_away) / _REACH)
    total = float(weight.sum())
    return float(weight @ errors) / total if total > _LEAST_WEIGHT else None


def _year_share(dates: NDArray[np.datetime64]) -> _Doubles:
    """Return the feature `YEAR_SHARE` of dates."""
    day = dates.astype("datetime64[D]")
    first = dates.astype("datetime64[Y]").astype("datetime64[D]")
    result: _Doubles = (day - first).astype(np.int64) / 366.0
    return result
