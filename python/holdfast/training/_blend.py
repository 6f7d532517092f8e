"""The mean of several models' log-odds, as one model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.training._bgnbd import BGNBD_FEATURES, BgNbdModel
from holdfast.training._export import OnnxHeader, blend_onnx
from holdfast.training._linear import LinearModel
from holdfast.training._trees import TreeModel

if TYPE_CHECKING:
    from holdfast.training._estimators import ScalableModel

__all__ = ["BLEND", "BlendedModel", "SilencePart", "blend"]

BLEND = "blend"


@dataclass(frozen=True)
class SilencePart:
    """The part of BG/NBD in a blend, by the features that it reads.

    Its log-odds are ``weight * (base + factor * (raw - base))``, raw being those of the probability
    of no order, and base their value for the reference.

    Parameters
    ----------
    model
        The fitted process.
    columns
        Where `BGNBD_FEATURES` stand among the features of the blend.
    reference
        Medians of these features in training, float32; its contributions are counted from there.
    """

    model: BgNbdModel
    columns: tuple[int, ...]
    reference: NDArray[np.float32]
    factor: float = 1.0
    weight: float = 1.0

    # log-odds of a probability that rounds to 0 or 1 would outweigh all others
    least = 1e-4
    names = BGNBD_FEATURES

    @property
    def base_value(self) -> float:
        """Log-odds of the reference."""
        return self.weight * float(self._raw(self.reference[None, :])[0])

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the part in the log-odds, shape (n,)."""
        raw = self._raw(features[:, list(self.columns)])
        result: NDArray[np.float64] = self.base_value + self.weight * self.factor * (
            raw - self.base_value / self.weight
        )
        return result

    def scaled(self, factor: float, weight: float = 1.0) -> SilencePart:
        """Return the part with its log-odds stretched around its base, and then weighed."""
        return replace(self, factor=self.factor * factor, weight=self.weight * weight)

    def _raw(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds of no order, kept within what `least` allows."""
        probability = np.clip(self.model.predict(features), self.least, 1.0 - self.least)
        result: NDArray[np.float64] = np.log(probability) - np.log1p(-probability)
        return result


@dataclass(frozen=True)
class BlendedModel:
    """The sum of the log-odds of a linear model, of trees and of BG/NBD, each already weighed."""

    linear: LinearModel
    trees: TreeModel
    silence: SilencePart | None = None

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """What was chosen for the parts, and their weights."""
        of_silence = 0.0 if self.silence is None else self.silence.weight
        linear = "linear_regression" if self.linear.target.is_numeric else "logistic_regression"
        chosen: dict[str, Any] = {
            linear: self.linear.hyperparameters,
            "hist_gradient_boosting": self.trees.hyperparameters,
            "weights": {
                linear: self.trees.weight,
                "hist_gradient_boosting": self.trees.weight,
            },
        }
        if not self.linear.target.is_numeric:
            chosen["weights"]["bg_nbd"] = of_silence
        if self.silence is not None:
            chosen["bg_nbd"] = self.silence.model.hyperparameters
        return chosen

    @property
    def base_value(self) -> float:
        """Log-odds from which contributions are counted."""
        of_silence = 0.0 if self.silence is None else self.silence.base_value
        return self.linear.base_value + self.trees.base_value + of_silence

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds of the event, shape (n,)."""
        both = self.linear.log_odds(features) + self.trees.log_odds(features)
        return both if self.silence is None else both + self.silence.log_odds(features)

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of the event or the value, shape (n,)."""
        return self.linear.target.predict(self.log_odds(features))

    def scaled(self, factor: float, weight: float = 1.0) -> BlendedModel:
        """Return the model with its log-odds stretched around their base, and then weighed."""
        return BlendedModel(
            self.linear.scaled(factor, weight),
            self.trees.scaled(factor, weight),
            None if self.silence is None else self.silence.scaled(factor, weight),
        )

    def to_onnx(self, header: OnnxHeader) -> bytes:
        """Write the model as a deterministic ONNX file."""
        return blend_onnx(self, header)


def blend(
    linear: ScalableModel, trees: ScalableModel, silence: SilencePart | None = None
) -> BlendedModel:
    """Return the model whose log-odds are the mean of the two models' own, beside BG/NBD.

    `silence` comes with its weight; the two others share what is left.
    """
    assert isinstance(linear, LinearModel)
    assert isinstance(trees, TreeModel)
    share = 0.5 if silence is None else (1.0 - silence.weight) / 2.0
    return BlendedModel(linear.scaled(1.0, share), trees.scaled(1.0, share), silence)
