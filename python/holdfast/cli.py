"""The `holdfast` command: everything that is not `dbt build`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from holdfast import __version__, terminal
from holdfast.commands import COMMANDS
from holdfast.errors import HoldfastError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one `holdfast` command.

    Parameters
    ----------
    arguments
        The words after `holdfast`; those of the process when None.

    Returns
    -------
    int
        The exit code: 0 done, 1 refused with a message on standard error, 2 wrong usage.

    Examples
    --------
    >>> main(["simulate", "--customers", "0", "--output", "shop"])
    1
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        COMMANDS[options.command].run(options)
    except (HoldfastError, PermissionError, FileNotFoundError) as error:
        message = "\n".join(map(terminal.plain, str(error).split("\n")))
        print(f"holdfast {options.command}: {message}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # the reader has seen enough, as in `holdfast summary | head`
        sys.stderr.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    parser = argparse.ArgumentParser(prog="holdfast", description=__doc__)
    parser.add_argument("--version", action="version", version=f"holdfast {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=command.HELP))
    return parser


if __name__ == "__main__":
    sys.exit(main())
