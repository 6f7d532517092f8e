"""What a model file says of itself, written and read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.contract._errors import RESTORE, ModelError
from holdfast.contract._format import CONTRACT, PREFIX, RESULTS

if TYPE_CHECKING:
    import onnx

__all__ = ["OnnxHeader", "in_words", "properties_of", "read_properties"]

_NEEDED = ("contract", "task", "algorithm", "feature_names", "base_value")
_DEFAULT_TARGET = next(iter(RESULTS))


@dataclass(frozen=True)
class OnnxHeader:
    """What a model file says of itself, beside its graph; the label is its name for people."""

    task: str
    algorithm: str
    label: str
    feature_names: tuple[str, ...]
    target: str = _DEFAULT_TARGET


def properties_of(
    header: OnnxHeader, base_value: float, noted: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Give the metadata of a file, in the order in which they are written.

    Parameters
    ----------
    header
        What the file says of itself.
    base_value
        Log-odds, or value, from which contributions are counted.
    noted
        Further properties, by their keys without the prefix.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> header = OnnxHeader("churn", "blend", "blend", ("order_count_90d",))
    >>> properties_of(header, -1.5)["holdfast.base_value"]
    '-1.5'
    """
    found = {
        "contract": CONTRACT,
        "task": header.task,
        "algorithm": header.algorithm,
        "feature_names": json.dumps(list(header.feature_names)),
        "base_value": repr(float(base_value)),
        "label": header.label,
        # what a file does not say is classification, as it was before there was another
        **({} if header.target == _DEFAULT_TARGET else {"target": header.target}),
        **(noted or {}),
    }
    return {PREFIX + key: value for key, value in found.items()}


def read_properties(model: onnx.ModelProto) -> dict[str, str]:
    """Return the ``holdfast.*`` properties without their prefix, complete and of this contract.

    Raises
    ------
    ModelError
        They are of another contract, incomplete, or cannot be read.
    """
    found = {
        entry.key.removeprefix(PREFIX): entry.value
        for entry in model.metadata_props
        if entry.key.startswith(PREFIX)
    }
    if found.get("contract", CONTRACT) != CONTRACT:
        raise ModelError(
            f"{in_words(found)} follows contract {found['contract']!r}, this version of Holdfast"
            f" reads contract {CONTRACT!r}. Retrain the model, or install the version that"
            " trained it."
        )
    if found.get("target", _DEFAULT_TARGET) not in RESULTS:
        raise ModelError(
            f"{in_words(found)} predicts {found['target'][:40]!r}; this version of Holdfast knows"
            f" {' and '.join(RESULTS)}. Install the version that trained it."
        )
    missing = [PREFIX + key for key in _NEEDED if key not in found]
    if missing:
        raise ModelError(
            f"The model cannot be read: it lacks the metadata {', '.join(missing)}, so Holdfast"
            f" did not write it. {RESTORE}"
        )
    try:
        names = json.loads(found["feature_names"])
        valid = isinstance(names, list) and names and all(isinstance(n, str) for n in names)
        # two columns of one name would be one feature twice
        valid = valid and len(set(names)) == len(names)
        valid = bool(valid and math.isfinite(float(found["base_value"])))
    except ValueError:
        valid = False
    if not valid:
        raise ModelError(
            f"{in_words(found)} has metadata that cannot be read: feature_names"
            f" {found['feature_names'][:80]!r}, base_value {found['base_value']!r}. {RESTORE}"
        )
    return found


def in_words(properties: Mapping[str, str]) -> str:
    """Return the model in words, for messages."""
    label = properties.get("label") or properties.get("algorithm") or "unnamed"
    return f"The {properties.get('task', '')} model `{label}`".replace("  ", " ")
