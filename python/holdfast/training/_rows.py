"""What the registry says of the models of a run."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from holdfast.registry import Row, library_versions, model_id, noted_twin, score_sql, to_json
from holdfast.tasks import TaskSettings
from holdfast.training._candidates import Candidate
from holdfast.training._dataset import Dataset
from holdfast.training._importance import EXPLAINED_ROWS, feature_importance
from holdfast.training._prepare import Prepared, thinned

__all__ = ["RowWriter"]


@dataclass(frozen=True)
class RowWriter:
    """Writes registry rows, without their stage, for the models of one run."""

    settings: TaskSettings
    as_of_date: dt.date
    feature_hash: str
    prepared: Prepared
    trained_at: dt.datetime
    known_row_count: int
    noted: Mapping[str, Any] = field(default_factory=dict)

    def row(self, candidate: Candidate) -> Row:
        """Give the row of a model that was fitted on the training rows."""
        split: dict[str, Any] = {
            part: [str(as_of) for as_of in getattr(self.prepared.split, part)]
            for part in ("training", "fit", "validation", "test")
        }
        if self.prepared.split.customers_below is not None:
            split["customers_below"] = self.prepared.split.customers_below
        fingerprint = self.prepared.fingerprint
        return self._row(candidate, self.prepared.training, split, fingerprint, {})

    def refitted_row(self, candidate: Candidate, twin: Row) -> Row:
        """Give the row of a model that was fitted again on all rows, beside its evaluated twin."""
        mature = self.prepared.mature
        dates = sorted({str(as_of) for as_of in mature.as_of})
        # No date is left to test on; the figures are the twin's.
        split = {"training": dates, "fit": [], "validation": [], "test": []}
        return self._row(
            candidate, mature, split, mature.fingerprint(), noted_twin(twin["model_id"])
        )

    def _row(
        self,
        candidate: Candidate,
        rows: Dataset,
        split: dict[str, Any],
        fingerprint: str,
        noted: Row,
    ) -> Row:
        """Give a row."""
        prepared, settings = self.prepared, self.settings
        # few are looked at, and side by side they are not copied
        some = rows.rows(np.arange(min(1000, len(rows))))
        metrics = dict(candidate.metrics)
        # baselines have no plan, and one feature or none to tell apart
        if candidate.plan is not None and candidate.is_explained:
            learned_from = rows.rows(thinned(np.arange(len(rows)), EXPLAINED_ROWS))
            features = learned_from.columns(candidate.names)
            metrics["importance"] = feature_importance(candidate.blob, features)
        parameters = {
            "hyperparameters": candidate.hyperparameters,
            "seed": settings.recipe.seed,
            "label": settings.task.label,
            "target": settings.task.target,
            "definition": settings.task.definition,
            "horizon_days": settings.task.horizon_days,
            "lead_days": settings.task.lead_days,
            "as_of_date": self.as_of_date.isoformat(),
            "selection": prepared.selection,
            "split": {**split, "gap_days": settings.task.gap_days},
            # a season reads one of them again
            "dropped_features": {
                kind: [name for name in names if name not in candidate.names]
                for kind, names in prepared.dropped.items()
            },
            "is_explained": candidate.is_explained,
            "settings": settings.repeatable(self.as_of_date),
            "sampled_from": self.known_row_count,
            "row_fingerprint": fingerprint,
            **({} if candidate.forecast is None else {"forecast": candidate.forecast}),
            **self.noted,
            **noted,
        }
        return {
            "task": settings.task.name,
            "trained_at": self.trained_at,
            "training_from": rows.as_of[0].item(),
            "training_to": rows.as_of[-1].item(),
            "row_count": len(rows),
            # a number has no event
            "positive_count": None if rows.target.is_numeric else int(rows.y.sum()),
            "feature_hash": self.feature_hash,
            "score_sql": score_sql(candidate.blob, some.columns(candidate.names)),
            "library_versions": to_json(library_versions()),
            "model_id": model_id(settings.task.name, candidate.algorithm, candidate.blob),
            "algorithm": candidate.algorithm,
            "feature_names": list(candidate.names),
            "parameters": to_json(parameters),
            "metrics": to_json(metrics),
            "onnx": candidate.blob,
            "onnx_sha256": hashlib.sha256(candidate.blob).hexdigest(),
        }
