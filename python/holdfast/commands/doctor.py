"""`holdfast doctor`: what may keep a build from working as it should, and what to do."""

from __future__ import annotations

import argparse

from holdfast.commands._options import add_project

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "look for what should be mended: versions, profile, inputs, ids that do not join"
EXAMPLE = "holdfast doctor --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command can be told."""
    add_project(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")


def run(options: argparse.Namespace) -> None:
    """Print what is found; the command fails if something must be mended."""
    import json

    from holdfast import __version__
    from holdfast.doctor import DoctorError, as_json, as_text, examine, problems

    checks = examine(options.project_dir, target=options.target, target_path=options.target_path)
    told = json.dumps(as_json(checks, __version__), indent=2) if options.json else as_text(checks)
    print(told, flush=True)
    found = problems(checks)
    if found:
        raise DoctorError(
            f"{len(found)} thing{'s' if len(found) > 1 else ''} must be mended: "
            + ", ".join(f"{check.area}, {check.name}" for check in found)
        )
