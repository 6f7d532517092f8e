"""`holdfast summary`: what the last build made, and whom to keep."""

from __future__ import annotations

import argparse

from holdfast.commands._options import add_project

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "show the results of the last dbt build of this project, and which customers to act on"
EXAMPLE = "holdfast summary --customers 20"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command can be told."""
    add_project(parser)
    parser.add_argument(
        "--customers", type=int, default=10, help="how many customers to list (default: 10)"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="list everybody with a score by probability, not only those who can still be kept",
    )


def run(options: argparse.Namespace) -> None:
    """Print the summary."""
    from holdfast.report import summarise

    print(
        summarise(
            options.project_dir,
            target=options.target,
            target_path=options.target_path,
            customers=options.customers,
            everybody=options.all,
        ),
        flush=True,
    )
