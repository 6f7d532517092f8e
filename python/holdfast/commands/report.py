"""`holdfast report`: what the last build found, as one HTML page."""

from __future__ import annotations

import argparse
from pathlib import Path

from holdfast.commands._options import add_project, project_of

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "write the results of the last dbt build as one HTML page"
EXAMPLE = "holdfast report --output retention.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command can be told."""
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("retention.html"),
        help="the file to write (default: retention.html)",
    )
    add_project(parser)


def run(options: argparse.Namespace) -> None:
    """Write the page, and say where it is."""
    from holdfast.report import write_report

    report = write_report(project_of(options), options.output)
    print(
        f"Wrote {report.path.resolve()} ({report.size / 1e6:.1f} MB); open it in a browser.",
        flush=True,
    )
