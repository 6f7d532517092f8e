"""Whether there is anything, times how much: a model of numbers that are often zero.

What customers spend in a quarter is zero for half of them and spread over four powers of ten for
the others. A squared error alone learns from the few largest; here a logistic regression tells
whether anything comes, a linear regression of the logarithm how much, and both are regressions on
prepared features as `_linear` has them (Duan et al. 1983, "A Comparison of Alternative Models for
the Demand for Medical Care"). One factor restores the mean on the original scale (Duan 1983,
"Smearing Estimate").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from holdfast.contract import Graph, OnnxHeader, finish
from holdfast.errors import TrainingError
from holdfast.estimators._base import Fold, OutOfFold, Part, Tuned
from holdfast.estimators._linear import LinearModel, constant_model, fit_setting, tune_linear
from holdfast.estimators._target import CLASSIFICATION, REGRESSION

__all__ = ["TWO_PART", "TwoPartModel", "fit_two_part", "has_two_parts", "tune_two_part"]

TWO_PART = "two_part"

# Fewer amounts than this say less about features than about themselves.
_LEAST_AMOUNTS = 20
# A smaller difference of two logarithms is none; nearer to zero their quotient is rounding.
_NEAR = 1e-9
# Where nothing is fixed, one kind of penalty is tried: two parts cost as much as one model.
_FIXED: Tuned = {"l1_ratio": 0.0}


@dataclass(frozen=True)
class TwoPartModel:
    """The value ``factor * probability * exp(log of the amount)``.

    Parameters
    ----------
    chance
        Log-odds that the value is not zero.
    amount
        Logarithm of the value where it is not.
    largest
        The largest logarithm in training; a larger one counts as this.
    factor
        By which the total of the training rows is right.
    hyperparameters
        What was chosen for the two parts, JSON-able.
    """

    chance: LinearModel
    amount: LinearModel
    largest: float
    factor: float
    hyperparameters: dict[str, Any]

    @property
    def base_value(self) -> float:
        """The value at the training means of both parts, from which contributions are counted."""
        odds = np.array([self.chance.base_value])
        return float(self._value(odds, np.array([self.amount.base_value]))[0])

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the value, shape (n,): a number has no log-odds."""
        return self._value(self.chance.log_odds(features), self.amount.log_odds(features))

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the value, shape (n,)."""
        return self.log_odds(features)

    def scaled(self, factor: float, weight: float = 1.0) -> TwoPartModel:
        """Return the model as it is: its total is right, and it is no part of a blend."""
        return self

    def to_onnx(self, header: OnnxHeader) -> bytes:
        """Write the model as a deterministic ONNX file, both parts in one graph.

        The contributions add up to the value minus the base value. The difference of two products
        is shared out by the differences of the logarithms of their factors, weighed by the
        logarithmic mean of the two values, which leaves no rest (Ang 2004, "Decomposition analysis
        for policymaking in energy"); within a part every feature has its own term. They are not
        Shapley values, which a product of two sums does not have in closed form.
        """
        graph = Graph(len(header.feature_names))
        node, constant = graph.node, graph.constant
        one = constant("one", 1.0)
        odds = self.chance.write_log_odds(graph, one, "chance_")
        log_amount = self.amount.write_log_odds(graph, one, "amount_")
        bounded = node("Min", [log_amount, constant("largest", [[self.largest]])], "bounded_amount")
        probability = node("Sigmoid", [odds], "probability")
        amount = node("Exp", [bounded], "amount")
        factor = constant("factor", [[self.factor]])
        product = node("Mul", [probability, amount], "product")
        value = node("Mul", [product, factor], "value")
        graph.results(value, one, REGRESSION.name)
        near = constant("near", _NEAR)

        def slope(rise: str, run: str, at_zero: str, name: str) -> str:
            """Divide two differences, with the limit where the lower one vanishes."""
            is_near = node("Less", [node("Abs", [run], f"{name}_size"), near], f"{name}_is_near")
            safe = node("Where", [is_near, one, run], f"{name}_safe")
            return node("Where", [is_near, at_zero, node("Div", [rise, safe], f"{name}_of")], name)

        # ln p moves by as much as the log-odds times this
        # a chance that rounds to zero has no logarithm
        least = node("Max", [probability, constant("least_chance", 1e-300)], "chance_above_zero")
        log_chance = node("Log", [least], "log_chance")
        base_chance = float(CLASSIFICATION.predict(np.array([self.chance.base_value]))[0])
        chance_rise = node(
            "Sub", [log_chance, constant("base_log_chance", np.log(base_chance))], "chance_rise"
        )
        odds_run = node("Sub", [odds, constant("base_odds", self.chance.base_value)], "chance_run")
        complement = node("Sub", [one, probability], "rest_of_chance")
        chance_slope = slope(chance_rise, odds_run, complement, "chance_slope")
        base_amount = min(self.amount.base_value, self.largest)
        amount_rise = node("Sub", [bounded, constant("base_bounded", base_amount)], "amount_rise")
        amount_run = node(
            "Sub", [log_amount, constant("base_amount", self.amount.base_value)], "amount_run"
        )
        amount_slope = slope(amount_rise, amount_run, one, "amount_slope")
        value_rise = node(
            "Sub", [value, constant("reference_value", self.base_value)], "value_rise"
        )
        log_rise = node("Add", [chance_rise, amount_rise], "log_rise")
        mean = slope(value_rise, log_rise, value, "logarithmic_mean")
        of_chance = node("Mul", ["chance_terms", chance_slope], "chance_shares")
        of_amount = node("Mul", ["amount_terms", amount_slope], "amount_shares")
        shares = node("Add", [of_chance, of_amount], "shares")
        told = node("Mul", [shares, mean], "wide_contributions")
        node("Cast", [told], "contributions", to=TensorProto.FLOAT)
        return finish(graph.model(has_contributions=True), header, self.base_value)

    def _value(
        self, odds: NDArray[np.float64], log_amount: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Multiply the parts."""
        amount = np.exp(np.minimum(log_amount, self.largest))
        result: NDArray[np.float64] = self.factor * CLASSIFICATION.predict(odds) * amount
        return result


def has_two_parts(y: NDArray[Any]) -> bool:
    """Whether numbers are zero or above, some of either kind, as the model takes them to be."""
    return bool(y.min() == 0.0 and y.max() > 0.0)


def fit_two_part(part: Part, tuned: Tuned, seed: int) -> TwoPartModel:
    """Fit both parts on the same rows, and the factor that makes their total right.

    Raises
    ------
    TrainingError
        A value is below zero.
    """
    if part.y.min() < 0.0:
        raise TrainingError(
            f"{TWO_PART} predicts whether there is anything and how much of it, so its label must "
            f"be 0 or above; the lowest is {part.y.min():g}. Name another estimator, or leave "
            "returns out of the label."
        )
    chance_setting, amount_setting = (tuned.get(name, {}) for name in ("chance", "amount"))
    has_any = part.y > 0.0
    width = len(part.names)
    if 0 < has_any.sum() < len(has_any):
        chance = fit_setting(_of_chance(part), chance_setting, seed)
    else:
        # nothing to tell apart
        chance = _constant(float(has_any.mean()), width, logistic=True)
    amounts = _of_amounts(part)
    if len(amounts.y) >= _LEAST_AMOUNTS:
        amount = fit_setting(amounts, amount_setting, seed)
    else:
        mean = float(amounts.y.mean()) if len(amounts.y) else 0.0
        amount = _constant(mean, width, logistic=False)
    largest = float(amounts.y.max()) if len(amounts.y) else 0.0
    hyperparameters = {"chance": chance.hyperparameters, "amount": amount.hyperparameters}
    plain = TwoPartModel(chance, amount, largest, 1.0, hyperparameters)
    total = float(plain.predict(part.features).sum())
    return replace(plain, factor=float(part.y.sum()) / total if total > 0.0 else 1.0)


def tune_two_part(
    folds: Sequence[Fold], seed: int, fixed: Tuned | None = None
) -> tuple[Tuned, list[OutOfFold]]:
    """Choose a penalty for each part by its own loss, and give the values of the held-out rows."""
    asked = {**_FIXED, **(fixed or {})}
    both = [Fold(_of_chance(fold.fit), _of_chance(fold.held_out)) for fold in folds]
    told = [fold for fold in both if all(0 < side.y.sum() < len(side.y) for side in _sides(fold))]
    some = [Fold(_of_amounts(fold.fit), _of_amounts(fold.held_out)) for fold in folds]
    known = [fold for fold in some if min(len(side.y) for side in _sides(fold)) >= _LEAST_AMOUNTS]
    tuned = {
        name: tune_linear(each, seed, asked)[0] if each else dict(fixed or {})
        for name, each in (("chance", told), ("amount", known))
    }
    given = [fit_two_part(fold.fit, tuned, seed).predict(fold.held_out.features) for fold in folds]
    return tuned, given


def _sides(fold: Fold) -> tuple[Part, Part]:
    """Give both sides of a fold."""
    return fold.fit, fold.held_out


def _of_chance(part: Part) -> Part:
    """Give all rows, with whether there is anything."""
    return replace(part, y=(part.y > 0.0).astype(np.int64), target=CLASSIFICATION)


def _of_amounts(part: Part) -> Part:
    """Give the rows with something, and its logarithm."""
    rows = part.y > 0.0
    features = part.features[rows]
    if len(features):
        # known for others only: nothing can be learned from it here
        features[:, ~np.isfinite(features).any(axis=0)] = 0.0
    return Part(
        features,
        np.log(part.y[rows]),
        part.names,
        None if part.as_of is None else part.as_of[rows],
        None if part.customer is None else part.customer[rows],
        REGRESSION,
    )


def _constant(mean: float, width: int, *, logistic: bool) -> LinearModel:
    """Give the model that says the same whatever the features are."""
    model = constant_model(mean, CLASSIFICATION if logistic else REGRESSION)
    zeros = np.zeros(width)
    return replace(
        model,
        signed_log=np.zeros(width, dtype=bool),
        median=zeros,
        lower=zeros,
        upper=zeros,
        mean=zeros,
        scale=np.ones(width),
        coefficient=zeros,
        missing_mean=zeros,
        missing_coefficient=zeros,
    )
