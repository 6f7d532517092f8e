"""The settings of a training run, checked key by key."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from holdfast.errors import TrainingError

__all__ = ["TrainingSettings"]


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """What a training run may be told.

    Parameters
    ----------
    task
        Name of the prediction task; one champion exists per task.
    label
        Boolean column of the training set that holds the outcome; for regression a numeric one.
    target
        ``classification`` of yes and no, or ``regression`` of a number.
    definition
        What the label means, in a word; a champion trained for another meaning does not score.
    horizon_days, lead_days
        The label of a row looks at ``[as_of + lead, as_of + lead + horizon)``, in days.
    seed
        Seed of everything random.
    retrain
        Train although the champion is fresh.
    retrain_after_days
        Age in days, in data time, at which a champion is challenged again.
    min_rows, min_events
        Fewest training rows, and fewest rows of each outcome, from which a model is made; a number
        has no events.
    test_dates
        How many of the latest observation dates to test on. Default: a fifth of them.
    baseline_feature
        The one feature of the baseline model that every other model has to beat.
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
    max_rows
        Most rows to read. A larger training set is sampled in the warehouse.
    as_of_date
        The present day of the data. Default: the end of the last label window.
    reset
        Drop all former models of the task.

    Examples
    --------
    >>> TrainingSettings.from_mapping({"horizon_days": 60}).horizon_days
    60
    """

    task: str = "churn"
    label: str = "churned"
    target: str = "classification"
    definition: str = ""
    horizon_days: int = 90
    lead_days: int = 0
    seed: int = 7
    retrain: bool = False
    retrain_after_days: int = 30
    min_rows: int = 200
    min_events: int = 20
    test_dates: int | None = None
    baseline_feature: str = "days_since_order"
    estimator: str | None = None
    estimator_parameters: Mapping[str, Any] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    exclude_features: tuple[str, ...] = ()
    trusted_features: tuple[str, ...] = ()
    max_rows: int = 2_000_000
    as_of_date: dt.date | None = None
    reset: bool = False

    @property
    def gap_days(self) -> int:
        """Days from an as_of to the end of its label window."""
        return self.lead_days + self.horizon_days

    def repeatable(self, as_of_date: dt.date) -> dict[str, Any]:
        """Return what `train` needs to make the same models again: all that is no default."""
        told = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if getattr(self, item.name) != getattr(TrainingSettings(), item.name)
            and item.name not in ("retrain", "retrain_after_days", "reset")
        }
        return {**told, "as_of_date": as_of_date.isoformat()}

    @property
    def recipe(self) -> dict[str, Any]:
        """How models are made, as far as it differs from the defaults."""
        names = ("target", "estimator", "estimator_parameters", "seed", "trusted_features")
        defaults = TrainingSettings()
        asked = {name: getattr(self, name) for name in names}
        return {key: value for key, value in asked.items() if value != getattr(defaults, key)}

    @property
    def asks_for_silence(self) -> bool:
        """Whether the label is that of BG/NBD: no order from as_of on, for a horizon."""
        silent = self.definition in ("", "non_contractual")
        yes_or_no = self.target == "classification"
        return self.task == "churn" and yes_or_no and silent and self.lead_days == 0

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any] | None) -> TrainingSettings:
        """Check a plain mapping and make settings of it.

        Parameters
        ----------
        values
            Keys and values as they come from the dbt config; None means all defaults.

        Returns
        -------
        TrainingSettings

        Raises
        ------
        TrainingError
            A key is unknown, or a value has the wrong type or lies outside its range.

        Examples
        --------
        >>> TrainingSettings.from_mapping(None).task
        'churn'
        """
        if values is None:
            return cls()
        if not isinstance(values, Mapping):
            raise TrainingError(
                f"The training settings must be a mapping of names to values, not {values!r}. "
                "Set them under meta.training of the model's config."
            )
        unknown = [key for key in values if key not in _CHECKS]
        if unknown:
            raise TrainingError(
                f"Unknown training setting {unknown[0]!r}. Allowed: {', '.join(sorted(_CHECKS))}."
            )
        return cls(**{key: _CHECKS[key](key, value) for key, value in values.items()})


def _refuse(key: str, allowed: str, value: object) -> TrainingError:
    """Say which setting is wrong, what is allowed and what came."""
    return TrainingError(
        f"Training setting {key!r} must be {allowed}, but it is {value!r} "
        f"({type(value).__name__}). Change it under meta.training of the model's config."
    )


def _text(key: str, value: object) -> str:
    """Accept a text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise _refuse(key, "a text that is not empty", value)
    return value


def _texts(key: str, value: object) -> tuple[str, ...]:
    """Accept a list of texts, or nothing."""
    if value is None or value == "":
        return ()
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise _refuse(key, "a list of names", value)
    return tuple(value)


def _optional_text(key: str, value: object) -> str | None:
    """Accept a text, or nothing."""
    return None if value is None or value == "" else _text(key, value)


def _mapping(key: str, value: object) -> Mapping[str, Any]:
    """Accept a mapping of names to values, or nothing."""
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise _refuse(key, "a mapping of names to values", value)
    return dict(value)


def _flag(key: str, value: object) -> bool:
    """Accept true or false, nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise _refuse(key, "true or false", value)
    return value


def _target(key: str, value: object) -> str:
    """Accept the name of a kind of target."""
    if value not in ("classification", "regression"):
        raise _refuse(key, "'classification' or 'regression'", value)
    return str(value)


def _whole(least: int, most: int) -> Callable[[str, object], int]:
    """Make a check for a whole number between two bounds."""

    def check(key: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _refuse(key, f"a whole number from {least} to {most}", value)
        return value

    return check


def _date(key: str, value: object) -> dt.date | None:
    """Accept a date, its ISO text, or nothing."""
    # a dbt yml renders a var that is not set as an empty text
    if value is None or value == "":
        return None
    # datetime is a subclass of date; its clock part would be lost without a word.
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    raise _refuse(key, "a date as ISO text, such as '2026-01-31'", value)


_CENTURY = 36_525

_CHECKS: dict[str, Callable[[str, object], Any]] = {
    "task": _text,
    "label": _text,
    "target": _target,
    "definition": _text,
    "horizon_days": _whole(1, _CENTURY),
    "lead_days": _whole(0, _CENTURY),
    "seed": _whole(0, 2**32 - 1),
    "retrain": _flag,
    "retrain_after_days": _whole(0, _CENTURY),
    "min_rows": _whole(1, 2**31),
    "min_events": _whole(1, 2**31),
    "test_dates": _whole(1, 2**31),
    "baseline_feature": _text,
    "estimator": _optional_text,
    "estimator_parameters": _mapping,
    "features": _texts,
    "exclude_features": _texts,
    "trusted_features": _texts,
    "max_rows": _whole(1_000, 2**31),
    "as_of_date": _date,
    "reset": _flag,
}
