"""The settings of a task, checked key by key."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from holdfast.errors import TrainingError
from holdfast.tasks._parts import Recipe, Task, TrainingPolicy, changed

__all__ = ["TaskSettings"]

_Check: TypeAlias = Callable[[str, object], Any]


@dataclass(frozen=True, kw_only=True)
class TaskSettings:
    """All that a training run may be told, in its three parts.

    Parameters
    ----------
    task
        What is predicted.
    recipe
        How models are made.
    policy
        When to train, and from how much.

    Examples
    --------
    >>> TaskSettings.from_mapping({"horizon_days": 60}).task.horizon_days
    60
    """

    task: Task = field(default_factory=Task)
    recipe: Recipe = field(default_factory=Recipe)
    policy: TrainingPolicy = field(default_factory=TrainingPolicy)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any] | None) -> TaskSettings:
        """Check a plain mapping and make settings of it.

        Parameters
        ----------
        values
            The fields of `Task`, whose name is called ``task`` here, of `Recipe` and of
            `TrainingPolicy`, as they come from the dbt config; None means all defaults.

        Returns
        -------
        TaskSettings

        Raises
        ------
        TrainingError
            A key is unknown, or a value has the wrong type or lies outside its range.

        Examples
        --------
        >>> TaskSettings.from_mapping(None).task.name
        'churn'
        """
        if values is None:
            return cls()
        if not isinstance(values, Mapping):
            raise TrainingError(
                f"The training settings must be a mapping of names to values, not {values!r}. "
                "Set them under meta.training of the model's config."
            )
        for key in values:
            if key not in _KEYS:
                raise _unknown(key)
        task, recipe, policy = (
            {checks[key][0]: checks[key][1](key, values[key]) for key in values if key in checks}
            for checks in (_TASK, _RECIPE, _POLICY)
        )
        return cls(task=Task(**task), recipe=Recipe(**recipe), policy=TrainingPolicy(**policy))

    def repeatable(self, as_of_date: dt.date) -> dict[str, Any]:
        """Return what `train` needs to make the same models again: all that is no default."""
        told: dict[str, Any] = {}
        for part, keys in ((self.task, _TASK), (self.recipe, _RECIPE), (self.policy, _POLICY)):
            found = changed(part, *(name for name, _ in keys.values()))
            told |= {key: found[name] for key, (name, _) in keys.items() if name in found}
        told = {key: value for key, value in told.items() if key not in _WHEN_TO_TRAIN}
        return {**told, "as_of_date": as_of_date.isoformat()}


def _unknown(key: object) -> TrainingError:
    """Say which key is unknown, which one may be meant, and what is allowed."""
    alike = difflib.get_close_matches(str(key), _KEYS, n=1)
    hint = f" Did you mean {alike[0]!r}?" if alike else ""
    return TrainingError(
        f"Unknown training setting {key!r}.{hint} Allowed: {', '.join(sorted(_KEYS))}."
    )


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


def _entity(key: str, value: object) -> tuple[str, ...]:
    """Accept the columns of an entity, the customer among them."""
    columns = _texts(key, value)
    if "customer_id" not in columns:
        raise _refuse(key, "a list of columns, customer_id among them", value)
    return columns


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


def _fallback(key: str, value: object) -> str:
    """Accept the name of a fallback."""
    if value not in ("bg_nbd", "none"):
        raise _refuse(key, "'bg_nbd' or 'none'", value)
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

# The field and the check of every key, by the part that it belongs to.
_TASK: dict[str, tuple[str, _Check]] = {
    "task": ("name", _text),
    "label": ("label", _text),
    "target": ("target", _target),
    "definition": ("definition", _text),
    "horizon_days": ("horizon_days", _whole(1, _CENTURY)),
    "lead_days": ("lead_days", _whole(0, _CENTURY)),
    "baseline_feature": ("baseline_feature", _text),
    "entity": ("entity", _entity),
}
_RECIPE: dict[str, tuple[str, _Check]] = {
    "estimator": ("estimator", _optional_text),
    "estimator_parameters": ("estimator_parameters", _mapping),
    "features": ("features", _texts),
    "exclude_features": ("exclude_features", _texts),
    "trusted_features": ("trusted_features", _texts),
    "seed": ("seed", _whole(0, 2**32 - 1)),
    "max_rows": ("max_rows", _whole(1_000, 2**31)),
}
_POLICY: dict[str, tuple[str, _Check]] = {
    "retrain": ("retrain", _flag),
    "retrain_after_days": ("retrain_after_days", _whole(0, _CENTURY)),
    "min_rows": ("min_rows", _whole(1, 2**31)),
    "min_events": ("min_events", _whole(1, 2**31)),
    "test_dates": ("test_dates", _whole(1, 2**31)),
    "as_of_date": ("as_of_date", _date),
    "reset": ("reset", _flag),
    "fallback": ("fallback", _fallback),
    "optional": ("optional", _flag),
}
_KEYS = (*_TASK, *_RECIPE, *_POLICY)
# When it was decided to train changes nothing in what was trained.
_WHEN_TO_TRAIN = ("retrain", "retrain_after_days", "reset", "fallback", "optional")
