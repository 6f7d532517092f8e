"""`holdfast forget`: customers removed from all that was built, and kept out."""

from __future__ import annotations

import argparse
import sys

from holdfast import terminal
from holdfast.commands._options import add_project, project_of

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "remove customers from everything that was built, and keep them out of later builds"
EXAMPLE = "holdfast forget 17 42 --dry-run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command can be told."""
    parser.add_argument("customer_ids", metavar="CUSTOMER_ID", nargs="+")
    parser.add_argument("--dry-run", action="store_true", help="only count what would be removed")
    add_project(parser)


def run(options: argparse.Namespace) -> None:
    """Forget the customers, and say what went and what is left to do."""
    from holdfast.privacy import forget_customers

    done = forget_customers(project_of(options), options.customer_ids, dry_run=options.dry_run)
    table = [("table", "rows"), *((name, f"{rows:,}") for name, rows in done.rows.items())]
    print("Would remove:" if options.dry_run else "Removed:")
    print(terminal.table(table, left=1))
    if done.unknown:
        print(f"No table knows {', '.join(done.unknown)}.")
    if done.elsewhere:
        print(
            "Still in your own tables, by their ids or the ids of decisions about them: "
            f"{', '.join(done.elsewhere)}. Remove them there, too."
        )
    if done.on_top:
        print(
            f"Built on Holdfast's tables, and still with the ids: {', '.join(done.on_top)}. Build "
            "them anew (dbt build, with --full-refresh where they are incremental); until they are "
            "clean they are not published. A column that tells no customers says so by "
            "`meta: {customer_ids: false}`."
        )
    if done.publication is not None:
        print(done.publication)
    sys.stdout.flush()
