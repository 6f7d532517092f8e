"""The templates, styles and scripts that a page is made of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["asset", "environment"]

_ASSETS = Path(__file__).parent / "assets"


def asset(name: str) -> str:
    """Read a file of this package."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def environment() -> Environment:
    """Give Jinja with the templates; whatever they are given is escaped."""
    # dbt brings Jinja along, so a page without charts needs no extra
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["coded"] = _coded
    return made


def _coded(text: str) -> Markup:
    """Escape a text, and set what stands between backticks in it as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))
