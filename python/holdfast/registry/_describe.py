"""Models told on a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence

from holdfast import terminal
from holdfast.registry._changes import Change
from holdfast.registry._model import TWIN_PARAMETER, Figure, RegisteredModel
from holdfast.registry._stages import Stage

__all__ = ["describe_change", "describe_model", "describe_models"]


def describe_models(models: Sequence[RegisteredModel]) -> str:
    """Tell the models of a project in a table.

    Parameters
    ----------
    models
        As `list_models` gives them.

    Returns
    -------
    str
        A line per model with its stage, algorithm, training time, and AUROC and log loss on the
        test dates, or root mean squared error, R² and Gini where a task predicts a number.

    Examples
    --------
    >>> describe_models([])
    'No model yet: `dbt build` trains one as soon as there is enough history.'
    """
    if not models:
        return "No model yet: `dbt build` trains one as soon as there is enough history."
    words = {model.word for model in models}
    shown = {"AUROC": "auroc", "log loss": "log_loss"} if "probability" in words else {}
    if "value" in words:
        shown |= {"RMSE": "rmse", "R2": "r2", "Gini": "gini"}
    rows = [("model", "task", "stage", "algorithm", "trained at (UTC)", *shown)]
    rows += [
        (
            model.model_id,
            model.task,
            model.stage,
            model.algorithm,
            "-" if model.trained_at is None else f"{model.trained_at:%Y-%m-%d %H:%M}",
            *(terminal.number(model.figure(metric).value, 3) for metric in shown.values()),
        )
        for model in models
    ]
    return terminal.table(rows, right=tuple(range(5, 5 + len(shown))))


def describe_model(model: RegisteredModel) -> str:
    """Tell everything about one model.

    Parameters
    ----------
    model
        As `find_model` gives it.

    Returns
    -------
    str
        Its facts, figures with intervals, and features by importance.

    Examples
    --------
    >>> print(describe_model(find_model(project, "3b5c105d")))  # doctest: +SKIP
    """
    facts = {
        "model": model.model_id,
        "task": model.task,
        "stage": model.stage,
        "algorithm": model.algorithm,
        "trained at": f"{model.trained_at} UTC",
        "learned from": f"{_day(model.training_from)} to {_day(model.training_to)}",
        "rows": f"{model.row_count or 0:,}"
        + (
            f", of which {model.positive_count or 0:,} with the event"
            if model.word == "probability"
            else ""
        ),
        "tested as": model.evaluated_as,
        "SHA-256": model.onnx_sha256 or "-",
        "SQL": "-" if model.sql_characters is None else f"{model.sql_characters:,} characters",
        "feature hash": model.feature_hash or "-",
        **{
            name.replace("_", " "): value if isinstance(value, str) else json.dumps(value)
            for name, value in sorted(model.parameters.items())
            if name != TWIN_PARAMETER
        },
        "libraries": ", ".join(f"{name} {v}" for name, v in model.library_versions.items()),
    }
    parts = [terminal.table(list(facts.items()), right=(), header=False)]
    for split, heading in (("test", "On the test dates"), ("live", "On its own scores (live)")):
        figures = {
            name: figure
            for name, figure in model.figures.get(split, {}).items()
            if "_decile_" not in name and name != "settings"
        }
        if figures:
            rows = [("metric", "value", "95 % interval")]
            rows += [(name, *_cells(figure)) for name, figure in sorted(figures.items())]
            parts.append(f"{heading}:\n" + terminal.table(rows, right=(1,)))
    importance = model.metrics.get("importance") or {}
    names = sorted(model.feature_names, key=lambda name: (-importance.get(name, 0.0), name))
    listed = [("feature", "importance")]
    listed += [(name, terminal.number(importance.get(name), 4)) for name in names]
    parts.append(f"{len(names)} features:\n" + terminal.table(listed, right=(1,)))
    return "\n\n".join(parts)


def describe_change(change: Change) -> str:
    """Tell a change of champion, and what follows.

    Parameters
    ----------
    change
        As `promote` and `rollback` give it.

    Returns
    -------
    str
        One or two sentences.

    Examples
    --------
    >>> print(describe_change(Change("churn", "b", "a", "archived")))
    b is the champion of churn now; a is archived. The next `dbt build` scores with it.
    """
    former = ""
    if change.former is not None:
        is_archived = change.former_stage == Stage.ARCHIVED
        stage = change.former_stage if is_archived else f"a {change.former_stage}"
        former = f"; {change.former} is {stage}"
    return (
        f"{change.champion} is the champion of {change.task} now{former}. "
        "The next `dbt build` scores with it."
    )


def _cells(figure: Figure) -> tuple[str, str]:
    """Write a value and its interval."""
    value = "-" if figure.value is None else f"{figure.value:,.6g}"
    if figure.lower is None or figure.upper is None:
        return value, ""
    return value, f"{figure.lower:,.4f} to {figure.upper:,.4f}"


def _day(moment: object) -> str:
    """Write the day of a moment."""
    return "-" if moment is None else str(moment)[:10]
