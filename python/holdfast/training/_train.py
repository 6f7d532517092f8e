"""One training run, from the training set to the rows of the registry."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.training._dataset import Description, describe, read_dataset
from holdfast.training._errors import TrainingError
from holdfast.training._estimators import (
    ALGORITHMS,
    BASELINE,
    BASELINE_ALGORITHM,
    Algorithm,
    FittedModel,
    Part,
    Tuned,
    merge_tuned,
)
from holdfast.training._export import OnnxHeader, check_parity, predict_onnx
from holdfast.training._metrics import evaluate, log_losses
from holdfast.training._prepare import Prepared, TooLittle, only_mature, prepare, varying_columns
from holdfast.training._promotion import (
    assign_stages,
    compare_losses,
    find_champion,
    retrain_reason,
    unfit_reason,
)
from holdfast.training._registry import (
    RelationName,
    Row,
    carry_over,
    find_registry,
    library_versions,
    model_id,
    read_former,
    registry_table,
    to_json,
)
from holdfast.training._settings import TrainingSettings
from holdfast.training._source import open_source

__all__ = ["train", "update_registry"]

logger = logging.getLogger("holdfast.training")


def update_registry(
    session: Any,
    training_set: Any,
    registry: RelationName,
    settings: Mapping[str, Any] | None = None,
) -> pa.Table:
    """Train where it is due, and return the whole model registry of a task: what dbt writes.

    The registry carries itself over: every former row comes back, so that no way of running dbt
    loses a model, `--full-refresh` included.

    Parameters
    ----------
    session
        DuckDB connection. It is neither closed nor changed.
    training_set
        See `train`.
    registry
        The registry's table, with ``database``, ``schema`` and ``identifier``, as ``dbt.this``
        has them; it need not exist yet.
    settings
        See `TrainingSettings`; with ``reset`` the former rows are dropped.

    Returns
    -------
    pyarrow.Table
        All rows of the registry, of the schema `REGISTRY_SCHEMA`.

    Raises
    ------
    TrainingError
        As `train`.

    Examples
    --------
    >>> def model(dbt, session):
    ...     training_set = dbt.ref("churn_training_set")
    ...     return update_registry(session, training_set, dbt.this, dbt.config.meta_get("training"))
    """
    checked = TrainingSettings.from_mapping(settings)
    former = None if checked.reset else find_registry(session, registry)
    rows = train(session, training_set, former, settings)
    return rows if former is None else carry_over(session, former, rows)


def train(
    session: Any,
    training_set: Any,
    former: Any = None,
    settings: Mapping[str, Any] | None = None,
) -> pa.Table:
    """Train, choose, compare with the champion, and return the registry rows to upsert.

    Rows are split by time with a gap as long as the label looks ahead. Each algorithm is tuned
    on validation dates, the one with the lower log loss there is chosen, and all are fitted again
    on fit and validation dates and measured on the test dates, which no model is fitted on.

    Parameters
    ----------
    session
        DuckDB connection. It is neither closed nor changed.
    training_set
        DuckDB relation, quoted name of a table, or Ibis table, with ``customer_id``, ``as_of``,
        the boolean label, and numeric or boolean features. Rows without a label are left out.
    former
        The model registry so far, likewise; None at the first build.
    settings
        See `TrainingSettings`.

    Returns
    -------
    pyarrow.Table
        Rows to upsert by ``model_id``: the new models, and former ones whose stage changes. No
        rows when the champion is kept without training, or when there is too little history; the
        log says which.

    Raises
    ------
    TrainingError
        A setting, a column or the registry must be put right first, or the ONNX file and the
        fitted model disagree.

    Examples
    --------
    >>> import duckdb
    >>> session = duckdb.connect()
    >>> rows = train(session, '''(
    ...     select customer_id, timestamp '2024-01-01' + to_months(month::integer) as as_of,
    ...         hash(customer_id, month) % 400 < customer_id as churned,
    ...         customer_id::float as days_since_order
    ...     from range(300) as c(customer_id), range(12) as m(month)
    ... )''')
    >>> sorted(rows["stage"].to_pylist())
    ['baseline', 'challenger', 'champion']
    """
    checked = TrainingSettings.from_mapping(settings)
    started = time.perf_counter()
    source = open_source(session, training_set)
    description = describe(source, checked)
    former_rows = [] if former is None else read_former(open_source(session, former), checked.task)
    find_champion(former_rows, checked.task)
    if description.last_as_of is None:
        return _no_model(
            "the training set has no rows with a known label",
            f"it needs observations whose label window of {checked.gap_days} days is over",
        )
    as_of_date = checked.as_of_date or _day(description.last_as_of, checked.gap_days)
    feature_hash = description.feature_hash(
        label=checked.label, horizon_days=checked.horizon_days, lead_days=checked.lead_days
    )
    reason = retrain_reason(
        former_rows, feature_hash=feature_hash, as_of_date=as_of_date, settings=checked
    )
    if reason is None:
        champion = find_champion(former_rows, checked.task)
        logger.info("Kept champion %s.", champion["model_id"] if champion else "")
        return registry_table([])
    logger.info("Training for the task %s, because %s.", checked.task, reason)

    with _phase("Read %d rows and %d features", description.row_count, len(description.features)):
        data = read_dataset(source, checked, description)
    data = only_mature(data, checked)
    prepared = prepare(data, checked)
    if isinstance(prepared, TooLittle):
        champion = find_champion(former_rows, checked.task)
        if champion and unfit_reason(champion, as_of_date=as_of_date, settings=checked):
            # rather no score than one that means something else
            _no_model(prepared.reason, prepared.remedy, kept="The champion is archived, " + reason)
            return registry_table([{**champion, "stage": "archived"}])
        return _no_model(prepared.reason, prepared.remedy)
    run = _Run(checked, as_of_date, feature_hash, description, prepared)
    with _one_thread():
        rows = run.rows(former_rows)
    logger.info("Training took %.1f s in all.", time.perf_counter() - started)
    return registry_table(rows)


@dataclass(frozen=True)
class _Candidate:
    """A fitted model with its file and what was measured."""

    algorithm: str
    names: tuple[str, ...]
    blob: bytes
    metrics: dict[str, dict[str, Any]]
    hyperparameters: dict[str, Any]


@dataclass(frozen=True)
class _Run:
    """A training run that has enough rows."""

    settings: TrainingSettings
    as_of_date: dt.date
    feature_hash: str
    description: Description
    prepared: Prepared

    def rows(self, former: Sequence[Row]) -> list[Row]:
        """Fit everything and return the registry rows to upsert."""
        candidates = [
            self._candidate(name, algorithm, self.prepared.usable)
            for name, algorithm in ALGORITHMS.items()
        ]
        baseline = self._baseline()
        chosen = min(candidates, key=lambda each: each.metrics["validation"]["log_loss"])
        logger.info(
            "Chose %s by log loss on validation rows: %s.",
            chosen.algorithm,
            ", ".join(
                f"{each.algorithm} {each.metrics['validation']['log_loss']:.5f}"
                for each in candidates
            ),
        )
        if baseline is not None:
            _compare_with_baseline(chosen, baseline)
        champion = find_champion(former, self.settings.task)
        promote, comparison = self._is_promoted(chosen, champion)
        if comparison:
            chosen.metrics["comparison"] = comparison
        trained_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        shared = self._shared(trained_at)
        return assign_stages(
            former,
            self._row(chosen, shared),
            [self._row(each, shared) for each in candidates if each is not chosen],
            None if baseline is None else self._row(baseline, shared),
            promote=promote,
        )

    def _candidate(self, name: str, algorithm: Algorithm, names: tuple[str, ...]) -> _Candidate:
        """Tune, fit, write and measure one algorithm."""
        seed = self.settings.seed
        training, test = self.prepared.training, self.prepared.test
        with _phase("Fitted %s on %d rows", name, len(training)):
            features = training.columns(names)
            choices: list[Tuned] = []
            outcomes: list[NDArray[np.int64]] = []
            predictions: list[NDArray[np.float64]] = []
            for fit, held_out in self.prepared.folds:
                tuned, probability = _tune(
                    algorithm, features, training.y, names, fit, held_out, seed
                )
                choices.append(tuned)
                outcomes.append(training.y[held_out])
                predictions.append(probability)
            model: FittedModel = algorithm.fit(
                Part(features, training.y, names), merge_tuned(choices), seed
            )
        header = OnnxHeader(self.settings.task, name, name.replace("_", " "), names)
        with _phase("Wrote %s as ONNX and checked it on %d rows", name, len(test)):
            blob = model.to_onnx(header)
            test_features = test.columns(names)
            # What is registered is what is measured: the file's own probabilities.
            given = predict_onnx(blob, test_features)
            gap = check_parity(name, model.predict(test_features), given)
        metrics = {
            "validation": evaluate(np.concatenate(outcomes), np.concatenate(predictions)),
            "test": evaluate(test.y, given),
            "parity": {"largest_difference": gap},
        }
        return _Candidate(name, names, blob, metrics, model.hyperparameters)

    def _baseline(self) -> _Candidate | None:
        """Fit the model of one feature, if the feature is there."""
        feature = self.settings.baseline_feature
        if feature not in self.prepared.usable:
            why = (
                "does not vary in the training rows"
                if feature in self.description.features
                else "is not in the training set"
            )
            logger.warning(
                "No baseline: its feature %s %s. Name another with baseline_feature.", feature, why
            )
            return None
        return self._candidate(BASELINE, BASELINE_ALGORITHM, (feature,))

    def _is_promoted(
        self, chosen: _Candidate, champion: Row | None
    ) -> tuple[bool, dict[str, Any] | None]:
        """Compare the chosen model with the former champion on the same test rows."""
        if champion is None:
            return True, None
        former_id, names = champion["model_id"], tuple(champion["feature_names"])
        test = self.prepared.test
        unfit = unfit_reason(champion, as_of_date=self.as_of_date, settings=self.settings)
        if unfit is not None:
            logger.warning("Champion %s is replaced: %s.", former_id, unfit)
            return True, None
        gone = [name for name in names if name not in self.description.features]
        if gone:
            logger.warning(
                "Champion %s needs the feature %s, which is gone; the new model replaces it.",
                former_id,
                gone[0],
            )
            return True, None
        given = predict_onnx(chosen.blob, test.columns(chosen.names))
        former_given = _predict_former(champion, test.columns(names))
        found = compare_losses(
            log_losses(test.y, given),
            log_losses(test.y, former_given),
            test.customer,
            seed=self.settings.seed,
        )
        logger.info(
            "%s %s against the former champion %s on the same %d test rows: log loss %+.5f "
            "[%+.5f, %+.5f], worse in %.0f %% of the replicates.",
            "Kept the champion:" if found.is_worse else "Promoted:",
            chosen.algorithm,
            former_id,
            found.row_count,
            found.difference,
            found.lower,
            found.upper,
            100 * found.share_worse,
        )
        return not found.is_worse, {"former_champion": former_id, **found.as_dict()}

    def _shared(self, trained_at: dt.datetime) -> Row:
        """Return the columns that all rows of this run share."""
        training = self.prepared.training
        return {
            "task": self.settings.task,
            "trained_at": trained_at,
            "training_from": training.as_of[0].item(),
            "training_to": training.as_of[-1].item(),
            "row_count": len(training),
            "positive_count": int(training.y.sum()),
            "feature_hash": self.feature_hash,
            "score_sql": None,
            "library_versions": to_json(library_versions()),
        }

    def _row(self, candidate: _Candidate, shared: Row) -> Row:
        """Return the registry row of a candidate, without its stage."""
        prepared, settings = self.prepared, self.settings
        split = {
            part: [str(as_of) for as_of in getattr(prepared.split, part)]
            for part in ("training", "fit", "validation", "test")
        }
        parameters = {
            "hyperparameters": candidate.hyperparameters,
            "seed": settings.seed,
            "label": settings.label,
            "definition": settings.definition,
            "horizon_days": settings.horizon_days,
            "lead_days": settings.lead_days,
            "as_of_date": self.as_of_date.isoformat(),
            "selection": prepared.selection,
            "split": {**split, "gap_days": settings.gap_days},
            "dropped_features": prepared.dropped,
            "sampled_from": self.description.row_count,
            "row_fingerprint": prepared.fingerprint,
        }
        return {
            **shared,
            "model_id": model_id(settings.task, candidate.algorithm, candidate.blob),
            "algorithm": candidate.algorithm,
            "feature_names": list(candidate.names),
            "parameters": to_json(parameters),
            "metrics": to_json(candidate.metrics),
            "onnx": candidate.blob,
            "onnx_sha256": hashlib.sha256(candidate.blob).hexdigest(),
        }


def _tune(
    algorithm: Algorithm,
    features: NDArray[np.float32],
    y: NDArray[np.int64],
    names: tuple[str, ...],
    fit: NDArray[Any],
    held_out: NDArray[Any],
    seed: int,
) -> tuple[Tuned, NDArray[np.float64]]:
    """Tune on one fold, without the columns that happen to be constant there."""
    fit_features, held_out_features = features[fit], features[held_out]
    varying = varying_columns(fit_features)
    kept = tuple(name for name, keep in zip(names, varying, strict=True) if keep)
    if not kept:
        return {}, np.full(len(held_out), y[fit].mean())
    return algorithm.tune(
        Part(fit_features[:, varying], y[fit], kept),
        Part(held_out_features[:, varying], y[held_out], kept),
        seed,
    )


def _predict_former(champion: Row, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Score rows with the former champion's file."""
    blob = champion["onnx"]
    advice = (
        f"Restore the row of {champion['model_id']} in the model registry, or set its stage to "
        "'archived' so that a new model takes its place."
    )
    if blob is None or hashlib.sha256(blob).hexdigest() != champion["onnx_sha256"]:
        raise TrainingError(
            f"The ONNX file of champion {champion['model_id']} is missing or does not match its "
            f"onnx_sha256. {advice}"
        )
    try:
        return predict_onnx(blob, features)
    except Exception as error:  # ONNX Runtime's own errors have no common base to name here
        raise TrainingError(
            f"The ONNX file of champion {champion['model_id']} cannot be run: {error}. {advice}"
        ) from error


def _compare_with_baseline(chosen: _Candidate, baseline: _Candidate) -> None:
    """Warn when the chosen model ranks no better than one feature does."""
    own, simple = chosen.metrics["test"]["auroc"], baseline.metrics["test"]["auroc"]
    if own <= simple:
        logger.warning(
            "The chosen %s does not beat the baseline: AUROC on test rows %.4f against %.4f of "
            "%s alone; do not act on its scores before you have looked at its features.",
            chosen.algorithm,
            own,
            simple,
            baseline.names[0],
        )


def _no_model(reason: str, remedy: str, kept: str = "A former champion stays as it is") -> pa.Table:
    """Say why nothing was trained, and return no rows."""
    logger.warning("No new model: %s; %s. %s.", reason, remedy, kept)
    return registry_table([])


def _day(last_as_of: np.datetime64, gap_days: int) -> dt.date:
    """Return the day on which the last label window is over."""
    end: dt.date = (last_as_of + np.timedelta64(gap_days, "D")).astype("datetime64[D]").item()
    return end


@contextmanager
def _phase(message: str, *values: object) -> Iterator[None]:
    """Log one line with the seconds that a phase took."""
    started = time.perf_counter()
    yield
    logger.info(f"{message} in %.2f s.", *values, time.perf_counter() - started)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep numerical libraries to one thread: sums over threads depend on how many there are.

    It is faster too on a busy machine, where the threads of small trees mostly wait.
    """
    # Limits reach only libraries that are loaded.
    import sklearn.ensemble
    import sklearn.linear_model  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield
