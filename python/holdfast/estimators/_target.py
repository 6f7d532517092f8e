"""What is predicted, yes or no or a number: all in which the two differ while models are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from holdfast.estimators._calibration import loss_given_rates, shrunk_slope
from holdfast.estimators._elastic_net import fit_elastic_net, fit_elastic_net_to_values
from holdfast.estimators._metrics import evaluate, evaluate_values, log_losses

__all__ = ["CLASSIFICATION", "REGRESSION", "TARGETS", "Target"]

_Doubles: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """A kind of target. The score of a model is the scale on which its parts add up.

    Parameters
    ----------
    name
        As the settings have it.
    is_numeric
        Whether the label is a number on its own scale, and not 0 or 1.
    predict
        From scores to predictions: the inverse of the link.
    fit_weights
        Intercept and weights of the linear model of a design.
    tuning_loss
        Total loss of score columns, shape (k, n), on held-out rows with their dates, shape (k,).
    slope
        By which the scores of held-out rows are to be stretched around their mean.
    evaluate
        Metrics of predictions.
    losses
        Loss of each row, by which two models are compared on the same rows.
    chosen_by
        Name of the mean tuning loss among the validation metrics.
    compared_by, loss
        Name in the registry and in words of the mean difference of `losses`.
    """

    name: str
    is_numeric: bool
    predict: Callable[[_Doubles], _Doubles]
    fit_weights: Callable[..., _Doubles]
    tuning_loss: Callable[[_Doubles, NDArray[Any], NDArray[np.datetime64] | None], _Doubles]
    slope: Callable[[Sequence[_Doubles], Sequence[NDArray[Any]]], float]
    evaluate: Callable[[NDArray[Any], _Doubles], dict[str, Any]]
    losses: Callable[[NDArray[Any], _Doubles], _Doubles]
    chosen_by: str
    compared_by: str
    loss: str


def _probability(log_odds: _Doubles) -> _Doubles:
    """Return the logistic function of log-odds, without overflow."""
    result: _Doubles = np.exp(-np.logaddexp(0.0, -log_odds))
    return result


def _squares(y: NDArray[Any], given: _Doubles) -> _Doubles:
    """Return each row's squared error."""
    result: _Doubles = np.square(given - y)
    return result


CLASSIFICATION = Target(
    name="classification",
    is_numeric=False,
    predict=_probability,
    fit_weights=fit_elastic_net,
    tuning_loss=loss_given_rates,
    slope=shrunk_slope,
    evaluate=evaluate,
    losses=log_losses,
    chosen_by="log_loss_given_rate",
    compared_by="log_loss_difference",
    loss="log loss",
)

REGRESSION = Target(
    name="regression",
    is_numeric=True,
    # the value is what the parts add up to
    predict=lambda score: score,
    fit_weights=fit_elastic_net_to_values,
    tuning_loss=lambda scores, y, as_of: _squares(y, scores).sum(axis=1),
    # a mean needs no calibration of its own: squared error is least at it
    slope=lambda given, outcomes: 1.0,
    evaluate=evaluate_values,
    losses=_squares,
    chosen_by="mean_squared_error",
    compared_by="squared_error_difference",
    loss="squared error",
)

TARGETS = {each.name: each for each in (CLASSIFICATION, REGRESSION)}
