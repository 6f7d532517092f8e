"""Which explainer a model has, and whether what it says adds up to what the model predicts."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import factorial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from holdfast.contract import (
    BGNBD_LOG_ODDS,
    LINEAR_TERMS,
    RESTORE,
    TREE_OPERATORS,
    ModelError,
    ModelFile,
    TreeFormatError,
)
from holdfast.scoring._agreement import agrees
from holdfast.scoring._linear import linear_part_of

__all__ = ["Explainer", "make_explainer"]

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]

_MOST_PLAYERS = 6


class Explainer(Protocol):
    """Anything that gives every feature's share in the log-odds of every row."""

    def contributions(self, features: FloatArray) -> FloatArray:
        """Contributions, float32 [N, F]."""


def make_explainer(
    file: ModelFile, session: Any, predict: Callable[[FloatArray], FloatArray]
) -> Explainer:
    """Return the explainer that a graph allows, checked against the model's own output.

    Parameters
    ----------
    file
        The model.
    session
        The model in ONNX Runtime.
    predict
        What it predicts, from float32 [N, F] to float32 [N].

    Raises
    ------
    ModelError
        The graph carries too little to explain it, or its contributions do not add up.
    """
    explainer = _of_graph(file, session)
    _check(explainer, file, predict)
    return explainer


def _of_graph(file: ModelFile, session: Any) -> Explainer:
    """Return the explainer that the graph allows."""
    graph = file.proto.graph
    if any(output.name == "contributions" for output in graph.output):
        return _GraphExplainer(session)
    trees = [node for node in graph.node if node.op_type in TREE_OPERATORS]
    if len(trees) != 1:
        raise ModelError(
            f"{file.name} has neither an output `contributions` nor exactly one tree"
            " ensemble, so its contributions cannot be computed."
            " Retrain it with this version of Holdfast."
        )
    from holdfast.scoring._trees import TreeExplainer

    try:
        of_trees = TreeExplainer.from_node(trees[0], file.width)
    except TreeFormatError as error:
        raise ModelError(f"{file.name}: {error}. {RESTORE}") from None
    inside = {output for node in graph.node for output in node.output}
    if not inside & {LINEAR_TERMS, BGNBD_LOG_ODDS}:
        return of_trees
    terms = _linear_terms(file) if LINEAR_TERMS in inside else None
    if BGNBD_LOG_ODDS not in inside:
        return _BlendExplainer(of_trees, terms)
    session = file.session_inside([BGNBD_LOG_ODDS])
    return _BlendExplainer(of_trees, terms, session, _reference(file))


def _linear_terms(file: ModelFile) -> Callable[[FloatArray], DoubleArray]:
    """Return what gives the linear terms: their closed form, or the graph where that differs."""
    session = file.session_inside([LINEAR_TERMS])

    def of_graph(features: FloatArray) -> DoubleArray:
        values: DoubleArray = session.run([LINEAR_TERMS], {"features": features})[0]
        return values

    form = linear_part_of(file.proto.graph, file.width)
    if form is not None and agrees(form.contributions, of_graph, file.width):
        return form.contributions
    return of_graph


def _reference(file: ModelFile) -> dict[int, float]:
    """Return the values from which the part of BG/NBD is counted, by the feature's column."""
    names = file.header.feature_names
    try:
        values = json.loads(file.properties["reference"])
        columns = {names.index(n): float(x) for n, x in values.items()}
    except (KeyError, ValueError, AttributeError, TypeError):
        columns = {}
    if not 0 < len(columns) <= _MOST_PLAYERS:
        raise ModelError(
            f"{file.name} lacks the metadata `holdfast.reference`, without which its"
            f" contributions cannot be computed. {RESTORE}"
        )
    return columns


def _check(
    explainer: Explainer, file: ModelFile, predict: Callable[[FloatArray], FloatArray]
) -> None:
    """Refuse contributions that do not add up to the model's own log-odds, or value."""
    probes = np.stack([np.full(file.width, x, np.float32) for x in (np.nan, 0.0, 1.0)])
    probability = predict(probes).astype(np.float64)
    scale, tolerance = "log-odds", 1e-3
    if file.header.target == "regression":
        known = np.ones(len(probes), bool)
        expected = probability
        scale = "values"
        tolerance = 1e-4 * max(float(np.abs(expected).max()), abs(file.base_value))
    else:
        # Where float32 has rounded the probability to almost 0 or 1, its log-odds say nothing.
        known = (probability > 1e-3) & (probability < 1 - 1e-3)
        expected = np.log(probability[known] / (1 - probability[known]))
    total = file.base_value + explainer.contributions(probes)[known].sum(axis=1, dtype=np.float64)
    if not np.allclose(total, expected, rtol=0.0, atol=tolerance):
        raise ModelError(
            f"{file.name}: base value plus contributions is {total.tolist()} where the"
            f" {scale} are {expected.tolist()}, so its `holdfast.base_value` or the row"
            f" counts of its trees are wrong. {RESTORE}"
        )


class _GraphExplainer:
    """Contributions that the graph computes itself (linear models)."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def contributions(self, features: FloatArray) -> FloatArray:
        """Return the output ``contributions``, float32 [N, F]."""
        values: FloatArray = self._session.run(["contributions"], {"features": features})[0]
        return values


class _BlendExplainer:
    """Contributions of models whose log-odds the graph adds up: the sum of those of each.

    The part of BG/NBD is a function of few features. Its Shapley values against a reference are
    computed by their definition, with every subset of these features in turn taken from the row.
    """

    def __init__(
        self,
        trees: Explainer,
        terms: Callable[[FloatArray], DoubleArray] | None,
        session: Any = None,
        reference: dict[int, float] | None = None,
    ) -> None:
        self._trees = trees
        self._terms = terms
        self._session = session
        self._reference = reference or {}

    def contributions(self, features: FloatArray) -> FloatArray:
        """Return the linear terms plus TreeSHAP values plus those of BG/NBD, float32 [N, F]."""
        total = np.zeros(features.shape) if self._terms is None else self._terms(features)
        total += self._trees.contributions(features)
        if self._reference:
            self._add_bgnbd(features, total)
        values: FloatArray = total.astype(np.float32)
        return values

    def _add_bgnbd(self, features: FloatArray, total: DoubleArray) -> None:
        """Add the Shapley values of the part of BG/NBD."""
        columns = list(self._reference)
        count = len(columns)
        worth = []
        # of the others it reads none
        mixed = np.zeros_like(features)
        for subset in range(2**count):
            for place, column in enumerate(columns):
                is_known = subset >> place & 1
                mixed[:, column] = features[:, column] if is_known else self._reference[column]
            worth.append(self._session.run([BGNBD_LOG_ODDS], {"features": mixed})[0][:, 0])
        for place, column in enumerate(columns):
            for subset in range(2**count):
                if subset >> place & 1:
                    continue
                size = subset.bit_count()
                share = factorial(size) * factorial(count - size - 1) / factorial(count)
                total[:, column] += share * (worth[subset | 1 << place] - worth[subset])
