"""How good probabilities are, and predicted values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["evaluate", "evaluate_values", "gini", "log_loss", "log_losses"]

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
    """Return the metrics of predicted values; R² and Gini are None where `y` is constant."""
    errors = given - y
    varies = bool(np.ptp(y) > 0)
    spread = float(np.sum(np.square(y - y.mean())))
    return {
        "rmse": float(np.sqrt(np.mean(np.square(errors)))),
        "mae": float(np.mean(np.abs(errors))),
        "r2": 1.0 - float(np.sum(np.square(errors))) / spread if varies else None,
        "gini": gini(y, given) if varies else None,
        "mean_prediction": float(given.mean()),
        "mean_label": float(y.mean()),
        "row_count": len(y),
    }


def gini(y: NDArray[Any], given: NDArray[np.float64]) -> float:
    """Return the normalised Gini coefficient of a ranking by predicted values.

    It is the covariance of the outcome with its rank among the predictions, in units of that with
    its rank among the outcomes (Lerman & Yitzhaki 1984): 1 is the order of what came, 0 is chance.
    Equal values share their mean rank; `y` is not constant.
    """
    from scipy.stats import rankdata

    deviations = y - y.mean()
    return float(deviations @ rankdata(given) / (deviations @ rankdata(y)))
