"""Telling the features that no model should learn from: constant, missing, doubled, leaking."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.training._dataset import Dataset

__all__ = [
    "LEAK_FROM",
    "Screened",
    "out_of_season",
    "screen",
    "single_auroc",
    "single_correlation",
    "varying_columns",
]

logger = logging.getLogger("holdfast.training")

LEAK_FROM = 0.99
# An AUROC above 0.99 is as plain on so many rows as on all of them.
_MOST_ROWS = 100_000
_CALENDAR = "calendar_"
_YEAR = np.timedelta64(365, "D")


@dataclass(frozen=True)
class Screened:
    """Features to learn from, in their order, and those left out by kind."""

    usable: tuple[str, ...]
    dropped: dict[str, list[str]]


def screen(
    data: Dataset, *, trusted: Collection[str] = (), needed: Collection[str] = ()
) -> Screened:
    """Leave out what no model should learn from, and say so by name.

    Parameters
    ----------
    data
        The rows to learn from.
    trusted
        Features that stay although they look like a leak.
    needed
        Features that stay when others are the same; else the first in column order does.

    Returns
    -------
    Screened
        Its kinds are ``constant``, ``missing``, ``duplicated``, ``leaking`` and ``calendar``, of
        which see `out_of_season`.
    """
    names = np.array(data.names, dtype=object)
    varying = varying_columns(data.features)
    missing = np.isnan(data.features).all(axis=0) if len(data) else ~varying
    dropped: dict[str, list[str]] = {
        "constant": names[~varying & ~missing].tolist(),
        "missing": names[missing].tolist(),
    }
    dropped["calendar"] = out_of_season(data.names, data.as_of)
    varying &= ~np.isin(data.names, dropped["calendar"])
    order = sorted(np.flatnonzero(varying), key=lambda index: data.names[index] not in needed)
    copies = _copies(data, [int(index) for index in order])
    dropped["duplicated"] = [name for name in data.names if name in copies]
    told = {
        **dropped,
        "duplicated": [f"{name} (the same as {copies[name]})" for name in dropped["duplicated"]],
    }
    for kind, left_out in told.items():
        if left_out:
            logger.info("Left out %s features: %s.", kind, ", ".join(left_out))
    rest = [n for n, varies in zip(data.names, varying, strict=True) if varies and n not in copies]
    dropped["leaking"] = _leaks(data, rest, trusted)
    return Screened(tuple(name for name in rest if name not in dropped["leaking"]), dropped)


def out_of_season(names: Collection[str], as_of: NDArray[np.datetime64]) -> list[str]:
    """Name the calendar features, if the rows span less than a year.

    Who has not seen every season carries the ones that were seen on to those that were not.
    """
    if len(as_of) and as_of.max() - as_of.min() >= _YEAR:
        return []
    return [name for name in names if name.startswith(_CALENDAR)]


def varying_columns(features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which columns have at least two distinct values that are not missing."""
    # fmin and fmax pass over NaN; on a column that is all NaN they give NaN, which is not less.
    result: NDArray[np.bool_] = np.fmin.reduce(features, axis=0) < np.fmax.reduce(features, axis=0)
    return result


def single_auroc(values: NDArray[np.float32], y: NDArray[np.int64]) -> float:
    """Return how well one feature alone ranks the outcomes, from 0.5 to 1, in its best reading.

    It is read upwards and downwards, with missing values below and above all others, and as
    nothing but the flag of being missing.

    Parameters
    ----------
    values
        The feature, shape (n,); missing is NaN.
    y
        Outcome 0 or 1, both present, shape (n,).

    Returns
    -------
    float

    Examples
    --------
    >>> known = np.array([np.nan, np.nan, 5.0, 1.0], dtype=np.float32)
    >>> single_auroc(known, np.array([1, 1, 0, 0]))
    1.0
    """
    here = ~np.isnan(values)
    events, others = values[here & (y == 1)], np.sort(values[here & (y == 0)])
    gone_events, gone_others = (float(np.sum(~here & (y == outcome))) for outcome in (1, 0))
    pairs = float(len(events) * len(others))
    wins = 0.5 * float(
        np.searchsorted(others, events, "left").sum()
        + np.searchsorted(others, events, "right").sum()
    )
    # pairs of a missing and a present value, whichever of the two stands higher
    below, above = len(events) * gone_others, gone_events * len(others)
    ties = 0.5 * gone_events * gone_others
    total = (len(events) + gone_events) * (len(others) + gone_others)
    readings = [
        present + apart + ties for present in (wins, pairs - wins) for apart in (below, above)
    ]
    flag = above + ties + 0.5 * pairs
    return max(*readings, flag, total - flag) / total


def single_correlation(values: NDArray[np.float32], y: NDArray[Any]) -> float:
    """Return how well one feature alone ranks the values of a label, from 0 to 1.

    It is the size of Spearman's rank correlation: of ranks, since a single large customer would
    make that of the numbers almost 1. Missing values stand below or above all others.

    Parameters
    ----------
    values
        The feature, shape (n,); missing is NaN.
    y
        Label, not constant, shape (n,).

    Returns
    -------
    float

    Examples
    --------
    >>> single_correlation(np.array([3.0, 2.0, 1.0], np.float32), np.array([1.0, 20.0, 300.0]))
    1.0
    """
    from scipy.stats import rankdata

    label = rankdata(y)
    label -= label.mean()
    found = 0.0
    for stand_in in (-np.inf, np.inf):
        ranks = rankdata(np.where(np.isnan(values), np.float32(stand_in), values))
        ranks -= ranks.mean()
        # not by BLAS, whose threads wait for each other over so few numbers
        size = float(np.sqrt(np.sum(ranks * ranks) * np.sum(label * label)))
        found = max(found, abs(float(np.sum(ranks * label))) / size if size else 0.0)
    return min(round(found, 12), 1.0)


def _leaks(data: Dataset, names: list[str], trusted: Collection[str]) -> list[str]:
    """Name the features that tell the outcome alone, loudly."""
    # Rows lie in the order of their dates; even steps take of every date in proportion.
    step = -(-len(data) // _MOST_ROWS)
    y = data.y[::step]
    if len(np.unique(y)) < 2:
        return []
    position = {name: index for index, name in enumerate(data.names)}
    alone, measure = (
        (single_correlation, "rank correlation")
        if data.target.is_numeric
        else (single_auroc, "AUROC")
    )
    found = []
    for name in names:
        told = alone(data.features[::step, position[name]], y)
        if told <= LEAK_FROM:
            continue
        if name in trusted:
            logger.info("Feature %s alone has %s %.4f, and is trusted.", name, measure, told)
            continue
        found.append(name)
        logger.warning(
            "Feature %s is a probable leak and is left out: alone it tells the outcome with %s "
            "%.4f. Look in its SQL for what was not known at as_of; if it is honest, name it in "
            "trusted_features.",
            name,
            measure,
            told,
        )
    return found


def _copies(data: Dataset, order: list[int]) -> dict[str, str]:
    """Map each feature that equals an earlier one, in the order given, to that one."""
    originals: dict[bytes, int] = {}
    copies = {}
    for index in order:
        column = np.ascontiguousarray(data.features[:, index])
        original = originals.setdefault(hashlib.sha256(column.data).digest(), index)
        if original != index:
            copies[data.names[index]] = data.names[original]
    return copies
