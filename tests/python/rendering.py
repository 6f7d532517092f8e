"""The package's macros, rendered as dbt would, as functions that return what they return in dbt."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2

MACROS = Path(__file__).resolve().parents[2] / "macros"


class ReturnedError(Exception):
    """What a macro gives by return(), which in dbt need not be text."""


def _give(value: Any) -> None:
    raise ReturnedError(value)


def _calling(macro: Any) -> Any:
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            found = macro(*arguments, **named)
        except ReturnedError as returned:
            found = returned.args[0]
        return found.strip() if isinstance(found, str) else found

    return call


def add_macros(
    holdfast: SimpleNamespace,
    paths: Iterable[Path],
    names: Iterable[str] | None = None,
    **context: Any,
) -> SimpleNamespace:
    """Add the macros of files to those that they call as holdfast.…, or some of them by name.

    Those of engines/duckdb.sql are called without their prefix, as dispatch does. What else dbt
    gives to a macro, such as var, is named.
    """
    given = {"holdfast": holdfast, "return": _give, **context}
    wanted = None if names is None else set(names)
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    for path in paths:
        text = path.read_text(encoding="utf-8").replace("macro duckdb__", "macro ")
        # Jinja gives away no macro whose name begins with an underscore
        text = text.replace("macro _", "macro own_").replace("holdfast._", "holdfast.own_")
        module = environment.from_string(text, globals=given)
        for name, macro in vars(module.module).items():
            if callable(macro) and (wanted is None or name in wanted):
                setattr(holdfast, name, _calling(macro))
    return holdfast
