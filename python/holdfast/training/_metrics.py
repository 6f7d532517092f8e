"""How good probabilities are, and predicted values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["evaluate", "evaluate_values", "log_loss", "log_losses"]

# About the resolution of a float32 probability near one: what the model file can tell apart.
_SMALLEST = 1e-7


def log_losses(y: NDArray[np.int64], probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each row's negative log likelihood, in nats; probabilities are kept off 0 and 1."""
    clipped = np.clip(probability, _SMALLEST, 1.0 - _SMALLEST)
    return -np.where(y == 1, np.log(clipped), np.log1p(-clipped))


def log_loss(y: NDArray[np.int64], probability: NDArray[np.float64]) -> float:
    """Return the mean of `log_losses`."""
    return float(np.mean(log_losses(y, probability)))


def evaluate(y: NDArray[np.int64], probability: NDArray[np.float64]) -> dict[str, Any]:
    """Return the metrics of one part of the rows; `y` holds both outcomes."""
    from sklearn.metrics import brier_score_loss, roc_auc_score

    return {
        "auroc": float(roc_auc_score(y, probability)),
        "log_loss": log_loss(y, probability),
        "brier": float(brier_score_loss(y, probability)),
        "base_rate": float(y.mean()),
        "row_count": len(y),
    }


def evaluate_values(y: NDArray[Any], given: NDArray[np.float64]) -> dict[str, Any]:
    """Return the metrics of predicted values on one part of the rows; `y` is not constant."""
    errors = given - y
    return {
        "rmse": float(np.sqrt(np.mean(np.square(errors)))),
        "mae": float(np.mean(np.abs(errors))),
        "r2": float(1.0 - np.sum(np.square(errors)) / np.sum(np.square(y - y.mean()))),
        "mean_prediction": float(given.mean()),
        "mean_label": float(y.mean()),
        "row_count": len(y),
    }
