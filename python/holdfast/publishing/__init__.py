"""The marts as files, or tables in Postgres, that BI tools read and no build locks."""

from __future__ import annotations

from holdfast.publishing._errors import PublishError
from holdfast.publishing._hook import register_publisher
from holdfast.publishing._marts import MANIFEST, Mart, find_marts, obstacle
from holdfast.publishing._postgres import publish_to_postgres
from holdfast.publishing._project import (
    publish_again,
    publish_path,
    publish_project,
    publish_project_to_postgres,
)
from holdfast.publishing._publish import Publication, publish

__all__ = [
    "MANIFEST",
    "Mart",
    "Publication",
    "PublishError",
    "find_marts",
    "obstacle",
    "publish",
    "publish_again",
    "publish_path",
    "publish_project",
    "publish_project_to_postgres",
    "publish_to_postgres",
    "register_publisher",
]
