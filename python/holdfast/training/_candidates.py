"""The models that compete: tuned on earlier dates, calibrated, fitted, written and measured."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from holdfast.contract import OnnxHeader, check_parity, largest_gap, predict_onnx
from holdfast.estimators import (
    BLEND,
    CLASSIFICATION,
    TWO_PART,
    YEAR_SHARE,
    Algorithm,
    BgNbdShare,
    BlendedModel,
    CustomModel,
    FittedModel,
    Fold,
    OutOfFold,
    Part,
    ScalableModel,
    Target,
    TreeModel,
    Tuned,
    blend,
    choose_weight,
    fit_bgnbd_share_or_none,
    fit_season,
    has_histories,
    has_two_parts,
    is_custom,
)
from holdfast.tasks import Recipe, Task
from holdfast.threads import side_by_side
from holdfast.training._choices import algorithms_of, fixed_parameters, models_of
from holdfast.training._dataset import Dataset
from holdfast.training._forecast import forecast_notes
from holdfast.training._prepare import Prepared, thinned
from holdfast.training._screen import out_of_season, varying_columns
from holdfast.training._timing import phase

__all__ = [
    "Candidate",
    "FitPlan",
    "checked_file",
    "choose",
    "make_candidates",
    "make_folds",
    "refit",
    "written",
]

logger = logging.getLogger("holdfast.training")

T = TypeVar("T")

# Once a shop has been seen so long, its population is whole and old customers differ from new ones.
_AGE, _KNOWN_DAYS = "first_order_age_days", 180
# A share of the log loss: what is less is within what the next fold may turn round.
_CLEARLY_BETTER = 0.01
# Rows on which a file and its model are compared: those of all dates, evenly spaced.
_MOST_TO_CHECK = 50_000


@dataclass(frozen=True)
class FitPlan:
    """How to fit a model: what was chosen on held-out rows, for any rows to fit on.

    Parameters
    ----------
    algorithm
        Its name.
    names
        Features, in the order of the model.
    parts
        The algorithms that are fitted, each with what was chosen for it; two for a blend.
    slope
        By which log-odds are stretched around their mean.
    algorithms
        Those of the parts, by name.
    bgnbd_weight
        Weight of BG/NBD in a blend.
    horizon_days
        What BG/NBD looks ahead.
    gap_days
        Days from an observation to the end of its label window.
    """

    algorithm: str
    names: tuple[str, ...]
    parts: Mapping[str, Tuned]
    slope: float
    algorithms: Mapping[str, Algorithm]
    bgnbd_weight: float = 0.0
    horizon_days: int = 0
    gap_days: int = 0

    def fit(self, data: Dataset, seed: int) -> tuple[ScalableModel, tuple[str, ...]]:
        """Fit on rows; give the features, too."""
        part = _part(data, self.names)
        process = fit_bgnbd_share_or_none(part, self.horizon_days, self.bgnbd_weight)
        fitted = _fit_parts(self.parts, self.algorithms, part, seed)
        return self.in_season(self.assemble(fitted, process), data)

    def in_season(
        self, model: ScalableModel, data: Dataset
    ) -> tuple[ScalableModel, tuple[str, ...]]:
        """Give the model what a year ago tells of its level; give its features, too."""
        if (
            not isinstance(model, (BlendedModel, TreeModel))
            or data.target.is_numeric
            or is_custom(self.algorithm)
            or YEAR_SHARE not in data.names
            or YEAR_SHARE in self.names
        ):
            return model, self.names
        log_odds = model.log_odds(data.columns(self.names))
        season = fit_season(log_odds, data.y, data.as_of, self.gap_days, _are_known(data))
        if season is None:
            return model, self.names
        return model.with_season(season), (*self.names, YEAR_SHARE)

    def assemble(
        self, fitted: Mapping[str, ScalableModel], process: BgNbdShare | None
    ) -> ScalableModel:
        """Blend and calibrate what was fitted on the rows."""
        models = [fitted[name] for name in self.parts]
        if len(models) == 1:
            return models[0].scaled(self.slope)
        linear, trees = models
        return blend(linear, trees, process).scaled(self.slope)


@dataclass(frozen=True)
class Candidate:
    """A fitted model with its file, what was measured, and the way to fit it again."""

    algorithm: str
    names: tuple[str, ...]
    blob: bytes
    metrics: dict[str, dict[str, Any]]
    hyperparameters: dict[str, Any]
    plan: FitPlan | None = None
    is_explained: bool = True
    target: Target = CLASSIFICATION
    forecast: dict[str, Any] | None = None

    @property
    def validation_loss(self) -> float:
        """The mean loss on validation rows, by which candidates are compared."""
        return float(self.metrics["validation"][self.target.chosen_by])


def make_folds(prepared: Prepared, names: tuple[str, ...]) -> list[Fold]:
    """Give the sides of every fold, without the columns that nothing can be learned from in it."""
    training = prepared.training
    features = training.columns(names)
    folds = []
    for fit, held_out in prepared.folds:
        kept = varying_columns(features[fit])
        kept &= ~np.isin(names, out_of_season(names, training.as_of[fit]))
        kept_names = tuple(name for name, keep in zip(names, kept, strict=True) if keep)
        sides = [
            Part(
                features[rows][:, kept],
                training.y[rows],
                kept_names,
                training.as_of[rows],
                training.customer[rows],
                training.target,
            )
            for rows in (fit, held_out)
        ]
        folds.append(Fold(*sides))
    return folds


def make_candidates(prepared: Prepared, task: Task, recipe: Recipe) -> list[Candidate]:
    """Tune every algorithm, and fit the models that compete on all training rows."""
    seed, names = recipe.seed, prepared.usable
    two_parts = task.is_numeric and has_two_parts(prepared.training.y)
    algorithms = algorithms_of(task, recipe, has_two_parts=two_parts)
    folds = make_folds(prepared, names)
    if _has_nothing_to_choose(task, recipe, algorithms):
        # the latest dates tell how to calibrate; earlier ones would only cost time
        folds = folds[:1]
    tuned: dict[str, Tuned] = {}
    given: dict[str, list[OutOfFold]] = {}
    for name, algorithm in algorithms.items():
        fixed = fixed_parameters(task, recipe, name)
        with phase("Tuned %s on %d folds", name, len(folds)):
            tuned[name], given[name] = algorithm.tune(folds, seed, fixed)
    blended = {name: chosen for name, chosen in tuned.items() if name != TWO_PART}
    scores = [given[name] for name in blended]
    given[BLEND] = [np.mean(each, axis=0) for each in zip(*scores, strict=True)]
    models, bgnbd_weight, without = models_of(recipe, algorithms), 0.0, given[BLEND]
    if BLEND in models and task.fits_bgnbd and has_histories(names):
        with phase("Weighed BG/NBD on %d folds", len(folds)):
            bgnbd_weight, given[BLEND] = choose_weight(folds, given[BLEND], task.horizon_days)
    part = _part(prepared.training, names)
    process = fit_bgnbd_share_or_none(part, task.horizon_days, bgnbd_weight)
    if process is None:
        bgnbd_weight, given[BLEND] = 0.0, without
    fitted = _fit_parts(tuned, algorithms, part, seed)
    outcomes = [fold.held_out.y for fold in folds]

    def candidate(name: str) -> Candidate:
        chosen = blended if name == BLEND else {name: tuned[name]}
        # how a model of the user's own is calibrated is up to its author
        slope = 1.0 if is_custom(name) else part.target.slope(given[name], outcomes)
        weight = bgnbd_weight if name == BLEND else 0.0
        plan = FitPlan(
            name, names, chosen, slope, algorithms, weight, task.horizon_days, task.gap_days
        )
        model, own_names = plan.in_season(plan.assemble(fitted, process), prepared.training)
        validation = _validate(folds, given[name], slope)
        hyperparameters = {**model.hyperparameters, "calibration_slope": slope}
        made = written(
            model,
            name,
            own_names,
            prepared.test,
            task.name,
            validation,
            hyperparameters,
            plan=plan,
        )
        if not task.is_numeric:
            return made
        return replace(made, forecast=forecast_notes(folds, given[name], task.gap_days))

    return _all_of([partial(candidate, name) for name in models], algorithms)


def _has_nothing_to_choose(task: Task, recipe: Recipe, algorithms: Mapping[str, Any]) -> bool:
    """Tell whether one model competes, with all that is tuned given by the user."""
    return len(algorithms) == 1 and all(
        name == "hist_gradient_boosting"
        and {"max_iter", "min_samples_leaf", "l2_regularization"}
        <= set(fixed_parameters(task, recipe, name))
        for name in algorithms
    )


def written(
    model: FittedModel,
    algorithm: str,
    names: tuple[str, ...],
    test: Dataset,
    task: str,
    validation: dict[str, Any] | None,
    hyperparameters: dict[str, Any],
    plan: FitPlan | None = None,
) -> Candidate:
    """Write a model that was fitted on earlier rows, check the file, and measure it."""
    with phase("Wrote %s as ONNX and measured it on %d rows", algorithm, len(test)):
        some = test.rows(thinned(np.arange(len(test)), _MOST_TO_CHECK))
        blob, gap = checked_file(model, algorithm, names, some, task)
        # What is registered is what is measured: the file's own predictions.
        given = predict_onnx(blob, test.columns(names))
    metrics = {"test": test.target.evaluate(test.y, given), "parity": {"largest_difference": gap}}
    if validation is not None:
        metrics["validation"] = validation
    explained = getattr(model, "is_explained", True)
    return Candidate(algorithm, names, blob, metrics, hyperparameters, plan, explained, test.target)


def choose(candidates: Sequence[Candidate]) -> Candidate:
    """Give the candidate with the least loss on validation rows; of equals the first.

    Where a blend competes for a probability, it is the choice unless one of its parts is clearly
    better: a few early folds do not outweigh that two models together err less than either.
    """
    chosen = min(candidates, key=lambda each: each.validation_loss)
    mixed = [each for each in candidates if each.algorithm == BLEND and not each.target.is_numeric]
    if mixed and chosen.validation_loss > (1.0 - _CLEARLY_BETTER) * mixed[0].validation_loss:
        chosen = mixed[0]
    logger.info(
        "Chose %s by %s on validation rows: %s.",
        chosen.algorithm,
        chosen.target.chosen_by.replace("_", " "),
        ", ".join(f"{each.algorithm} {each.validation_loss:.5f}" for each in candidates),
    )
    return chosen


def refit(candidate: Candidate, prepared: Prepared, task: str, seed: int) -> Candidate:
    """Fit a candidate again on all rows with a known label, those of the test among them.

    What it is expected to do is what its twin, which was fitted without the test rows, did.
    """
    assert candidate.plan is not None
    mature = prepared.mature
    with phase("Fitted %s again on all %d rows", candidate.algorithm, len(mature)):
        model, names = candidate.plan.fit(mature, seed)
        some = mature.rows(thinned(np.arange(len(mature)), _MOST_TO_CHECK))
        blob, gap = checked_file(model, candidate.algorithm, names, some, task)
    metrics: dict[str, dict[str, Any]] = {"parity": {"largest_difference": gap}}
    if "comparison" in candidate.metrics:
        metrics["comparison"] = candidate.metrics["comparison"]
    hyperparameters = {
        **model.hyperparameters,
        "calibration_slope": candidate.hyperparameters["calibration_slope"],
    }
    return replace(
        candidate, names=names, blob=blob, metrics=metrics, hyperparameters=hyperparameters
    )


def checked_file(
    model: FittedModel, algorithm: str, names: tuple[str, ...], rows: Dataset, task: str
) -> tuple[bytes, float]:
    """Write a model; give its file, and by how much that differs from the model on some rows."""
    blob = model.to_onnx(_header(task, algorithm, names, rows))
    return blob, _parity(model, algorithm, rows.columns(names), blob, rows.target)


def _part(data: Dataset, names: tuple[str, ...]) -> Part:
    """Give all rows as something to fit on."""
    return Part(data.columns(names), data.y, names, data.as_of, data.customer, data.target)


def _are_known(data: Dataset) -> NDArray[np.bool_] | None:
    """Tell of every row whether the history of its date goes back half a year."""
    if _AGE not in data.names:
        return None
    age = np.nan_to_num(data.columns((_AGE,))[:, 0], nan=0.0)
    _, position = np.unique(data.as_of, return_inverse=True)
    longest = np.zeros(position.max() + 1)
    np.maximum.at(longest, position, age)
    result: NDArray[np.bool_] = (longest >= _KNOWN_DAYS)[position]
    return result


def _fit_parts(
    tuned: Mapping[str, Tuned], algorithms: Mapping[str, Algorithm], part: Part, seed: int
) -> dict[str, ScalableModel]:
    """Fit algorithms with what was chosen for each."""

    def fitted(name: str) -> ScalableModel:
        with phase("Fitted %s on %d rows", name, len(part.y)):
            return algorithms[name].fit(part, tuned[name], seed)

    # trees take longest
    order = sorted(tuned, key=lambda name: name != "hist_gradient_boosting")
    made = _all_of([partial(fitted, name) for name in order], algorithms)
    by_name = dict(zip(order, made, strict=True))
    return {name: by_name[name] for name in tuned}


def _all_of(tasks: Sequence[Callable[[], T]], algorithms: Mapping[str, Algorithm]) -> list[T]:
    """Run tasks side by side; a user's estimator may not bear that, so with one they take turns."""
    if any(is_custom(name) for name in algorithms):
        return [task() for task in tasks]
    return side_by_side(tasks)


def _parity(
    model: FittedModel, algorithm: str, features: NDArray[np.float32], blob: bytes, target: Target
) -> float:
    """Refuse a file that gives other results than the model; say why, where the model knows."""
    expected, given = model.predict(features), predict_onnx(blob, features)
    is_numeric = target.is_numeric
    if (
        isinstance(model, CustomModel)
        and not largest_gap(expected, given, is_numeric=is_numeric).is_small
    ):
        advice = model.advice_on_gap(features, blob)
        return check_parity(algorithm, expected, given, is_numeric=is_numeric, advice=advice)
    return check_parity(algorithm, expected, given, is_numeric=is_numeric)


def _header(task: str, algorithm: str, names: tuple[str, ...], data: Dataset) -> OnnxHeader:
    """Give what the file says of itself."""
    return OnnxHeader(task, algorithm, algorithm.replace("_", " "), names, data.target.name)


def _validate(folds: Sequence[Fold], given: Sequence[OutOfFold], slope: float) -> dict[str, Any]:
    """Measure scores of held-out rows, stretched as the model's are around their mean."""
    target = folds[0].held_out.target
    stretched = [odds.mean() + slope * (odds - odds.mean()) for odds in given]
    outcomes = np.concatenate([fold.held_out.y for fold in folds])
    predicted = target.predict(np.concatenate(stretched))
    total = sum(
        float(target.tuning_loss(odds[None, :], fold.held_out.y, fold.held_out.as_of)[0])
        for odds, fold in zip(stretched, folds, strict=True)
    )
    return {**target.evaluate(outcomes, predicted), target.chosen_by: total / len(outcomes)}
