"""The macros and models of prices, rendered as dbt would, for DuckDB."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2

ROOT = Path(__file__).resolve().parents[3]


class ReturnedError(Exception):
    """What a macro gives by return(), which in dbt need not be text."""


def _give(value: Any) -> None:
    raise ReturnedError(value)


def _calling(macro: Any) -> Any:
    def call(*arguments: Any, **named: Any) -> str:
        try:
            return str(macro(*arguments, **named))
        except ReturnedError as returned:
            return str(returned.args[0])

    return call


def _module(path: Path, holdfast: SimpleNamespace) -> Any:
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    # Jinja gives away no macro whose name begins with an underscore
    text = path.read_text(encoding="utf-8")
    text = text.replace("macro _", "macro own_").replace("holdfast._", "holdfast.own_")
    names = {"holdfast": holdfast, "return": _give}
    return environment.from_string(text, globals=names).module


@lru_cache
def pricing() -> SimpleNamespace:
    """Give the macros of macros/pricing/price_slopes.sql."""
    holdfast = SimpleNamespace()
    for name, macro in vars(_module(ROOT / "macros/pricing/price_slopes.sql", holdfast)).items():
        if callable(macro):
            setattr(holdfast, name, _calling(macro))
    return holdfast


def slopes_of(relation: str, controls: tuple[str, ...] = (), is_logarithm: bool = False) -> str:
    """Give the query of the slopes of a table."""
    return str(pricing().price_slopes(relation, list(controls), is_logarithm=is_logarithm))


def decision_rates(least_group: int, columns: list[dict[str, str]]) -> str:
    """Give the query of the model decision_rates, over tables with the names of its inputs."""
    holdfast = SimpleNamespace(
        has_system=lambda name: True,
        as_of_date=lambda: "date '2026-07-01'",
        setting={"segments": ["x"], "least_group": least_group}.__getitem__,
        customer_segment_columns=lambda: columns,
        event_times=lambda: {"stg_holdfast__orders": {}},
        as_known_at=lambda relation, times, moment: relation,
        text=lambda value: "'" + value + "'",
        input_relation=lambda name: name,
    )
    path = ROOT / "macros/measuring/is_small_group.sql"
    holdfast.is_small_group = _calling(_module(path, holdfast).is_small_group)
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    text = (ROOT / "models/systems/decisions/holdfast__decision_rates.sql").read_text("utf-8")
    return environment.from_string(text).render(
        holdfast=holdfast, config=lambda **named: "", ref=lambda package, name: name
    )
