"""How much a model moves by each feature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.scoring import OnnxModel

__all__ = ["EXPLAINED_ROWS", "feature_importance"]

# A mean over so many rows is known to a few percent; explaining more of them only takes time.
EXPLAINED_ROWS = 5_000


def feature_importance(blob: bytes, features: NDArray[np.float32]) -> dict[str, float]:
    """Return the mean absolute contribution of each feature over some rows, in log-odds.

    The mean of absolute SHAP values (Lundberg & Lee 2017, https://arxiv.org/abs/1705.07874), taken
    from the model's file, as reasons are.

    Parameters
    ----------
    blob
        The model's ONNX file, which can be explained.
    features
        Rows that the model learned from, float32, shape (n, F), n > 0; missing is NaN.

    Returns
    -------
    dict
        A number for each of the model's features, rounded to six digits.

    Raises
    ------
    ModelError
        The file carries no contributions.

    Examples
    --------
    >>> feature_importance(blob, features)  # doctest: +SKIP
    {'days_since_order': 0.61, 'order_count_90d': 0.12}
    """
    model = OnnxModel.from_bytes(blob)
    means = np.abs(model.contributions(features)).mean(axis=0, dtype=np.float64)
    return {
        name: float(f"{mean:.6g}") for name, mean in zip(model.feature_names, means, strict=True)
    }
