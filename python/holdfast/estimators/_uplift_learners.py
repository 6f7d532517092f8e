"""S-, T-, X- and DR-learners of an effect, all of them regressions on one basis of the features.

The effect of an offer on a customer is never seen, so each learner comes at it another way
(Künzel et al. 2019, "Metalearners for estimating heterogeneous treatment effects"; Kennedy 2023,
"Towards optimal doubly robust estimation of heterogeneous causal effects"). What they share is
that effects are small beside the outcome itself, so the weights of an effect are held back far
more than those of the outcome. Where an S-learner has one effect for all on the scale of the
link, a customer's effect still follows the chance to order at all: it ranks like a response model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from holdfast.estimators._linear import _positive, _transform, _wants_logarithm

__all__ = ["LEARNERS", "Arms", "Basis", "Effects", "Link", "make_basis", "strata_of"]

_Doubles: TypeAlias = NDArray[np.float64]

# A feature with so few different values may be a code whose middle value stands apart.
_MOST_STEPPED = 6
# Standard deviation that weights are taken to have before any row is seen, per standard deviation
# of a feature, on the scale of the link.
_OF_OUTCOMES = 0.5
_OF_EFFECTS = 0.15
_OF_OFFERS = 0.3
_OF_DATES = 0.5
# Below this, an offer's own slopes would be noise; what it shares with the others is not.
_LEAST_FOR_OWN_SLOPES = 10_000
_MOST_STEPS = 30
_LARGEST = 30.0


@dataclass(frozen=True)
class Link:
    """How a sum of terms becomes an expected outcome: `logit` of a chance, or `log` of an amount.

    Parameters
    ----------
    name
        logit or log.
    """

    name: str

    def mean(self, score: _Doubles) -> _Doubles:
        """Return the expected outcome."""
        bounded = np.clip(score, -_LARGEST, _LARGEST)
        if self.is_logit:
            chance: _Doubles = np.exp(-np.logaddexp(0.0, -bounded))
            return chance
        amount: _Doubles = np.exp(bounded)
        return amount

    def slope(self, mean: _Doubles) -> _Doubles:
        """Return by how much the outcome moves with the score."""
        slope: _Doubles = mean * (1.0 - mean) if self.is_logit else mean
        return slope

    def start(self, mean: float) -> float:
        """Return the score of an outcome."""
        if self.is_logit:
            share = float(np.clip(mean, 1e-6, 1.0 - 1e-6))
            return float(np.log(share / (1.0 - share)))
        return float(np.log(max(mean, 1e-9)))

    @property
    def is_logit(self) -> bool:
        """Whether it is that of a chance."""
        return self.name == "logit"


@dataclass(frozen=True)
class Basis:
    """What is computed of the features before any weights: all columns have mean 0 and spread 1.

    Parameters
    ----------
    signed_log, median, lower, upper
        As in `LinearModel`, one entry per feature.
    flagged
        Features for which being missing is a column of its own.
    stepped, step_at
        Feature and border of each step column, which is 1 above the border.
    centre, spread
        Of each column in training.
    """

    signed_log: NDArray[np.bool_]
    median: _Doubles
    lower: _Doubles
    upper: _Doubles
    flagged: NDArray[np.intp]
    stepped: NDArray[np.intp]
    step_at: _Doubles
    centre: _Doubles
    spread: _Doubles

    @property
    def feature_of(self) -> NDArray[np.intp]:
        """The feature of each column."""
        width = len(self.median)
        return np.concatenate([np.arange(width), self.flagged, self.stepped]).astype(np.intp)

    def columns(self, features: NDArray[np.float32]) -> _Doubles:
        """Return the columns of rows, shape (n, P)."""
        raw = self._raw(features)
        result: _Doubles = (raw - self.centre) / self.spread
        return result

    def _raw(self, features: NDArray[np.float32]) -> _Doubles:
        """Return them as they are before they are centred."""
        missing, transformed = _transform(features, self.signed_log)
        imputed = np.where(missing, self.median, transformed)
        imputed = np.minimum(np.maximum(imputed, self.lower), self.upper)
        steps = imputed[:, self.stepped] > self.step_at
        return np.hstack([imputed, missing[:, self.flagged], steps])


def make_basis(features: NDArray[np.float32], names: tuple[str, ...]) -> Basis:
    """Learn the columns from rows; a feature that never varies gives a column of zeros."""
    features = np.where(np.isfinite(features), features, np.nan).astype(np.float32)
    is_known = ~np.isnan(features)
    # a column that is all missing has no median, and says nothing
    safe = np.where(is_known.any(axis=0), features, 0.0).astype(np.float32)
    signed_log = _wants_logarithm(safe, names)
    missing, transformed = _transform(safe, signed_log)
    median = np.nanmedian(transformed, axis=0)
    imputed = np.where(missing, median, transformed)
    stepped: list[int] = []
    step_at: list[float] = []
    for index in range(imputed.shape[1]):
        values = np.unique(imputed[:: max(1, len(imputed) // 20_000), index])
        if 2 < len(values) <= _MOST_STEPPED:
            middles = (values[1:] + values[:-1]) / 2.0
            # with the feature itself, one step less than there are borders tells all values apart
            stepped += [index] * (len(middles) - 1)
            step_at += middles[1:].tolist()
    plain = Basis(
        signed_log,
        median,
        imputed.min(axis=0),
        imputed.max(axis=0),
        np.flatnonzero((~is_known).any(axis=0) & is_known.any(axis=0)),
        np.array(stepped, np.intp),
        np.array(step_at),
        np.zeros(1),
        np.ones(1),
    )
    raw = plain._raw(features)
    return Basis(
        plain.signed_log,
        plain.median,
        plain.lower,
        plain.upper,
        plain.flagged,
        plain.stepped,
        plain.step_at,
        raw.mean(axis=0),
        _positive(raw.std(axis=0)),
    )


@dataclass(frozen=True)
class Arms:
    """Rows of a trial of one offer or several.

    Parameters
    ----------
    columns
        Of the basis, shape (n, P).
    offer
        0 without an offer, otherwise its number from 1, shape (n,).
    y
        Outcomes, shape (n,).
    dates
        Columns that tell dates apart, shape (n, D); D may be 0.
    propensity
        With which probability the row's arm would be an offer, shape (n,).
    offers
        How many there are.
    """

    columns: _Doubles
    offer: NDArray[np.intp]
    y: _Doubles
    dates: _Doubles
    propensity: _Doubles
    offers: int

    def rows(self, rows: NDArray[Any]) -> Arms:
        """Return some of the rows."""
        return Arms(
            self.columns[rows],
            self.offer[rows],
            self.y[rows],
            self.dates[rows],
            self.propensity[rows],
            self.offers,
        )

    @property
    def is_offered(self) -> _Doubles:
        """1 with an offer."""
        return (self.offer > 0).astype(np.float64)

    @property
    def each_offer(self) -> _Doubles:
        """A column per offer, shape (n, K); of a single offer there is nothing to tell apart."""
        if self.offers < 2:
            return np.empty((len(self.y), 0))
        each: _Doubles = (self.offer[:, None] == np.arange(1, self.offers + 1)).astype(np.float64)
        return each


@dataclass(frozen=True)
class Effects:
    """What a learner learned.

    Parameters
    ----------
    base, base_level
        Weights, shape (P,), and intercept of the score without an offer.
    slopes, levels
        Weights, shape (P, K + 1), and intercepts of what an offer adds. The first is for an offer
        that was never seen, the mean over the others.
    is_on_link
        Whether it adds to the score, and not to the outcome.
    link
        From score to outcome.
    """

    base: _Doubles
    base_level: float
    slopes: _Doubles
    levels: _Doubles
    is_on_link: bool
    link: Link

    def without(self, columns: _Doubles) -> _Doubles:
        """Return the expected outcome without an offer, shape (n,)."""
        score: _Doubles = columns @ self.base + self.base_level
        return self.link.mean(score)

    def added(self, columns: _Doubles) -> _Doubles:
        """Return what each offer adds to it, shape (n, K + 1)."""
        moved: _Doubles = columns @ self.slopes + self.levels
        if not self.is_on_link:
            return moved
        score: _Doubles = columns @ self.base + self.base_level
        result: _Doubles = self.link.mean(score[:, None] + moved) - self.link.mean(score)[:, None]
        return result


def learn_s(arms: Arms, link: Link) -> Effects:
    """One regression, an effect per offer on the scale of the link, the same for all customers."""
    return _on_link(arms, link, spread=0.0)


def learn_t(arms: Arms, link: Link) -> Effects:
    """One regression with slopes of either arm: a T-learner whose arms are held together."""
    return _on_link(arms, link, spread=_OF_EFFECTS)


def learn_t_loosely(arms: Arms, link: Link) -> Effects:
    """As the T-learner, with arms that are hardly held together."""
    return _on_link(arms, link, spread=4.0 * _OF_EFFECTS)


def learn_x(arms: Arms, link: Link) -> Effects:
    """Regress what differs from the other arm's model, in each arm, and weigh by its size."""
    both = _on_link(arms, link, spread=4.0 * _OF_EFFECTS)
    without = both.without(arms.columns)
    # whoever got nothing is compared with what an average offer would have done
    with_any = without + both.added(arms.columns)[:, 0]
    got, kept = arms.offer > 0, arms.offer == 0
    size = _size(arms, link)
    of_got = _to_effects(arms.rows(got), (arms.y - without)[got], size)
    of_kept = _to_effects(arms.rows(kept), (with_any - arms.y)[kept], size)
    share = float(got.mean())
    slopes = share * of_kept[0] + (1.0 - share) * of_got[0]
    levels = share * of_kept[1] + (1.0 - share) * of_got[1]
    return Effects(both.base, both.base_level, slopes, levels, is_on_link=False, link=link)


def learn_dr(arms: Arms, link: Link) -> Effects:
    """Regress the doubly robust score of each row, whose nuisance models did not see the row."""
    expected_with, expected_without = np.zeros(len(arms.y)), np.zeros(len(arms.y))
    half = np.arange(len(arms.y)) % 2 == 0
    for fit, out in ((half, ~half), (~half, half)):
        found = _on_link(arms.rows(fit), link, spread=_OF_EFFECTS)
        rows = arms.rows(out)
        expected_without[out] = found.without(rows.columns)
        added = found.added(rows.columns)
        expected_with[out] = expected_without[out] + added[np.arange(len(added)), rows.offer]
    got = arms.offer > 0
    share = arms.propensity
    rest = arms.y - np.where(got, expected_with, expected_without)
    score = expected_with - expected_without
    score += np.where(got, rest / share, -rest / (1.0 - share))
    both = _on_link(arms, link, spread=_OF_EFFECTS)
    slopes, levels = _to_effects(arms, score, _size(arms, link))
    return Effects(both.base, both.base_level, slopes, levels, is_on_link=False, link=link)


# On a tie the earlier one is chosen: the simpler.
LEARNERS: dict[str, Callable[[Arms, Link], Effects]] = {
    "s_learner": learn_s,
    "t_learner": learn_t,
    "t_learner_loose": learn_t_loosely,
    "x_learner": learn_x,
    "dr_learner": learn_dr,
}


def strata_of(
    as_of: NDArray[np.datetime64] | None, count: int, least: int = 50
) -> NDArray[np.intp]:
    """Return the stratum of each row, within which arms are compared: its day, or its month.

    A campaign has a control group of its own, so rows of one day are compared with each other,
    unless there are too few of them.
    """
    if as_of is None:
        return np.zeros(count, np.intp)
    days, code = np.unique(as_of, return_inverse=True)
    if len(days) * least <= count:
        return code.astype(np.intp)
    return np.unique(as_of.astype("datetime64[M]"), return_inverse=True)[1].astype(np.intp)


def _size(arms: Arms, link: Link) -> float:
    """Return by how much the outcome moves per unit of score, on average."""
    mean = float(arms.y.mean())
    return max(float(link.slope(np.array([mean]))[0]), 1e-12)


def _on_link(arms: Arms, link: Link, spread: float) -> Effects:
    """Fit one regression on the scale of the link, with or without slopes of the effect."""
    count, width = arms.columns.shape
    offered, each = arms.is_offered[:, None], arms.each_offer
    has_slopes = spread > 0.0
    has_own = has_slopes and arms.offers > 1 and _fewest(arms) >= _LEAST_FOR_OWN_SLOPES
    parts = [np.ones((count, 1)), arms.columns, arms.dates, offered, each]
    spreads = [np.inf, _OF_OUTCOMES, _OF_DATES, np.inf, _OF_OFFERS]
    if has_slopes:
        parts.append(arms.columns * offered)
        spreads.append(spread)
    if has_own:
        own = [arms.columns * each[:, [index]] for index in range(arms.offers)]
        parts += own
        spreads += [spread / 2.0] * len(own)
    sizes = [part.shape[1] for part in parts]
    penalty = np.repeat([1.0 / each_spread**2 for each_spread in spreads], sizes)
    weights = _fit(np.hstack(parts), arms.y, penalty, link)
    cut = np.split(weights, np.cumsum(sizes)[:-1])
    shared = cut[5] if has_slopes else np.zeros(width)
    slopes = np.repeat(shared[:, None], arms.offers + 1, axis=1)
    levels = np.full(arms.offers + 1, float(cut[3][0]))
    if arms.offers > 1:
        levels[1:] += cut[4]
    if has_own:
        slopes[:, 1:] += np.column_stack(cut[6:])
    return Effects(cut[1], float(cut[0][0]), slopes, levels, is_on_link=True, link=link)


def _to_effects(arms: Arms, effect: _Doubles, size: float) -> tuple[_Doubles, _Doubles]:
    """Regress noisy effects on the columns; give slopes, (P, K + 1), and levels, (K + 1,)."""
    count, width = arms.columns.shape
    each = arms.each_offer
    noise = float(effect.var()) or 1.0
    parts = [np.ones((count, 1)), arms.columns, each]
    spreads = [np.inf, _OF_EFFECTS * size * 2.0, _OF_OFFERS * size]
    sizes = [part.shape[1] for part in parts]
    penalty = np.repeat([noise / spread**2 for spread in spreads], sizes)
    design = np.hstack(parts)
    weights = np.linalg.solve(design.T @ design + np.diag(penalty + 1e-9), design.T @ effect)
    slopes = np.repeat(weights[1 : 1 + width, None], arms.offers + 1, axis=1)
    levels = np.full(arms.offers + 1, float(weights[0]))
    if arms.offers > 1:
        levels[1:] += weights[1 + width :]
    return slopes, levels


def _fewest(arms: Arms) -> int:
    """Return how many rows the rarest offer has."""
    return int(np.bincount(arms.offer, minlength=arms.offers + 1)[1:].min())


def _fit(design: _Doubles, y: _Doubles, penalty: _Doubles, link: Link) -> _Doubles:
    """Fit a generalised linear model with a penalty per column by Newton's method.

    An amount is fitted as a quasi-Poisson: its mean is right whatever its distribution, and its
    penalty is multiplied by how much more it scatters than a count would.
    """
    unit = 1.0
    if not link.is_logit:
        # in units of the mean, so that the penalty means the same in any currency
        unit = float(y.mean()) or 1.0
        y = y / unit
        penalty = penalty * max(float(y.var()), 1.0)
    weights = np.zeros(design.shape[1])
    weights[0] = link.start(float(y.mean()))
    best = _objective(design, y, penalty, link, weights)
    for _ in range(_MOST_STEPS):
        mean = link.mean(design @ weights)
        slope = np.maximum(link.slope(mean), 1e-9)
        gradient = design.T @ (y - mean) - penalty * weights
        curvature = (design * slope[:, None]).T @ design
        curvature[np.diag_indices_from(curvature)] += penalty + 1e-9
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > 1e-4:
            tried = weights + size * step
            value = _objective(design, y, penalty, link, tried)
            if value <= best + 1e-12 * abs(best):
                break
            size /= 2.0
        else:
            break
        weights, gained, best = tried, best - value, value
        if gained < 1e-7 * max(1.0, abs(best)):
            break
    weights[0] += float(np.log(unit)) if not link.is_logit else 0.0
    return weights


def _objective(
    design: _Doubles, y: _Doubles, penalty: _Doubles, link: Link, weights: _Doubles
) -> float:
    """Return what is minimised: the negative log-likelihood, and the penalty."""
    score = np.clip(design @ weights, -_LARGEST, _LARGEST)
    loss = np.logaddexp(0.0, score) if link.is_logit else np.exp(score)
    return float(loss.sum() - y @ score + 0.5 * (penalty * np.square(weights)).sum())
