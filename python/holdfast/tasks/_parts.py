"""What a task is, how its models are made, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Recipe", "Task", "TrainingPolicy", "changed"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is predicted.

    Parameters
    ----------
    name
        Name of the prediction task; one champion exists per task.
    label
        Boolean column of the training set that holds the outcome; for regression a numeric one.
    target
        ``classification`` of yes and no, or ``regression`` of a number.
    definition
        What the label means, in a word; a champion trained for another meaning does not score.
    horizon_days, lead_days
        The label of a row looks at ``[as_of + lead, as_of + lead + horizon)``, in days.
    baseline_feature
        The one feature of the baseline model that every other model has to beat.
    entity
        The columns that, with ``as_of``, identify a row; ``customer_id`` is among them. None of
        them is a feature.

    Examples
    --------
    >>> Task(horizon_days=60, lead_days=7).gap_days
    67
    """

    name: str = "churn"
    label: str = "churned"
    target: str = "classification"
    definition: str = ""
    horizon_days: int = 90
    lead_days: int = 0
    baseline_feature: str = "days_since_order"
    entity: tuple[str, ...] = ("customer_id",)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that identify a row."""
        return (*self.entity, "as_of")

    @property
    def gap_days(self) -> int:
        """Days from an as_of to the end of its label window."""
        return self.lead_days + self.horizon_days

    @property
    def is_numeric(self) -> bool:
        """Whether a number is predicted, and not yes or no."""
        return self.target == "regression"

    @property
    def fits_bgnbd(self) -> bool:
        """Whether the label is what a BG/NBD predicts: no order from as_of on, for a horizon."""
        silent = self.definition in ("", "non_contractual")
        return self.name == "churn" and not self.is_numeric and silent and self.lead_days == 0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the models of a task are made.

    Parameters
    ----------
    estimator
        The model to fit: ``logistic_regression``, ``hist_gradient_boosting``, ``blend``, or a
        function of the user's own, ``package.module:function``, that returns a classifier of
        scikit-learn. None lets the first three compete. For regression the first is
        ``linear_regression``, and the function returns a regressor.
    estimator_parameters
        What the estimator is made with. Where several compete, a mapping by their names.
    features
        The features to learn from; all, when it is empty.
    exclude_features
        Features not to learn from.
    trusted_features
        Features to learn from even though one alone tells the outcome almost for certain, which
        is otherwise taken for a leak.
    seed
        Seed of everything random.
    max_rows
        Most rows to read. A larger training set is sampled in the warehouse.

    Examples
    --------
    >>> Recipe(estimator="blend").seed
    7
    """

    estimator: str | None = None
    estimator_parameters: Mapping[str, Any] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    exclude_features: tuple[str, ...] = ()
    trusted_features: tuple[str, ...] = ()
    seed: int = 7
    max_rows: int = 2_000_000


@dataclass(frozen=True, kw_only=True)
class TrainingPolicy:
    """When to train, and from how much.

    Parameters
    ----------
    retrain
        Train although the champion is fresh.
    retrain_after_days
        Age in days, in data time, at which a champion is challenged again.
    min_rows, min_events
        Fewest training rows, and fewest rows of each outcome, from which a model is made; a number
        has no events.
    test_dates
        How many of the latest observation dates to test on. Default: a fifth of them.
    as_of_date
        The present day of the data. Default: the end of the last label window.
    reset
        Drop all former models of the task.
    fallback
        What scores while nothing can be trained: ``bg_nbd`` or ``none``.
    optional
        Whether too little to learn from is nothing to warn of.

    Examples
    --------
    >>> TrainingPolicy().retrain_after_days
    30
    """

    retrain: bool = False
    retrain_after_days: int = 30
    min_rows: int = 200
    min_events: int = 20
    test_dates: int | None = None
    as_of_date: dt.date | None = None
    reset: bool = False
    fallback: str = "none"
    optional: bool = False


def changed(part: Task | Recipe | TrainingPolicy, *names: str) -> dict[str, Any]:
    """Give those of some fields that differ from their defaults.

    Parameters
    ----------
    part
        A part of the settings.
    names
        Names of its fields.

    Returns
    -------
    dict

    Examples
    --------
    >>> changed(Recipe(seed=8), "estimator", "seed")
    {'seed': 8}
    """
    default = type(part)()
    asked = {name: getattr(part, name) for name in names}
    return {name: value for name, value in asked.items() if value != getattr(default, name)}
