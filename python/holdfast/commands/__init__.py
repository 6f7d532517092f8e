"""The commands of `holdfast`, a module each: what it can be told, and how it speaks to the user.

A command computes nothing itself. Its module imports what it needs when it runs, so that
`holdfast --help` waits for no library.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Protocol

from holdfast.commands import (
    backtest,
    doctor,
    features,
    forget,
    init,
    mcp,
    models,
    package,
    publish,
    report,
    review,
    score,
    simulate,
    summary,
    tasks,
)
from holdfast.commands._options import add_action

__all__ = ["COMMANDS", "Command", "add_action"]


class Command(Protocol):
    """What the module of a command has."""

    HELP: str
    EXAMPLE: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command can be told."""

    def run(self, options: argparse.Namespace) -> None:
        """Run the command; it is refused with a `HoldfastError`."""


# in the order in which `holdfast --help` shows them
COMMANDS: Mapping[str, Command] = {
    "init": init,
    "doctor": doctor,
    "summary": summary,
    "report": report,
    "mcp": mcp,
    "review": review,
    "simulate": simulate,
    "features": features,
    "tasks": tasks,
    "models": models,
    "publish": publish,
    "package": package,
    "score": score,
    "forget": forget,
    "backtest": backtest,
}
