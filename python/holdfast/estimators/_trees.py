"""Gradient boosted trees, calm and small enough to be scored and explained cheaply."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import onnx
from numpy.typing import NDArray

from holdfast.contract import (
    TREE_OPERATORS,
    Graph,
    OnnxHeader,
    as_regressor,
    finish,
    leaf_prefix,
)
from holdfast.errors import TrainingError
from holdfast.estimators._base import Fold, OutOfFold, Part, Tuned
from holdfast.estimators._conversion import convert
from holdfast.estimators._directions import MONOTONIC, directions
from holdfast.estimators._enough import enough_rows
from holdfast.estimators._season import Season
from holdfast.estimators._target import CLASSIFICATION, Target
from holdfast.threads import side_by_side

__all__ = ["TreeModel", "fit_trees", "trees_base_value", "tune_trees"]

T = TypeVar("T")

_MOST_TREES = 300
_STAGES_AT_ONCE = 25
_PATIENCE = 25

# Depth 3 with 8 leaves loses little to deeper trees on churn, at a quarter of their cost to score
# and to explain. What is tried is how much a leaf must hold and how much it is held back.
_GRID: tuple[dict[str, Any], ...] = (
    {"min_samples_leaf": 50, "l2_regularization": 1.0},
    {"min_samples_leaf": 200, "l2_regularization": 10.0},
)


@dataclass(frozen=True)
class TreeModel:
    """A fitted HistGradientBoostingClassifier, its log-odds stretched around their mean.

    Its log-odds are ``weight * (base + factor * (raw - base))``, raw being the estimator's own and
    base their mean over the training rows. Of a HistGradientBoostingRegressor they are the value.
    A season is one more tree. It reads the last feature, which the estimator does not know.
    """

    estimator: Any
    factor: float = 1.0
    weight: float = 1.0
    target: Target = CLASSIFICATION
    season: Season | None = None

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """What was chosen before the trees were grown."""
        chosen = self.estimator.get_params()
        told = {
            key: chosen[key]
            for key in (
                "l2_regularization",
                "learning_rate",
                "max_bins",
                "max_depth",
                "max_iter",
                "max_leaf_nodes",
                "min_samples_leaf",
            )
        }
        if chosen["monotonic_cst"] is not None:
            # the direction of each feature, in their order
            told[MONOTONIC] = [int(sign) for sign in chosen["monotonic_cst"]]
        if self.season is not None:
            told["season_share"] = self.season.share
        return told

    @property
    def base_value(self) -> float:
        """Mean log-odds over the training rows."""
        of_season = 0.0 if self.season is None else self.season.base_value
        return self.weight * trees_base_value(self.estimator) + of_season

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds of the event, shape (n,)."""
        estimator = self.estimator
        score = estimator.predict if self.target.is_numeric else estimator.decision_function
        raw = score(features if self.season is None else features[:, :-1])
        base = trees_base_value(estimator)
        result: NDArray[np.float64] = self.weight * (base + self.factor * (raw - base))
        return result if self.season is None else result + self.season.log_odds(features[:, -1])

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of the event or the value, shape (n,)."""
        return self.target.predict(self.log_odds(features))

    def scaled(self, factor: float, weight: float = 1.0) -> TreeModel:
        """Return the model with its log-odds stretched around their mean, and then weighed."""
        season = None if self.season is None else self.season.scaled(factor, weight)
        return replace(
            self, factor=self.factor * factor, weight=self.weight * weight, season=season
        )

    def with_season(self, season: Season) -> TreeModel:
        """Return the model with a season, which reads one more feature than it does."""
        return replace(self, season=season)

    def to_onnx(self, header: OnnxHeader) -> bytes:
        """Write the model as a deterministic ONNX file: what skl2onnx makes of it, completed.

        skl2onnx rounds a threshold to the nearest float32, which may lie above the double that
        scikit-learn compares with; here it is rounded down, so every float32 value takes the same
        branch. The hit rates become the training rows of each node, and the base value the mean of
        the trees weighted by them, as path-dependent TreeSHAP needs it (Lundberg et al. 2020).
        """
        width = len(header.feature_names)
        if self.target.is_numeric:
            graph = Graph(width)
            graph.results(self.write_score(graph), "", self.target.name)
            return finish(graph.model(has_contributions=False), header, self.base_value)
        written = convert(self.estimator, width)
        self._complete(_the_ensemble(written))
        return finish(written, header, self.base_value)

    def write_score(self, graph: Graph) -> str:
        """Add the trees to a graph; give the name of their score, float32 [N, 1]."""
        ensemble = _the_ensemble(convert(self.estimator, graph.width))
        self._complete(ensemble)
        graph.nodes.append(as_regressor(ensemble, "features", "tree_score"))
        return "tree_score"

    def _complete(self, ensemble: onnx.NodeProto) -> None:
        """Round thresholds down, count training rows, and stretch leaves around their mean."""
        trees = [tree.nodes for (tree,) in self.estimator._predictors]
        thresholds = np.concatenate(
            [np.where(nodes["is_leaf"] == 1, 0.0, nodes["num_threshold"]) for nodes in trees]
        )
        counts = np.concatenate([nodes["count"] for nodes in trees])
        attributes = {attribute.name: attribute for attribute in ensemble.attribute}
        for name, values in (
            ("nodes_values", _floor_to_float32(thresholds)),
            ("nodes_hitrates", counts.astype(np.float32)),
        ):
            if len(attributes[name].floats) != len(values):
                raise TrainingError(
                    f"skl2onnx wrote {len(attributes[name].floats)} tree nodes, scikit-learn has "
                    f"{len(values)}. Install the versions of both that this version of Holdfast "
                    "names."
                )
            attributes[name].floats[:] = values.tolist()
        # weight * (base + factor * (raw - base)): what is constant of it goes to the base values.
        leaf_scale = self.factor * self.weight
        weights = attributes[f"{leaf_prefix(ensemble.op_type)}_weights"]
        leaves = np.array(weights.floats, dtype=np.float64) * leaf_scale
        weights.floats[:] = leaves.astype(np.float32).tolist()
        raw_base = np.array(attributes["base_values"].floats, dtype=np.float64)
        shift = self.weight * trees_base_value(self.estimator) * (1.0 - self.factor)
        shifted = (raw_base * leaf_scale + shift).astype(np.float32)
        attributes["base_values"].floats[:] = shifted.tolist()
        if self.season is not None:
            _plant(ensemble, self.season, self.estimator.n_features_in_)


def trees_base_value(estimator: Any) -> float:
    """Return the mean log-odds over the training rows, of leaves rounded as they are stored."""
    base_value = float(np.float32(estimator._baseline_prediction.ravel()[0]))
    for (tree,) in estimator._predictors:
        leaves = tree.nodes[tree.nodes["is_leaf"] == 1]
        values = leaves["value"].astype(np.float32).astype(np.float64)
        base_value += float(np.average(values, weights=leaves["count"]))
    return base_value


def fit_trees(part: Part, tuned: Tuned, seed: int) -> TreeModel:
    """Grow a given number of trees, on evenly spaced rows where there are more than enough."""
    rows = enough_rows(part.y, part.target)
    estimator = _boosting(part, seed, early_stopping=False, **tuned)
    return TreeModel(estimator.fit(part.features[rows], part.y[rows]), target=part.target)


def tune_trees(
    folds: Sequence[Fold], seed: int, fixed: Tuned | None = None
) -> tuple[Tuned, list[OutOfFold]]:
    """Try a few settings, each grown until later rows say stop, and keep the best.

    The number of trees is the one whose loss over the held-out rows of all folds is the least,
    unless `fixed` holds it.
    """
    grid: list[dict[str, Any]] = []
    for setting in ({**each, **(fixed or {})} for each in _GRID):
        if setting not in grid:
            grid.append(setting)
    grown = side_by_side(
        [partial(_grow, fold, setting, seed) for fold in folds for setting in grid]
    )
    best: tuple[float, int, int] | None = None
    for index, setting in enumerate(grid):
        curves = [curve for _, curve in grown[index :: len(grid)]]
        longest = max(len(curve) for curve in curves)
        losses = np.zeros(longest)
        for curve in curves:
            losses += np.pad(curve, (0, longest - len(curve)), mode="edge")
        count = longest if "max_iter" in setting else int(np.argmin(losses)) + 1
        if best is None or losses[count - 1] < best[0]:
            best = (float(losses[count - 1]), index, count)
    assert best is not None
    _, index, count = best
    chosen = [estimator for estimator, _ in grown[index :: len(grid)]]
    given = side_by_side(
        [
            partial(_stage, estimator, fold.held_out, count)
            for estimator, fold in zip(chosen, folds, strict=True)
        ]
    )
    return {"max_iter": count, **grid[index]}, given


def _grow(fold: Fold, setting: dict[str, Any], seed: int) -> tuple[Any, NDArray[np.float64]]:
    """Grow trees on one fold until its held-out rows gain no more; give the loss at every stage."""
    held_out, target = fold.held_out, fold.fit.target
    if "max_iter" in setting:
        estimator = _boosting(fold.fit, seed, **setting, early_stopping=False)
        estimator.fit(fold.fit.features, fold.fit.y)
    else:
        estimator = _boosting(
            fold.fit,
            seed,
            **setting,
            max_iter=_MOST_TREES,
            early_stopping=True,
            n_iter_no_change=_PATIENCE,
            tol=0.0,
        )
        estimator.fit(
            fold.fit.features,
            fold.fit.y,
            X_val=held_out.features,
            y_val=held_out.y,
        )
    curve = [
        # a few stages at a time: all of many rows would take gigabytes
        target.tuning_loss(np.stack(stages), held_out.y, held_out.as_of)
        for stages in _in_groups(_stages(estimator, held_out), _STAGES_AT_ONCE)
    ]
    return estimator, np.concatenate(curve)


def _stages(estimator: Any, rows: Part) -> Iterator[NDArray[np.float64]]:
    """Give the log-odds of the rows after each tree; every array is another one."""
    staged = (
        estimator.staged_predict if rows.target.is_numeric else estimator.staged_decision_function
    )
    return (np.array(np.ravel(stage)) for stage in staged(rows.features))


def _stage(estimator: Any, rows: Part, count: int) -> NDArray[np.float64]:
    """Give the log-odds of the rows after a number of trees, or after all if there are fewer."""
    (given,) = deque(itertools.islice(_stages(estimator, rows), count), maxlen=1)
    return given


def _in_groups(values: Iterator[T], size: int) -> Iterator[list[T]]:
    """Give the values a few at a time."""
    while group := list(itertools.islice(values, size)):
        yield group


def _boosting(part: Part, seed: int, **changes: Any) -> Any:
    """Make a calm booster; its leaves shrink with the data, so that tiny data can still split."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    settings = {
        "learning_rate": 0.05,
        "max_leaf_nodes": 8,
        "max_depth": 3,
        "min_samples_leaf": 50,
        "l2_regularization": 1.0,
        **changes,
    }
    settings["min_samples_leaf"] = max(1, min(settings["min_samples_leaf"], len(part.y) // 20))
    settings["monotonic_cst"] = directions(part.names, settings.pop(MONOTONIC, None))
    is_numeric = part.target.is_numeric
    kind = HistGradientBoostingRegressor if is_numeric else HistGradientBoostingClassifier
    return kind(random_state=seed, **settings)


def _the_ensemble(model: onnx.ModelProto) -> onnx.NodeProto:
    """Give the one tree ensemble of a graph."""
    found: list[onnx.NodeProto] = [
        node for node in model.graph.node if node.op_type in TREE_OPERATORS
    ]
    if len(found) != 1:
        raise TrainingError(
            f"skl2onnx wrote {len(found)} tree ensembles where one was expected. Install the "
            "version of skl2onnx that this version of Holdfast names."
        )
    return found[0]


def _plant(ensemble: onnx.NodeProto, season: Season, column: int) -> None:
    """Add a season to an ensemble, as a tree over the column of the year share."""
    attributes = {attribute.name: attribute for attribute in ensemble.attribute}
    prefix = leaf_prefix(ensemble.op_type)
    tree = max(attributes["nodes_treeids"].ints) + 1
    output = attributes[f"{prefix}_ids"].ints[0]
    edges, shifts, rows = season.edges.tolist(), season.shifts.tolist(), season.rows.tolist()
    count = 0

    def node(mode: bytes, value: float, covered: int) -> int:
        """Add a node without children; give its id."""
        nonlocal count
        for name, number in (
            ("treeids", tree),
            ("nodeids", count),
            ("featureids", column if mode != b"LEAF" else 0),
            ("truenodeids", 0),
            ("falsenodeids", 0),
            ("missing_value_tracks_true", 0),
        ):
            attributes[f"nodes_{name}"].ints.append(number)
        attributes["nodes_modes"].strings.append(mode)
        attributes["nodes_values"].floats.append(value)
        attributes["nodes_hitrates"].floats.append(covered)
        count += 1
        return count - 1

    def grow(first: int, last: int) -> int:
        """Add the nodes of some parts of the year; give the id of the topmost."""
        covered = sum(rows[first : last + 1])
        if len(set(shifts[first : last + 1])) == 1:
            leaf = node(b"LEAF", 0.0, covered)
            for name, number in (("treeids", tree), ("nodeids", leaf), ("ids", output)):
                attributes[f"{prefix}_{name}"].ints.append(number)
            attributes[f"{prefix}_weights"].floats.append(shifts[first])
            return leaf
        middle = (first + last) // 2
        inner = node(b"BRANCH_LEQ", edges[middle], covered)
        at = len(attributes["nodes_treeids"].ints) - 1
        attributes["nodes_truenodeids"].ints[at] = grow(first, middle)
        attributes["nodes_falsenodeids"].ints[at] = grow(middle + 1, last)
        return inner

    grow(0, len(shifts) - 1)


def _floor_to_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 that is not above each value."""
    rounded = values.astype(np.float32)
    above = rounded.astype(np.float64) > values
    rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return rounded
