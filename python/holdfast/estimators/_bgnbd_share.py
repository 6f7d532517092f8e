"""The share of BG/NBD in a blend: what it adds, how it is fitted, and how much weight it has."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.contract import BGNBD_LOG_ODDS, Graph
from holdfast.errors import TrainingError
from holdfast.estimators._base import Fold, OutOfFold, Part
from holdfast.estimators._bgnbd import (
    BGNBD_FEATURES,
    BgNbdModel,
    bgnbd_nodes,
    fit_bgnbd_model,
    has_histories,
)
from holdfast.estimators._calibration import loss_given_rates

__all__ = ["BgNbdShare", "choose_weight", "fit_bgnbd_share", "fit_bgnbd_share_or_none"]

logger = logging.getLogger("holdfast.training")

# On a tie the earlier one is chosen.
_WEIGHTS = (0.2, 1.0 / 3.0)


@dataclass(frozen=True)
class BgNbdShare:
    """What BG/NBD adds to a blend, by the features that it reads.

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
        """Return what it adds to the log-odds, shape (n,)."""
        raw = self._raw(features[:, list(self.columns)])
        result: NDArray[np.float64] = self.base_value + self.weight * self.factor * (
            raw - self.base_value / self.weight
        )
        return result

    def scaled(self, factor: float, weight: float = 1.0) -> BgNbdShare:
        """Return the share with its log-odds stretched around its base, and then weighed."""
        return replace(self, factor=self.factor * factor, weight=self.weight * weight)

    def write_log_odds(self, graph: Graph, feature_names: tuple[str, ...], one: str) -> str:
        """Add the share to a graph; give the name of its log-odds, double [N, 1]."""
        columns = [feature_names.index(name) for name in self.names]
        picked = graph.constant("silence_columns", columns, np.int64)
        source = graph.node("Gather", ["features", picked], "silence_features", axis=1)
        probability = bgnbd_nodes(graph, self.model, source, one)
        least = graph.constant("least_probability", self.least)
        most = graph.constant("most_probability", 1.0 - self.least)
        raised = graph.node("Max", [probability, least], "silence_raised")
        bounded = graph.node("Min", [raised, most], "silence_bounded")
        complement = graph.node("Sub", [one, bounded], "silence_complement")
        logs = [
            graph.node("Log", [bounded], "silence_log"),
            graph.node("Log", [complement], "silence_log_complement"),
        ]
        raw = graph.node("Sub", logs, "silence_raw_log_odds")
        slope = graph.constant("silence_slope", self.weight * self.factor)
        shift = graph.constant("silence_shift", self.base_value * (1.0 - self.factor))
        return graph.node(
            "Add", [graph.node("Mul", [raw, slope], "silence_stretched"), shift], BGNBD_LOG_ODDS
        )

    def _raw(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds of no order, kept within what `least` allows."""
        probability = np.clip(self.model.predict(features), self.least, 1.0 - self.least)
        result: NDArray[np.float64] = np.log(probability) - np.log1p(-probability)
        return result


def fit_bgnbd_share(part: Part, horizon_days: int, weight: float) -> BgNbdShare:
    """Fit the process on the customers of some rows.

    Raises
    ------
    TrainingError
        The features are not there, or as `fit_bgnbd_model`.
    """
    if not has_histories(part.names) or part.as_of is None or part.customer is None:
        raise TrainingError(
            f"A BG/NBD needs customers, dates and the features {', '.join(BGNBD_FEATURES)}."
        )
    columns = tuple(part.names.index(name) for name in BGNBD_FEATURES)
    features = part.features[:, list(columns)]
    model = fit_bgnbd_model(
        features,
        part.y,
        BGNBD_FEATURES,
        as_of=part.as_of,
        customer=part.customer,
        horizon_days=horizon_days,
    )
    return BgNbdShare(model, columns, np.nanmedian(features, axis=0), weight=weight)


def fit_bgnbd_share_or_none(part: Part, horizon_days: int, weight: float) -> BgNbdShare | None:
    """Fit the process where it has a weight; when that fails, warn and do without it.

    What it could be fitted on in the folds it need not be on other rows, and a blend of two models
    is better than no model.
    """
    if not weight:
        return None
    try:
        return fit_bgnbd_share(part, horizon_days, weight)
    except TrainingError as error:
        logger.warning(
            "The blend leaves out BG/NBD: its weight of %.2f was chosen on held-out rows, but "
            "BG/NBD cannot be fitted on the %d training rows. %s",
            weight,
            len(part.y),
            error,
        )
        return None


def choose_weight(
    folds: Sequence[Fold],
    others: Sequence[OutOfFold],
    horizon_days: int,
) -> tuple[float, list[OutOfFold]]:
    """Try weights of BG/NBD beside the mean of the other models, by the loss on held-out rows.

    A process that says how time passes keeps a small weight whatever a few folds say: over rolling
    origins of several shops that was better than to let them leave it out.

    Parameters
    ----------
    folds
        Rows to fit on and held-out rows.
    others
        Log-odds that the mean of the other models gave to the held-out rows of each fold.
    horizon_days
        Length of the label's window.

    Returns
    -------
    float, list of arrays
        The weight, 0 where BG/NBD can be fitted on no fold, and the log-odds with it; those of
        the others where it cannot be fitted.
    """
    given = [_held_out(fold, horizon_days) for fold in folds]
    if all(own is None for own in given):
        return 0.0, list(others)
    tried = [
        [
            other if own is None else (1.0 - weight) * other + weight * own
            for other, own in zip(others, given, strict=True)
        ]
        for weight in _WEIGHTS
    ]
    losses = np.zeros(len(_WEIGHTS))
    for fold, *odds in zip(folds, *tried, strict=True):
        losses += loss_given_rates(np.stack(odds), fold.held_out.y, fold.held_out.as_of)
    best = int(np.argmin(losses))
    return _WEIGHTS[best], tried[best]


def _held_out(fold: Fold, horizon_days: int) -> OutOfFold | None:
    """Give the log-odds of held-out rows, None where the other rows are too few to fit on."""
    try:
        share = fit_bgnbd_share(fold.fit, horizon_days, 1.0)
    except TrainingError:
        return None
    return share.log_odds(fold.held_out.features)
