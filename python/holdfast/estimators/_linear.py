"""A logistic or linear regression whose preparation of the features is part of the model.

Every step is a closed form per feature, so the ONNX graph is small, and the contribution of a
feature to the log-odds, its exact SHAP value against the training mean for a linear model
(Lundberg & Lee 2017, section 4.1; features taken as independent), is simply its own term.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from holdfast.contract import (
    LINEAR_BASE_VALUE,
    LINEAR_LOG_ODDS,
    LINEAR_ROWS,
    LINEAR_TERMS,
    Graph,
    OnnxHeader,
    finish,
)
from holdfast.estimators._base import Fold, OutOfFold, Part, Tuned
from holdfast.estimators._directions import MONOTONIC, directions
from holdfast.estimators._enough import enough_rows
from holdfast.estimators._target import CLASSIFICATION, Target
from holdfast.threads import side_by_side

__all__ = ["LinearModel", "constant_model", "fit_linear", "fit_setting", "tune_linear"]

# Blocks that fit the processor's cache: what is computed of the features is doubles, several times.
_BLOCK_ROWS = 8_192
_BLOCK_COLUMNS = 16
_NEVER_LOGGED = ("share", "ratio", "per_gap")
# Silence goes on after the last training date: who has been silent longer than anybody then is not
# as likely to come back as who had just been. So these are not bounded by the longest, but by
# about twice that.
_SILENCE = "days_since_"
# Size of the columns that tell dates apart, beside 1 for a feature: the penalty holds them back.
_DATE_SIZE = 0.3

# From the strongest penalty to the weakest: each fit begins where the last one ended.
_GRID: tuple[dict[str, Any], ...] = tuple(
    {"C": inverse_penalty, "l1_ratio": l1_ratio}
    for l1_ratio in (0.0, 0.5)
    for inverse_penalty in (0.003, 0.01, 0.03, 0.1)
)
_DEFAULT: dict[str, Any] = {"C": 0.1, "l1_ratio": 0.0}


@dataclass(frozen=True)
class LinearModel:
    """A fitted regression with its preparation; one entry per feature in every array.

    Where it predicts a number, read the value for the log-odds: nothing lies between the two.

    Parameters
    ----------
    signed_log
        Whether the feature enters as ``sign(x) * ln(1 + |x|)``, bool.
    median
        Stands in for a missing value, after the logarithm.
    lower, upper
        Least and greatest value in training, after the logarithm, and of a time since something
        twice the greatest. A value beyond them counts as the bound: a line through the training
        rows says nothing of what lies far outside.
    mean, scale
        Of the transformed and imputed feature in training.
    coefficient
        Log-odds per standard deviation.
    missing_mean, missing_coefficient
        Training share of missing values, and log-odds of being missing; both zero for a feature
        that was never missing in training.
    base_value
        Log-odds at the training mean.
    hyperparameters
        What was chosen before the weights were fitted, JSON-able.
    target
        Whether it predicts a probability or a number.
    """

    signed_log: NDArray[np.bool_]
    median: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    coefficient: NDArray[np.float64]
    missing_mean: NDArray[np.float64]
    missing_coefficient: NDArray[np.float64]
    base_value: float
    hyperparameters: dict[str, Any]
    target: Target = CLASSIFICATION

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds that each feature adds to the base value, shape (n, F)."""
        missing, standardised = _standardise(features, self)
        return (
            standardised * self.coefficient
            + (missing - self.missing_mean) * self.missing_coefficient
        )

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds of the event, shape (n,)."""
        result = np.full(len(features), self.base_value)
        for rows in _blocks(len(features), _BLOCK_ROWS):
            result[rows] += self.contributions(features[rows]).sum(axis=1)
        return result

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of the event or the value, shape (n,)."""
        return self.target.predict(self.log_odds(features))

    def scaled(self, factor: float, weight: float = 1.0) -> LinearModel:
        """Return the model with its log-odds stretched around their mean, and then weighed."""
        return replace(
            self,
            coefficient=self.coefficient * (factor * weight),
            missing_coefficient=self.missing_coefficient * (factor * weight),
            base_value=self.base_value * weight,
        )

    def widened(self) -> LinearModel:
        """Return the model with one more feature at the end, which adds nothing."""
        rows: dict[str, Any] = {
            name: np.append(getattr(self, name), 0.0) for name in LINEAR_ROWS[1:]
        }
        rows["scale"][-1] = 1.0
        return replace(self, signed_log=np.append(self.signed_log, False), **rows)

    def to_onnx(self, header: OnnxHeader) -> bytes:
        """Write the model as a deterministic ONNX file.

        The inside is double precision: a sum of many float32 terms would come near the tolerance.
        """
        graph = Graph(len(header.feature_names))
        one = graph.constant("one", 1.0)
        graph.results(self.write_log_odds(graph, one), one, self.target.name)
        graph.node("Cast", [LINEAR_TERMS], "contributions", to=TensorProto.FLOAT)
        return finish(graph.model(has_contributions=True), header, self.base_value)

    def write_log_odds(self, graph: Graph, one: str, prefix: str = "") -> str:
        """Add the model to a graph; give the name of its log-odds, double [N, 1].

        With a prefix for the names of all that is added, a graph can hold several.
        """

        def constant(name: str, value: Any, dtype: Any = np.float64) -> str:
            return graph.constant(prefix + name, value, dtype)

        def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
            return graph.node(operator, inputs, prefix + output, **attributes)

        base = constant(LINEAR_BASE_VALUE, [self.base_value])
        last_axis = constant("last_axis", [1], np.int64)
        signed_log = constant(LINEAR_ROWS[0], self.signed_log[None, :], np.bool_)
        rows = {name: constant(name, getattr(self, name)[None, :]) for name in LINEAR_ROWS[1:]}
        wide = node("Cast", ["features"], "wide", to=TensorProto.DOUBLE)
        not_a_number = node("IsNaN", [wide], "is_nan")
        infinite = node("IsInf", [wide], "is_infinite")
        missing = node("Or", [not_a_number, infinite], "is_missing")
        logarithm = node("Log", [node("Add", [one, node("Abs", [wide], "size")], "shifted")], "log")
        signed = node("Mul", [node("Sign", [wide], "sign"), logarithm], "signed_log")
        transformed = node("Where", [signed_log, signed, wide], "transformed")
        imputed = node("Where", [missing, rows["median"], transformed], "imputed")
        raised = node("Max", [imputed, rows["lower"]], "raised")
        bounded = node("Min", [raised, rows["upper"]], "bounded")
        centred = node("Sub", [bounded, rows["mean"]], "centred")
        standardised = node("Div", [centred, rows["scale"]], "standardised")
        own = node("Mul", [standardised, rows["coefficient"]], "own_terms")
        flags = node("Cast", [missing], "missing_flags", to=TensorProto.DOUBLE)
        centred_flags = node("Sub", [flags, rows["missing_mean"]], "centred_flags")
        of_flags = node("Mul", [centred_flags, rows["missing_coefficient"]], "missing_terms")
        terms = node("Add", [own, of_flags], LINEAR_TERMS)
        total = node("ReduceSum", [terms, last_axis], "total", keepdims=1)
        return node("Add", [base, total], LINEAR_LOG_ODDS)


@dataclass(frozen=True)
class _Design:
    """What is computed of the features before any weights are fitted.

    The matrix has columns for the features, for missing values, and for the dates of the rows. What
    is peculiar to a date, its season or a sale, is then explained by the date, and not by the
    features that happened to move with it. For other dates nothing of it is kept.
    """

    signed_log: NDArray[np.bool_]
    median: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    flagged: NDArray[np.intp]
    missing_mean: NDArray[np.float64]
    missing_scale: NDArray[np.float64]
    matrix: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        features: NDArray[np.float32],
        names: tuple[str, ...],
        as_of: NDArray[np.datetime64] | None = None,
    ) -> _Design:
        """Transform, impute and standardise, a few columns at a time."""
        count, width = features.shape
        signed_log = _wants_logarithm(features, names)
        flagged = np.array(
            [column for column in range(width) if not np.isfinite(features[:, column]).all()],
            dtype=np.intp,
        )
        dates = _date_columns(as_of, count)
        matrix = np.empty((count, width + len(flagged) + dates.shape[1]))
        matrix[:, width + len(flagged) :] = dates
        median, lower, upper, mean, scale, missing_mean, missing_scale = np.empty((7, width))
        for columns in _blocks(width, _BLOCK_COLUMNS):
            missing, block = _transform(features[:, columns], signed_log[columns])
            median[columns] = np.nanmedian(block, axis=0)
            np.copyto(block, median[columns], where=missing)
            lower[columns], upper[columns] = block.min(axis=0), block.max(axis=0)
            mean[columns], scale[columns] = block.mean(axis=0), _positive(block.std(axis=0))
            block -= mean[columns]
            block /= scale[columns]
            matrix[:, columns] = block
            missing_mean[columns] = missing.mean(axis=0)
            missing_scale[columns] = _positive(missing.std(axis=0))
            for place in np.flatnonzero((flagged >= columns.start) & (flagged < columns.stop)):
                column = flagged[place]
                flags = missing[:, column - columns.start] - missing_mean[column]
                matrix[:, width + place] = flags / missing_scale[column]
        silence = np.array([name.startswith(_SILENCE) for name in names], dtype=bool)
        upper = np.where(silence & signed_log, upper + np.log(2.0), upper)
        return cls(
            signed_log,
            median,
            lower,
            upper,
            mean,
            scale,
            flagged,
            missing_mean,
            missing_scale,
            matrix,
        )

    def log_odds(
        self, solutions: Sequence[NDArray[np.float64]], features: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return what each solution gives to other rows, shape (solutions, n)."""
        width = len(self.mean)
        stacked = np.stack(solutions)
        weights = stacked[:, 1 : 1 + width].T
        of_flags = stacked[:, 1 + width : 1 + width + len(self.flagged)].T
        result = np.empty((len(stacked), len(features)))
        for rows in _blocks(len(features), _BLOCK_ROWS):
            missing, standardised = _standardise(features[rows], self)
            flags = missing[:, self.flagged] - self.missing_mean[self.flagged]
            flags /= self.missing_scale[self.flagged]
            result[:, rows] = (stacked[:, 0] + standardised @ weights + flags @ of_flags).T
        return result

    def signs(
        self, names: tuple[str, ...], asked: bool | Mapping[str, int] | None
    ) -> NDArray[np.int8] | None:
        """Give the sign that each column's weight must have, 0 for any; None where all are free."""
        known = directions(names, asked)
        if known is None:
            return None
        signs = np.zeros(self.matrix.shape[1], np.int8)
        signs[: len(names)] = known
        return signs

    def model(
        self, solution: NDArray[np.float64], setting: dict[str, Any], target: Target
    ) -> LinearModel:
        """Make a model of intercept and weights."""
        count = len(self.mean)
        missing_coefficient = np.zeros(count)
        of_flags = solution[1 + count : 1 + count + len(self.flagged)]
        missing_coefficient[self.flagged] = of_flags / self.missing_scale[self.flagged]
        return LinearModel(
            signed_log=self.signed_log,
            median=self.median,
            lower=self.lower,
            upper=self.upper,
            mean=self.mean,
            scale=self.scale,
            coefficient=solution[1 : 1 + count].copy(),
            missing_mean=self.missing_mean,
            missing_coefficient=missing_coefficient,
            base_value=float(solution[0]),
            hyperparameters=dict(setting),
            target=target,
        )


def fit_linear(
    features: NDArray[np.float32],
    y: NDArray[Any],
    names: tuple[str, ...],
    *,
    as_of: NDArray[np.datetime64] | None = None,
    inverse_penalty: float = _DEFAULT["C"],
    l1_ratio: float = _DEFAULT["l1_ratio"],
    monotonic: bool | Mapping[str, int] | None = None,
    target: Target = CLASSIFICATION,
) -> LinearModel:
    """Fit preparation and weights on the same rows.

    Parameters
    ----------
    features
        Features, float32, shape (n, F), each with at least two distinct values; missing is NaN.
        Where there are more than enough rows, evenly spaced ones are fitted on.
    y
        Outcome 0 or 1, or numbers, shape (n,).
    names
        Feature names, length F; shares and ratios are not put on a logarithmic scale.
    as_of
        Observation of each row, shape (n,), so that the months of the rows are taken into account;
        None for all alike.
    inverse_penalty, l1_ratio
        As C and l1_ratio of scikit-learn's LogisticRegression.
    monotonic
        Which features may move the result in one direction only, as `directions` has it.
    target
        What `y` holds.

    Returns
    -------
    LinearModel

    Examples
    --------
    >>> features = np.array([[0.0], [1.0], [2.0], [3.0]], dtype=np.float32)
    >>> model = fit_linear(features, np.array([0, 0, 1, 1]), ("order_count",))
    >>> bool(model.predict(features)[3] > 0.5)
    True
    """
    rows = enough_rows(y, target)
    features, y = features[rows], y[rows]
    design = _Design.of(features, names, None if as_of is None else as_of[rows])
    solution = target.fit_weights(
        design.matrix,
        y,
        inverse_penalty=inverse_penalty,
        l1_ratio=l1_ratio,
        signs=design.signs(names, monotonic),
    )
    setting: dict[str, Any] = {"C": inverse_penalty, "l1_ratio": l1_ratio}
    if monotonic:
        setting[MONOTONIC] = monotonic
    return design.model(solution, setting, target)


def fit_setting(part: Part, tuned: Tuned, seed: int) -> LinearModel:
    """Fit with a given penalty; nothing in it is random."""
    chosen = {**_DEFAULT, **tuned}
    return fit_linear(
        part.features,
        part.y,
        part.names,
        as_of=part.as_of,
        inverse_penalty=chosen["C"],
        l1_ratio=chosen["l1_ratio"],
        monotonic=chosen.get(MONOTONIC),
        target=part.target,
    )


def tune_linear(
    folds: Sequence[Fold], seed: int, fixed: Tuned | None = None
) -> tuple[Tuned, list[OutOfFold]]:
    """Try penalties on every fold, and keep the one with the least loss on held-out rows."""
    grid: list[dict[str, Any]] = []
    for setting in ({**each, **(fixed or {})} for each in _GRID):
        if setting not in grid:
            grid.append(setting)
    tried = side_by_side([partial(_try, fold, grid) for fold in folds])
    best = int(np.argmin(np.sum([losses for losses, _ in tried], axis=0)))
    return dict(grid[best]), [given[best].copy() for _, given in tried]


def _try(
    fold: Fold, grid: Sequence[dict[str, Any]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit every setting on one fold; give its loss on the held-out rows, and their log-odds."""
    fit, held_out, target = fold.fit, fold.held_out, fold.fit.target
    design = _Design.of(fit.features, fit.names, fit.as_of)
    solutions: list[NDArray[np.float64]] = []
    for setting in grid:
        solutions.append(
            target.fit_weights(
                design.matrix,
                fit.y,
                inverse_penalty=setting["C"],
                l1_ratio=setting["l1_ratio"],
                start=solutions[-1] if solutions else None,
                signs=design.signs(fit.names, setting.get(MONOTONIC)),
            )
        )
    given = design.log_odds(solutions, held_out.features)
    return target.tuning_loss(given, held_out.y, held_out.as_of), given


def constant_model(mean: float, target: Target = CLASSIFICATION) -> LinearModel:
    """Return the model of one feature that gives every row the same probability, or value."""
    zero = np.zeros(1)
    base_value = mean
    if not target.is_numeric:
        # a rate of 0 or 1 would have no log-odds
        rate = float(np.clip(mean, 1e-6, 1.0 - 1e-6))
        base_value = float(np.log(rate / (1.0 - rate)))
    return LinearModel(
        signed_log=np.zeros(1, dtype=bool),
        median=zero,
        lower=zero,
        upper=zero,
        mean=zero,
        scale=np.ones(1),
        coefficient=zero,
        missing_mean=zero,
        missing_coefficient=zero,
        base_value=base_value,
        hyperparameters={},
        target=target,
    )


def _wants_logarithm(features: NDArray[np.float32], names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Tell amounts and counts from shares and ratios, by name and by range."""
    named = np.array([any(part in name for part in _NEVER_LOGGED) for name in names], dtype=bool)
    narrow = np.nanmax(np.abs(features), axis=0) <= 1.0
    result: NDArray[np.bool_] = ~(named | narrow)
    return result


def _date_columns(as_of: NDArray[np.datetime64] | None, count: int) -> NDArray[np.float64]:
    """Return a column of mean 0 for each calendar month of the rows; none where there is one."""
    if as_of is None:
        return np.empty((count, 0))
    months, code = np.unique(as_of.astype("datetime64[M]"), return_inverse=True)
    if len(months) < 2:
        return np.empty((count, 0))
    columns = np.zeros((count, len(months)))
    columns[np.arange(count), code] = _DATE_SIZE
    columns -= columns.mean(axis=0)
    return columns


def _standardise(
    features: NDArray[np.float32], prepared: LinearModel | _Design
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return what is missing, and the features as the weights take them."""
    missing, values = _transform(features, prepared.signed_log)
    np.copyto(values, prepared.median, where=missing)
    np.maximum(values, prepared.lower, out=values)
    np.minimum(values, prepared.upper, out=values)
    values -= prepared.mean
    values /= prepared.scale
    return missing, values


def _blocks(count: int, size: int) -> list[slice]:
    """Cut a range into slices of one size, the last of what is left."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def _transform(
    features: NDArray[np.float32], signed_log: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return what is missing (infinite values too), and the features on their scale."""
    missing = ~np.isfinite(features)
    wide = features.astype(np.float64)
    wide[missing] = np.nan
    logged = wide[:, signed_log]
    wide[:, signed_log] = np.sign(logged) * np.log1p(np.abs(logged))
    return missing, wide


def _positive(scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace a scale of zero by one."""
    return np.where(scale > 0, scale, 1.0)
