"""What scores while nothing can be trained: a BG/NBD of what customers have bought so far.

It needs no label: it is fitted on the purchases themselves, of a few weeks if need be. So it can be
tested on every label there is, as it would have been on that day.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Sequence
from dataclasses import replace

import ibis
import numpy as np

from holdfast.errors import TrainingError
from holdfast.estimators import BGNBD_FEATURES, BgNbdModel, fit_bgnbd_model, has_histories
from holdfast.registry import LABEL_PARAMETERS, RegisteredModel, Row, Stage
from holdfast.tasks import TaskSettings
from holdfast.training._candidates import Candidate, checked_file, written
from holdfast.training._dataset import Dataset, Description, read_dataset
from holdfast.training._prepare import Prepared, thinned
from holdfast.training._rows import RowWriter
from holdfast.training._split import AsOfs, TimeSplit
from holdfast.warehouse.relations import Source

__all__ = ["FALLBACK", "Fallback", "first_history"]

FALLBACK = "bg_nbd_fallback"

logger = logging.getLogger("holdfast.training")

# A young shop changes from week to week, but a new row of the registry a day would be too many.
_REFIT_AFTER_DAYS = 7
_MOST_TEST_DATES = 3


class Fallback:
    """The fallback of a task, made of its customers' histories.

    Parameters
    ----------
    histories
        The table of the task's features, of all observation dates with that of scoring among them.
    labelled
        The rows with a known label; None where there are none.
    description
        The training set.
    settings
        Of the task.
    """

    def __init__(
        self,
        histories: Source,
        labelled: Dataset | None,
        description: Description,
        settings: TaskSettings,
    ) -> None:
        self._histories = histories
        self._labelled = labelled
        self._description = description
        self._settings = settings

    def rows(self, former: Sequence[RegisteredModel], missing: str) -> list[Row]:
        """Give the registry rows to upsert; none where the former one goes on, or none can be made.

        Parameters
        ----------
        former
            The registered models of the task.
        missing
            What is missing for a model, in words; it is noted.

        Returns
        -------
        list of rows
            The fallback, the twin that was tested for it, and former ones, which are archived.
        """
        task, until = self._settings.task, self._settings.policy.as_of_date
        moment = _last_as_of(self._histories, until)
        if moment is None:
            logger.warning("No fallback: there are no customers to score.")
            return []
        present = next((model for model in former if model.stage == Stage.FALLBACK), None)
        feature_hash = self._description.feature_hash(task, self._settings.recipe)
        age = None if present is None else self._age(present, moment)
        if present is not None and age is not None and age < _REFIT_AFTER_DAYS:
            logger.info("Kept the fallback %s.", present.model_id)
            return []
        leaving = [model for model in former if model.stage in (Stage.FALLBACK, Stage.EVALUATED)]
        try:
            made = self._made(moment, feature_hash, missing)
        except TrainingError as error:
            if present is not None and age is not None:
                logger.warning("The fallback %s was not changed: %s", present.model_id, error)
                return []
            logger.warning("No fallback: %s", error)
            made = []
        new = {row["model_id"] for row in made}
        gone = [model.staged(Stage.ARCHIVED) for model in leaving if model.model_id not in new]
        # the same twin again: its predictions were made and kept, and its row says on which dates
        kept = {model.model_id for model in leaving}
        return [*(row for row in made if row["model_id"] not in kept), *gone]

    def _age(self, present: RegisteredModel, moment: np.datetime64) -> float | None:
        """Give the days since the fallback was fitted; None where it must not go on at all."""
        task, fitted_at = self._settings.task, present.training_to
        if any(present.parameters.get(name) != getattr(task, name) for name in LABEL_PARAMETERS):
            return None
        if fitted_at is None or np.datetime64(fitted_at) > moment:
            # it would know what has not happened yet
            return None
        if self._settings.policy.retrain:
            return float("inf")
        return float((moment - np.datetime64(fitted_at)) / np.timedelta64(1, "D"))

    def _made(self, moment: np.datetime64, feature_hash: str, missing: str) -> list[Row]:
        """Fit the fallback on all that is known, and a twin on what was known before the labels."""
        settings = self._settings
        histories = self._read(moment)
        model = _fit(histories, settings)
        split = _split(histories, histories.as_of[:0])
        nothing = histories.rows(np.arange(0))
        writer = RowWriter(
            settings,
            moment.astype("datetime64[D]").item(),
            feature_hash,
            _prepared(split, histories, histories, nothing),
            dt.datetime.now(dt.UTC).replace(tzinfo=None),
            len(histories),
            {"missing": missing},
        )
        some = histories.rows(thinned(np.arange(len(histories)), 1000))
        blob, gap = checked_file(model, FALLBACK, BGNBD_FEATURES, some, settings.task.name)
        whole = Candidate(
            FALLBACK,
            BGNBD_FEATURES,
            blob,
            {"parity": {"largest_difference": gap}},
            model.hyperparameters,
            is_explained=False,
        )
        twin = self._twin(writer)
        made = writer.row(whole) if twin is None else writer.refitted_row(whole, twin)
        rows = [_staged(made, Stage.FALLBACK)]
        if twin is not None and twin["model_id"] != made["model_id"]:
            rows.append(_staged(twin, Stage.EVALUATED))
        tested = {} if twin is None else json.loads(twin["metrics"])["test"]
        if tested and tested["auroc"] <= 0.5:
            logger.warning(
                "DO NOT ACT ON THE SCORES YET: the fallback %s ranks no better than chance (AUROC "
                "%.2f on %d rows).",
                made["model_id"],
                tested["auroc"],
                tested["row_count"],
            )
        logger.info(
            "The fallback %s scores meanwhile; it was fitted on what %d customers bought%s.",
            made["model_id"],
            len(histories),
            " and could not be tested yet" if twin is None else "",
        )
        return rows

    def _twin(self, writer: RowWriter) -> Row | None:
        """Fit one as on the first of the latest dates with labels, and test it on those."""
        labelled = self._labelled
        if labelled is None or not has_histories(labelled.names):
            return None
        dates = np.unique(labelled.as_of)
        for count in range(min(_MOST_TEST_DATES, len(dates)), 0, -1):
            tested = dates[-count:]
            test = labelled.rows(np.isin(labelled.as_of, tested))
            if len(np.unique(test.y)) < 2:
                continue
            try:
                known = self._read(tested[0])
                model = _fit(known, self._settings)
            except TrainingError as error:
                logger.info("The fallback is not tested from %s on: %s", tested[0], error)
                continue
            candidate = written(
                model,
                FALLBACK,
                BGNBD_FEATURES,
                test,
                self._settings.task.name,
                None,
                model.hyperparameters,
            )
            own = replace(writer, prepared=_prepared(_split(known, tested), known, known, test))
            return own.row(replace(candidate, is_explained=False))
        return None

    def _read(self, moment: np.datetime64) -> Dataset:
        """Read the latest row that each customer had at a moment; its label is none, and 0."""
        task, recipe = self._settings.task, self._settings.recipe
        table = _until(self._histories.table, moment)
        columns = table.select("customer_id", "as_of", *BGNBD_FEATURES)
        last = columns.mutate(last=columns["as_of"].max().over(ibis.window(group_by="customer_id")))
        latest = last.filter(last["as_of"] == last["last"]).drop("last")
        rows = Source(latest.mutate(**{task.label: ibis.literal(0)}), self._histories.query)
        (counted,) = rows.rows(rows.table.aggregate(row_count=rows.table.count()))
        described = Description(
            dict.fromkeys(BGNBD_FEATURES, "float64"), int(counted["row_count"]), moment
        )
        # one row per customer: a sample of rows would lose what some of them did last
        return read_dataset(rows, task, replace(recipe, max_rows=2**31), described)


def first_history(histories: Source) -> np.datetime64 | None:
    """Give the first observation date that there is."""
    table = histories.table
    ((first,),) = (row.values() for row in histories.rows(table.aggregate(x=table["as_of"].min())))
    return None if first is None else np.datetime64(first, "us")


def _fit(histories: Dataset, settings: TaskSettings) -> BgNbdModel:
    """Fit on what customers bought; who has no history gets the mean probability of the others."""
    features = histories.columns(BGNBD_FEATURES)
    repeaters, least = int((features[:, 0] >= 2).sum()), settings.policy.min_events
    if repeaters < least:
        raise TrainingError(
            f"{repeaters} of {least} customers have ordered twice, and from fewer nothing can be "
            "said of how often customers buy. A longer history, or a lower `holdfast_min_events`, "
            "would help."
        )
    model = fit_bgnbd_model(
        features,
        histories.y,
        BGNBD_FEATURES,
        as_of=histories.as_of,
        customer=histories.customer,
        horizon_days=settings.task.horizon_days,
    )
    mean = float(np.clip(model.predict(features).mean(), 1e-6, 1.0 - 1e-6))
    return replace(model, base_rate=mean)


def _split(histories: Dataset, tested: AsOfs) -> TimeSplit:
    """Give the dates: nothing is chosen on any of them, so none is for validation."""
    dates = np.unique(histories.as_of)
    return TimeSplit(training=dates, fit=dates[:0], validation=dates[:0], test=tested)


def _prepared(split: TimeSplit, mature: Dataset, training: Dataset, test: Dataset) -> Prepared:
    """Give rows by part, in the form in which a training has them."""
    return Prepared(
        split, "none", mature, training, test, [], BGNBD_FEATURES, {}, training.fingerprint()
    )


def _staged(row: Row, stage: Stage) -> Row:
    """Give a row its stage; nothing was learned from events."""
    return {**row, "stage": stage.value, "positive_count": None}


def _until(table: ibis.Table, moment: np.datetime64) -> ibis.Table:
    """Give the rows up to a moment."""
    return table.filter(table["as_of"] <= ibis.literal(moment.astype("datetime64[us]").item()))


def _last_as_of(histories: Source, until: dt.date | None) -> np.datetime64 | None:
    """Give the latest observation, no later than the as-of date."""
    table = histories.table
    if until is not None:
        table = _until(table, np.datetime64(until, "us"))
    ((last,),) = (row.values() for row in histories.rows(table.aggregate(x=table["as_of"].max())))
    return None if last is None else np.datetime64(last, "us")
