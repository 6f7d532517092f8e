"""What an offer changes, customer by customer: learned, tested on unseen customers, and written.

Several learners are fitted on four fifths of the customers and judged on the rest, five times over,
so that every row has effects from models that did not see its customer. The learner whose effects
come nearest to the rows' doubly robust scores is taken. Whether its ranking means anything is then
asked of the same rows: where the interval of its Qini covers zero, nothing individual is claimed,
and everybody has the average effect; where that covers zero, too, there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto

from holdfast.contract import Graph, OnnxHeader, finish
from holdfast.errors import TrainingError
from holdfast.estimators._base import Fold, OutOfFold, Part, Tuned
from holdfast.estimators._linear import _date_columns
from holdfast.estimators._target import REGRESSION
from holdfast.estimators._uplift_learners import (
    LEARNERS,
    Arms,
    Basis,
    Effects,
    Link,
    make_basis,
    strata_of,
)
from holdfast.measuring import Estimate, Trial, policy_value, qini
from holdfast.threads import one_thread

__all__ = ["OFFER_FEATURE", "UPLIFT", "UpliftModel", "fit_uplift", "fit_uplift_task", "tune_uplift"]

_Doubles: TypeAlias = NDArray[np.float64]

UPLIFT = "uplift"
# The feature that says which offer a row got: its code, or 0.
OFFER_FEATURE = "offer_code"

_FOLDS = 5
# An arm with fewer rows has nothing that could be tested on a fifth of it.
_LEAST_OF_AN_ARM = 50
# Five learners were tried, so the best of them must be this many standard errors above zero: 5 %
# shared among five. Where the cost is known, a likely gain is enough to act on.
_SHOWN = 2.5758293035489004
_LIKELY = 1.6448536269514722
_MOST_STRETCH = 1.5
# The learner named first is the simplest; another must be better by so many standard errors.
_CLEARLY = 0.5


@dataclass(frozen=True)
class UpliftModel:
    """Expected outcomes with and without each offer.

    The effect of offer k on a row is ``effect[k] + stretch * (raw - level[k])``, raw being what the
    learner says: its level is what was measured, and its spread what held-out customers confirmed.

    Parameters
    ----------
    basis
        Columns of the features.
    learned
        What the learner learned.
    names
        Features in the order in which rows have them, without the offer.
    codes
        Code of each offer, shape (K,).
    effect
        Average effect that is claimed of an unknown offer and of each offer, shape (K + 1,).
    level
        The learner's own average, shape (K + 1,).
    stretch
        How much of the differences between customers is claimed; 0: none.
    largest
        The largest outcome in training; the outcome without an offer is never above it.
    position
        Where among the features the offer stands when rows have it; None where they do not.
    hyperparameters
        What was found, JSON-able: learner, tests, averages with intervals, what raises the effect.
    """

    basis: Basis
    learned: Effects
    names: tuple[str, ...]
    codes: tuple[int, ...]
    effect: _Doubles
    level: _Doubles
    stretch: float
    largest: float
    position: int | None
    hyperparameters: dict[str, Any]

    is_explained = False

    @property
    def effect_kind(self) -> str:
        """``individual``, or ``average`` where no heterogeneity was shown."""
        return "individual" if self.stretch > 0.0 else "average"

    @property
    def base_value(self) -> float:
        """The outcome of an average row without an offer."""
        return float(self._without(np.zeros((1, len(self.basis.centre))))[0])

    def without(self, features: NDArray[np.float32]) -> _Doubles:
        """Return the expected outcome without an offer, shape (n,)."""
        return self._without(self._columns(features))

    def uplift(self, features: NDArray[np.float32], offer: int | None = None) -> _Doubles:
        """Return what an offer adds to the expected outcome, shape (n,).

        Parameters
        ----------
        features
            float32, shape (n, F), without the offer; missing is NaN.
        offer
            Code of the offer; may be left out where there was one.
        """
        index = self._index(offer)
        return self._uplifts(self._columns(features))[:, index]

    def uplift_interval(
        self, features: NDArray[np.float32], offer: int | None = None
    ) -> tuple[_Doubles, _Doubles]:
        """Return the ends of the 95 % interval of the mean effect on customers of such an effect.

        It holds what is uncertain in the average and in the stretch, as held-out rows showed it.
        """
        index = self._index(offer)
        given = self.uplift(features, offer)
        found = self.hyperparameters
        errors = [found["average_error"], *(each["error"] for each in found["offers"])]
        error = np.hypot(errors[index], found["stretch_error"] * (given - self.effect[index]))
        return given - 1.959963984540054 * error, given + 1.959963984540054 * error

    def ranking(self, features: NDArray[np.float32], offer: int | None = None) -> _Doubles:
        """Return what the learner itself says, tested or not: only for comparing rankings."""
        return self.learned.added(self._columns(features))[:, self._index(offer)]

    def treats(
        self,
        features: NDArray[np.float32],
        *,
        cost: float,
        gain: float,
        offer: int | None = None,
    ) -> NDArray[np.bool_]:
        """Return for whom the expected gain exceeds the cost, shape (n,)."""
        return gain * self.uplift(features, offer) > cost

    def log_odds(self, features: NDArray[np.float32]) -> _Doubles:
        """Return the value, shape (n,): a number has no log-odds."""
        return self.predict(features)

    def predict(self, features: NDArray[np.float32]) -> _Doubles:
        """Return the expected outcome under the offer that each row names, or without any."""
        if self.position is None:
            return self.without(features)
        columns = self._columns(np.delete(features, self.position, axis=1))
        code = np.nan_to_num(features[:, self.position].astype(np.float64))
        known = code[:, None] == np.asarray(self.codes, np.float64)
        index = np.where(known.any(axis=1), known.argmax(axis=1) + 1, 0)
        added = self._uplifts(columns)[np.arange(len(code)), index]
        result: _Doubles = self._without(columns) + np.where(code != 0.0, added, 0.0)
        return result

    def scaled(self, factor: float, weight: float = 1.0) -> UpliftModel:
        """Return the model as it is: held-out rows have already said how far to stretch it."""
        return self

    def to_onnx(self, header: OnnxHeader) -> bytes:
        """Write the model as a deterministic ONNX file: all offers in one, with the code a feature.

        The value with the code 0 is that without an offer, so one file answers both questions.
        """
        position = self.position
        if position is None or header.feature_names[position] != OFFER_FEATURE:
            raise TrainingError(
                f"a model of offers is written with the feature {OFFER_FEATURE} among its features"
            )
        basis, learned = self.basis, self.learned
        graph = Graph(len(header.feature_names))
        node, constant = graph.node, graph.constant
        one, zero = constant("one", [[1.0]]), constant("zero", [[0.0]])
        last_axis = constant("last_axis", [1], np.int64)
        wide = node("Cast", ["features"], "wide", to=TensorProto.DOUBLE)
        others = [index for index in range(graph.width) if index != position]
        customer = node("Gather", [wide, constant("others", others, np.int64)], "customer", axis=1)
        code = node("Gather", [wide, constant("offer_at", [position], np.int64)], "offer", axis=1)
        is_missing = node(
            "Or",
            [node("IsNaN", [customer], "is_nan"), node("IsInf", [customer], "is_infinite")],
            "is_missing",
        )
        shifted = node("Add", [one, node("Abs", [customer], "size")], "shifted")
        signed = node(
            "Mul", [node("Sign", [customer], "sign"), node("Log", [shifted], "log")], "signed_log"
        )
        logged = constant("is_signed_log", basis.signed_log[None, :], np.bool_)
        transformed = node("Where", [logged, signed, customer], "transformed")
        median = constant("median", basis.median[None, :])
        imputed = node("Where", [is_missing, median, transformed], "imputed")
        raised = node("Max", [imputed, constant("lower", basis.lower[None, :])], "raised")
        parts = [node("Min", [raised, constant("upper", basis.upper[None, :])], "bounded")]
        if len(basis.flagged):
            flags = node("Cast", [is_missing], "missing_flags", to=TensorProto.DOUBLE)
            flagged = constant("flagged", basis.flagged, np.int64)
            parts.append(node("Gather", [flags, flagged], "flags", axis=1))
        if len(basis.stepped):
            stepped = constant("stepped", basis.stepped, np.int64)
            before = node("Gather", [parts[0], stepped], "before_steps", axis=1)
            above = node("Greater", [before, constant("step_at", basis.step_at[None, :])], "above")
            parts.append(node("Cast", [above], "steps", to=TensorProto.DOUBLE))
        raw = node("Concat", parts, "raw", axis=1) if len(parts) > 1 else parts[0]
        centred = node("Sub", [raw, constant("centre", basis.centre[None, :])], "centred")
        columns = node("Div", [centred, constant("spread", basis.spread[None, :])], "columns")

        def mean(score: str, name: str) -> str:
            """Add the inverse of the link."""
            low = node("Max", [score, constant(f"{name}_least", [[-30.0]])], f"{name}_low")
            bounded = node("Min", [low, constant(f"{name}_most", [[30.0]])], f"{name}_bounded")
            return node("Sigmoid" if learned.link.is_logit else "Exp", [bounded], name)

        base = node("MatMul", [columns, constant("base", learned.base[:, None])], "of_columns")
        score = node("Add", [base, constant("base_level", [[learned.base_level]])], "score")
        expected = mean(score, "expected")
        without = node("Min", [expected, constant("largest", [[self.largest]])], "without")
        moved = node("MatMul", [columns, constant("slopes", learned.slopes)], "slopes_of_columns")
        added = node("Add", [moved, constant("levels", learned.levels[None, :])], "added")
        if learned.is_on_link:
            both = mean(node("Add", [score, added], "score_with"), "expected_with")
            added = node("Sub", [both, expected], "raw_uplift")
        spread = node("Sub", [added, constant("level", self.level[None, :])], "from_level")
        stretched = node("Mul", [spread, constant("stretch", [[self.stretch]])], "stretched")
        uplift = node("Add", [stretched, constant("effect", self.effect[None, :])], "uplifts")
        # no code is one, and neither is what is no number
        unknown = node("Equal", [code, zero], "has_none")
        unknown = node("Or", [unknown, node("IsNaN", [code], "is_no_code")], "without_offer")
        codes = constant("codes", np.asarray(self.codes, np.float64)[None, :])
        is_each = node("Cast", [node("Equal", [code, codes], "is")], "each", to=TensorProto.DOUBLE)
        any_known = node("ReduceSum", [is_each, last_axis], "is_known", keepdims=1)
        is_other = node("Sub", [one, any_known], "is_other")
        chosen = node("Concat", [is_other, is_each], "chosen", axis=1)
        of_chosen = node("Mul", [uplift, chosen], "of_chosen")
        total = node("ReduceSum", [of_chosen, last_axis], "total", keepdims=1)
        effect = node("Where", [unknown, zero, total], "effect_of_offer")
        value = node("Add", [without, effect], "value")
        graph.results(value, one, REGRESSION.name)
        return finish(graph.model(has_contributions=False), header, self.base_value)

    def _columns(self, features: NDArray[np.float32]) -> _Doubles:
        """Compute the columns, and refuse rows of another width."""
        if features.ndim != 2 or features.shape[1] != len(self.names):
            raise TrainingError(
                f"the model takes {len(self.names)} features ({', '.join(self.names)}), and the "
                f"rows have shape {features.shape}"
            )
        return self.basis.columns(features)

    def _without(self, columns: _Doubles) -> _Doubles:
        return np.minimum(self.learned.without(columns), self.largest)

    def _uplifts(self, columns: _Doubles) -> _Doubles:
        """Return the effect of an unknown offer and of each offer, shape (n, K + 1)."""
        if self.stretch == 0.0:
            return np.repeat(self.effect[None, :], len(columns), axis=0)
        result: _Doubles = self.effect + self.stretch * (self.learned.added(columns) - self.level)
        return result

    def _index(self, offer: int | None) -> int:
        """Find an offer among the codes."""
        if offer is None:
            if len(self.codes) != 1:
                raise TrainingError(
                    f"the model knows {len(self.codes)} offers; name one of {list(self.codes)}"
                )
            return 1
        return self.codes.index(offer) + 1 if offer in self.codes else 0


def fit_uplift(
    features: ArrayLike,
    treated: ArrayLike,
    outcome: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    customer: ArrayLike | None = None,
    as_of: ArrayLike | None = None,
    campaign: ArrayLike | None = None,
    cost: float | None = None,
    gain: float = 1.0,
) -> UpliftModel:
    """Learn what a treatment, or several, change, from rows of a randomised trial.

    Parameters
    ----------
    features
        Numbers, shape (n, F); missing is NaN. Categories come in as columns of 0 and 1.
    treated
        0 for the control group, otherwise 1 or the code of the offer, whole numbers, shape (n,).
    outcome
        0 or 1, or amounts of 0 and above, shape (n,).
    names
        Of the features; x1, x2, … by default.
    customer
        Whose row it is, shape (n,): customers are held out with all of their rows.
    as_of
        Day of each row, shape (n,): arms are compared within a day or a month.
    campaign
        Campaign of each row, shape (n,), each with a control group of its own: arms are compared
        within it instead.
    cost, gain
        Of a treatment, and of a unit of the outcome. Given, a ranking is used as well where the
        policy that follows from it earned more on held-out customers than treating all or nobody.

    Returns
    -------
    UpliftModel

    Raises
    ------
    TrainingError
        There is no control group, or one of a few rows; an outcome is missing or below zero.

    Examples
    --------
    >>> random = np.random.default_rng(7)
    >>> x = random.random((4000, 1)).astype(np.float32)
    >>> treated = random.integers(0, 2, 4000)
    >>> outcome = random.random(4000) < 0.2 + 0.4 * treated * x[:, 0]
    >>> model = fit_uplift(x, treated, outcome)
    >>> low, high = model.uplift(np.array([[0.1], [0.9]], np.float32))
    >>> model.effect_kind, bool(high - low > 0.2)
    ('individual', True)
    """
    matrix = np.asarray(features, dtype=np.float32)
    codes = np.asarray(treated)
    y = np.asarray(outcome, dtype=np.float64)
    count = len(y)
    if matrix.ndim != 2 or len(matrix) != count or codes.shape != (count,):
        raise TrainingError(
            f"features, treated and outcome need one row each; their shapes are {matrix.shape}, "
            f"{codes.shape} and {y.shape}"
        )
    given = (
        tuple(names) if names is not None else tuple(f"x{i + 1}" for i in range(matrix.shape[1]))
    )
    if len(given) != matrix.shape[1]:
        raise TrainingError(f"there are {matrix.shape[1]} features and {len(given)} names")
    group = np.arange(count) if customer is None else np.unique(customer, return_inverse=True)[1]
    days = None if as_of is None else np.asarray(as_of).astype("datetime64[us]")
    whole = codes.astype(np.int64)
    if not np.array_equal(whole, codes):
        raise TrainingError("treated must hold whole numbers: 0 for the control group, else a code")
    stratum = None if campaign is None else np.unique(campaign, return_inverse=True)[1]
    with one_thread():
        return _fit(matrix, whole, y, given, group, days, stratum=stratum, cost=cost, gain=gain)


def fit_uplift_task(part: Part, tuned: Tuned, seed: int) -> UpliftModel:
    """Fit on the rows of a task, whose features have the code of the offer among them."""
    if OFFER_FEATURE not in part.names:
        raise TrainingError(
            f"{UPLIFT} learns what an offer changes, so its features need the column "
            f"{OFFER_FEATURE}: a whole number per offer, and 0 for the control group"
        )
    position = part.names.index(OFFER_FEATURE)
    code = np.nan_to_num(part.features[:, position]).astype(np.int64)
    features = np.delete(part.features, position, axis=1)
    names = tuple(name for name in part.names if name != OFFER_FEATURE)
    group = np.arange(len(code)) if part.customer is None else part.customer
    model = _fit(
        features,
        code,
        np.asarray(part.y, dtype=np.float64),
        names,
        np.unique(group, return_inverse=True)[1],
        part.as_of,
        learner=tuned.get("learner"),
    )
    return replace(model, position=position)


def tune_uplift(
    folds: Sequence[Fold], seed: int, fixed: Tuned | None = None
) -> tuple[Tuned, list[OutOfFold]]:
    """Fit on one side of each fold and predict the other; what is to choose, the fit chooses."""
    asked = dict(fixed or {})
    quick = {**asked, "learner": asked.get("learner", next(iter(LEARNERS)))}
    given = [
        fit_uplift_task(fold.fit, quick, seed).predict(fold.held_out.features) for fold in folds
    ]
    return asked, given


def _fit(
    features: NDArray[np.float32],
    code: NDArray[np.int64],
    y: _Doubles,
    names: tuple[str, ...],
    group: NDArray[Any],
    as_of: NDArray[np.datetime64] | None,
    *,
    learner: str | None = None,
    stratum: NDArray[np.intp] | None = None,
    cost: float | None = None,
    gain: float = 1.0,
) -> UpliftModel:
    """Choose a learner, test it, and fit it on all rows."""
    codes = _check(code, y)
    offer = np.zeros(len(code), np.intp)
    offer[code != 0] = np.searchsorted(codes, code[code != 0]) + 1
    link = Link("logit" if np.isin(y, (0.0, 1.0)).all() else "log")
    stratum = strata_of(as_of, len(y)) if stratum is None else stratum
    basis = make_basis(features, names)
    arms = Arms(
        basis.columns(features),
        offer,
        y,
        _date_columns(as_of, len(y)),
        _share_offered(stratum, offer),
        len(codes),
    )
    stacked = _Stacked.of(offer, stratum, group, len(codes))
    asked = {learner: LEARNERS[learner]} if learner else LEARNERS
    held_out = {name: _HeldOut(len(y), len(codes)) for name in asked}
    fold = np.asarray(group).astype(np.uint64) * np.uint64(2654435761) % np.uint64(2**32)
    fold = (fold * np.uint64(_FOLDS) // np.uint64(2**32)).astype(np.intp)
    for index in range(_FOLDS):
        fit, out = np.flatnonzero(fold != index), np.flatnonzero(fold == index)
        if not len(out) or not _can_be_fitted(arms.offer[fit], y[fit], len(codes)):
            continue
        rows = arms.rows(fit)
        for name, learn in asked.items():
            held_out[name].note(out, learn(rows, link), arms.columns[out])
    nuisance = next(iter(held_out.values()))
    chosen, losses = _choose(held_out, stacked, y, nuisance)
    tests = _test(held_out[chosen], nuisance, stacked, y, cost=cost, gain=gain)
    learned = asked[chosen](arms, link)
    level = learned.added(arms.columns).mean(axis=0)
    errors = [each.error for each in tests.averages]
    drawn, claimed_errors = _drawn(tests.averages)
    # what still has zero in its interval counts as none
    effect = np.where(np.abs(drawn) <= 1.959963984540054 * claimed_errors, 0.0, drawn)
    hyperparameters = {
        "learner": chosen,
        "effect_kind": "individual" if tests.stretch > 0.0 else "average",
        "loss_over_simplest": losses,
        "qini": _told(tests.qini),
        "policy_over_constant": None if tests.policy is None else _told(tests.policy),
        "stretch": tests.stretch,
        "stretch_error": tests.stretch_error,
        "average": _told(tests.overall),
        "average_error": float(claimed_errors[0]),
        "average_claimed": float(effect[0]),
        "offers": [
            {
                "code": int(code),
                "effect": float(effect[index + 1]),
                "drawn": float(drawn[index + 1]),
                "error": float(claimed_errors[index + 1]),
                "raw_error": float(errors[index]),
                **_told(tests.averages[index]),
                "treated": int((offer == index + 1).sum()),
            }
            for index, code in enumerate(codes)
        ],
        "control": int((offer == 0).sum()),
        "drivers": _drivers(learned, basis, names, arms) if tests.stretch > 0.0 else [],
    }
    return UpliftModel(
        basis=basis,
        learned=learned,
        names=names,
        codes=tuple(int(each) for each in codes),
        effect=effect,
        level=level,
        stretch=tests.stretch,
        largest=float(y.max()) if y.max() > 0.0 else 1.0,
        position=None,
        hyperparameters=hyperparameters,
    )


def _check(code: NDArray[np.int64], y: _Doubles) -> NDArray[np.int64]:
    """Refuse rows that nothing can be learned from; give the codes of the offers."""
    if not np.isfinite(y).all() or (len(y) and y.min() < 0.0):
        raise TrainingError(
            "the outcome of an offer must be a number of 0 or above in every row; leave out sends "
            "whose window is not over"
        )
    control, treated = int((code == 0).sum()), int((code != 0).sum())
    if min(control, treated) < _LEAST_OF_AN_ARM:
        raise TrainingError(
            f"{treated} rows had an offer and {control} had none: an effect needs "
            f"{_LEAST_OF_AN_ARM} of either, drawn at random. Keep a control group, and wait until "
            "its window is over"
        )
    if y.min() == y.max():
        raise TrainingError(f"the outcome is {y[0]:g} in every row, so no offer has changed it")
    return np.unique(code[code != 0])


def _can_be_fitted(offer: NDArray[np.intp], y: _Doubles, offers: int) -> bool:
    """Tell whether both arms are there, and the outcome varies."""
    return bool((offer == 0).any() and (offer > 0).any() and y.min() < y.max())


def _share_offered(stratum: NDArray[np.intp], offer: NDArray[np.intp]) -> _Doubles:
    """Return the share of each row's stratum that had an offer, kept away from 0 and 1."""
    offered = np.bincount(stratum, weights=(offer > 0).astype(np.float64))
    share = offered / np.maximum(np.bincount(stratum), 1)
    result: _Doubles = np.clip(share, 0.02, 0.98)[stratum]
    return result


@dataclass(frozen=True)
class _Stacked:
    """Each row once for every offer that it can be asked about.

    A row of the control group was withheld whatever was sent in its stratum.
    """

    row: NDArray[np.intp]
    about: NDArray[np.intp]
    treated: NDArray[np.bool_]
    propensity: _Doubles
    group: NDArray[np.int64]

    @classmethod
    def of(
        cls, offer: NDArray[np.intp], stratum: NDArray[np.intp], group: NDArray[Any], offers: int
    ) -> _Stacked:
        """Pair the arms within each stratum, and leave out what has only one."""
        strata = int(stratum.max()) + 1
        count = np.zeros((strata, offers + 1))
        np.add.at(count, (stratum, offer), 1.0)
        found: list[tuple[NDArray[Any], ...]] = []
        for index in range(1, offers + 1):
            share = count[:, index] / np.maximum(count[:, index] + count[:, 0], 1.0)
            usable = (count[:, index] >= 2.0) & (count[:, 0] >= 2.0)
            rows = np.flatnonzero(((offer == index) | (offer == 0)) & usable[stratum])
            found.append(
                (rows, np.full(len(rows), index), offer[rows] == index, share[stratum[rows]])
            )
        row, about, treated, share = (np.concatenate(each) for each in zip(*found, strict=True))
        return cls(row, about, treated, share, np.asarray(group)[row].astype(np.int64))


class _HeldOut:
    """What models that did not see a row's customer say of the row."""

    def __init__(self, count: int, offers: int) -> None:
        self.without = np.full(count, np.nan)
        self.added = np.full((count, offers + 1), np.nan)

    def note(self, rows: NDArray[np.intp], learned: Effects, columns: _Doubles) -> None:
        """Note what a model says of held-out rows."""
        self.without[rows] = learned.without(columns)
        self.added[rows] = learned.added(columns)

    def trial(self, stacked: _Stacked, y: _Doubles, rows: NDArray[Any]) -> Trial:
        """Make a trial of some stacked rows."""
        at, about = stacked.row[rows], stacked.about[rows]
        without = self.without[at]
        return Trial(
            stacked.treated[rows],
            y[at],
            stacked.propensity[rows],
            np.unique(stacked.group[rows], return_inverse=True)[1].astype(np.int64),
            without + self.added[at, about],
            without,
        )


@dataclass(frozen=True)
class _Tests:
    """What held-out rows say of a ranking."""

    averages: list[Estimate]
    overall: Estimate
    qini: Estimate
    policy: Estimate | None
    stretch: float
    stretch_error: float


def _known(held_out: _HeldOut, stacked: _Stacked) -> NDArray[np.intp]:
    """Return the stacked rows that were held out once."""
    return np.flatnonzero(np.isfinite(held_out.without[stacked.row]))


def _choose(
    held_out: dict[str, _HeldOut], stacked: _Stacked, y: _Doubles, nuisance: _HeldOut
) -> tuple[str, dict[str, float]]:
    """Return the learner whose effects are nearest to the rows' scores, and by how much.

    Its own level is taken off first, for levels are measured and not learned.
    """
    rows = _known(nuisance, stacked)
    first = next(iter(held_out))
    if not len(rows):
        return first, {}
    trial = nuisance.trial(stacked, y, rows)
    about = stacked.about[rows]
    score = _without_level(trial.effects(), about)
    loss = {}
    for name, each in held_out.items():
        said = _without_level(each.added[stacked.row[rows], about], about)
        loss[name] = np.square(score - said)
    best, found = first, {}
    margin = 0.0
    for name in held_out:
        gap = trial.mean(loss[name] - loss[first])
        found[name] = gap.value
        if gap.value + _CLEARLY * gap.error < 0.0 and gap.value < margin:
            best, margin = name, gap.value
    return best, found


def _without_level(values: _Doubles, about: NDArray[np.intp]) -> _Doubles:
    """Take the mean of each offer off its rows."""
    total = np.bincount(about, weights=values)
    result: _Doubles = values - (total / np.maximum(np.bincount(about), 1))[about]
    return result


def _test(
    held_out: _HeldOut,
    nuisance: _HeldOut,
    stacked: _Stacked,
    y: _Doubles,
    *,
    cost: float | None,
    gain: float,
) -> _Tests:
    """Measure averages, ranking and stretch on rows whose customers the models did not see."""
    rows = _known(nuisance, stacked)
    offers = held_out.added.shape[1] - 1
    nothing = Estimate(0.0, -np.inf, np.inf)
    if not len(rows):
        return _Tests([nothing] * offers, nothing, nothing, None, 0.0, 0.0)
    trial = nuisance.trial(stacked, y, rows)
    about = stacked.about[rows]
    averages = []
    for index in range(1, offers + 1):
        own = rows[about == index]
        averages.append(nuisance.trial(stacked, y, own).average_effect() if len(own) else nothing)
    said = _without_level(held_out.added[stacked.row[rows], about], about)
    scores = trial.effects()
    centred = _without_level(scores, about)
    size = float(np.square(said).sum())
    if size <= 1e-18 * len(rows):
        return _Tests(averages, trial.average_effect(), Estimate.of(0.0, 0.0), None, 0.0, 0.0)
    slope = float(said @ centred) / size
    error = trial.mean((centred - slope * said) * said).error * len(rows) / size
    found = qini(said, trial)
    policy = None
    if cost is not None:
        level = np.array([0.0, *(each.value for each in averages)])[about]
        stretch = min(max(slope, 0.0), _MOST_STRETCH)
        treats = gain * (level + stretch * said) > cost
        constant = policy_value(np.ones(len(rows)), trial, cost=cost, gain=gain).value > 0.0
        change = treats.astype(np.float64) - float(constant)
        policy = policy_value(change, trial, cost=cost, gain=gain)
    is_shown = found.value > _SHOWN * found.error and slope > _LIKELY * error
    if policy is not None and policy.value > _LIKELY * policy.error and slope > _LIKELY * error:
        is_shown = True
    # learners are held back, so held-out rows may ask for more than they say, within reason
    stretch = min(slope, _MOST_STRETCH) if is_shown else 0.0
    relative = error / slope if is_shown else 0.0
    return _Tests(averages, trial.average_effect(), found, policy, stretch, relative)


def _drawn(averages: list[Estimate]) -> tuple[_Doubles, _Doubles]:
    """Return the average effect of an unknown offer and of each one, with errors.

    Averages of several offers are drawn to their common mean by how much they differ beyond
    chance, since the best of many is always overstated (Efron & Morris 1975).
    """
    values = np.array([each.value for each in averages])
    errors = np.array([each.error for each in averages])
    usable = np.isfinite(errors) & (errors > 0.0)
    if not usable.any():
        zero = np.zeros(len(values) + 1)
        return zero, np.full(len(zero), np.nan_to_num(errors, posinf=0.0).max(initial=0.0))
    weight = np.where(usable, 1.0 / np.square(np.where(usable, errors, 1.0)), 0.0)
    between = 0.0
    if usable.sum() > 1:
        # DerSimonian & Laird 1986
        mean = float(weight @ values / weight.sum())
        excess = float(weight @ np.square(values - mean)) - (usable.sum() - 1)
        scale = float(weight.sum() - np.square(weight).sum() / weight.sum())
        between = max(0.0, excess / scale)
    shared = np.where(usable, 1.0 / (np.square(np.where(usable, errors, 1.0)) + between), 0.0)
    mean = float(shared @ values / shared.sum())
    mean_error = float(np.sqrt(1.0 / shared.sum()))
    if usable.sum() > 1:
        own = np.where(usable, between / (between + np.square(np.where(usable, errors, 1.0))), 0.0)
        drawn = own * np.where(usable, values, 0.0) + (1.0 - own) * mean
        drawn_errors = np.sqrt(own * np.square(np.where(usable, errors, 0.0)))
        drawn_errors = np.hypot(drawn_errors, (1.0 - own) * mean_error)
    else:
        drawn, drawn_errors = np.where(usable, values, mean), np.full(len(values), mean_error)
    effect = np.append(mean, drawn)
    error = np.append(np.hypot(mean_error, np.sqrt(between)), drawn_errors)
    return effect, error


def _drivers(
    learned: Effects, basis: Basis, names: tuple[str, ...], arms: Arms, most: int = 6
) -> list[dict[str, Any]]:
    """Return the features that the effect of an average offer follows, by a straight line.

    What a customer's own value moves is ``slope * (value - centre)``, the value after its logarithm
    where the feature has one.
    """
    step = max(1, len(arms.y) // 20_000)
    columns = arms.columns[::step]
    effect = learned.added(columns)[:, 0]
    effect = effect - effect.mean()
    width = len(names)
    plain = columns[:, :width]
    ridge = plain.T @ plain + np.eye(width) * 0.01 * len(plain)
    slopes = np.linalg.solve(ridge, plain.T @ effect)
    order = np.argsort(-np.abs(slopes), kind="stable")[:most]
    total = float(np.abs(slopes).sum()) or 1.0
    return [
        {
            "feature": names[index],
            "slope": float(slopes[index] / basis.spread[index]),
            "centre": float(basis.centre[index]),
            "is_signed_log": bool(basis.signed_log[index]),
            "share": float(np.abs(slopes[index]) / total),
        }
        for index in order
        if slopes[index] != 0.0
    ]


def _told(estimate: Estimate) -> dict[str, float | None]:
    """Give an estimate as JSON has it."""
    values = {"value": estimate.value, "lower": estimate.lower, "upper": estimate.upper}
    return {name: float(value) if np.isfinite(value) else None for name, value in values.items()}
