"""What every model must beat: the base rate or mean, one feature, and BG/NBD."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from holdfast.errors import TrainingError
from holdfast.estimators import (
    BGNBD_FEATURES,
    FittedModel,
    Part,
    constant_model,
    fit_bgnbd_model,
    fit_setting,
    has_histories,
)
from holdfast.registry import defeats
from holdfast.tasks import Recipe, Task
from holdfast.training._candidates import Candidate, written
from holdfast.training._prepare import Prepared
from holdfast.training._timing import phase

__all__ = [
    "BASE_RATE",
    "BG_NBD",
    "MEAN",
    "ONE_FEATURE",
    "RECENCY",
    "compare_with_baselines",
    "make_baselines",
]

BASE_RATE = "base_rate"
RECENCY = "days_since_last_order"
BG_NBD = "bg_nbd"
# the same two for a number
MEAN = "training_mean"
ONE_FEATURE = "one_feature"

logger = logging.getLogger("holdfast.training")


def make_baselines(prepared: Prepared, task: Task, recipe: Recipe) -> list[Candidate]:
    """Fit every baseline whose features are there."""
    made = []
    for algorithm, names, model in _fitted(prepared, task, recipe):
        made.append(
            written(model, algorithm, names, prepared.test, task.name, None, model.hyperparameters)
        )
    return made


def compare_with_baselines(chosen: Candidate, baselines: Sequence[Candidate], task: str) -> None:
    """Warn when the chosen model is no better than a baseline, in its ranking or its loss."""
    found = defeats(
        chosen.metrics["test"],
        [(baseline.algorithm, baseline.metrics["test"]) for baseline in baselines],
        target=chosen.target.name,
    )
    if found:
        logger.warning(
            "DO NOT ACT ON THE SCORES YET: the chosen %s of %s is no better than a simple rule: "
            "%s. Look at its features and at how many events it has learned from; `holdfast "
            "models card` shows both.",
            chosen.algorithm,
            task,
            "; ".join(map(str, found)),
        )


def _fitted(
    prepared: Prepared, task: Task, recipe: Recipe
) -> Iterator[tuple[str, tuple[str, ...], FittedModel]]:
    """Give algorithm, features and model of each baseline."""
    training = prepared.training
    target = training.target
    constant, simple = (MEAN, ONE_FEATURE) if target.is_numeric else (BASE_RATE, RECENCY)
    feature = task.baseline_feature
    if feature in prepared.usable:
        with phase("Fitted %s on %d rows", simple, len(training)):
            part = Part(
                training.columns((feature,)),
                training.y,
                (feature,),
                training.as_of,
                target=target,
            )
            model = fit_setting(part, {}, recipe.seed)
        yield simple, (feature,), model
    else:
        why = (
            "does not vary in the training rows"
            if feature in training.names
            else "is not in the training set"
        )
        logger.warning(
            "No baseline: its feature %s %s. Name another with baseline_feature.", feature, why
        )
    # A model has features; the weight of this one's is zero.
    anyone = (feature,) if feature in prepared.usable else prepared.usable[:1]
    yield constant, anyone, constant_model(float(training.y.mean()), target)
    if task.fits_bgnbd and has_histories(training.names):
        try:
            with phase("Fitted %s on %d rows", BG_NBD, len(training)):
                process = fit_bgnbd_model(
                    training.columns(BGNBD_FEATURES),
                    training.y,
                    BGNBD_FEATURES,
                    as_of=training.as_of,
                    customer=training.customer,
                    horizon_days=task.horizon_days,
                )
        except TrainingError as error:
            logger.warning("No baseline %s: %s", BG_NBD, error)
        else:
            yield BG_NBD, BGNBD_FEATURES, process
