"""Splitting observations by time, with a gap as long as the label looks ahead, or by customer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "HELD_OUT_BELOW",
    "AsOfs",
    "TimeSplit",
    "are_held_out",
    "grouped_folds",
    "rolling_folds",
    "silent_dates",
    "split_by_customer",
    "split_by_time",
]

AsOfs: TypeAlias = NDArray[np.datetime64]

_SHARE_HELD_OUT = 0.2
_MOST_FOLDS = 4
# One or two dates may be odd ones. Three are tested on where twice as many are left to train on.
_DATES_TO_TEST = 3
# The first byte of a customer's hash, in hexadecimal, below which a customer is held out: a fifth.
# The registry notes it, for the warehouse picks the same customers.
HELD_OUT_BELOW = "33"
# As unlikely as that must it be that all customers of a date did the same by chance.
_CHANCE_OF_SILENCE = 1e-6


@dataclass(frozen=True)
class TimeSplit:
    """Observation dates of each part, sorted; validation may be empty.

    Parameters
    ----------
    training
        All as_of's whose labels are known at the first test as_of; the chosen algorithm is fitted
        on them. It holds fit and validation, and what lies in the gap between the two.
    fit, validation, test
        Distinct as_of's, datetime64[us].
    customers_below
        Where customers are held out instead of dates: those whose hash begins with less are the
        test, and the others the training, both on all dates. See `are_held_out`.
    """

    training: AsOfs
    fit: AsOfs
    validation: AsOfs
    test: AsOfs
    customers_below: str | None = None


def split_by_time(as_ofs: AsOfs, gap_days: int, test_dates: int | None = None) -> TimeSplit | None:
    """Give the latest fifth to the test, and what is mature by then to fit and validation.

    A row trains only when its label was known at the first as_of that is held out, as it would
    have been had the model been trained on that day. The test has three dates where a fifth is
    less and six are left to train on, and fewer than a fifth where nothing else could be trained.

    Parameters
    ----------
    as_ofs
        Sorted distinct as_of's with known labels, datetime64[us], shape (n,).
    gap_days
        Days from an as_of to the end of its label window (lead plus horizon).
    test_dates
        How many as_of's to test on instead.

    Returns
    -------
    TimeSplit or None
        None when no as_of is old enough to train on. Validation is empty when it would leave
        nothing to fit on.

    Examples
    --------
    >>> months = np.arange("2025-01", "2026-01", dtype="datetime64[M]").astype("datetime64[us]")
    >>> split = split_by_time(months, gap_days=90)
    >>> len(split.fit), len(split.validation), len(split.test)
    (4, 1, 3)
    """
    if len(as_ofs) < 2:
        return None
    gap = np.timedelta64(gap_days, "D")
    sides = _test_and_earlier(as_ofs, gap, test_dates)
    if sides is None:
        return None
    test, earlier = sides
    for count in range(_held_out(len(earlier)), 0, -1):
        validation = earlier[-count:]
        fit = earlier[earlier + gap <= validation[0]]
        if len(fit):
            return TimeSplit(earlier, fit, validation, test)
    return TimeSplit(earlier, earlier, earlier[:0], test)


def _test_and_earlier(
    as_ofs: AsOfs, gap: np.timedelta64, test_dates: int | None
) -> tuple[AsOfs, AsOfs] | None:
    """Give the dates to test on, and those that were mature before; None where none were."""
    fifth = _held_out(len(as_ofs))
    counts = [test_dates] if test_dates else range(max(fifth, _DATES_TO_TEST), 0, -1)
    for count in counts:
        test = as_ofs[-count:]
        earlier = as_ofs[as_ofs + gap <= test[0]]
        least = 1 if test_dates or count <= fifth else 2 * count
        if len(earlier) >= least:
            return test, earlier
    return None


def split_by_customer(as_ofs: AsOfs) -> TimeSplit:
    """Test on a fifth of the customers, where no date is old enough to train for a later one.

    Parameters
    ----------
    as_ofs
        Sorted distinct as_of's with known labels, datetime64[us], shape (n,), at least one.

    Returns
    -------
    TimeSplit
        All parts but validation have all dates.

    Examples
    --------
    >>> split = split_by_customer(np.array(["2026-03-01"], dtype="datetime64[us]"))
    >>> split.customers_below
    '33'
    """
    return TimeSplit(as_ofs, as_ofs, as_ofs[:0], as_ofs, HELD_OUT_BELOW)


def are_held_out(customer: NDArray[np.uint64], below: str = HELD_OUT_BELOW) -> NDArray[np.bool_]:
    """Tell which customers are held out: the same ones in every build.

    Parameters
    ----------
    customer
        Hash of each row's customer, as `holdfast.training._dataset.Dataset` has it, shape (n,).
    below
        Two hexadecimal digits; the hash of a held-out customer begins with less.

    Returns
    -------
    numpy.ndarray
        Shape (n,), bool.

    Examples
    --------
    >>> are_held_out(np.array([0x10, 0x33, 0x1132], dtype=np.uint64)).tolist()
    [True, False, True]
    """
    # the first byte of the digest is the lowest of the number
    result: NDArray[np.bool_] = (customer & np.uint64(0xFF)) < np.uint64(int(below, 16))
    return result


def silent_dates(as_of: NDArray[np.datetime64], y: NDArray[Any]) -> AsOfs:
    """Name the dates on which all rows came out alike though chance cannot have done that.

    Orders of a year that were never loaded make everybody look lost. What a model would learn from
    it is when data was missing. Few rows that came out alike are no such thing: what is asked is
    how likely they were by the rate of the dates on which both outcomes are found.

    Parameters
    ----------
    as_of
        Date of each row, datetime64[us], shape (n,).
    y
        Outcome 0 or 1, shape (n,).

    Returns
    -------
    numpy.ndarray
        Sorted distinct dates; none where no date has both outcomes.

    Examples
    --------
    >>> dates = np.repeat(np.array(["2026-01", "2026-02"], dtype="datetime64[us]"), 100)
    >>> silent_dates(dates, np.append(np.tile([0, 1], 50), np.ones(100))).astype("M8[M]").tolist()
    [datetime.date(2026, 2, 1)]
    """
    dates, code = np.unique(as_of, return_inverse=True)
    count = np.bincount(code)
    events = np.bincount(code, weights=y)
    mixed = (events > 0) & (events < count)
    if not mixed.any():
        return dates[:0]
    rate = float(events[mixed].sum() / count[mixed].sum())
    chance = np.where(events > 0, rate, 1.0 - rate)
    silent: AsOfs = dates[~mixed & (count * np.log(chance) < np.log(_CHANCE_OF_SILENCE))]
    return silent


def rolling_folds(as_ofs: AsOfs, gap_days: int) -> list[tuple[AsOfs, AsOfs]]:
    """Split dates again and again, each time a fifth earlier, with a gap between the sides.

    This is a walk-forward evaluation with an expanding window (Tashman 2000, "Out-of-sample tests
    of forecasting accuracy").

    Parameters
    ----------
    as_ofs
        Sorted distinct as_of's to train on, datetime64[us], shape (n,).
    gap_days
        As for `split_by_time`.

    Returns
    -------
    list of (dates to fit on, dates held out)
        Up to four, the latest first; each has at least one date on both sides.

    Examples
    --------
    >>> months = np.arange("2025-01", "2026-01", dtype="datetime64[M]").astype("datetime64[us]")
    >>> [(len(fit), len(held_out)) for fit, held_out in rolling_folds(months, gap_days=90)]
    [(8, 2), (6, 2), (4, 2), (1, 2)]
    """
    gap = np.timedelta64(gap_days, "D")
    size = _held_out(len(as_ofs))
    folds: list[tuple[AsOfs, AsOfs]] = []
    for end in range(len(as_ofs), 0, -size):
        held_out = as_ofs[max(0, end - size) : end]
        fit = as_ofs[as_ofs + gap <= held_out[0]]
        if not len(fit) or len(folds) == _MOST_FOLDS:
            break
        folds.append((fit, held_out))
    return folds


def grouped_folds(
    groups: NDArray[np.uint64], y: NDArray[Any]
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Fold rows so that a group never stands on both sides and every side can be fitted.

    Parameters
    ----------
    groups
        Group of each row (a stable hash of the customer), shape (n,).
    y
        Outcomes, shape (n,).

    Returns
    -------
    list of (fit rows, held-out rows)
        Up to five folds; empty when not even two folds have two outcomes to fit on.

    Examples
    --------
    >>> groups = np.repeat(np.arange(10, dtype=np.uint64), 2)
    >>> len(grouped_folds(groups, np.tile([0, 1], 10)))
    5
    """
    from sklearn.model_selection import GroupKFold

    distinct = len(np.unique(groups))
    for count in range(min(5, distinct), 1, -1):
        parts: Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]
        parts = GroupKFold(n_splits=count).split(groups, y, groups)
        folds = list(parts)
        if all(len(np.unique(y[fit])) >= 2 for fit, _ in folds):
            return folds
    return []


def _held_out(count: int) -> int:
    """About a fifth, at least one."""
    return max(1, round(count * _SHARE_HELD_OUT))
