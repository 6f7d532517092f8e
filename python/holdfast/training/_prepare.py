"""From the rows that were read to the parts that fit, validate and test, or why there are none."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.estimators import BGNBD_FEATURES
from holdfast.tasks import Recipe, Task, TrainingPolicy
from holdfast.training._dataset import Dataset
from holdfast.training._screen import out_of_season, screen, varying_columns
from holdfast.training._split import (
    AsOfs,
    TimeSplit,
    are_held_out,
    grouped_folds,
    rolling_folds,
    silent_dates,
    split_by_customer,
    split_by_time,
)

__all__ = ["Prepared", "TooLittle", "first_model_about", "only_mature", "prepare"]

logger = logging.getLogger("holdfast.training")

# More rows change no choice of a setting, but cost time and memory for every one that is tried.
_MOST_TO_TUNE = 200_000


@dataclass(frozen=True)
class TooLittle:
    """Why no model can be made, and what would help."""

    reason: str
    remedy: str


@dataclass(frozen=True)
class Prepared:
    """Rows by part; `folds` are the ways to tune: pairs of rows of `training`.

    `mature` holds all rows with a known label, those of training and test among them.
    """

    split: TimeSplit
    selection: str
    mature: Dataset
    training: Dataset
    test: Dataset
    folds: list[tuple[NDArray[Any], NDArray[Any]]]
    usable: tuple[str, ...]
    dropped: dict[str, list[str]]
    fingerprint: str

    @property
    def tells_models_apart(self) -> bool:
        """Whether there is more than one later time by which models could be chosen."""
        return self.selection == "time_validation" and len(self.folds) > 1


def only_mature(data: Dataset, task: Task, policy: TrainingPolicy) -> Dataset:
    """Leave out rows whose label window is not over on the as_of_date, if one is set."""
    if policy.as_of_date is None:
        return data
    mature = data.as_of + np.timedelta64(task.gap_days, "D") <= np.datetime64(
        policy.as_of_date, "us"
    )
    if mature.all():
        return data
    logger.warning(
        "%d rows have a label window that ends after %s; they are left out.",
        int((~mature).sum()),
        policy.as_of_date,
    )
    return data.rows(mature)


def prepare(
    data: Dataset, task: Task, recipe: Recipe, policy: TrainingPolicy
) -> Prepared | TooLittle:
    """Split the rows, and say so when they are too few.

    A model is tested on later dates. Where the history is too short for that, it is tested on the
    same dates, on other customers than it learned from: better than no model for another horizon.
    """
    data = _without_silence(data)
    as_ofs = np.unique(data.as_of)
    split = split_by_time(as_ofs, task.gap_days, policy.test_dates)
    if split is not None:
        return _split(data, split, task, recipe, policy)
    dates = f"{len(as_ofs)} observation date{' leaves' if len(as_ofs) == 1 else 's leave'}"
    later = f"{dates} none that is {task.gap_days} days older than the test dates"
    when = f": {_about(as_ofs[0], 2 * task.gap_days)}" if len(as_ofs) else ""
    if not len(as_ofs) or not _may_hold_out_customers(task, policy):
        return TooLittle(
            f"{later}{when}",
            "more observation dates, a longer history or a shorter horizon would help",
        )
    instead = _split(data, split_by_customer(as_ofs), task, recipe, policy)
    if isinstance(instead, TooLittle):
        return TooLittle(
            f"{later}, and for a test on other customers {instead.reason}{when}", instead.remedy
        )
    logger.info("Testing on other customers: %s.", later)
    return instead


def _without_silence(data: Dataset) -> Dataset:
    """Leave out dates on which all rows came out alike, as they do where data was never loaded."""
    if data.target.is_numeric:
        return data
    silent = silent_dates(data.as_of, data.y)
    if not len(silent):
        return data
    logger.warning(
        "Left out %d dates (%s to %s): all their customers have the same outcome, which is no "
        "chance. Most likely data of their label windows is missing.",
        len(silent),
        str(silent[0])[:10],
        str(silent[-1])[:10],
    )
    return data.rows(~np.isin(data.as_of, silent))


def _may_hold_out_customers(task: Task, policy: TrainingPolicy) -> bool:
    """Tell whether a model may be tested on other customers where there are no later dates.

    Whoever asks for test dates wants dates; rows of more than a customer are measured as lists of
    all customers of a date; and numbers are compared with processes that were fitted on all.
    """
    return policy.test_dates is None and task.entity == ("customer_id",) and not task.is_numeric


def _split(
    data: Dataset, split: TimeSplit, task: Task, recipe: Recipe, policy: TrainingPolicy
) -> Prepared | TooLittle:
    """Give the rows of each part, the folds to choose on and the features to learn from."""
    of_training, of_test = (np.isin(data.as_of, dates) for dates in (split.training, split.test))
    if split.customers_below is not None:
        held_out = are_held_out(data.customer, split.customers_below)
        of_training, of_test = of_training & ~held_out, of_test & held_out
    training, test = data.rows(of_training), data.rows(of_test)
    for name, y in (("training", training.y), ("test", test.y)):
        if len(np.unique(y)) < 2:
            return TooLittle(
                f"all {len(y)} rows of the {name} part have the same outcome"
                if len(y)
                else f"there are no rows for the {name} part",
                "more customers or observation dates would help",
            )
    too_few = _too_few(training, policy, are_apart=split.customers_below is None)
    if too_few is not None:
        return too_few
    selection, folds = "grouped_cross_validation", []
    if len(split.validation):
        folds = _rows_of_folds(training, rolling_folds(split.training, task.gap_days))
    if folds:
        selection = "time_validation"
    else:
        folds = grouped_folds(training.customer, training.y)
    if split.customers_below is not None:
        selection = "held_out_customers"
    if not folds:
        return TooLittle(
            "the history is too short for validation dates, and the customers are too few to "
            "validate on some of them instead",
            "more customers or observation dates would help",
        )
    # baselines and BG/NBD name their features; of equal ones theirs must stay
    needed = (task.baseline_feature, *BGNBD_FEATURES)
    screened = screen(training, trusted=recipe.trusted_features, needed=needed)
    if not screened.usable:
        return TooLittle(
            "every feature is constant, missing or a probable leak in the training rows",
            "a feature that varies and does not know the outcome would help",
        )
    folds = [(fit, out) for fit, out in folds if _teaches(training, screened.usable, fit)]
    if not folds:
        return TooLittle(
            "no feature varies before the dates that models are validated on",
            "a longer history, or a feature that varied earlier, would help",
        )
    return Prepared(
        split,
        selection,
        data,
        training,
        test,
        folds,
        screened.usable,
        screened.dropped,
        training.fingerprint(),
    )


def first_model_about(first: np.datetime64, task: Task, policy: TrainingPolicy) -> str:
    """Tell when there is a label to train on, and a later one to test on where that is needed."""
    windows = 1 if _may_hold_out_customers(task, policy) else 2
    return _about(first, windows * task.gap_days)


def _about(first: np.datetime64, days: int) -> str:
    """Tell from when on there is enough, by the days that it takes from the first date."""
    day = (first + np.timedelta64(days, "D")).astype("datetime64[D]")
    return f"from about {day} on a model can be trained"


def _too_few(training: Dataset, policy: TrainingPolicy, *, are_apart: bool) -> TooLittle | None:
    """Say when the training rows, or for yes and no those of the rarer outcome, are too few.

    Dates that are less than a label window apart ask a customer the same question again: where all
    are, customers are counted, and not rows.
    """
    if are_apart:
        have = {"rows": (len(training), policy.min_rows)}
        each = training.y
    else:
        _, last = np.unique(training.customer[::-1], return_index=True)
        have = {"customers": (len(last), policy.min_rows)}
        each = training.y[::-1][last]
    if not training.target.is_numeric:
        events = int(each.sum())
        have["events"] = (min(events, len(each) - events), policy.min_events)
    if all(count >= least for count, least in have.values()):
        return None
    told = ", ".join(f"{count} of {least} {name}" for name, (count, least) in have.items())
    if not are_apart:
        told = f"there are {told}"
    when = _months_more(training, list(have.values())) if are_apart else ""
    names = ["min_rows", *(["min_events"] if "events" in have else [])]
    return TooLittle(
        f"{told}{when}",
        "more customers or observation dates would help, and so would a lower "
        f"{' and '.join(f'`holdfast_{name}`' for name in names)}, or {' and '.join(names)} of "
        "the task",
    )


def _months_more(training: Dataset, have: list[tuple[int, int]]) -> str:
    """Tell in how many months there is enough, should they bring as much as those before."""
    dates = np.unique(training.as_of)
    if len(dates) < 2 or any(count == 0 for count, _ in have):
        return ""
    step = float(np.median(np.diff(dates)) / np.timedelta64(1, "D"))
    missing = max((least - count) * len(dates) / count for count, least in have)
    months = max(1, int(np.ceil(np.ceil(missing) * step / 30.44 - 0.1)))
    return f": about {months:,} more month{'s' if months > 1 else ''}"


def thinned(rows: NDArray[Any], most: int = _MOST_TO_TUNE) -> NDArray[Any]:
    """Return evenly spaced ones of many rows; in their order every date keeps its share."""
    return rows[:: max(1, -(-len(rows) // most))]


def _rows_of_folds(
    training: Dataset, dates: list[tuple[AsOfs, AsOfs]]
) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return the rows of each fold, but for earlier folds with nothing to learn or to measure."""
    folds = []
    for fit_dates, held_out_dates in dates:
        fit = thinned(np.flatnonzero(np.isin(training.as_of, fit_dates)))
        held_out = thinned(np.flatnonzero(np.isin(training.as_of, held_out_dates)))
        if all(len(np.unique(training.y[rows])) >= 2 for rows in (fit, held_out)):
            folds.append((fit, held_out))
    return folds


def _teaches(training: Dataset, names: tuple[str, ...], rows: NDArray[Any]) -> bool:
    """Tell whether there is a feature to learn from in some of the rows."""
    left_out = out_of_season(names, training.as_of[rows])
    return any(
        bool(varying_columns(training.columns((name,))[rows])[0])
        for name in names
        if name not in left_out
    )
