"""What the registry keeps of how good a model is, and how two models are compared row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast import measuring
from holdfast.measuring import MODEL_RESOLUTION

__all__ = ["evaluate", "evaluate_values", "log_losses"]


def log_losses(y: NDArray[np.int64], probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each row's negative log-likelihood, as far as a model file tells it apart."""
    return measuring.log_losses(y, probability, MODEL_RESOLUTION)


def evaluate(y: NDArray[np.int64], probability: NDArray[np.float64]) -> dict[str, Any]:
    """Return the metrics of probabilities."""
    return {
        "auroc": measuring.auroc(y, probability),
        "log_loss": measuring.log_loss(y, probability, MODEL_RESOLUTION),
        "brier": measuring.brier(y, probability),
        "base_rate": float(y.mean()),
        "row_count": len(y),
    }


def evaluate_values(y: NDArray[Any], given: NDArray[np.float64]) -> dict[str, Any]:
    """Return the metrics of predicted values; R² and Gini are None where `y` is constant."""
    return {
        "rmse": measuring.rmse(y, given),
        "mae": measuring.mae(y, given),
        "r2": measuring.r2(y, given),
        "gini": measuring.gini(y, given),
        "mean_prediction": float(given.mean()),
        "mean_label": float(y.mean()),
        "row_count": len(y),
    }
