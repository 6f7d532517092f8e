"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

__all__ = ["add_action", "add_project", "add_task", "project_of"]

if TYPE_CHECKING:
    from holdfast.warehouse.project import Project

    # argparse has no public name for it
    Actions = argparse._SubParsersAction[Any]


def add_action(actions: Actions, name: str, told: str, example: str) -> argparse.ArgumentParser:
    """Add a command, or an action of one, with what its help says: a sentence and an example."""
    parser: argparse.ArgumentParser = actions.add_parser(
        name,
        help=told,
        description=f"{told[0].upper()}{told[1:]}.",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def add_project(parser: argparse.ArgumentParser) -> None:
    """Let a command say which project it works on."""
    parser.add_argument(
        "--project-dir", type=Path, default=Path(), help="the dbt project (default: here)"
    )
    parser.add_argument("--target", help="the target of the profile (default: the profile's own)")
    parser.add_argument(
        "--target-path",
        type=Path,
        help="folder with dbt's artifacts (default: the one that dbt uses now)",
    )


def add_task(parser: argparse.ArgumentParser, told: str = "(default: churn)") -> None:
    """Let a command say which task it is about."""
    parser.add_argument("--task", default="churn", help=told)


def project_of(options: argparse.Namespace) -> Project:
    """Open the project that a command works on."""
    from holdfast.warehouse.project import open_project

    return open_project(options.project_dir, target=options.target, target_path=options.target_path)
