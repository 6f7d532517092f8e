"""Comparing a model file with the row of the registry that holds it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.contract._errors import RESTORE, ModelError
from holdfast.contract._file import ModelFile

__all__ = ["ROW_COLUMNS", "check_row", "model_id"]

# What is compared, as far as the table of models has it.
ROW_COLUMNS = ("task", "algorithm", "feature_names", "parameters")
_TARGET = "classification"


def model_id(task: str, algorithm: str, blob: bytes) -> str:
    """Name a model by its content, so that the same training gives the same id.

    Examples
    --------
    >>> model_id("churn", "blend", b"a file of ONNX")
    'e0e5c394955bc50b'
    """
    digest = hashlib.sha256()
    for part in (task.encode(), algorithm.encode(), blob):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()[:16]


def check_row(file: ModelFile, row: Mapping[str, Any], table: str = "the model registry") -> None:
    """Refuse a file that does not belong to its row: scoring would be wrong in silence.

    The file was verified against the hash beside it, but both can be exchanged together; and
    features are handed over in the order that the row names, which must be the file's.

    Parameters
    ----------
    file
        The verified file.
    row
        The row that holds it: ``model_id``, and of `ROW_COLUMNS` those that the table has.
    table
        Where the row stands, for the message.

    Raises
    ------
    ModelError
        Task, algorithm, target, features, their order or the id are not the file's.

    Examples
    --------
    >>> check_row(file, {"model_id": "a1", "feature_names": ["no", "such"]})  # doctest: +SKIP
    Traceback (most recent call last):
    ...
    holdfast.contract._errors.ModelError: The row 'a1' of the model registry and its file ...
    """
    header = file.header
    differences = [
        f"the row's {name} is {row[name]!r:.80}, the file's {getattr(header, name)!r:.80}"
        for name in ("task", "algorithm")
        if name in row and row[name] != getattr(header, name)
    ]
    if "parameters" in row:
        target = _noted_target(row["parameters"])
        if target != header.target:
            differences.append(f"the row's target is {target!r:.80}, the file's {header.target!r}")
    if "feature_names" in row:
        differences += _differences(tuple(row["feature_names"] or ()), header.feature_names)
    # the id is made of the task and the algorithm; a table without them names models as it likes
    if not differences and {"task", "algorithm"} <= row.keys():
        actual = model_id(header.task, header.algorithm, file.blob)
        if actual != row["model_id"]:
            differences.append(f"the file is that of the model {actual!r}")
    if differences:
        raise ModelError(
            f"The row {row['model_id']!r} of {table} and its file do not belong together: "
            f"{'; '.join(differences)}. {RESTORE}"
        )


def _noted_target(parameters: Any) -> str:
    """Read what a row says that the model predicts; what says nothing is classification."""
    if isinstance(parameters, str):
        try:
            parameters = json.loads(parameters)
        except ValueError:
            return "what cannot be read"
    noted = parameters.get("target") if isinstance(parameters, Mapping) else None
    return str(noted or _TARGET)


def _differences(own: Sequence[str], of_file: Sequence[str]) -> list[str]:
    """Say how the features of a row differ from those of its file."""
    if tuple(own) == tuple(of_file):
        return []
    if len(own) != len(of_file):
        return [f"the row names {len(own)} features, the file {len(of_file)}"]
    place = next(i for i, pair in enumerate(zip(own, of_file, strict=True)) if pair[0] != pair[1])
    what = "the same features in another order" if sorted(own) == sorted(of_file) else "others"
    return [
        f"the row names {what}: number {place + 1} is `{own[place]}` in the row and "
        f"`{of_file[place]}` in the file"
    ]
