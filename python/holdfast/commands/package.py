"""`holdfast package`: the dbt package that ships with this Python package."""

from __future__ import annotations

import argparse
from pathlib import Path

from holdfast.commands._options import add_action

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "copy the dbt package of this version into a project, or print where it is"
EXAMPLE = "holdfast package copy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions of the command, and what each can be told."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    copying = add_action(
        actions,
        "copy",
        "write the copy in a project, or bring it to this version",
        "holdfast package copy",
    )
    copying.add_argument(
        "--project-dir", type=Path, default=Path(), help="the dbt project (default: here)"
    )
    copying.add_argument(
        "--to", default="holdfast_package", help="folder in it (default: holdfast_package)"
    )
    add_action(
        actions,
        "path",
        "print the folder of the dbt package in this environment",
        "holdfast package path",
    )


def run(options: argparse.Namespace) -> None:
    """Copy the package and tell what was done, or print its folder."""
    from holdfast.shipped import ShippedError, copy_package, shipped_package

    if options.action == "path":
        print(shipped_package(), flush=True)
        return
    if not (options.project_dir / "dbt_project.yml").is_file():
        raise ShippedError(
            f"{options.project_dir} has no dbt_project.yml; run the command in a dbt project, or "
            "name it with --project-dir"
        )
    copy = copy_package(options.project_dir / options.to)
    if copy.done == "same":
        print(f"{copy.folder} is version {copy.version} already.", flush=True)
        return
    before = f", in place of {copy.former}" if copy.former else ""
    print(f"{copy.folder} is now version {copy.version}{before}. Run `dbt deps`.", flush=True)
