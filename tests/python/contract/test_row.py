"""A file that is not that of its row is refused, whatever was exchanged."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest

from holdfast.contract import RESTORE, ModelError, ModelFile, OnnxHeader, check_row, model_id
from holdfast.estimators import CLASSIFICATION, constant_model

HEADER = OnnxHeader("churn", "base_rate", "base rate", ("f0", "f1", "f2"))


def file_of(header: OnnxHeader, mean: float = 0.25) -> ModelFile:
    """Make a small file."""
    return ModelFile.from_bytes(constant_model(mean, CLASSIFICATION).to_onnx(header))


def row_of(file: ModelFile) -> dict[str, Any]:
    """Give the row that training writes of a file."""
    header = file.header
    return {
        "model_id": model_id(header.task, header.algorithm, file.blob),
        "task": header.task,
        "algorithm": header.algorithm,
        "feature_names": list(header.feature_names),
        "parameters": json.dumps({"target": header.target}),
    }


def test_a_row_and_its_own_file_belong_together() -> None:
    file = file_of(HEADER)
    check_row(file, row_of(file))
    # a table of another making says less
    check_row(file, {"model_id": "mine"})
    # an older version noted no target, and knew one only
    check_row(file, {**row_of(file), "parameters": "{}"})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"feature_names": ["f2", "f1", "f0"]}, "another order: number 1 is `f2` in the row"),
        ({"feature_names": ["f0", "f2", "f1"]}, "another order: number 2 is `f2` in the row"),
        ({"feature_names": ["f0", "f1", "g"]}, "others: number 3 is `g` in the row and `f2`"),
        ({"feature_names": ["f0", "f1"]}, "names 2 features, the file 3"),
        ({"feature_names": None}, "names 0 features, the file 3"),
        ({"task": "spend"}, "the row's task is 'spend', the file's 'churn'"),
        ({"algorithm": "blend"}, "the row's algorithm is 'blend'"),
        ({"parameters": '{"target": "regression"}'}, "the row's target is 'regression'"),
        ({"parameters": "not json"}, "the row's target is 'what cannot be read'"),
        ({"model_id": "0123456789abcdef"}, "the file is that of the model "),
    ],
)
def test_an_altered_row_is_refused_and_named(changed: dict[str, Any], told: str) -> None:
    file = file_of(HEADER)
    row = {**row_of(file), **changed}
    with pytest.raises(ModelError, match=re.escape(told)) as caught:
        check_row(file, row, '"shop"."main"."churn_model"')
    message = str(caught.value)
    assert f'The row {row["model_id"]!r} of "shop"."main"."churn_model"' in message
    assert message.endswith(RESTORE)


@pytest.mark.parametrize(
    "other",
    [
        file_of(HEADER, 0.5),
        file_of(dataclasses.replace(HEADER, algorithm="blend")),
        file_of(dataclasses.replace(HEADER, task="return")),
    ],
    ids=["same header", "algorithm", "task"],
)
def test_the_file_of_another_row_is_refused(other: ModelFile) -> None:
    with pytest.raises(ModelError, match="do not belong together"):
        check_row(other, row_of(file_of(HEADER)))
