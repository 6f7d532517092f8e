"""`holdfast review`: which decisions wait for a person, and a file to decide them in."""

from __future__ import annotations

import argparse
from pathlib import Path

from holdfast.commands._options import add_project, project_of

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "list the decisions that wait for a person, and the approvals that have a problem"
EXAMPLE = "holdfast review --csv approvals.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command can be told."""
    parser.add_argument(
        "--limit",
        type=int,
        default=10,
        help="how many decisions of each action to list (default: 10)",
    )
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write all of them to a file to fill in: an input `holdfast_approvals`",
    )
    add_project(parser)


def run(options: argparse.Namespace) -> None:
    """Print what waits."""
    from holdfast.report import review

    print(review(project_of(options), limit=options.limit, output=options.csv), end="", flush=True)
