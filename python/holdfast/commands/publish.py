"""`holdfast publish`: by hand what a build does at its end."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from holdfast.commands._options import add_project, project_of

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "publish the marts for BI tools, as a build does when it ends"
EXAMPLE = "holdfast publish --output serving/holdfast.duckdb"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command can be told."""
    parser.add_argument("--output", type=Path, help="the DuckDB file (default: that of the build)")
    parser.add_argument(
        "--postgres",
        metavar="DSN",
        nargs="?",
        const="",
        help="publish to Postgres instead; the DSN defaults to the environment variable "
        "HOLDFAST_POSTGRES_DSN",
    )
    parser.add_argument(
        "--schema", default="holdfast", help="the schema in Postgres (default: holdfast)"
    )
    parser.add_argument(
        "--take-over",
        action="store_true",
        help="replace a publication of another project, target, warehouse or schema",
    )
    parser.add_argument(
        "--allow-empty", action="store_true", help="allow a table that had rows to become empty"
    )
    add_project(parser)


def run(options: argparse.Namespace) -> None:
    """Publish, and say what and where."""
    from holdfast import publishing

    project = project_of(options)
    if options.postgres is None:
        publication = publishing.publish_project(
            project,
            options.output,
            take_over=options.take_over,
            allow_empty=options.allow_empty,
        )
        print(publication, flush=True)
        return
    dsn = options.postgres or os.environ.get("HOLDFAST_POSTGRES_DSN", "")
    if not dsn:
        raise publishing.PublishError(
            "name the server: --postgres DSN, or the environment's HOLDFAST_POSTGRES_DSN"
        )
    counts = publishing.publish_project_to_postgres(
        project,
        dsn,
        schema=options.schema,
        take_over=options.take_over,
        allow_empty=options.allow_empty,
    )
    print(
        f"Published {len(counts)} tables ({sum(counts.values()):,} rows) to the schema "
        f"{options.schema} in Postgres",
        flush=True,
    )
