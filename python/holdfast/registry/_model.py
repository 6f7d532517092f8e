"""A row of the model registry as an object, with what was measured of the model."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from holdfast.registry._rows import Row

__all__ = ["TWIN_PARAMETER", "Figure", "RegisteredModel", "noted_twin"]

# under which the parameters of a model name its twin
TWIN_PARAMETER = "evaluated_as"


@dataclass(frozen=True)
class Figure:
    """A metric with its 95 % interval; the ends are None where none was computed."""

    value: float | None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class RegisteredModel:
    """A row of `model_registry`, and its figures.

    Attributes
    ----------
    model_id, task, algorithm, stage
        Who it is; for the stages see `Stage`.
    trained_at, training_from, training_to
        When it was trained (UTC), and the first and last observation date it learned from.
    row_count, positive_count
        Rows it learned from, and those of them with the event.
    feature_names
        The features, in the order in which the model takes them.
    feature_hash, onnx_sha256
        Hashes of its features and label, and of its file.
    sql_characters
        Length of its SQL; None where it is too large to be kept as SQL.
    parameters, metrics, library_versions
        What training noted of it.
    figures
        The evaluations over all dates together: {split: {metric: figure}}, split being test or
        live. Those of the test are its twin's where it was fitted again without unseen months.
    row
        The row it was read from, so that it can be written back to the letter.
    """

    model_id: str
    task: str
    algorithm: str
    stage: str
    trained_at: dt.datetime | None
    training_from: dt.datetime | None
    training_to: dt.datetime | None
    row_count: int | None
    positive_count: int | None
    feature_names: tuple[str, ...]
    feature_hash: str | None
    onnx_sha256: str | None
    sql_characters: int | None
    parameters: dict[str, Any]
    metrics: dict[str, Any]
    library_versions: dict[str, str]
    figures: dict[str, dict[str, Figure]] = field(default_factory=dict)
    row: Row = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_row(
        cls, row: Mapping[str, Any], figures: dict[str, dict[str, Figure]] | None = None
    ) -> RegisteredModel:
        """Read a row of the registry.

        Parameters
        ----------
        row
            The columns of `REGISTRY_SCHEMA`, as far as they were read; `sql_characters` may stand
            in the place of `score_sql`.
        figures
            What was measured of it.

        Returns
        -------
        RegisteredModel

        Examples
        --------
        >>> row = {"model_id": "a1", "task": "churn", "parameters": '{"target": "regression"}'}
        >>> RegisteredModel.from_row(row).word
        'value'
        """
        sql = row.get("score_sql")
        return cls(
            model_id=row["model_id"],
            task=row.get("task") or "",
            algorithm=row.get("algorithm") or "",
            stage=row.get("stage") or "",
            trained_at=row.get("trained_at"),
            training_from=row.get("training_from"),
            training_to=row.get("training_to"),
            row_count=row.get("row_count"),
            positive_count=row.get("positive_count"),
            feature_names=tuple(row.get("feature_names") or ()),
            feature_hash=row.get("feature_hash"),
            onnx_sha256=row.get("onnx_sha256"),
            sql_characters=row.get("sql_characters") if sql is None else len(sql),
            parameters=_noted(row.get("parameters")),
            metrics=_noted(row.get("metrics")),
            library_versions=_noted(row.get("library_versions")),
            figures=figures or {},
            row=dict(row),
        )

    @property
    def onnx(self) -> bytes | None:
        """The model's file, not verified; None where it was not read along with the row."""
        blob: bytes | None = self.row.get("onnx")
        return blob

    @property
    def evaluated_as(self) -> str:
        """The model whose test figures stand for this one: its twin, or itself."""
        return str(self.parameters.get(TWIN_PARAMETER) or self.model_id)

    @property
    def has_twin(self) -> bool:
        """Whether it was fitted again on all months, so that another one was tested for it."""
        return self.evaluated_as != self.model_id

    @property
    def word(self) -> str:
        """What it predicts, as the names of columns end: probability, or value of a regression."""
        return "value" if self.parameters.get("target") == "regression" else "probability"

    def figure(self, metric: str, split: str = "test") -> Figure:
        """Give a metric over all dates; a figure of nothing where it was not measured."""
        return self.figures.get(split, {}).get(metric, Figure(None))

    def staged(self, stage: str) -> Row:
        """Give its row with another stage, and all else as it was read."""
        return {**self.row, "stage": str(stage)}


def noted_twin(model_id: str) -> Row:
    """Give what the parameters of a model that was fitted again on all rows say of its twin.

    Examples
    --------
    >>> noted_twin("77aa")
    {'refitted': True, 'evaluated_as': '77aa'}
    """
    return {"refitted": True, TWIN_PARAMETER: model_id}


def _noted(text: str | None) -> dict[str, Any]:
    """Read what was noted; what a hand has spoilt counts as not noted, as it always has."""
    try:
        noted = json.loads(text or "{}")
    except ValueError:
        return {}
    return noted if isinstance(noted, dict) else {}
