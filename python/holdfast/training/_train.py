"""One training run, from the training set to the rows of the registry."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.errors import TrainingError
from holdfast.estimators import BLEND
from holdfast.registry import (
    RegisteredModel,
    RegistryError,
    RelationName,
    Row,
    Stage,
    assign_stages,
    carry_over,
    champion_of,
    find_registry,
    read_former,
    registry_table,
)
from holdfast.run import note_training, settings_of
from holdfast.tasks import TaskSettings
from holdfast.threads import one_thread
from holdfast.training._baselines import compare_with_baselines, make_baselines
from holdfast.training._candidates import choose, make_candidates, refit
from holdfast.training._challenge import goes_on, wins
from holdfast.training._choices import check_estimator
from holdfast.training._dataset import Dataset, Description, describe, read_dataset
from holdfast.training._fallback import Fallback, first_history
from holdfast.training._prepare import (
    Prepared,
    TooLittle,
    first_model_about,
    only_mature,
    prepare,
)
from holdfast.training._promotion import retrain_reason, unfit_reason
from holdfast.training._rows import RowWriter
from holdfast.training._split import AsOfs
from holdfast.training._timing import phase
from holdfast.warehouse.relations import Source, open_source

__all__ = ["train", "update_registry"]

logger = logging.getLogger("holdfast.training")


def update_registry(
    task: str,
    session: Any,
    training_set: Any,
    registry: RelationName,
    histories: Any = None,
) -> pa.Table:
    """Train where it is due, and return the whole model registry of a task: what dbt writes.

    The registry carries itself over: every former row comes back, so that no way of running dbt
    loses a model, `--full-refresh` included.

    Parameters
    ----------
    task
        The name of the task. How it is trained stands in its declaration, the dbt var
        ``holdfast_tasks``; with ``holdfast_reset`` the former rows are dropped.
    session
        The DuckDB connection of the dbt run. It is neither closed nor changed.
    training_set
        See `train`.
    registry
        The registry's table, with ``database``, ``schema`` and ``identifier``, as ``dbt.this``
        has them; it need not exist yet.
    histories
        See `train`.

    Returns
    -------
    pyarrow.Table
        All rows of the registry, of the schema `REGISTRY_SCHEMA`.

    Raises
    ------
    RunError
        The dbt run knows no such task.
    TrainingError
        As `train`.

    Examples
    --------
    >>> def model(dbt, session):
    ...     return update_registry("return", session, dbt.ref("return_training_set"), dbt.this)
    """
    if not isinstance(task, str):
        raise TrainingError(
            "update_registry takes the name of a task first: update_registry('return', session, "
            "dbt.ref('return_training_set'), dbt.this). Its settings have moved from the yml of "
            "the model to the var `holdfast_tasks`."
        )
    settings = settings_of(task, session)
    checked = TaskSettings.from_mapping(settings)
    former = None if checked.policy.reset else find_registry(session, registry)
    rows = train(session, training_set, former, settings, histories)
    return rows if former is None else carry_over(session, former, rows)


def train(
    session: Any,
    training_set: Any,
    former: Any = None,
    settings: Mapping[str, Any] | None = None,
    histories: Any = None,
) -> pa.Table:
    """Train, choose, compare with the champion, and return the registry rows to upsert.

    Rows are split by time with a gap as long as the label looks ahead; where the history is too
    short for that, customers are held out instead. Each algorithm is tuned
    and calibrated on validation dates, rolling back in time, the one with the lowest loss there
    is chosen, and all are fitted on the training dates and measured on the test dates, which none
    of them has seen. The chosen one becomes champion when it is no worse than the former; it is
    then fitted again on all rows, and the twin that was measured stays in the registry.

    Parameters
    ----------
    session
        DuckDB connection. It is neither closed nor changed. None where all that is given are Ibis
        tables, of PySpark for instance.
    training_set
        DuckDB relation, quoted name of a table, or Ibis table, with ``customer_id``, ``as_of``,
        the label (boolean, or for regression numeric), and numeric or boolean features. Rows
        without a label are left out.
    former
        The model registry so far, likewise; None at the first build.
    settings
        See `holdfast.tasks.TaskSettings.from_mapping`.
    histories
        The features of the task at all observation dates, that of scoring among them, likewise:
        what a fallback is made of. None for no fallback, whatever the settings say.

    Returns
    -------
    pyarrow.Table
        Rows to upsert by ``model_id``: the new models, and former ones whose stage changes. With
        too little history for a model those of a fallback, where the settings ask for one. No
        rows when what scores is kept, or when there is nothing to make one of; the log says which.

    Raises
    ------
    TrainingError
        A setting or the registry must be put right first; without a champion that can go on
        scoring also when a column must be, or when a model cannot be fitted or exported. With
        one, that is logged as an error, and no rows are returned.

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
    >>> sorted(set(rows["stage"].to_pylist()))
    ['baseline', 'challenger', 'champion', 'evaluated']
    """
    checked = TaskSettings.from_mapping(settings)
    task = checked.task.name
    check_estimator(checked.task, checked.recipe)
    source = open_source(session, training_set)
    models = [] if former is None else _former(open_source(session, former), task)
    champion = champion_of(models, task)
    try:
        return _train(source, models, checked, _histories(session, histories, checked))
    except Exception as error:
        if champion is None or not goes_on(champion, checked):
            raise
        # Scores of a sound model must not stop because a new one cannot be made.
        note_training(task, f"training failed, so it goes on scoring: {error}")
        logger.error(
            "Training failed, and champion %s goes on scoring. %s",
            champion.model_id,
            error if isinstance(error, TrainingError) else f"{type(error).__name__}: {error}",
            exc_info=None if isinstance(error, TrainingError) else error,
        )
        return registry_table([])


def _former(source: Source, task: str) -> list[RegisteredModel]:
    """Read the former models of a task; what is wrong with them is put right before training."""
    try:
        models = read_former(source, task)
        champion_of(models, task)
    except RegistryError as error:
        raise TrainingError(str(error)) from None
    return models


def _histories(session: Any, histories: Any, checked: TaskSettings) -> Source | None:
    """Open what a fallback is made of, where one is asked for and can be."""
    asked = checked.policy.fallback != "none" and checked.task.fits_bgnbd
    return open_source(session, histories) if asked and histories is not None else None


def _train(
    source: Source,
    former: Sequence[RegisteredModel],
    checked: TaskSettings,
    histories: Source | None,
) -> pa.Table:
    """Train where it is due, and return the registry rows to upsert."""
    started = time.perf_counter()
    task, recipe = checked.task, checked.recipe
    description = describe(source, task, recipe)
    if description.last_as_of is None:
        first = None if histories is None else first_history(histories)
        when = "" if first is None else f": {first_model_about(first, task, checked.policy)}"
        found = TooLittle(
            f"the training set has no rows with a known label{when}",
            f"it needs observations whose label window of {task.gap_days} days is over, with "
            "orders known before them; where `loaded_at` was written anew, the test "
            "orders_are_loaded_in_time says how to leave it out",
        )
        return _without_model(found, former, checked, histories, description)
    as_of_date = checked.policy.as_of_date or _day(description.last_as_of, task.gap_days)
    feature_hash = description.feature_hash(task, recipe)
    reason = retrain_reason(
        former, feature_hash=feature_hash, as_of_date=as_of_date, settings=checked
    )
    if reason is None:
        champion = champion_of(former, task.name)
        logger.info("Kept champion %s.", champion.model_id if champion else "")
        days = checked.policy.retrain_after_days
        note_training(
            task.name, f"not trained: less than {days} days old, and its features are the same"
        )
        return registry_table([])
    logger.info("Training for the task %s, because %s.", task.name, reason)

    with phase("Read %d rows and %d features") as read:
        data = read_dataset(source, task, recipe, description)
        read += [len(data), len(data.names)]
    data = only_mature(data, task, checked.policy)
    prepared = prepare(data, task, recipe, checked.policy)
    if isinstance(prepared, TooLittle):
        return _without_model(prepared, former, checked, histories, description, data)
    # limits reach only libraries that are loaded
    import sklearn.ensemble
    import sklearn.linear_model  # noqa: F401

    with one_thread():
        rows = _run(
            prepared,
            former,
            description,
            checked,
            as_of_date=as_of_date,
            feature_hash=feature_hash,
        )
    logger.info("Training took %.1f s in all.", time.perf_counter() - started)
    won = any(row["stage"] == Stage.CHAMPION for row in rows)
    told = "" if won else "; the champion did better"
    if prepared.split.customers_below is not None:
        told += "; tested on other customers, as there are no later dates to test on yet"
    note_training(task.name, f"trained, because {reason}{told}")
    return registry_table(rows)


def _run(
    prepared: Prepared,
    former: Sequence[RegisteredModel],
    description: Description,
    settings: TaskSettings,
    *,
    as_of_date: dt.date,
    feature_hash: str,
) -> list[Row]:
    """Fit everything, and return the registry rows to upsert."""
    below = prepared.split.customers_below
    logger.info(
        "Learning from %d dates (%s to %s), testing on %d (%s to %s)%s.",
        *_told(prepared.split.training),
        *_told(prepared.split.test),
        "" if below is None else ", on other customers",
    )
    candidates = make_candidates(prepared, settings.task, settings.recipe)
    # what did best at one time may have had luck, and a blend does well at most times
    blends = [each for each in candidates if each.algorithm == BLEND]
    chosen = choose(blends if blends and not prepared.tells_models_apart else candidates)
    baselines = make_baselines(prepared, settings.task, settings.recipe)
    compare_with_baselines(chosen, baselines, settings.task.name)
    promote, comparison = wins(
        chosen,
        former,
        prepared.test,
        description,
        as_of_date=as_of_date,
        settings=settings,
        on_later_dates=prepared.split.customers_below is None,
    )
    if comparison:
        chosen.metrics["comparison"] = comparison
    trained_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    writer = RowWriter(
        settings, as_of_date, feature_hash, prepared, trained_at, description.row_count
    )
    twin, chosen_row = None, writer.row(chosen)
    if promote:
        twin = chosen_row
        chosen_row = writer.refitted_row(
            refit(chosen, prepared, settings.task.name, settings.recipe.seed), twin
        )
    return assign_stages(
        former,
        chosen_row,
        [writer.row(each) for each in candidates if each is not chosen],
        [writer.row(each) for each in baselines],
        twin=twin,
        promote=promote,
    )


def _told(dates: AsOfs) -> tuple[int, str, str]:
    """Give the number of dates, the first and the last."""
    first, last = (str(date)[:10] for date in (dates[0], dates[-1]))
    return len(dates), first, last


def _without_model(
    found: TooLittle,
    former: Sequence[RegisteredModel],
    checked: TaskSettings,
    histories: Source | None,
    description: Description,
    data: Dataset | None = None,
) -> pa.Table:
    """Say why nothing was trained; what scores instead is the champion, or a fallback."""
    champion = champion_of(former, checked.task.name)
    as_of_date = checked.policy.as_of_date
    if as_of_date is None:
        as_of_date = _day(description.last_as_of, checked.task.gap_days) if data else dt.date.max
    unfit = champion and unfit_reason(champion, as_of_date=as_of_date, settings=checked)
    then, rows = "", []
    if champion and unfit:
        # rather no score than one that means something else
        then = f" The champion {champion.model_id} is archived: {unfit}."
        rows.append(champion.staged(Stage.ARCHIVED))
    elif champion:
        then = f" The champion {champion.model_id} was not changed."
    note_training(checked.task.name, f"not trained: {found.reason}")
    level = logging.INFO if checked.policy.optional else logging.WARNING
    logger.log(level, "No new model: %s; %s.%s", found.reason, found.remedy, then)
    if histories is not None and (champion is None or unfit):
        fallback = Fallback(histories, data, description, checked)
        rows += fallback.rows(former, found.reason)
    return registry_table(rows)


def _day(last_as_of: np.datetime64 | None, gap_days: int) -> dt.date:
    """Return the day on which the last label window is over."""
    assert last_as_of is not None  # there are rows
    end: dt.date = (last_as_of + np.timedelta64(gap_days, "D")).astype("datetime64[D]").item()
    return end
