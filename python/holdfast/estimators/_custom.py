"""An estimator of the user's own: a function of theirs, named in the settings, that returns it."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.contract import RESTORE, ModelFile, OnnxHeader, largest_gap, predict_onnx
from holdfast.errors import HoldfastError, TrainingError
from holdfast.estimators._base import Algorithm, Fold, OutOfFold, Part, ScalableModel, Tuned
from holdfast.estimators._conversion import pipeline_onnx
from holdfast.estimators._target import CLASSIFICATION, Target
from holdfast.estimators._trees import TreeModel

__all__ = ["CustomModel", "custom_algorithm", "is_custom"]

_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", re.ASCII)

# Steps that give one column for each column they take, and look at no other.
_COLUMN_BY_COLUMN = (
    "MaxAbsScaler",
    "MinMaxScaler",
    "RobustScaler",
    "SimpleImputer",
    "StandardScaler",
)
# Regressors whose prediction is an intercept and a weighted sum of the columns.
_SUMS = ("ElasticNet", "HuberRegressor", "Lasso", "LinearRegression", "Ridge")
# Losses of boosted trees under which the value is the sum of the leaves.
_ADDED_UP = ("absolute_error", "quantile", "squared_error")
_SMALLEST = 1e-7
# Around a pipeline that ends in a linear model, skl2onnx 1.20 calibrates what is no score.
_SIGMOID = (
    "Calibrate the classifier alone, as the last step, by a sigmoid: "
    "make_pipeline(SimpleImputer(), CalibratedClassifierCV(…, method='sigmoid'))."
)


@dataclass(frozen=True)
class LinearTerms:
    """What explains a pipeline that ends in a linear model.

    Parameters
    ----------
    coefficient
        Log-odds, or value, per unit of each column that the last step takes, shape (F,).
    mean
        Of that column over the training rows, shape (F,).
    base_value
        Log-odds, or value, at the mean.
    """

    coefficient: NDArray[np.float64]
    mean: NDArray[np.float64]
    base_value: float


@dataclass(frozen=True)
class CustomModel:
    """A fitted classifier or regressor of scikit-learn, taken as it is.

    Parameters
    ----------
    name
        Where it comes from, for messages.
    estimator
        The fitted estimator or pipeline.
    parameters
        What the function was called with.
    base_value
        Mean log-odds, or value, over the training rows.
    terms
        What explains it, None where nothing does.
    """

    name: str
    estimator: Any
    parameters: Mapping[str, Any]
    base_value: float
    terms: LinearTerms | None
    target: Target = CLASSIFICATION

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """What the estimator was made with; what JSON does not know is told as text."""
        told = (dict, list, str, int, float, bool, type(None))
        return {
            "function": self.name,
            "estimator": type(self.estimator).__name__,
            "parameters": {
                key: value if isinstance(value, told) and value == value else str(value)
                for key, value in self.parameters.items()
            },
        }

    @property
    def is_explained(self) -> bool:
        """Whether the model can tell what each feature adds."""
        return self.terms is not None

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds of the event, or the value, shape (n,)."""
        if self.target.is_numeric:
            return self.predict(features)
        probability = np.clip(self.predict(features), _SMALLEST, 1.0 - _SMALLEST)
        result: NDArray[np.float64] = np.log(probability) - np.log1p(-probability)
        return result

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of the event, or the value, shape (n,)."""
        with _told(self.name, "cannot predict"):
            if self.target.is_numeric:
                result = np.ravel(self.estimator.predict(features))
            else:
                result = self.estimator.predict_proba(features)[:, 1]
        return np.asarray(result, dtype=np.float64)

    def scaled(self, factor: float, weight: float = 1.0) -> CustomModel:
        """Return the model as it is: how it is calibrated is up to its author."""
        return self

    def to_onnx(self, header: OnnxHeader) -> bytes:
        """Write the model as ONNX, and refuse what the warehouse could not score with."""
        terms = None if self.terms is None else (self.terms.coefficient, self.terms.mean)
        try:
            blob = pipeline_onnx(self.estimator, header, self.base_value, terms)
            ModelFile.from_bytes(blob).session()
        except Exception as error:  # skl2onnx and onnx raise errors of many kinds
            if _is_isotonic(self.estimator):
                raise TrainingError(
                    f"The estimator of {self.name} calibrates by isotonic regression, which ONNX "
                    f"does not reproduce. {_SIGMOID}"
                ) from error
            # nobody has a backup of what was never registered
            told = _first_line(error).removesuffix(RESTORE).strip()
            last = "Ridge" if self.target.is_numeric else "LogisticRegression"
            raise TrainingError(
                f"The estimator of {self.name}, a {type(self.estimator).__name__}, cannot be "
                f"exported as an ONNX model: {told} Return one that skl2onnx "
                f"converts, such as a pipeline of SimpleImputer, StandardScaler and {last}."
            ) from error
        return blob

    def advice_on_gap(self, features: NDArray[np.float32], blob: bytes) -> str:
        """Say what its author can do where its ONNX file gives other results than it does.

        Parameters
        ----------
        features
            The rows that were compared.
        blob
            The file.

        Returns
        -------
        str
            Sentences.
        """
        if _is_isotonic(self.estimator):
            return (
                f"It calibrates by isotonic regression, which ONNX does not reproduce. {_SIGMOID}"
            )
        if _calibrates_pipeline(self.estimator):
            return f"It calibrates a pipeline, which skl2onnx does not always convert. {_SIGMOID}"
        if np.isnan(features).any():
            filled = np.nan_to_num(features)
            gap = largest_gap(
                self.predict(filled), predict_onnx(blob, filled), is_numeric=self.target.is_numeric
            )
            if gap.is_small:
                return (
                    "It is missing values in which they differ: ONNX has no such branches. Fill "
                    "them in the pipeline, for example "
                    f"make_pipeline(SimpleImputer(), {type(self.estimator).__name__}(…))."
                )
        return (
            "skl2onnx does not convert this estimator exactly. Return another one, such as a "
            "HistGradientBoosting model, or a pipeline of SimpleImputer and a linear model or a "
            "forest."
        )


def is_custom(name: str) -> bool:
    """Whether a name is that of a function: ``package.module:function``."""
    return _NAME.fullmatch(name) is not None


def custom_algorithm(name: str, parameters: Mapping[str, Any], target: Target) -> Algorithm:
    """Make an algorithm of a function that returns a classifier, or a regressor of a number.

    Parameters
    ----------
    name
        ``package.module:function``. A module of the dbt project's own folder is found, too.
    parameters
        What the function is called with, by name.
    target
        What is predicted.

    Returns
    -------
    Algorithm

    Raises
    ------
    TrainingError
        The function cannot be imported or called, or returns another kind of estimator.
    """
    function = _import(name)
    _make(name, function, parameters, target, seed=0)

    def fit(part: Part, tuned: Tuned, seed: int) -> ScalableModel:
        """Fit a fresh estimator."""
        return _fit(name, _make(name, function, parameters, target, seed), parameters, part)

    def tune(
        folds: Sequence[Fold], seed: int, fixed: Tuned | None = None
    ) -> tuple[Tuned, list[OutOfFold]]:
        """Choose nothing; give the scores of the held-out rows."""
        return {}, [fit(fold.fit, {}, seed).log_odds(fold.held_out.features) for fold in folds]

    return Algorithm(tune, fit)


def _import(name: str) -> Callable[..., Any]:
    """Import a function, from the current folder, too: dbt runs in that of the project."""
    module, _, function = name.partition(":")
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module), function)
    except Exception as error:  # the module is the user's: anything may happen
        raise TrainingError(
            f"The estimator {name} cannot be imported: {type(error).__name__}: "
            f"{_first_line(error)} Install its package in the environment of dbt, or put the "
            f"module into the folder of the project, {here}."
        ) from error
    finally:
        sys.path.remove(here)
    if not callable(found):
        raise TrainingError(f"{name} must be a function that returns an estimator, not {found!r}.")
    result: Callable[..., Any] = found
    return result


def _make(
    name: str,
    function: Callable[..., Any],
    parameters: Mapping[str, Any],
    target: Target,
    seed: int,
) -> Any:
    """Call the function, and check what it returns."""
    from sklearn.base import is_classifier, is_regressor

    with _told(name, f"cannot be called with {dict(parameters)}"):
        estimator = function(**parameters)
    kind, fits = ("regressor", is_regressor) if target.is_numeric else ("classifier", is_classifier)
    if isinstance(estimator, type) or not fits(estimator):
        raise TrainingError(
            f"{name} must return a {kind} of scikit-learn that is not fitted yet, since the target "
            f"is {target.name}, but it returned {estimator!r:.200}."
        )
    if not target.is_numeric and not hasattr(estimator, "predict_proba"):
        raise TrainingError(
            f"{name} returned a {type(estimator).__name__} without predict_proba; Holdfast needs "
            "probabilities. CalibratedClassifierCV gives them."
        )
    # What the author left open gets the seed of the settings, so that a training can be repeated.
    open_seeds = {
        key: seed
        for key, value in estimator.get_params().items()
        if key.split("__")[-1] == "random_state" and value is None
    }
    return estimator.set_params(**open_seeds)


def _fit(name: str, estimator: Any, parameters: Mapping[str, Any], part: Part) -> ScalableModel:
    """Fit an estimator, and make of it the model that explains most."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    if getattr(estimator, "categorical_features", None) not in (None, "from_dtype"):
        raise TrainingError(
            f"The estimator of {name} names categorical_features, which skl2onnx converts wrongly. "
            "Encode categories in the SQL of the feature."
        )
    with _told(name, "cannot be fitted", " Missing values are NaN: SimpleImputer fills them."):
        estimator.fit(part.features, part.y)
    is_boosted = type(estimator) is HistGradientBoostingClassifier or (
        type(estimator) is HistGradientBoostingRegressor and estimator.loss in _ADDED_UP
    )
    if is_boosted:
        return TreeModel(estimator, target=part.target)
    terms = _linear_terms(estimator, part)
    if terms is None:
        plain = CustomModel(name, estimator, parameters, 0.0, None, part.target)
        base_value = float(np.mean(plain.log_odds(part.features)))
    else:
        base_value = terms.base_value
    return CustomModel(name, estimator, parameters, base_value, terms, part.target)


def _linear_terms(estimator: Any, part: Part) -> LinearTerms | None:
    """Return what explains a linear model, alone or behind steps that keep the columns."""
    from sklearn import linear_model
    from sklearn.pipeline import Pipeline

    steps = (
        [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]
    )
    *before, last = [step for step in steps if step not in (None, "passthrough")]
    linear = _SUMS if part.target.is_numeric else ("LogisticRegression",)
    if type(last) not in [getattr(linear_model, kind) for kind in linear] or any(
        type(step).__name__ not in _COLUMN_BY_COLUMN for step in before
    ):
        return None
    columns = part.features
    for step in before:
        columns = step.transform(columns)
    coefficient = np.ravel(last.coef_).astype(np.float64)
    if columns.shape[1] != len(part.names) or len(coefficient) != len(part.names):
        return None
    mean = np.asarray(columns.mean(axis=0, dtype=np.float64))
    intercept = float(np.ravel(last.intercept_)[0])
    return LinearTerms(coefficient, mean, float(intercept + mean @ coefficient))


class _told:  # noqa: N801 - a context manager, read as a verb
    """Turn whatever a user's code raises into an error that names it."""

    def __init__(self, name: str, what: str, advice: str = "") -> None:
        self.name, self.what, self.advice = name, what, advice

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise it anew, told."""
        if isinstance(error, Exception) and not isinstance(error, HoldfastError):
            raise TrainingError(
                f"The estimator of {self.name} {self.what}: {type(error).__name__}: "
                f"{_first_line(error)}{self.advice}"
            ) from error


def _calibrations(estimator: Any) -> list[Any]:
    """Return the parts of an estimator that calibrate, itself among them."""
    parts = [estimator, *estimator.get_params().values()]
    return [part for part in parts if type(part).__name__ == "CalibratedClassifierCV"]


def _is_isotonic(estimator: Any) -> bool:
    """Whether an estimator, or any part of it, calibrates by isotonic regression."""
    return any(part.method == "isotonic" for part in _calibrations(estimator))


def _calibrates_pipeline(estimator: Any) -> bool:
    """Whether an estimator, or any part of it, calibrates a whole pipeline."""
    return any(hasattr(part.estimator, "steps") for part in _calibrations(estimator))


def _first_line(error: BaseException) -> str:
    """Return what an error says first, as a sentence."""
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    text = lines[0].strip() if lines else type(error).__name__
    return text if text.endswith(".") else text + "."
