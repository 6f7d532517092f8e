"""The macros and models of prices, rendered as dbt would, for DuckDB."""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace

import jinja2

from ..rendering import MACROS, add_macros


@lru_cache
def pricing() -> SimpleNamespace:
    """Give the macros of macros/pricing/price_slopes.sql."""
    return add_macros(SimpleNamespace(), [MACROS / "pricing/price_slopes.sql"])


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
    add_macros(holdfast, [MACROS / "measuring/is_small_group.sql"])
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    model = MACROS.parent / "models/systems/decisions/holdfast__decision_rates.sql"
    return environment.from_string(model.read_text("utf-8")).render(
        holdfast=holdfast, config=lambda **named: "", ref=lambda package, name: name
    )
