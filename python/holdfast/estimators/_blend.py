"""The mean of several models' log-odds, as one model."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from holdfast.contract import Graph, OnnxHeader, finish
from holdfast.estimators._base import ScalableModel
from holdfast.estimators._bgnbd_share import BgNbdShare
from holdfast.estimators._linear import LinearModel
from holdfast.estimators._season import Season
from holdfast.estimators._trees import TreeModel

__all__ = ["BLEND", "BlendedModel", "blend"]

BLEND = "blend"


@dataclass(frozen=True)
class BlendedModel:
    """The sum of the log-odds of a linear model, of trees and of BG/NBD, each already weighed."""

    linear: LinearModel
    trees: TreeModel
    bgnbd: BgNbdShare | None = None

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """What was chosen for the parts, and their weights."""
        of_bgnbd = 0.0 if self.bgnbd is None else self.bgnbd.weight
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
            chosen["weights"]["bg_nbd"] = of_bgnbd
        if self.bgnbd is not None:
            chosen["bg_nbd"] = self.bgnbd.model.hyperparameters
        return chosen

    @property
    def base_value(self) -> float:
        """Log-odds from which contributions are counted."""
        of_bgnbd = 0.0 if self.bgnbd is None else self.bgnbd.base_value
        return self.linear.base_value + self.trees.base_value + of_bgnbd

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds of the event, shape (n,)."""
        both = self.linear.log_odds(features) + self.trees.log_odds(features)
        return both if self.bgnbd is None else both + self.bgnbd.log_odds(features)

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of the event or the value, shape (n,)."""
        return self.linear.target.predict(self.log_odds(features))

    def scaled(self, factor: float, weight: float = 1.0) -> BlendedModel:
        """Return the model with its log-odds stretched around their base, and then weighed."""
        return BlendedModel(
            self.linear.scaled(factor, weight),
            self.trees.scaled(factor, weight),
            None if self.bgnbd is None else self.bgnbd.scaled(factor, weight),
        )

    def with_season(self, season: Season) -> BlendedModel:
        """Return the model with a season, which reads one more feature than its parts do."""
        return replace(self, linear=self.linear.widened(), trees=self.trees.with_season(season))

    def to_onnx(self, header: OnnxHeader) -> bytes:
        """Write the model as a deterministic ONNX file.

        There is no output `contributions`: those of the trees take TreeSHAP. What explains the
        model adds them to the linear terms, the tensor `LINEAR_TERMS` of the graph, and to Shapley
        values of `BGNBD_LOG_ODDS` against the values in the metadata `holdfast.reference`.
        """
        graph = Graph(len(header.feature_names))
        one = graph.constant("one", 1.0)
        linear_log_odds = self.linear.write_log_odds(graph, one)
        tree_score = self.trees.write_score(graph)
        tree_log_odds = graph.node("Cast", [tree_score], "tree_log_odds", to=TensorProto.DOUBLE)
        log_odds = graph.node("Add", [linear_log_odds, tree_log_odds], "fitted_log_odds")
        noted = {}
        if self.bgnbd is not None:
            of_bgnbd = self.bgnbd.write_log_odds(graph, header.feature_names, one)
            log_odds = graph.node("Add", [log_odds, of_bgnbd], "log_odds")
            reference = zip(self.bgnbd.names, self.bgnbd.reference.tolist(), strict=True)
            noted["reference"] = json.dumps(dict(reference))
        graph.results(log_odds, one, self.linear.target.name)
        return finish(graph.model(has_contributions=False), header, self.base_value, noted)


def blend(
    linear: ScalableModel, trees: ScalableModel, bgnbd: BgNbdShare | None = None
) -> BlendedModel:
    """Return the model whose log-odds are the mean of the two models' own, beside BG/NBD.

    `bgnbd` comes with its weight; the two others share what is left.
    """
    assert isinstance(linear, LinearModel)
    assert isinstance(trees, TreeModel)
    share = 0.5 if bgnbd is None else (1.0 - bgnbd.weight) / 2.0
    return BlendedModel(linear.scaled(1.0, share), trees.scaled(1.0, share), bgnbd)
