"""The stages of models and their rules: who is champion, who stands for whom, who must not score.

All that knows a stage by its name asks here; `models/registry/holdfast__model_registry.yml` lists
the same names for dbt.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from holdfast.registry._errors import RegistryError
from holdfast.registry._model import RegisteredModel
from holdfast.registry._rows import Row

__all__ = [
    "COMPARED_STAGES",
    "LABEL_PARAMETERS",
    "Stage",
    "assign_stages",
    "champion_of",
    "check_promotable",
    "measured_model",
    "stages_after_promotion",
    "twin_of",
]

# what a label is; a champion that predicts another one would be replaced by the next build
LABEL_PARAMETERS = ("label", "target", "definition", "horizon_days", "lead_days")


class Stage(StrEnum):
    """The stages of a model, in the order in which they are listed.

    Attributes
    ----------
    CHAMPION
        It scores; a task has one at most.
    CHALLENGER
        It lost against the champion, or stepped down and is the latest training all the same.
    EVALUATED
        The champion's twin, fitted without the test months: its figures are the champion's, and
        the next challenger is compared with it. It must not score.
    BASELINE
        A simple rule, there to be beaten.
    FALLBACK
        It scores while the task has no champion, because nothing can be trained yet.
    ARCHIVED
        A former one.
    """

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    EVALUATED = "evaluated"
    BASELINE = "baseline"
    FALLBACK = "fallback"
    ARCHIVED = "archived"


# whose figures are shown beside each other; those of an evaluated twin are shown as its champion's
COMPARED_STAGES = (Stage.CHAMPION, Stage.CHALLENGER, Stage.BASELINE, Stage.FALLBACK)


def champion_of(models: Sequence[RegisteredModel], task: str) -> RegisteredModel | None:
    """Give the champion of a task; two are refused, for nobody could say which one scores.

    Parameters
    ----------
    models
        Models of any task and stage.
    task
        The task.

    Returns
    -------
    RegisteredModel or None
        None where the task has no champion.

    Raises
    ------
    RegistryError
        If the task has two champions or more.

    Examples
    --------
    >>> champion_of([], "churn") is None
    True
    """
    champions = [model for model in models if model.task == task and model.stage == Stage.CHAMPION]
    if len(champions) > 1:
        ids = " and ".join(model.model_id for model in champions)
        raise RegistryError(
            f"the task '{task}' has {len(champions)} champions: {ids}; set the stage of all but "
            "one to 'archived'"
        )
    return champions[0] if champions else None


def twin_of(model: RegisteredModel, models: Sequence[RegisteredModel]) -> RegisteredModel | None:
    """Give the twin that was tested for a model; None where it has none, or that is gone.

    Parameters
    ----------
    model
        The model.
    models
        The models among which to look.

    Returns
    -------
    RegisteredModel or None
    """
    if not model.has_twin:
        return None
    return next((other for other in models if other.model_id == model.evaluated_as), None)


def measured_model(model: RegisteredModel, models: Sequence[RegisteredModel]) -> RegisteredModel:
    """Give the model whose test stands for this one: its twin, or itself."""
    return twin_of(model, models) or model


def assign_stages(
    former: Sequence[RegisteredModel],
    chosen: Row,
    others: Sequence[Row],
    baselines: Sequence[Row],
    *,
    twin: Row | None = None,
    promote: bool,
) -> list[Row]:
    """Return the rows that a training upserts, each with its stage.

    Parameters
    ----------
    former
        The registered models of the task, at most one of them champion.
    chosen, others, baselines
        The new rows; their stage is set here.
    twin
        What was evaluated in the place of the chosen one, if that was fitted again on all rows.
    promote
        Whether the chosen one becomes champion. It does anyway when nobody else is.

    Returns
    -------
    list of rows
        With distinct ids. Upserted into `former`, they leave exactly one champion; earlier
        challengers, baselines that new ones replace, and the twin of a champion that steps down
        are archived.
    """
    champion = next((model for model in former if model.stage == Stage.CHAMPION), None)
    if champion is None or champion.model_id == chosen["model_id"]:
        promote = True
    new: dict[str, Row] = {}
    for row in others:
        new[row["model_id"]] = _staged(row, Stage.CHALLENGER)
    if twin is not None:
        new[twin["model_id"]] = _staged(twin, Stage.EVALUATED)
    new[chosen["model_id"]] = _staged(chosen, Stage.CHAMPION if promote else Stage.CHALLENGER)
    for row in baselines:
        new[row["model_id"]] = _staged(row, Stage.BASELINE)
    if champion is not None and not promote:
        # The same model trained again must not take its own crown off, nor its twin's place.
        for model in former:
            if model.stage in (Stage.CHAMPION, Stage.EVALUATED):
                new.pop(model.model_id, None)

    trained_at = {model.model_id: model.trained_at for model in former}
    rows = [
        {**row, "trained_at": trained_at.get(key) or row["trained_at"]} for key, row in new.items()
    ]
    leaving = {Stage.CHALLENGER, Stage.FALLBACK}
    if promote:
        leaving |= {Stage.CHAMPION, Stage.EVALUATED}
    if baselines:
        leaving.add(Stage.BASELINE)
    rows.extend(
        model.staged(Stage.ARCHIVED)
        for model in former
        if model.stage in leaving and model.model_id not in new
    )
    return rows


def stages_after_promotion(
    model: RegisteredModel, former: RegisteredModel | None
) -> dict[str, Stage]:
    """Give the stages that change when a model becomes champion by somebody's decision.

    Parameters
    ----------
    model
        The new champion.
    former
        The one before.

    Returns
    -------
    dict
        The stage of each model that gets another one, by id.
    """
    stages = {model.model_id: Stage.CHAMPION}
    if former is not None:
        stages[former.model_id] = _stage_of_former(former, model)
        if former.has_twin:
            stages[former.evaluated_as] = Stage.ARCHIVED
    if model.has_twin:
        # the next training compares with the champion's twin
        stages[model.evaluated_as] = Stage.EVALUATED
    return stages


def check_promotable(
    model: RegisteredModel, models: Sequence[RegisteredModel], former: RegisteredModel | None
) -> None:
    """Refuse a model that its stage, its kind or its label keeps from being champion.

    Parameters
    ----------
    model
        The model that is to become champion.
    models
        All models.
    former
        The present champion of its task.

    Raises
    ------
    RegistryError
        If it is champion already, a baseline, a fallback, a champion's twin, or predicts something
        else than the champion.
    """
    if model.stage == Stage.CHAMPION:
        raise RegistryError(f"the model {model.model_id} is champion already")
    if model.stage == Stage.BASELINE:
        raise RegistryError(
            f"the model {model.model_id} is the baseline {model.algorithm}, there to be beaten; "
            "promote another"
        )
    if model.stage == Stage.FALLBACK:
        raise RegistryError(
            f"the model {model.model_id} is the fallback, which scores while nothing can be "
            "trained; it gives way to the first model that is"
        )
    wholes = {other.evaluated_as: other for other in models if other.has_twin}
    if model.stage == Stage.EVALUATED or model.model_id in wholes:
        whole = wholes.get(model.model_id)
        advice = f"promote {whole.model_id} instead" if whole else "promote another"
        raise RegistryError(
            f"the model {model.model_id} was fitted without the test months, to measure a model "
            f"that is fitted on all of them; {advice}"
        )
    if former is None:
        return
    for name in LABEL_PARAMETERS:
        own, present = model.parameters.get(name), former.parameters.get(name)
        # what an older version did not note, it did not differ in
        if own != present and own is not None and present is not None:
            raise RegistryError(
                f"the model {model.model_id} was trained for {name} {own}, the champion for "
                f"{present}: it predicts something else, and the next build would replace it"
            )


def _staged(row: Row, stage: Stage) -> Row:
    """Give a row with its stage."""
    return {**row, "stage": stage.value}


def _stage_of_former(former: RegisteredModel, champion: RegisteredModel) -> Stage:
    """Keep the latest training in sight of the next build, so that it does not train at once."""
    trained = [str(model.parameters.get("as_of_date") or "") for model in (former, champion)]
    is_latest = trained[0] > trained[1] or former.feature_hash != champion.feature_hash
    return Stage.CHALLENGER if is_latest else Stage.ARCHIVED
