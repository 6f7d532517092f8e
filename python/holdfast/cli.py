"""The `holdfast` command: everything that is not `dbt build`."""

from __future__ import annotations

import argparse
import difflib
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from typing import ClassVar, NoReturn

from holdfast import __version__, terminal
from holdfast.commands import COMMANDS, add_action
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
        The exit code: 0 done, 1 refused with a message on standard error, 2 wrong usage, 130
        stopped by hand.

    Examples
    --------
    >>> main(["simulate", "--customers", "0", "--output", "shop"])
    1
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser(words).parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    command = COMMANDS[options.command]
    try:
        with terminal.working(f"holdfast {options.command}"):
            command.run(options)
    except (HoldfastError, PermissionError, FileNotFoundError, NotADirectoryError) as error:
        message = "\n".join(map(terminal.plain, str(error).split("\n")))
        print(f"holdfast {options.command}: {message}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, EOFError):
        print(f"\nholdfast {options.command}: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # the reader has seen enough, as in `holdfast summary | head`
        sys.stderr.close()
    return 0


class _Parser(argparse.ArgumentParser):
    """A parser that offers the word most like one that it does not know."""

    words: ClassVar[list[str]] = []

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, with the word that was meant."""
        chosen = re.search(r"invalid choice: '(.*?)' \(", message)
        if chosen:
            asked, known = [chosen[1]], list(_choices(self))
        else:
            asked = [word.partition("=")[0] for word in self.words if word.startswith("--")]
            known = list(_options(self, self.words))
            asked = [word for word in asked if not any(name.startswith(word) for name in known)]
        for word in asked:
            meant = difflib.get_close_matches(word, known, n=1)
            if meant:
                message += f"; did you mean {meant[0]}?"
        super().error(message)


def _choices(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Give the words among which a parser lets choose."""
    for action in parser._actions:
        yield from map(str, action.choices or ())


def _options(parser: argparse.ArgumentParser, words: Sequence[str]) -> Iterator[str]:
    """Give the options of a parser and of the commands that the words name."""
    for action in parser._actions:
        yield from (name for name in action.option_strings if name.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for index, word in enumerate(words):
                if word in action.choices:
                    yield from _options(action.choices[word], words[index + 1 :])
                    break


def _parser(words: list[str]) -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    _Parser.words = words
    parser = _Parser(
        prog="holdfast",
        description="Everything that is not `dbt build`.",
        epilog="`holdfast COMMAND --help` shows the options of a command, and an example.",
    )
    parser.add_argument("--version", action="version", version=f"holdfast {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.add_arguments(add_action(commands, name, command.HELP, command.EXAMPLE))
    return parser


if __name__ == "__main__":
    sys.exit(main())
