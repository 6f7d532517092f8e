"""The model registry: models, their stages and the rules of these, and how good models were.

A task's registry is the table `<task>_model`; `model_registry` shows those of all tasks together.
"""

from __future__ import annotations

from holdfast.contract import model_id
from holdfast.registry._beaten import Defeat, defeats
from holdfast.registry._changes import Change, promote, rollback
from holdfast.registry._describe import describe_change, describe_model, describe_models
from holdfast.registry._errors import RegistryError
from holdfast.registry._evaluations import EVALUATIONS_SCHEMA, update_evaluations
from holdfast.registry._export import export_model, export_sql
from holdfast.registry._former import RelationName, carry_over, find_registry, read_former
from holdfast.registry._kept_sql import score_sql
from holdfast.registry._model import Figure, RegisteredModel, noted_twin
from holdfast.registry._reading import (
    find_model,
    list_models,
    matching,
    read_file,
    read_models,
    reading,
)
from holdfast.registry._rows import (
    REGISTRY_SCHEMA,
    Row,
    library_versions,
    registry_table,
    to_json,
)
from holdfast.registry._score import score_project_file
from holdfast.registry._stages import (
    COMPARED_STAGES,
    LABEL_PARAMETERS,
    Stage,
    assign_stages,
    champion_of,
    measured_model,
    twin_of,
)

__all__ = [
    "COMPARED_STAGES",
    "EVALUATIONS_SCHEMA",
    "LABEL_PARAMETERS",
    "REGISTRY_SCHEMA",
    "Change",
    "Defeat",
    "Figure",
    "RegisteredModel",
    "RegistryError",
    "RelationName",
    "Row",
    "Stage",
    "assign_stages",
    "carry_over",
    "champion_of",
    "defeats",
    "describe_change",
    "describe_model",
    "describe_models",
    "export_model",
    "export_sql",
    "find_model",
    "find_registry",
    "library_versions",
    "list_models",
    "matching",
    "measured_model",
    "model_id",
    "noted_twin",
    "promote",
    "read_file",
    "read_former",
    "read_models",
    "reading",
    "registry_table",
    "rollback",
    "score_project_file",
    "score_sql",
    "to_json",
    "twin_of",
    "update_evaluations",
]
