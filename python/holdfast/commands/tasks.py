"""`holdfast tasks`: write the models of a task from its declaration."""

from __future__ import annotations

import argparse
from pathlib import Path

from holdfast.commands._options import add_action

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "write the models of a task that dbt_project.yml declares"
EXAMPLE = "holdfast tasks add return --dry-run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions of the command, and what each can be told."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    adding = add_action(
        actions, "add", "write the models of a task", "holdfast tasks add return --dry-run"
    )
    adding.add_argument("task", metavar="TASK", help="name of the task in the var holdfast_tasks")
    adding.add_argument("--dry-run", action="store_true", help="only print what would be written")
    adding.add_argument(
        "--project-dir", type=Path, default=Path(), help="the dbt project (default: here)"
    )


def run(options: argparse.Namespace) -> None:
    """Write the files, and tell which; or tell what would be written."""
    from holdfast.scaffold import describe_task_files, plan_task, write_task_files

    plan = plan_task(options.project_dir, options.task)
    if not options.dry_run:
        write_task_files(plan)
    print(
        describe_task_files(plan, options.project_dir, dry_run=options.dry_run),
        flush=True,
    )
