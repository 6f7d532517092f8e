"""The templates, styles and scripts that a page is made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["asset", "environment"]

_ASSETS = Path(__file__).parent / "assets"


def asset(name: str) -> str:
    """Read a file of this package."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def environment() -> Environment:
    """Give Jinja with the templates; whatever they are given is escaped."""
    # dbt brings Jinja along, so a page without charts needs no extra
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
