"""What `lint-imports` cannot say: private modules and names stay within their package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import holdfast

ROOT = Path(holdfast.__file__).parent


def imported(tree: ast.AST) -> Iterator[str]:
    """Give the full name of whatever of Holdfast is imported, wherever in the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            # a relative import would not be seen for what it is
            assert not node.level
            yield from (f"{node.module}.{name.name}" for name in node.names)


def foreign_private_names(package: str, code: str) -> list[str]:
    """Give what code in a package imports of another package's private modules and names."""
    return [
        name
        for name in imported(ast.parse(code))
        if name.split(".")[:2] not in (["holdfast", package], ["holdfast", "__version__"])
        and name.startswith("holdfast.")
        and any(part.startswith("_") for part in name.split("."))
    ]


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: path.stem)
def test_no_module_imports_what_is_private_to_another_package(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0].removesuffix(".py")
    assert foreign_private_names(package, path.read_text(encoding="utf-8")) == []


def test_private_imports_are_found_in_every_form() -> None:
    code = """
import holdfast.scoring._model
from holdfast import __version__, _hidden
from holdfast.scoring import OnnxModel, _trees
def later():
    from holdfast.scoring._model import OnnxModel
"""
    assert foreign_private_names("report", code) == [
        "holdfast.scoring._model",
        "holdfast._hidden",
        "holdfast.scoring._trees",
        "holdfast.scoring._model.OnnxModel",
    ]
    assert foreign_private_names("scoring", code) == ["holdfast._hidden"]
