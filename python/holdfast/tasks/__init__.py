"""Tasks: what is predicted, how its models are made, and when, read from plain settings."""

from __future__ import annotations

from holdfast.tasks._parts import Recipe, Task, TrainingPolicy, changed
from holdfast.tasks._settings import TaskSettings

__all__ = ["Recipe", "Task", "TaskSettings", "TrainingPolicy", "changed"]
