"""What training asks of an algorithm and of a fitted model, and the rows that it gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from holdfast.contract import OnnxHeader
from holdfast.estimators._target import CLASSIFICATION, Target

__all__ = [
    "Algorithm",
    "FittedModel",
    "Fold",
    "OutOfFold",
    "Part",
    "ScalableModel",
    "Tuned",
]

Tuned: TypeAlias = dict[str, Any]
OutOfFold: TypeAlias = NDArray[np.float64]


class FittedModel(Protocol):
    """What training asks of a fitted model, be it a baseline."""

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """JSON-able values that were chosen before the fit."""

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of the event, or the value that is predicted, shape (n,)."""

    def to_onnx(self, header: OnnxHeader) -> bytes:
        """Write the model as a deterministic ONNX file."""


class ScalableModel(FittedModel, Protocol):
    """A model whose log-odds can be stretched, so that it can be calibrated and blended.

    Of a model that predicts a number, the log-odds are that number.
    """

    @property
    def base_value(self) -> float:
        """Mean log-odds over the training rows."""

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds of the event, shape (n,)."""

    def scaled(self, factor: float, weight: float = 1.0) -> ScalableModel:
        """Return the model with log-odds ``weight * (base + factor * (own - base))``."""


@dataclass(frozen=True)
class Part:
    """Rows to fit on or to look at.

    Parameters
    ----------
    features
        float32, shape (n, F); missing is NaN.
    y
        Outcomes 0 or 1, or numbers, shape (n,).
    names
        Feature names, length F.
    as_of
        Observation of each row, shape (n,); None for all alike.
    customer
        Stable hash of each row's customer, shape (n,).
    target
        What `y` holds.
    """

    features: NDArray[np.float32]
    y: NDArray[Any]
    names: tuple[str, ...]
    as_of: NDArray[np.datetime64] | None = None
    customer: NDArray[np.uint64] | None = None
    target: Target = CLASSIFICATION


@dataclass(frozen=True)
class Fold:
    """Rows to fit on, and rows that stand for the future; both have the same features."""

    fit: Part
    held_out: Part


@dataclass(frozen=True)
class Algorithm:
    """One entry of the registry.

    Parameters
    ----------
    tune
        Fits on the one side of each fold, chooses by the other what is not fixed, and
        returns the choice with the log-odds that it gave to the held-out rows of each fold.
    fit
        Fits with a given choice and seed.
    """

    tune: Callable[[Sequence[Fold], int, Tuned], tuple[Tuned, list[OutOfFold]]]
    fit: Callable[[Part, Tuned, int], ScalableModel]
