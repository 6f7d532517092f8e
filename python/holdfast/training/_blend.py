"""The mean of several models' log-odds, as one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.training._export import OnnxHeader, blend_onnx
from holdfast.training._linear import LinearModel
from holdfast.training._trees import TreeModel

if TYPE_CHECKING:
    from holdfast.training._estimators import ScalableModel

__all__ = ["BLEND", "BlendedModel", "blend"]

BLEND = "blend"


@dataclass(frozen=True)
class BlendedModel:
    """The sum of the log-odds of a linear model and of trees, each already weighed."""

    linear: LinearModel
    trees: TreeModel

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """What was chosen for the parts, and their weights."""
        return {
            "logistic_regression": self.linear.hyperparameters,
            "hist_gradient_boosting": self.trees.hyperparameters,
            "weights": {
                "logistic_regression": 1.0 - self.trees.weight,
                "hist_gradient_boosting": self.trees.weight,
            },
        }

    @property
    def base_value(self) -> float:
        """Mean log-odds over the training rows."""
        return self.linear.base_value + self.trees.base_value

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds of the event, shape (n,)."""
        return self.linear.log_odds(features) + self.trees.log_odds(features)

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of the event, shape (n,)."""
        result: NDArray[np.float64] = np.exp(-np.logaddexp(0.0, -self.log_odds(features)))
        return result

    def scaled(self, factor: float, weight: float = 1.0) -> BlendedModel:
        """Return the model with its log-odds stretched around their mean, and then weighed."""
        return BlendedModel(self.linear.scaled(factor, weight), self.trees.scaled(factor, weight))

    def to_onnx(self, header: OnnxHeader) -> bytes:
        """Write the model as a deterministic ONNX file."""
        return blend_onnx(self.linear, self.trees, header)


def blend(linear: ScalableModel, trees: ScalableModel) -> BlendedModel:
    """Return the model whose log-odds are the mean of the two models' own."""
    assert isinstance(linear, LinearModel)
    assert isinstance(trees, TreeModel)
    return BlendedModel(linear.scaled(1.0, 0.5), trees.scaled(1.0, 0.5))
