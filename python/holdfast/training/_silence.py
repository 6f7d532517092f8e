"""BG/NBD beside the models that learn: how it is fitted, and how much weight it has in a blend."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from holdfast.errors import TrainingError
from holdfast.training._bgnbd import BGNBD_FEATURES, fit_bgnbd_model, has_histories
from holdfast.training._blend import SilencePart
from holdfast.training._calibration import loss_given_rates
from holdfast.training._estimators import Fold, OutOfFold, Part

__all__ = ["choose_weight", "fit_silence", "fit_silence_or_none"]

logger = logging.getLogger("holdfast.training")

# On a tie the earlier one is chosen: the simpler.
_WEIGHTS = (0.0, 0.2, 1.0 / 3.0)


def fit_silence(part: Part, horizon_days: int, weight: float) -> SilencePart:
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
    return SilencePart(model, columns, np.nanmedian(features, axis=0), weight=weight)


def fit_silence_or_none(part: Part, horizon_days: int, weight: float) -> SilencePart | None:
    """Fit the process where it has a weight; when that fails, warn and do without it.

    What it could be fitted on in the folds it need not be on other rows, and a blend of two models
    is better than no model.
    """
    if not weight:
        return None
    try:
        return fit_silence(part, horizon_days, weight)
    except TrainingError as error:
        logger.warning(
            "The blend goes without BG/NBD: its weight of %.2f was chosen on held-out rows, but on "
            "the %d rows to fit on it cannot be fitted. %s",
            weight,
            len(part.y),
            error,
        )
        return None


def choose_weight(
    folds: Sequence[Fold],
    others: Sequence[OutOfFold],
    horizon_days: int,
    *,
    holds_out_dates: bool = True,
) -> tuple[float, list[OutOfFold]]:
    """Try weights of BG/NBD beside the mean of the other models, by the loss on held-out rows.

    Where customers are held out and no later dates, the least weight is not 0: what the others have
    learned from one time looks its best there, and a process that says how time passes does not.

    Parameters
    ----------
    folds
        Rows to fit on and held-out rows.
    others
        Log-odds that the mean of the other models gave to the held-out rows of each fold.
    horizon_days
        Length of the label's window.
    holds_out_dates
        Whether the held-out rows are of later dates than those that were fitted on.

    Returns
    -------
    float, list of arrays
        The weight, 0 where BG/NBD cannot be fitted or later dates gain nothing, and the log-odds
        with it.
    """
    try:
        given = [
            fit_silence(fold.fit, horizon_days, 1.0).log_odds(fold.held_out.features)
            for fold in folds
        ]
    except TrainingError:
        return 0.0, list(others)
    weights = _WEIGHTS if holds_out_dates else _WEIGHTS[1:]
    tried = [
        [(1.0 - weight) * other + weight * own for other, own in zip(others, given, strict=True)]
        for weight in weights
    ]
    losses = np.zeros(len(weights))
    for fold, *odds in zip(folds, *tried, strict=True):
        losses += loss_given_rates(np.stack(odds), fold.held_out.y, fold.held_out.as_of)
    best = int(np.argmin(losses))
    return weights[best], tried[best]
