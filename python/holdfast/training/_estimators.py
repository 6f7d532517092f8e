"""The algorithms that may become a model: how each is tuned, fitted, and written as ONNX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from holdfast.training._export import OnnxHeader, trees_onnx
from holdfast.training._linear import fit_linear

__all__ = [
    "ALGORITHMS",
    "BASELINE",
    "BASELINE_ALGORITHM",
    "Algorithm",
    "FittedModel",
    "Part",
    "Tuned",
    "merge_tuned",
]

Tuned: TypeAlias = dict[str, int]

_MOST_TREES = 300
_PATIENCE = 20


class FittedModel(Protocol):
    """What training asks of a fitted model."""

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """JSON-able values that were chosen before the fit."""

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of the event, shape (n,)."""

    def to_onnx(self, header: OnnxHeader) -> bytes:
        """Write the model as a deterministic ONNX file."""


@dataclass(frozen=True)
class Part:
    """Rows to fit on or to look at: features float32 (n, F), outcomes (n,), feature names."""

    features: NDArray[np.float32]
    y: NDArray[np.int64]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Algorithm:
    """One entry of the registry.

    Parameters
    ----------
    tune
        Fits on the first part, chooses by the second what has to be chosen there, and returns
        the choice with the second part's probabilities.
    fit
        Fits with a given choice and seed.
    """

    tune: Callable[[Part, Part, int], tuple[Tuned, NDArray[np.float64]]]
    fit: Callable[[Part, Tuned, int], FittedModel]


def merge_tuned(choices: Sequence[Tuned]) -> Tuned:
    """Return the median of each choice over the folds that made one."""
    keys = {key for choice in choices for key in choice}
    return {
        key: int(np.median([choice[key] for choice in choices if key in choice]))
        for key in sorted(keys)
    }


@dataclass(frozen=True)
class TreeModel:
    """A fitted HistGradientBoostingClassifier."""

    estimator: Any

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """What was chosen before the trees were grown."""
        chosen = self.estimator.get_params()
        return {
            key: chosen[key]
            for key in (
                "l2_regularization",
                "learning_rate",
                "max_bins",
                "max_depth",
                "max_iter",
                "max_leaf_nodes",
                "min_samples_leaf",
            )
        }

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of the event, shape (n,)."""
        result: NDArray[np.float64] = self.estimator.predict_proba(features)[:, 1]
        return result

    def to_onnx(self, header: OnnxHeader) -> bytes:
        """Write the model as a deterministic ONNX file."""
        return trees_onnx(self.estimator, header)


def _boosting(row_count: int, seed: int, **changes: Any) -> Any:
    """Make a calm booster; its leaves shrink with the data, so that tiny data can still split."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_leaf_nodes=8,
        max_depth=3,
        min_samples_leaf=max(1, min(50, row_count // 20)),
        l2_regularization=1.0,
        random_state=seed,
        **changes,
    )


def _tune_boosting(fit: Part, held_out: Part, seed: int) -> tuple[Tuned, NDArray[np.float64]]:
    """Stop early on the held-out rows and return the number of trees that did best there."""
    estimator = _boosting(
        len(fit.y),
        seed,
        max_iter=_MOST_TREES,
        early_stopping=True,
        n_iter_no_change=_PATIENCE,
        tol=0.0,
    )
    estimator.fit(fit.features, fit.y, X_val=held_out.features, y_val=held_out.y)
    # The first score is that of the model without trees.
    best = int(np.argmax(estimator.validation_score_[1:])) + 1
    (probabilities,) = islice(estimator.staged_predict_proba(held_out.features), best - 1, best)
    return {"max_iter": best}, probabilities[:, 1]


def _fit_boosting(part: Part, tuned: Tuned, seed: int) -> TreeModel:
    """Grow a given number of trees."""
    estimator = _boosting(len(part.y), seed, early_stopping=False, **tuned)
    return TreeModel(estimator.fit(part.features, part.y))


def _tune_linear(fit: Part, held_out: Part, seed: int) -> tuple[Tuned, NDArray[np.float64]]:
    """Fit; nothing is left to choose."""
    return {}, _fit_linear(fit, {}, seed).predict(held_out.features)


def _fit_linear(part: Part, tuned: Tuned, seed: int) -> FittedModel:
    """Fit; lbfgs starts at zero and needs neither seed nor choice."""
    return fit_linear(part.features, part.y, part.names)


# On a tie the earlier one is chosen: the simpler.
ALGORITHMS: dict[str, Algorithm] = {
    "logistic_regression": Algorithm(_tune_linear, _fit_linear),
    "hist_gradient_boosting": Algorithm(_tune_boosting, _fit_boosting),
}

BASELINE = "days_since_last_order"

BASELINE_ALGORITHM = Algorithm(_tune_linear, _fit_linear)
