"""Whether a new model takes the champion's place: both on the same rows."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.contract import ModelError, ModelFile, check_row, predict_onnx
from holdfast.errors import TrainingError
from holdfast.registry import RegisteredModel, champion_of, measured_model
from holdfast.tasks import TaskSettings
from holdfast.training._candidates import Candidate
from holdfast.training._dataset import Dataset, Description
from holdfast.training._promotion import compare_losses, unfit_reason

__all__ = ["goes_on", "wins"]

logger = logging.getLogger("holdfast.training")


def wins(
    chosen: Candidate,
    former: Sequence[RegisteredModel],
    test: Dataset,
    description: Description,
    *,
    as_of_date: dt.date,
    settings: TaskSettings,
    on_later_dates: bool = True,
) -> tuple[bool, dict[str, Any] | None]:
    """Tell whether the chosen model becomes champion, with what was compared, and say why."""
    champion = champion_of(former, settings.task.name)
    if champion is None:
        return True, None
    former_id = champion.model_id
    unfit = unfit_reason(champion, as_of_date=as_of_date, settings=settings)
    if unfit is not None:
        logger.warning("Champion %s is replaced: %s.", former_id, unfit)
        return True, None
    gone = [name for name in champion.feature_names if name not in description.features]
    if gone:
        logger.warning(
            "Champion %s needs the feature %s, which no longer exists; the new model replaces it.",
            former_id,
            gone[0],
        )
        return True, None
    rival = _honest_rival(champion, former, test, settings.task.gap_days)
    if on_later_dates and rival.parameters.get("split", {}).get("customers_below"):
        # its twin has learned from all dates that there were, those tested on now among them
        logger.info(
            "Promoted: %s. It is tested on later dates, and the former champion %s was on other "
            "customers only.",
            chosen.algorithm,
            former_id,
        )
        return True, None
    rival_blob = _checked_file(rival)
    if rival_blob == chosen.blob:
        # the same model again: its row stays as it is
        logger.info("Training gave the champion %s again.", former_id)
        return True, None
    given = predict_onnx(chosen.blob, test.columns(chosen.names))
    former_given = _predict_former(rival, rival_blob, test.columns(rival.feature_names))
    found = compare_losses(
        test.target.losses(test.y, given),
        test.target.losses(test.y, former_given),
        test.customer,
        seed=settings.recipe.seed,
    )
    logger.info(
        "%s %s against the former champion %s on the same %d test rows: %s %+.5f "
        "[%+.5f, %+.5f], worse in %.0f %% of the replicates.",
        "Kept the champion:" if found.is_worse else "Promoted:",
        chosen.algorithm,
        rival.model_id,
        found.row_count,
        test.target.loss,
        found.difference,
        found.lower,
        found.upper,
        100 * found.share_worse,
    )
    compared = {test.target.compared_by: found.difference, **found.as_dict()}
    return not found.is_worse, {"former_champion": former_id, **compared}


def _honest_rival(
    champion: RegisteredModel, former: Sequence[RegisteredModel], test: Dataset, gap_days: int
) -> RegisteredModel:
    """Give the champion, or its twin where the champion has learned from the test rows' dates."""
    learned_to, gap = champion.training_to, np.timedelta64(gap_days, "D")
    if learned_to is None or np.datetime64(learned_to) + gap <= test.as_of[0]:
        return champion
    return measured_model(champion, former)


def goes_on(champion: RegisteredModel, settings: TaskSettings) -> bool:
    """Tell whether a champion may score although no new model could be made."""
    as_of_date = settings.policy.as_of_date or dt.date.max
    if unfit_reason(champion, as_of_date=as_of_date, settings=settings) is not None:
        return False
    nothing_known = np.full((1, len(champion.feature_names)), np.nan, np.float32)
    try:
        _predict_former(champion, _checked_file(champion), nothing_known)
    except TrainingError:
        return False
    return True


def _checked_file(champion: RegisteredModel) -> bytes:
    """Give the former champion's file, which must be the one that its row describes."""
    blob = champion.onnx
    if blob is None or hashlib.sha256(blob).hexdigest() != champion.onnx_sha256:
        raise TrainingError(
            f"The ONNX file of champion {champion.model_id} is missing or does not match its "
            f"onnx_sha256. {_advice(champion)}"
        )
    try:
        check_row(ModelFile.from_bytes(blob), champion.row)
    except ModelError as error:
        raise TrainingError(
            f"The ONNX file of champion {champion.model_id} cannot be run: {error}"
        ) from error
    return blob


def _predict_former(
    champion: RegisteredModel, blob: bytes, features: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Score rows with the former champion's file."""
    try:
        return predict_onnx(blob, features)
    except Exception as error:  # ONNX Runtime's own errors have no common base to name here
        raise TrainingError(
            f"The ONNX file of champion {champion.model_id} cannot be run: {error}. "
            f"{_advice(champion)}"
        ) from error


def _advice(champion: RegisteredModel) -> str:
    """Say what to do about a champion that cannot be run."""
    return (
        f"Restore the row of {champion.model_id} in the model registry, or set its stage to "
        "'archived' so that a new model takes its place."
    )
