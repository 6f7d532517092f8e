"""The models of a built project: list them, change the champion, export and describe them."""

from __future__ import annotations

from holdfast.models._card import card_sections, write_card
from holdfast.models._describe import describe_change, describe_model, describe_models
from holdfast.models._errors import RegistryError
from holdfast.models._export import export_model, export_sql
from holdfast.models._registry import Figure, RegisteredModel, find_model, list_models
from holdfast.models._score import score_project_file
from holdfast.models._stages import Change, promote, rollback

__all__ = [
    "Change",
    "Figure",
    "RegisteredModel",
    "RegistryError",
    "card_sections",
    "describe_change",
    "describe_model",
    "describe_models",
    "export_model",
    "export_sql",
    "find_model",
    "list_models",
    "promote",
    "rollback",
    "score_project_file",
    "write_card",
]
