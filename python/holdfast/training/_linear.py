"""A logistic regression whose preparation of the features is part of the model.

Every step is a closed form per feature, so the ONNX graph is small, and the contribution of a
feature to the log-odds, its exact SHAP value against the training mean for a linear model
(Lundberg & Lee 2017, section 4.1; features taken as independent), is simply its own term.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.training._export import OnnxHeader, linear_onnx

__all__ = ["LinearModel", "fit_linear"]

_NEVER_LOGGED = ("share", "ratio", "per_gap")


@dataclass(frozen=True)
class LinearModel:
    """A fitted logistic regression with its preparation; one entry per feature in every array.

    Parameters
    ----------
    signed_log
        Whether the feature enters as ``sign(x) * ln(1 + |x|)``, bool.
    median
        Stands in for a missing value, after the logarithm.
    mean, scale
        Of the transformed and imputed feature in training.
    coefficient
        Log-odds per standard deviation.
    missing_mean, missing_coefficient
        Training share of missing values, and log-odds of being missing; both zero for a feature
        that was never missing in training.
    base_value
        Log-odds at the training mean.
    inverse_penalty
        The C of scikit-learn.
    """

    signed_log: NDArray[np.bool_]
    median: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    coefficient: NDArray[np.float64]
    missing_mean: NDArray[np.float64]
    missing_coefficient: NDArray[np.float64]
    base_value: float
    inverse_penalty: float

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """What was chosen before the weights were fitted."""
        return {"C": self.inverse_penalty, "penalty": "l2", "solver": "lbfgs"}

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds that each feature adds to the base value, shape (n, F)."""
        missing, transformed = _transform(features, self.signed_log)
        imputed = np.where(missing, self.median, transformed)
        return (imputed - self.mean) / self.scale * self.coefficient + (
            missing - self.missing_mean
        ) * self.missing_coefficient

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of the event, shape (n,)."""
        log_odds = self.base_value + self.contributions(features).sum(axis=1)
        return _sigmoid(log_odds)

    def to_onnx(self, header: OnnxHeader) -> bytes:
        """Write the model as a deterministic ONNX file."""
        return linear_onnx(self, header)


def fit_linear(
    features: NDArray[np.float32],
    y: NDArray[np.int64],
    names: tuple[str, ...],
    *,
    inverse_penalty: float = 0.1,
) -> LinearModel:
    """Fit preparation and weights on the same rows.

    Parameters
    ----------
    features
        Features, float32, shape (n, F), each with at least two distinct values; missing is NaN.
    y
        Outcome 0 or 1, shape (n,).
    names
        Feature names, length F; shares and ratios are not put on a logarithmic scale.
    inverse_penalty
        The C of scikit-learn's LogisticRegression.

    Returns
    -------
    LinearModel

    Examples
    --------
    >>> features = np.array([[0.0], [1.0], [2.0], [3.0]], dtype=np.float32)
    >>> model = fit_linear(features, np.array([0, 0, 1, 1]), ("order_count",))
    >>> bool(model.predict(features)[3] > 0.5)
    True
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    signed_log = _wants_logarithm(features, names)
    missing, transformed = _transform(features, signed_log)
    median = np.nanmedian(transformed, axis=0)
    imputed = np.where(missing, median, transformed)
    mean, scale = imputed.mean(axis=0), _positive(imputed.std(axis=0))
    missing_mean = missing.mean(axis=0)
    missing_scale = _positive(missing.std(axis=0))
    flagged = np.flatnonzero(missing.any(axis=0))
    design = np.hstack(
        [
            (imputed - mean) / scale,
            ((missing - missing_mean) / missing_scale)[:, flagged],
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=inverse_penalty, max_iter=1000, tol=1e-6).fit(design, y)
    missing_coefficient = np.zeros(len(names))
    missing_coefficient[flagged] = fitted.coef_[0, len(names) :] / missing_scale[flagged]
    return LinearModel(
        signed_log=signed_log,
        median=median,
        mean=mean,
        scale=scale,
        coefficient=fitted.coef_[0, : len(names)].copy(),
        missing_mean=missing_mean,
        missing_coefficient=missing_coefficient,
        base_value=float(fitted.intercept_[0]),
        inverse_penalty=inverse_penalty,
    )


def _wants_logarithm(features: NDArray[np.float32], names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Tell amounts and counts from shares and ratios, by name and by range."""
    named = np.array([any(part in name for part in _NEVER_LOGGED) for name in names], dtype=bool)
    narrow = np.nanmax(np.abs(features), axis=0) <= 1.0
    result: NDArray[np.bool_] = ~(named | narrow)
    return result


def _transform(
    features: NDArray[np.float32], signed_log: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return what is missing (infinite values too), and the features on their scale."""
    missing = ~np.isfinite(features)
    wide = features.astype(np.float64)
    wide[missing] = np.nan
    logged = wide[:, signed_log]
    wide[:, signed_log] = np.sign(logged) * np.log1p(np.abs(logged))
    return missing, wide


def _positive(scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace a scale of zero by one."""
    return np.where(scale > 0, scale, 1.0)


def _sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logistic function without overflow."""
    result: NDArray[np.float64] = np.exp(-np.logaddexp(0.0, -log_odds))
    return result
