"""When to train again, and whether a challenger is worse. Pure functions over registered models."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.registry import LABEL_PARAMETERS, RegisteredModel, Stage, champion_of
from holdfast.tasks import TaskSettings

__all__ = [
    "Comparison",
    "compare_losses",
    "retrain_reason",
    "unfit_reason",
]

_LOSS_TOLERANCE = 1e-9
_WORSE_FROM = 0.9
_REPLICATES = 1000
_MOST_GROUPS = 500


def unfit_reason(
    champion: RegisteredModel, *, as_of_date: dt.date, settings: TaskSettings
) -> str | None:
    """Say why a champion must not score this build, however good it is, or return None.

    It predicts something else when the label was defined otherwise, and it knows the future when
    its labels were not all over on the as-of date.
    """
    for name in LABEL_PARAMETERS:
        was, wanted = champion.parameters.get(name), getattr(settings.task, name)
        if was is not None and was != wanted:
            return f"it was trained for {name} {was}, and now {name} is {wanted}"
    last_as_of = champion.training_to
    if last_as_of is None:
        return None
    known_until = last_as_of + dt.timedelta(days=settings.task.gap_days)
    if known_until > dt.datetime.combine(as_of_date, dt.time()):
        return f"it learned from labels up to {known_until:%Y-%m-%d}, after the as-of date"
    return None


def retrain_reason(
    former: Sequence[RegisteredModel],
    *,
    feature_hash: str,
    as_of_date: dt.date,
    settings: TaskSettings,
) -> str | None:
    """Say in a few words why to train now, or return None to keep the champion.

    A challenger that lost on the same features counts as the last training: otherwise every
    build after a lost challenge would train again, and lose again.
    """
    champion = champion_of(former, settings.task.name)
    if champion is None:
        return "there is no champion"
    unfit = unfit_reason(champion, as_of_date=as_of_date, settings=settings)
    if unfit is not None:
        return f"the champion {champion.model_id} cannot score: {unfit}"
    if settings.policy.retrain:
        return "retrain is set"
    rivals = [
        model
        for model in former
        if model.stage in (Stage.CHAMPION, Stage.CHALLENGER) and model.feature_hash == feature_hash
    ]
    if not rivals:
        return "the features, the label or the estimator changed"
    dates = [date for model in rivals if (date := _trained_on(model)) is not None]
    if not dates:
        return "the champion does not say when it was trained"
    age = (as_of_date - max(dates)).days
    if age >= settings.policy.retrain_after_days:
        return f"the last training is {age} days old"
    return None


@dataclass(frozen=True)
class Comparison:
    """A challenger beside the former champion on the same held-out rows.

    Parameters
    ----------
    difference
        Mean loss of the challenger minus that of the champion; below zero is better.
    lower, upper
        Its 95 % interval.
    share_worse
        Share of the bootstrap replicates in which the challenger is the worse one.
    row_count, customer_count
        What was compared on.
    """

    difference: float
    lower: float
    upper: float
    share_worse: float
    row_count: int
    customer_count: int

    @property
    def is_worse(self) -> bool:
        """Whether the challenger must not replace the champion.

        A new model has learned from newer rows, so it takes the place of an equal. It is refused
        when it is worse on these rows and in nine of ten replicates.
        """
        return self.difference > _LOSS_TOLERANCE and self.share_worse >= _WORSE_FROM

    def as_dict(self) -> dict[str, Any]:
        """Return what the registry keeps beside the difference."""
        return {
            "lower": self.lower,
            "upper": self.upper,
            "share_worse": self.share_worse,
            "row_count": self.row_count,
            "customer_count": self.customer_count,
        }


def compare_losses(
    losses: NDArray[np.float64],
    former_losses: NDArray[np.float64],
    customer: NDArray[np.uint64],
    *,
    seed: int,
) -> Comparison:
    """Compare the losses of two models on the same rows by a paired bootstrap over customers.

    The rows of one customer are alike, so customers are drawn and not rows; each draw takes the
    losses of both models, so what makes a row hard for both cancels out (Efron & Tibshirani 1993,
    "An Introduction to the Bootstrap"). Many customers are drawn in 500 groups.

    Parameters
    ----------
    losses, former_losses
        Loss of each row under the challenger and under the former champion, shape (n,).
    customer
        Stable hash of each row's customer, shape (n,).
    seed
        Seed of the draws.

    Returns
    -------
    Comparison

    Examples
    --------
    >>> customer = np.arange(100, dtype=np.uint64)
    >>> compare_losses(np.full(100, 0.6), np.full(100, 0.5), customer, seed=7).is_worse
    True
    """
    distinct, code = np.unique(customer, return_inverse=True)
    group = code if len(distinct) <= _MOST_GROUPS else customer % np.uint64(_MOST_GROUPS)
    group = group.astype(np.intp)
    gaps = losses - former_losses
    totals = np.bincount(group, weights=gaps)
    counts = np.bincount(group).astype(np.float64)
    random = np.random.default_rng(seed)
    chances = np.full(len(counts), 1.0 / len(counts))
    draws = random.multinomial(len(counts), chances, size=_REPLICATES).astype(np.float64)
    rows = draws @ counts
    # an empty group may be drawn alone; such a replicate says nothing
    means = (draws @ totals)[rows > 0] / rows[rows > 0]
    lower, upper = np.quantile(means, [0.025, 0.975])
    return Comparison(
        difference=float(gaps.mean()),
        lower=float(lower),
        upper=float(upper),
        share_worse=float(np.mean(means > _LOSS_TOLERANCE)),
        row_count=len(gaps),
        customer_count=len(distinct),
    )


def _trained_on(model: RegisteredModel) -> dt.date | None:
    """Read the as_of_date of a model out of its parameters."""
    try:
        return dt.date.fromisoformat(model.parameters["as_of_date"])
    except (KeyError, TypeError, ValueError):
        return None
