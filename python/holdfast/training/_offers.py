"""What offers change, customer by customer: models of a warehouse's trials, and how good they are.

There are two models, one of the chance to order and one of the spend, both within the response
window. They are trained when it is due and take the place of the former ones at once: whether
anything individual may be claimed is tested within the training, on customers held out.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.contract import OnnxHeader, model_id
from holdfast.errors import TrainingError
from holdfast.estimators import OFFER_FEATURE, UPLIFT, UpliftModel, fit_uplift
from holdfast.measuring import Estimate, Trial, auuc, policy_value, qini, uplift_by_tenth
from holdfast.registry import (
    RegisteredModel,
    RelationName,
    Row,
    Stage,
    carry_over,
    champion_of,
    find_registry,
    library_versions,
    read_former,
    registry_table,
    score_sql,
    to_json,
)
from holdfast.run import is_reset
from holdfast.warehouse.relations import open_source

__all__ = ["OFFER_EVALUATIONS_SCHEMA", "OFFER_OUTCOMES", "evaluate_offers", "update_offer_models"]

logger = logging.getLogger("holdfast.training")

_Doubles: TypeAlias = NDArray[np.float64]

# the task of each outcome of offer_trials
OFFER_OUTCOMES = {"retained": "offer_retention", "spend": "offer_spend"}
_KNOWN = (
    "send_id",
    "customer_id",
    "campaign_id",
    "offer_key",
    "is_control",
    "as_of",
    "retained",
    "spend",
    "earned",
    "cost",
    "offer_cost",
    "offer_discount",
)
# More rows make a training long and tell little more.
_MOST_ROWS = 200_000
_SHARE_TESTED = 0.2
_LEAST_TESTED = 50

OFFER_EVALUATIONS_SCHEMA = pa.schema(
    [
        ("task", pa.string()),
        ("algorithm", pa.string()),
        ("stage", pa.string()),
        ("split", pa.string()),
        ("as_of", pa.timestamp("us")),
        ("segment", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("lower", pa.float64()),
        ("upper", pa.float64()),
        ("row_count", pa.int64()),
    ]
)


@dataclass(frozen=True)
class _Settings:
    """The row of `offer_settings`."""

    as_of_date: dt.date
    response_days: int
    contact_cost: float
    is_forced: bool
    retrain_after_days: int

    @classmethod
    def read(cls, session: Any, settings: Any) -> _Settings:
        """Read it."""
        row = session.execute(
            f"""
            select as_of_date, response_days, contact_cost, is_forced, retrain_after_days
            from ({settings.sql_query()}) as settings
            """  # noqa: S608 - a relation of dbt's own
        ).fetchone()
        return cls(row[0], int(row[1]), float(row[2]), bool(row[3]), int(row[4]))


@dataclass(frozen=True)
class _Rows:
    """Rows of `offer_trials`, in the order of their days and ids; offers by their place."""

    names: tuple[str, ...]
    features: NDArray[np.float32]
    offers: tuple[str, ...]
    offer: NDArray[np.int64]
    campaign: NDArray[np.int64]
    customer: NDArray[np.int64]
    as_of: NDArray[np.datetime64]
    values: dict[str, _Doubles]

    def __len__(self) -> int:
        return len(self.offer)

    def only(self, rows: NDArray[Any]) -> _Rows:
        """Return some of the rows."""
        return replace(
            self,
            features=self.features[rows],
            offer=self.offer[rows],
            campaign=self.campaign[rows],
            customer=self.customer[rows],
            as_of=self.as_of[rows],
            values={name: values[rows] for name, values in self.values.items()},
        )

    def fit(self, outcome: str) -> UpliftModel:
        """Learn what the offers change of an outcome."""
        model = fit_uplift(
            self.features,
            self.offer,
            self.values[outcome],
            names=self.names,
            customer=self.customer,
            as_of=self.as_of,
            campaign=self.campaign,
        )
        return replace(model, position=len(self.names))


def update_offer_models(
    session: Any, trials: Any, settings: Any, registry: RelationName
) -> pa.Table:
    """Train the models of offers where it is due, and return the whole registry of them.

    Parameters
    ----------
    session
        The DuckDB connection of the dbt run. It is neither closed nor changed.
    trials
        The relation `offer_trials`: a row per send with its features. It is read only where a
        training is due.
    settings
        The relation `offer_settings`, of one row.
    registry
        The registry's table, as ``dbt.this`` has it; it need not exist yet. All of its rows come
        back, unless the run begins history anew (``holdfast_reset``).

    Returns
    -------
    pyarrow.Table
        Rows of the schema `REGISTRY_SCHEMA`: the tasks ``offer_retention`` and ``offer_spend``,
        each with at most one champion, and the former ones. No champion where there is no trial
        to learn from.

    Raises
    ------
    RegistryError
        The registry lacks a column or has two champions of a task.

    Examples
    --------
    >>> def model(dbt, session):
    ...     trials = dbt.ref("holdfast", "holdfast__offer_trials")
    ...     settings = dbt.ref("holdfast", "holdfast__offer_settings")
    ...     return update_offer_models(session, trials, settings, dbt.this)
    """
    told = _Settings.read(session, settings)
    names = tuple(name for name in trials.columns if name not in _KNOWN)
    former = None if is_reset(session) else find_registry(session, registry)
    rows: list[Row] = []
    read: _Rows | None = None
    for outcome, task in OFFER_OUTCOMES.items():
        models = [] if former is None else read_former(open_source(session, former), task)
        champion = champion_of(models, task)
        unfit = champion is not None and _unfit(champion, names, told)
        if champion is not None and not unfit and not _is_due(champion, names, told):
            logger.info("Kept model %s of the task %s.", champion.model_id, task)
            continue
        try:
            if read is None:
                read = _read(session, trials, names)
            row = _row(read, outcome, told)
        except TrainingError as error:
            logger.info("No model of the task %s: %s.", task, error)
            if champion is not None and unfit:
                rows.append(champion.staged(Stage.ARCHIVED))
            continue
        if champion is not None and champion.model_id != row["model_id"]:
            rows.append(champion.staged(Stage.ARCHIVED))
        rows.append(row)
    table = registry_table(rows)
    return table if former is None else carry_over(session, former, table)


def _unfit(champion: RegisteredModel, names: tuple[str, ...], told: _Settings) -> bool:
    """Tell whether a model must not score: it knows the future, or is about something else."""
    noted = champion.parameters
    return (
        not {*champion.feature_names} <= {*names, OFFER_FEATURE}
        or noted.get("response_days") != told.response_days
        or str(noted.get("as_of_date")) > told.as_of_date.isoformat()
    )


def _is_due(champion: RegisteredModel, names: tuple[str, ...], told: _Settings) -> bool:
    """Tell whether a model has to be trained again."""
    if told.is_forced or champion.feature_hash != _feature_hash(names, told):
        return True
    trained = dt.date.fromisoformat(champion.parameters["as_of_date"])
    return (told.as_of_date - trained).days >= told.retrain_after_days


def _feature_hash(names: tuple[str, ...], told: _Settings) -> str:
    """Hash what a model learns from."""
    text = to_json({"features": sorted(names), "response_days": told.response_days})
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(session: Any, trials: Any, names: tuple[str, ...]) -> _Rows:
    """Read the trials; of very many, those of some customers, always the same."""
    if not names:
        raise TrainingError("there are no features to learn from")
    chosen = ", ".join(f'"{name.replace(chr(34), chr(34) * 2)}"' for name in names)
    table = session.execute(
        f"""
        select
            cast(customer_id as varchar) as customer,
            dense_rank() over (order by campaign_id asc nulls last) - 1 as campaign,
            coalesce(offer_key, '') as offer_key,
            is_control, as_of, retained, spend, earned, cost, offer_cost, offer_discount, {chosen}
        from ({trials.sql_query()}) as trials
        order by as_of asc nulls last, send_id asc nulls last
        """  # noqa: S608 - a relation of dbt's own
    ).to_arrow_table()
    if table.num_rows > _MOST_ROWS:
        texts = table["customer"].to_pylist()
        place = np.array([_place(text) for text in texts])
        table = table.filter(pa.array(place <= _MOST_ROWS / table.num_rows))
    features = np.empty((table.num_rows, len(names)), np.float32)
    for index, name in enumerate(names):
        column = table[name].cast(pa.float32()).to_numpy()
        features[:, index] = np.where(np.isfinite(column), column, np.nan)
    keys = np.array(table["offer_key"].to_pylist(), dtype=object)
    is_control = table["is_control"].to_numpy()
    offers = tuple(sorted(set(keys[~is_control].tolist())))
    code = {key: index for index, key in enumerate(offers, start=1)}
    offer = [0 if held else code[key] for key, held in zip(keys, is_control, strict=True)]
    numbers = ("retained", "spend", "earned", "cost", "offer_cost", "offer_discount")
    customer = np.array(table["customer"].to_pylist(), dtype=str)
    return _Rows(
        names,
        features,
        offers,
        np.array(offer, np.int64),
        table["campaign"].to_numpy().astype(np.int64),
        np.unique(customer, return_inverse=True)[1].astype(np.int64),
        table["as_of"].to_numpy().astype("datetime64[us]"),
        {name: table[name].to_numpy().astype(np.float64) for name in numbers},
    )


def _place(text: str) -> float:
    """Draw a number from 0 to 1 from an id."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2.0**48


def _row(rows: _Rows, outcome: str, told: _Settings) -> Row:
    """Fit a model, and write it as the champion of its task."""
    task = OFFER_OUTCOMES[outcome]
    model = rows.fit(outcome)
    names = (*rows.names, OFFER_FEATURE)
    blob = model.to_onnx(OnnxHeader(task, UPLIFT, UPLIFT, names, "regression"))
    found = _finite(model.hyperparameters)
    some = rows.features[:256]
    asked = np.column_stack([some, rows.offer[: len(some)].astype(np.float32)])
    parameters = {
        "hyperparameters": found,
        "target": "regression",
        "label": outcome,
        "effect_kind": model.effect_kind,
        "stretch_error": float(model.hyperparameters["stretch_error"]),
        "other_effect": float(model.hyperparameters["average_claimed"]),
        "offers": [
            {"offer": rows.offers[each["code"] - 1], "code": each["code"], "effect": each["effect"]}
            for each in found["offers"]
        ],
        "drivers": found["drivers"],
        "response_days": told.response_days,
        "as_of_date": told.as_of_date.isoformat(),
    }
    logger.info("Trained %s for the task %s: %s.", UPLIFT, task, _in_words(model))
    return {
        "model_id": model_id(task, UPLIFT, blob),
        "task": task,
        "algorithm": UPLIFT,
        "stage": str(Stage.CHAMPION),
        "trained_at": dt.datetime.now(dt.UTC).replace(tzinfo=None),
        "training_from": rows.as_of[0].item(),
        "training_to": rows.as_of[-1].item(),
        "row_count": len(rows),
        "positive_count": int(rows.values[outcome].sum()) if outcome == "retained" else None,
        "feature_names": list(names),
        "feature_hash": _feature_hash(rows.names, told),
        "parameters": to_json(parameters),
        "metrics": to_json({"qini": found["qini"], "average": found["average"]}),
        "onnx": blob,
        "onnx_sha256": hashlib.sha256(blob).hexdigest(),
        "score_sql": score_sql(blob, asked),
        "library_versions": to_json(library_versions()),
    }


def _in_words(model: UpliftModel) -> str:
    """Say what was found."""
    if model.effect_kind == "individual":
        return f"customers respond differently ({model.hyperparameters['learner']})"
    return "no difference between customers is shown, so the average effect is used"


def _finite(value: Any) -> Any:
    """Put None in the place of numbers that JSON does not know."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def evaluate_offers(session: Any, trials: Any, settings: Any) -> pa.Table:
    """Learn from the earlier campaigns, and measure on the latest fifth of the sends.

    What was learned from was over before the first send that is tested. Rankings are measured by
    Qini, AUUC and the effect in each tenth; policies by the money they would have earned per
    customer, over treating nobody.

    Parameters
    ----------
    session
        The DuckDB connection of the dbt run.
    trials, settings
        The relations `offer_trials` and `offer_settings`.

    Returns
    -------
    pyarrow.Table
        Rows of the schema `OFFER_EVALUATIONS_SCHEMA`; none where the trials are too few.

    Examples
    --------
    >>> def model(dbt, session):
    ...     trials = dbt.ref("holdfast", "holdfast__offer_trials")
    ...     return evaluate_offers(
    ...         session, trials, dbt.ref("holdfast", "holdfast__offer_settings")
    ...     )
    """
    told = _Settings.read(session, settings)
    found: list[dict[str, Any]] = []
    names = tuple(name for name in trials.columns if name not in _KNOWN)
    try:
        rows = _read(session, trials, names)
        earlier, tested = _split(rows, told.response_days)
        models = {outcome: earlier.fit(outcome) for outcome in OFFER_OUTCOMES}
    except TrainingError as error:
        logger.info("The models of offers are not evaluated: %s.", error)
        return pa.Table.from_pylist([], schema=OFFER_EVALUATIONS_SCHEMA)
    paired = _Paired.of(tested)
    if paired is None:
        return pa.Table.from_pylist([], schema=OFFER_EVALUATIONS_SCHEMA)
    for outcome, task in OFFER_OUTCOMES.items():
        found += _of_rankings(task, outcome, models[outcome], paired)
    found += _of_policies(models, earlier, paired, told)
    return pa.Table.from_pylist(
        [{"split": "test", "row_count": len(paired.at), **row} for row in found],
        schema=OFFER_EVALUATIONS_SCHEMA,
    )


def _split(rows: _Rows, response_days: int) -> tuple[_Rows, _Rows]:
    """Part the rows by time: what was over when the tested ones began, and these."""
    if not len(rows):
        raise TrainingError("there is no trial with a control group whose window is over")
    begins = np.array(
        [rows.as_of[rows.campaign == each].min() for each in np.unique(rows.campaign)]
    )
    begin_of = begins[np.unique(rows.campaign, return_inverse=True)[1]]
    cut = np.sort(begin_of)[int((1.0 - _SHARE_TESTED) * (len(rows) - 1))]
    # the day of a send is over a day later
    over = rows.as_of + np.timedelta64(response_days + 1, "D")
    return rows.only(over <= cut), rows.only(begin_of >= cut)


@dataclass(frozen=True)
class _Paired:
    """Tested rows, once for every offer of their campaign that they can be asked about."""

    rows: _Rows
    at: NDArray[np.intp]
    about: NDArray[np.int64]
    propensity: _Doubles

    @classmethod
    def of(cls, rows: _Rows) -> _Paired | None:
        """Pair the arms of each campaign; None where there are too few rows in either."""
        parts: list[tuple[NDArray[Any], ...]] = []
        for campaign in np.unique(rows.campaign):
            inside = rows.campaign == campaign
            for offer in np.unique(rows.offer[inside & (rows.offer > 0)]):
                at = np.flatnonzero(inside & np.isin(rows.offer, (0, offer)))
                treated = int((rows.offer[at] == offer).sum())
                if min(treated, len(at) - treated) > 1:
                    share = treated / len(at)
                    parts.append((at, np.full(len(at), offer), np.full(len(at), share)))
        if not parts:
            return None
        at, about, propensity = (np.concatenate(each) for each in zip(*parts, strict=True))
        paired = cls(rows, at, about, propensity)
        treated = int(paired.treated.sum())
        return paired if min(treated, len(at) - treated) >= _LEAST_TESTED else None

    @property
    def treated(self) -> NDArray[np.bool_]:
        """Whether the row had the offer."""
        return self.rows.offer[self.at] > 0

    def without(self, model: UpliftModel) -> _Doubles:
        """Return what a model expects without an offer."""
        return model.without(self.rows.features)[self.at]

    def each(self, of: Any) -> _Doubles:
        """Return what a function of features and an offer gives for the row's offer."""
        found = np.empty(len(self.at))
        for offer in np.unique(self.about):
            inside = self.about == offer
            found[inside] = of(self.rows.features, int(offer))[self.at[inside]]
        return found

    def trial(self, outcome: _Doubles, without: _Doubles, uplift: _Doubles) -> Trial:
        """Make a trial of an outcome of the paired rows."""
        return Trial.of(
            self.treated,
            outcome,
            self.propensity,
            self.rows.customer[self.at],
            without + uplift,
            without,
        )


def _of_rankings(
    task: str, outcome: str, model: UpliftModel, paired: _Paired
) -> Iterator[dict[str, Any]]:
    """Measure whom a ranking puts first."""
    without, uplift = paired.without(model), paired.each(model.uplift)
    trial = paired.trial(paired.rows.values[outcome][paired.at], without, uplift)
    learned = paired.each(model.ranking)
    rankings = {
        (UPLIFT, "in_use"): uplift,
        ("uplift_ranking", "candidate"): learned,
        ("response_model", "baseline"): without + learned,
        ("risk_only", "baseline"): -without,
    }
    for (algorithm, stage), of_all in rankings.items():
        who = {"task": task, "algorithm": algorithm, "stage": stage}
        score = _within_offers(of_all, paired.about)
        yield {**who, "metric": "qini", **_told(qini(score, trial))}
        yield {**who, "metric": "auuc", "value": auuc(score, trial)}
        # a ranking that says the same of everybody has no tenths
        if score.any():
            for index, each in enumerate(uplift_by_tenth(score, trial), start=1):
                yield {**who, "metric": f"uplift_tenth_{index}", **_told(each)}


def _within_offers(score: _Doubles, about: NDArray[np.int64]) -> _Doubles:
    """Take the mean of each offer off: customers are ranked, and not offers."""
    place = np.unique(about, return_inverse=True)[1]
    mean = np.bincount(place, weights=score) / np.bincount(place)
    rest = score - mean[place]
    # what is left of equal numbers is rounding
    result: _Doubles = np.where(
        np.abs(rest) > 1e-12 * max(float(np.abs(score).max()), 1e-12), rest, 0.0
    )
    return result


def _of_policies(
    models: dict[str, UpliftModel], earlier: _Rows, paired: _Paired, told: _Settings
) -> Iterator[dict[str, Any]]:
    """Measure what policies earn, after the costs of messages and offers."""
    values = {name: each[paired.at] for name, each in paired.rows.values.items()}
    held_out = earlier.offer == 0
    spent = float(earlier.values["spend"][held_out].sum())
    share = float(earlier.values["earned"][held_out].sum()) / spent if spent > 0.0 else 0.0
    terms = {
        offer: tuple(
            float(values[name][(paired.about == offer) & paired.treated].mean())
            for name in ("offer_cost", "offer_discount")
        )
        for offer in np.unique(paired.about).tolist()
    }
    cost, discount = (
        np.array([terms[offer][index] for offer in paired.about.tolist()]) for index in (0, 1)
    )
    buys, buys_more = paired.without(models["retained"]), _uplift(models["retained"], paired)
    spends, spends_more = paired.without(models["spend"]), _uplift(models["spend"], paired)
    profit = (
        share * spends_more
        - discount * (spends + spends_more)
        - cost * (buys + buys_more)
        - told.contact_cost
    )
    trial = paired.trial(values["earned"] - values["cost"], share * spends, profit)
    chosen = (profit > 0.0).astype(np.float64)
    # the others treat as many as the policy does, or half of all where it treats all or nobody
    count = chosen.mean() if 0.0 < chosen.mean() < 1.0 else 0.5
    policies = {
        (UPLIFT, "in_use"): chosen,
        ("treat_none", "baseline"): np.zeros(len(chosen)),
        ("treat_all", "baseline"): np.ones(len(chosen)),
        ("risk_only", "baseline"): _top(-buys, count),
        ("response_model", "baseline"): _top(buys + buys_more, count),
    }
    for (algorithm, stage), treat in policies.items():
        who = {"task": "offers", "algorithm": algorithm, "stage": stage}
        yield {**who, "metric": "policy_value", **_told(policy_value(treat, trial))}
        yield {**who, "metric": "share_treated", "value": float(treat.mean())}


def _uplift(model: UpliftModel, paired: _Paired) -> _Doubles:
    """Return the effects as offer_uplift has them: about averages that are drawn, not cut off."""
    found = {each["code"]: each for each in model.hyperparameters["offers"]}
    moved = {code: each["drawn"] - each["effect"] for code, each in found.items()}
    added = np.array([moved.get(offer, 0.0) for offer in paired.about.tolist()])
    result: _Doubles = paired.each(model.uplift) + added
    return result


def _top(score: _Doubles, share: float) -> _Doubles:
    """Treat those with the highest scores, up to a share."""
    order = np.argsort(-score, kind="stable")
    treat = np.zeros(len(score))
    treat[order[: round(share * len(score))]] = 1.0
    return treat


def _told(estimate: Estimate) -> dict[str, float | None]:
    """Give a figure with its interval, as columns."""
    values: Sequence[tuple[str, float]] = (
        ("value", estimate.value),
        ("lower", estimate.lower),
        ("upper", estimate.upper),
    )
    return {name: float(value) if math.isfinite(value) else None for name, value in values}
