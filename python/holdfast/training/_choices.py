"""Which models compete, by the settings, and what of them the user has fixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from holdfast.errors import TrainingError
from holdfast.estimators import (
    ALGORITHMS_BY_TARGET,
    BLEND,
    MONOTONIC,
    TARGETS,
    TWO_PART,
    Algorithm,
    custom_algorithm,
    is_custom,
)
from holdfast.tasks import Recipe, Task

__all__ = ["algorithms_of", "check_estimator", "fixed_parameters", "models_of"]

_PARAMETERS = {
    "logistic_regression": ("C", "l1_ratio", "monotonic"),
    "linear_regression": ("C", "l1_ratio", "monotonic"),
    "two_part": ("C", "l1_ratio", "monotonic"),
    "hist_gradient_boosting": (
        "l2_regularization",
        "learning_rate",
        "max_bins",
        "max_depth",
        "max_features",
        "max_iter",
        "max_leaf_nodes",
        "min_samples_leaf",
        "monotonic",
    ),
}


def algorithms_of(task: Task, recipe: Recipe, *, has_two_parts: bool) -> dict[str, Algorithm]:
    """Give the algorithms to fit, by name; that of two parts competes where the label has them."""
    name, built_in = recipe.estimator, ALGORITHMS_BY_TARGET[task.target]
    if name is None or name == BLEND:
        competes = has_two_parts and name is None
        return {each: built_in[each] for each in built_in if each != TWO_PART or competes}
    if name in built_in:
        return {name: built_in[name]}
    target = TARGETS[task.target]
    return {name: custom_algorithm(name, recipe.estimator_parameters, target)}


def models_of(recipe: Recipe, algorithms: Mapping[str, Any]) -> list[str]:
    """Give the names of the models that compete: algorithms, and their blend."""
    if recipe.estimator is not None:
        return [recipe.estimator]
    return [*algorithms, BLEND]


def fixed_parameters(task: Task, recipe: Recipe, algorithm: str) -> dict[str, Any]:
    """Give what the user fixed of a built-in algorithm; nothing of it is searched."""
    if algorithm not in ALGORITHMS_BY_TARGET[task.target]:
        return {}
    if recipe.estimator == algorithm:
        return dict(recipe.estimator_parameters)
    return dict(recipe.estimator_parameters.get(algorithm, {}))


def check_estimator(task: Task, recipe: Recipe) -> None:
    """Refuse an estimator or parameters that do not exist, before anything is read.

    Raises
    ------
    TrainingError
        Names what is wrong, and what is allowed.
    """
    name, parameters = recipe.estimator, recipe.estimator_parameters
    built_in = ALGORITHMS_BY_TARGET[task.target]
    known = [*built_in, BLEND]
    if name is not None and name not in known and not is_custom(name):
        raise TrainingError(
            f"There is no estimator {name!r} for {task.target}. Allowed: {', '.join(known)}, "
            "or a function of your own as 'package.module:function'."
        )
    if name is None or name == BLEND:
        wrong = [key for key in parameters if key not in built_in]
        if wrong or not all(isinstance(value, Mapping) for value in parameters.values()):
            raise TrainingError(
                f"estimator_parameters is {dict(parameters)!r}, but without one estimator it holds "
                f"a mapping of parameters for {' and '.join(built_in)}. Name the estimator, or "
                "put the parameters under its name."
            )
    for algorithm, allowed in _PARAMETERS.items():
        fixed = fixed_parameters(task, recipe, algorithm)
        wrong = [key for key in fixed if key not in allowed]
        if wrong:
            raise TrainingError(
                f"{algorithm} has no parameter {wrong[0]!r}. Allowed in estimator_parameters: "
                f"{', '.join(allowed)}."
            )
        if fixed.get(MONOTONIC) is True and (task.name != "churn" or task.is_numeric):
            raise TrainingError(
                "monotonic: true is defined for churn only; for the task "
                f"{task.name} name the features: monotonic: {{days_since_order: -1}}."
            )
        if not fixed:
            # scikit-learn is slow to import, and a build that trains nothing does without it
            continue
        try:
            _TRY[algorithm](**fixed)
        except (TypeError, ValueError) as error:
            raise TrainingError(
                f"estimator_parameters of {algorithm} cannot be used: {error}"
            ) from error


def _try_linear(
    C: float = 1.0,  # noqa: N803 - as scikit-learn
    l1_ratio: float = 0.0,
    monotonic: Any = None,
) -> None:
    """Refuse what scikit-learn would refuse."""
    from sklearn.linear_model import LogisticRegression

    _try_directions(monotonic)
    LogisticRegression(C=C, l1_ratio=l1_ratio)._validate_params()
    if not 0 < C < float("inf"):
        raise ValueError(f"The 'C' parameter must be a number above 0. Got {C!r} instead.")


def _try_trees(monotonic: Any = None, **fixed: Any) -> None:
    """Refuse what scikit-learn would refuse."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    _try_directions(monotonic)
    HistGradientBoostingClassifier(**fixed)._validate_params()


def _try_directions(monotonic: Any) -> None:
    """Refuse what names no directions."""
    signs = monotonic.values() if isinstance(monotonic, Mapping) else ()
    if not (monotonic is None or isinstance(monotonic, (bool, Mapping))) or not all(
        sign in (-1, 0, 1) for sign in signs
    ):
        raise ValueError(
            "The 'monotonic' parameter must be true, or a mapping of features to 1 (raises what is "
            f"predicted) or -1 (lowers it). Got {monotonic!r} instead."
        )


_TRY: dict[str, Callable[..., None]] = {
    "logistic_regression": _try_linear,
    "linear_regression": _try_linear,
    "two_part": _try_linear,
    "hist_gradient_boosting": _try_trees,
}
