"""When to train again, and which model is the champion afterwards. Pure functions over rows."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from holdfast.training._errors import TrainingError
from holdfast.training._registry import Row
from holdfast.training._settings import TrainingSettings

__all__ = ["assign_stages", "find_champion", "no_worse", "retrain_reason", "unfit_reason"]

_LOSS_TOLERANCE = 1e-9


def find_champion(former: Sequence[Row], task: str) -> Row | None:
    """Return the champion among the registry rows of a task.

    Raises
    ------
    TrainingError
        There are two or more.
    """
    champions = [row for row in former if row["stage"] == "champion"]
    if len(champions) > 1:
        ids = " and ".join(row["model_id"] for row in champions)
        raise TrainingError(
            f"The model registry has {len(champions)} champions for the task {task!r}: {ids}. "
            "Set the stage of all but one to 'archived'."
        )
    return champions[0] if champions else None


def unfit_reason(champion: Row, *, as_of_date: dt.date, settings: TrainingSettings) -> str | None:
    """Say why a champion must not score this build, however good it is, or return None.

    It predicts something else when the label was defined otherwise, and it knows the future when
    its labels were not all over on the as-of date.
    """
    parameters = json.loads(champion["parameters"] or "{}")
    for name in ("label", "definition", "horizon_days", "lead_days"):
        was, wanted = parameters.get(name), getattr(settings, name)
        if was is not None and was != wanted:
            return f"it was trained for {name} {was}, and now {name} is {wanted}"
    last_as_of = champion.get("training_to")
    if last_as_of is None:
        return None
    known_until = last_as_of + dt.timedelta(days=settings.gap_days)
    if known_until > dt.datetime.combine(as_of_date, dt.time()):
        return f"it learned from labels up to {known_until:%Y-%m-%d}, after the as-of date"
    return None


def retrain_reason(
    former: Sequence[Row], *, feature_hash: str, as_of_date: dt.date, settings: TrainingSettings
) -> str | None:
    """Say in a few words why to train now, or return None to keep the champion.

    A challenger that lost on the same features counts as the last training: otherwise every
    build after a lost challenge would train again, and lose again.
    """
    champion = find_champion(former, settings.task)
    if champion is None:
        return "there is no champion"
    unfit = unfit_reason(champion, as_of_date=as_of_date, settings=settings)
    if unfit is not None:
        return f"the champion {champion['model_id']} cannot score: {unfit}"
    if settings.retrain:
        return "retrain is set"
    rivals = [
        row
        for row in former
        if row["stage"] in ("champion", "challenger") and row["feature_hash"] == feature_hash
    ]
    if not rivals:
        return "the features or the label changed"
    dates = [date for row in rivals if (date := _trained_on(row)) is not None]
    if not dates:
        return "the champion does not say when it was trained"
    age = (as_of_date - max(dates)).days
    if age >= settings.retrain_after_days:
        return f"the last training is {age} days old"
    return None


def no_worse(loss: float, former_loss: float) -> bool:
    """Tell whether a log loss is no worse than the former champion's, up to rounding."""
    return loss <= former_loss + _LOSS_TOLERANCE


def assign_stages(
    former: Sequence[Row],
    chosen: Row,
    others: Sequence[Row],
    baseline: Row | None,
    *,
    promote: bool,
) -> list[Row]:
    """Return the rows to upsert, each with its stage.

    Parameters
    ----------
    former
        Registry rows of the task, at most one of them champion.
    chosen, others, baseline
        The new rows; their stage is set here.
    promote
        Whether the chosen one becomes champion. It does anyway when nobody else is.

    Returns
    -------
    list of rows
        With distinct ids. Upserted into `former`, they leave exactly one champion; earlier
        challengers, and an earlier baseline that a new one replaces, are archived.
    """
    champion = next((row for row in former if row["stage"] == "champion"), None)
    if champion is None or champion["model_id"] == chosen["model_id"]:
        promote = True
    new: dict[str, Row] = {}
    for row in others:
        new[row["model_id"]] = {**row, "stage": "challenger"}
    new[chosen["model_id"]] = {**chosen, "stage": "champion" if promote else "challenger"}
    if baseline is not None:
        new[baseline["model_id"]] = {**baseline, "stage": "baseline"}
    if champion is not None and not promote:
        # The same model trained again must not take its own crown off.
        new.pop(champion["model_id"], None)

    trained_at = {row["model_id"]: row["trained_at"] for row in former}
    rows = [
        {**row, "trained_at": trained_at.get(key) or row["trained_at"]} for key, row in new.items()
    ]
    leaving = {"challenger"}
    if promote:
        leaving.add("champion")
    if baseline is not None:
        leaving.add("baseline")
    rows.extend(
        {**row, "stage": "archived"}
        for row in former
        if row["stage"] in leaving and row["model_id"] not in new
    )
    return rows


def _trained_on(row: Row) -> dt.date | None:
    """Read the as_of_date of a model out of its parameters."""
    try:
        return dt.date.fromisoformat(json.loads(row["parameters"])["as_of_date"])
    except (KeyError, TypeError, ValueError):
        return None
