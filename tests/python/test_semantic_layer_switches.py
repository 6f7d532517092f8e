"""Metrics of a system are on exactly where the system is, by a condition that yml has to repeat."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from jinja2.nativetypes import NativeEnvironment

from .rendering import MACROS, add_macros

SEMANTIC = MACROS.parent / "models" / "semantic"
SYSTEMS = ["timing", "recommendations", "decisions", "offers", "campaigns", "pricing", "service"]
INPUTS = ["order_items", "campaign_sends", "offers", "support_tickets", "feedback"]
KINDS = ("semantic_models", "metrics", "saved_queries")

Vars = dict[str, Any]


def projects() -> Iterator[tuple[str, Vars]]:
    """Give projects by name and vars: with some systems, and with some inputs, or the demo's."""
    listings = [{}, {"holdfast_systems": []}, {"holdfast_systems": ["offers", "timing"]}]
    listings += [{"holdfast_systems": [system]} for system in SYSTEMS]
    inputs = [
        {"holdfast_orders": "raw.orders"},
        {"holdfast_orders": "raw.orders", **{f"holdfast_{name}": " " for name in INPUTS}},
        *({"holdfast_orders": "raw.orders", f"holdfast_{name}": "raw.x"} for name in INPUTS),
    ]
    for systems, given in itertools.product(listings, inputs):
        yield "shop", {**systems, **given}
    for systems in listings:
        yield "holdfast", systems
        yield "holdfast", {**systems, "holdfast_demo": False}
        yield "shop", {**systems, "holdfast_demo": True}


def reading(given: Vars) -> Callable[..., Any]:
    """Give dbt's var() of a project."""
    return lambda name, default=None: given.get(name, default)


def has_system(system: str, projects: list[tuple[str, Vars]]) -> Iterator[bool]:
    """Ask the macro by which the models of a system are on, for each of some projects."""
    current: Vars = {}
    holdfast = SimpleNamespace(setting=lambda name: current.get(f"holdfast_{name}", SYSTEMS))
    files = [MACROS / "inputs" / "has_input.sql", MACROS / "settings" / "has_system.sql"]
    add_macros(holdfast, files, var=reading(current))
    for project_name, given in projects:
        current.clear()
        current.update(given)
        is_demo = [MACROS / "settings" / "is_demo.sql"]
        add_macros(holdfast, is_demo, var=reading(current), project_name=project_name)
        yield holdfast.has_system(system)


def parts(file: Path) -> list[dict[str, Any]]:
    """Give all that a file of the semantic layer defines."""
    loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    return [one for kind in KINDS for one in loaded.get(kind, [])]


@pytest.mark.parametrize("system", SYSTEMS)
def test_metrics_of_a_system_are_on_where_its_models_are(system: str) -> None:
    conditions = {one["config"]["enabled"] for one in parts(SEMANTIC / f"_{system}.yml")}
    assert len(conditions) == 1
    template = NativeEnvironment().from_string(conditions.pop())
    asked = list(projects())
    expected = list(has_system(system, asked))
    for (project_name, given), is_on in zip(asked, expected, strict=True):
        found = template.render(var=reading(given), project_name=project_name)
        assert found is is_on, (project_name, given)
    assert set(expected) == {True, False}


def test_all_other_metrics_are_about_tables_that_are_always_built() -> None:
    gated = {
        file.stem
        for name in SYSTEMS
        for file in (MACROS.parent / "models").glob(f"systems/{name}/*.sql")
    }
    for file in sorted(SEMANTIC.glob("_*.yml")):
        if file.stem.removeprefix("_") in SYSTEMS:
            continue
        for one in parts(file):
            assert "config" not in one, one["name"]
            assert not any(f"'{name}'" in one.get("model", "") for name in gated), one["name"]


def test_every_metric_and_saved_query_is_described_and_told_in_the_docs() -> None:
    text = (MACROS.parent / "docs" / "bi.md").read_text(encoding="utf-8")
    for file in sorted(SEMANTIC.glob("_*.yml")):
        loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
        for one in loaded.get("metrics", []) + loaded.get("saved_queries", []):
            assert one["description"].endswith("."), one["name"]
            assert f"`{one['name']}`" in text, f"docs/bi.md does not name {one['name']}"
