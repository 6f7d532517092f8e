"""The models of a task: the code of each, and what its yml says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Step", "left_to_the_project", "steps_of"]


@dataclass(frozen=True)
class _Column:
    name: str
    description: str
    tests: tuple[str | dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Step:
    """A model of a task: its code, and what its yml says."""

    model: str
    code: str
    description: str
    columns: tuple[_Column, ...]
    tests: tuple[dict[str, Any], ...] = ()
    ending: str = "sql"

    def yml(self) -> str:
        """Write the properties of the model, as dbt reads them."""
        lines = [
            "models:",
            f"  - name: {self.model}",
            f"    description: {_text(self.description)}",
        ]
        if self.tests:
            lines += ["    data_tests:", *_tests(self.tests, indent=6)]
        lines.append("    columns:")
        for column in self.columns:
            lines += [
                f"      - name: {column.name}",
                f"        description: {_text(column.description)}",
            ]
            if column.tests:
                lines += ["        data_tests:", *_tests(column.tests, indent=10)]
        return "\n".join(lines) + "\n"


def left_to_the_project(task: str, declaration: Mapping[str, Any]) -> dict[str, str]:
    """Say which models a declaration without an event leaves to the project."""
    if declaration.get("event"):
        return {}
    keys = ", ".join([*_entity(declaration), "as_of"])
    label = declaration["label"]
    left = {
        f"{task}_labels": f"a select of {keys} and {label} (NULL until it is known), because the "
        "task has no `event`"
    }
    if declaration.get("live"):
        left[f"{task}_outcomes"] = (
            f"{{{{ holdfast.outcomes('{task}', labels=…) }}}} with the SQL of the labels of "
            f"holdfast.scored_rows('{task}')"
        )
    return left


def _entity(declaration: Mapping[str, Any]) -> list[str]:
    return [str(column) for column in declaration.get("entity") or ["customer_id"]]


def steps_of(task: str, declaration: Mapping[str, Any]) -> Iterator[Step]:
    """Give the models of a task, in the order in which they build on each other."""
    entity = _entity(declaration)
    label, event = declaration["label"], declaration.get("event")
    is_number = declaration.get("target") == "regression"
    score = f"{task}_value" if is_number else f"{task}_probability"
    keys = tuple(
        _Column(name, f"Id of the {name.removesuffix('_id').replace('_', ' ')}.", ("not_null",))
        for name in entity
    )
    probability: tuple[str, ...] = () if is_number else ("holdfast.probability",)
    grain = f"Grain: one row per {', '.join(entity)} and as_of."
    unique = _unique([*entity, "as_of"])
    model_id = _Column("model_id", "Model id, as in model_registry.", ("not_null",))
    predicted = _Column(
        "predicted_value" if is_number else "probability",
        f"Prediction of {label} made beforehand.",
        ("not_null", *probability),
    )
    came = _Column(label, f"Actual outcome, see {task}_labels.", ("not_null",))
    if event:
        features = declaration.get("features") or "customer_features"
        spine: dict[str, Any] = {"spine": _ref(str(features))}
        if entity != ["customer_id"]:
            spine["keys"] = [*entity, "as_of"]
        yield Step(
            f"{task}_labels",
            f"{{{{ holdfast.labels('{task}') }}}}\n",
            f"The label of the task {task}: {_meaning(label, event, is_number=is_number)} {grain}",
            (
                *keys,
                _Column("as_of", "Observation date, UTC.", ("not_null",)),
                _Column("horizon_ends_at", "When the label is known, UTC.", ("not_null",)),
                _Column(
                    "is_mature",
                    "Whether horizon_ends_at is past at the as-of date of the build.",
                    ("not_null",),
                ),
                _Column(label, _meaning(label, event, is_number=is_number)),
            ),
            (unique, {"holdfast.rows_of_spine": {"arguments": spine}}),
        )
    yield Step(
        f"{task}_training_set",
        f"{{{{ holdfast.training_set('{task}') }}}}\n",
        f"What the models of {task} learn from: observations with a known label and enough "
        f"history, with the features known at the observation. {grain}",
        (
            _Column(label, f"Label, see {task}_labels.", ("not_null",)),
            *keys,
            _Column("as_of", "Observation date, UTC.", ("not_null",)),
        ),
        (unique,),
    )
    yield Step(
        f"{task}_model",
        "def model(dbt, session):\n"
        "    from holdfast.training import update_registry\n\n"
        f'    training_set = dbt.ref("{task}_training_set")\n'
        f'    return update_registry("{task}", session, training_set, dbt.this)\n',
        f"The trained models of {task}, each with its ONNX file. Rows are never dropped, "
        "except by `holdfast_reset: true`. Grain: one row per model_id.",
        _MODEL_COLUMNS,
        ending="py",
    )
    yield Step(
        f"{task}_reasons",
        f"{{{{ holdfast.reasons('{task}') }}}}\n",
        f"The reasons for the scores of {task}: the three themes that raise the score most. "
        f"Grain: one row per {', '.join(entity)}, as_of and rank.",
        (
            *keys,
            _Column("as_of", "Observation date, UTC.", ("not_null",)),
            _Column("model_id", "Id of the model that is explained."),
            _Column("rank", "Rank of the reason: 1 is the strongest."),
            _Column("theme", "Theme of the reason; no two reasons of a row share one."),
            _Column("feature", "Feature whose statement is the reason."),
            _Column("feature_value", "Value of the feature; NULL if it is missing."),
            _Column(
                "contribution",
                "What the theme adds to the predicted value, in its unit."
                if is_number
                else "What the theme adds to the log-odds of the probability.",
            ),
            _Column("reason", "Reason in words."),
        ),
        (_unique([*entity, "as_of", "rank"]),),
    )
    yield Step(
        f"{task}_scores",
        f"{{{{ holdfast.scores('{task}') }}}}\n",
        f"The scores of {task} at the as-of date of each build; earlier dates are kept. {grain}",
        tuple(_score_columns(task, declaration, keys, score, is_number=is_number)),
        (
            unique,
            {"holdfast.contributions_add_up": {"arguments": {"task": task}}},
            {"holdfast.a_trained_model_scores": {"arguments": {"task": task}}},
        ),
    )
    yield Step(
        f"{task}_holdout_predictions",
        f"{{{{ holdfast.holdout_predictions('{task}') }}}}\n",
        f"What each model of {task} predicted for rows it had not seen, with the actual outcome. "
        f"Grain: one row per {', '.join(entity)}, as_of and model_id.",
        (
            *keys,
            _Column(
                "as_of", "Observation date, UTC; later than all training labels.", ("not_null",)
            ),
            model_id,
            _Column("algorithm", "Algorithm of the model."),
            predicted,
            came,
        ),
        (_unique([*entity, "as_of", "model_id"]),),
    )
    if declaration.get("live") and event:
        yield Step(
            f"{task}_outcomes",
            f"{{{{ holdfast.outcomes('{task}') }}}}\n",
            f"Actual outcomes of the scores of {task}, kept once their horizon is over. {grain}",
            (
                *keys,
                _Column("as_of", "Time the score is for, UTC.", ("not_null",)),
                model_id,
                predicted,
                came,
                _Column("horizon_ends_at", "When the horizon ended, UTC."),
                _Column("scored_at", "When the score was computed, UTC."),
            ),
            (unique,),
        )


def _score_columns(
    task: str,
    declaration: Mapping[str, Any],
    keys: Sequence[_Column],
    score: str,
    *,
    is_number: bool,
) -> Iterator[_Column]:
    """Give the columns of a task's scores."""
    yield from keys
    yield _Column(
        "as_of",
        "Time the score is for, UTC; it uses only what was known before.",
        ("not_null",),
    )
    yield _Column("as_of_date", "Date of as_of.", ("not_null",))
    yield _Column("model_id", "Id of the scoring model; NULL if there was none.")
    statuses = ["scored", "not_enough_history", "not_eligible", "no_model"]
    yield _Column(
        "status",
        "Whether there is a score, and why not: scored; not_enough_history (too few orders, or "
        "known for too short a time); not_eligible (the task does not apply); no_model (nothing "
        "could be trained yet).",
        ("not_null", _accepted(statuses)),
    )
    told = f"{declaration['label']}, see {task}_labels; NULL unless scored."
    if is_number:
        yield _Column(score, f"Expected value of {told}")
    else:
        yield _Column(score, f"Probability of {told}", ("holdfast.probability",))
    yield _Column(
        f"{task}_percentile",
        "Share of the others scored at this as_of with a lower score, 0 to 1; NULL unless scored.",
        ("holdfast.probability",),
    )
    if declaration.get("bands"):
        yield _Column(
            str(declaration.get("band_column") or "band"),
            "Band by the `bands` of the task: low, medium or high; NULL unless scored.",
            (_accepted(["low", "medium", "high"]),),
        )
    yield _Column("reason_1", "Strongest reason that raises the score, in words.")
    yield _Column("reason_2", "Second strongest reason that raises the score, in words.")
    yield _Column("reason_3", "Third strongest reason that raises the score, in words.")
    yield _Column("scored_at", "When the score was computed, UTC.", ("not_null",))


_MODEL_COLUMNS = (
    _Column("model_id", "Model id: a hash of the model's content.", ("unique", "not_null")),
    _Column("task", "Task of the model."),
    _Column("algorithm", "Algorithm of the model, or name of the baseline."),
    _Column(
        "stage",
        "Stage of the model: champion (it scores), challenger, evaluated (the champion's twin, "
        "fitted without the test months), archived (a former model), baseline (what a model must "
        "beat).",
    ),
    _Column("trained_at", "When the model was trained, UTC."),
    _Column("training_from", "First observation date the model learned from."),
    _Column("training_to", "Last observation date the model learned from."),
    _Column("row_count", "Number of rows the model learned from."),
    _Column("positive_count", "Rows with the event; NULL if a number is predicted."),
    _Column("feature_names", "Features of the model, in its order."),
    _Column(
        "feature_hash",
        "Hash of the features and the label definition; training is due when it changes.",
    ),
    _Column(
        "parameters",
        "JSON: hyperparameters, seed, split, dropped features, fingerprint of the rows.",
    ),
    _Column("metrics", "JSON: metrics on the validation and test months."),
    _Column("onnx", "The model as an ONNX file."),
    _Column("onnx_sha256", "SHA-256 of the ONNX file; checked before the model scores."),
    _Column("score_sql", "The model as a DuckDB SQL expression; NULL if it is too large."),
    _Column("library_versions", "JSON: library versions of the training."),
)


def _meaning(label: str, event: Mapping[str, Any], *, is_number: bool) -> str:
    """Say what a label means, from the event that makes it."""
    rows = f"rows of {event['model']}"
    if event.get("where"):
        rows += f" where {event['where']}"
    within = f"{rows} with {event['at']} in the horizon"
    if is_number and event.get("value"):
        return (
            f"{label} is {event['value']} over the {within}; 0 without any, NULL until the horizon "
            "is over."
        )
    are = "there are no" if event.get("absent") else "there are"
    return f"{label} says whether {are} {within}; NULL until the horizon is over."


def _ref(features: str) -> str:
    """Write the ref of the rows that a task's labels are for."""
    if features == "customer_features":
        return "ref('holdfast', 'holdfast__customer_spine')"
    package = "'holdfast', " if features.startswith("holdfast__") else ""
    return f"ref({package}'{features}')"


def _unique(columns: Sequence[str]) -> dict[str, Any]:
    return {"holdfast.unique_grain": {"arguments": {"columns": list(columns)}}}


def _accepted(values: Sequence[str]) -> dict[str, Any]:
    return {"accepted_values": {"arguments": {"values": list(values)}}}


def _text(text: str) -> str:
    """Quote a text for YAML, which reads JSON's strings."""
    return json.dumps(text, ensure_ascii=False)


def _tests(tests: Sequence[str | Mapping[str, Any]], indent: int) -> Iterator[str]:
    """Write tests as items of a list, each with its arguments below it."""
    pad = " " * indent
    for test in tests:
        if isinstance(test, str):
            yield f"{pad}- {test}"
            continue
        for name, told in test.items():
            yield f"{pad}- {name}:"
            yield f"{pad}    arguments:"
            for key, value in told["arguments"].items():
                listed = f"[{', '.join(value)}]" if isinstance(value, list) else value
                yield f"{pad}      {key}: {listed}"
