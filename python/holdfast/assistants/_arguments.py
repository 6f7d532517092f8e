"""The arguments of a tool: what its schema says of them, and the check of what was sent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from holdfast.assistants._errors import ArgumentError

__all__ = ["Argument", "Given", "checked", "input_schema", "limit"]

Given = Mapping[str, Any]

# longer ids and names are not in any table; a bound keeps a call from carrying a book
_LONGEST = 1000
# DuckDB has no whole numbers beyond
_LARGEST = 2**127


@dataclass(frozen=True)
class Argument:
    """An argument of a tool.

    Attributes
    ----------
    name, description
        As the assistant sees them.
    kind
        ``id`` (text or a whole number), ``text``, ``whole``, ``number`` or ``flag``.
    default
        What counts where nothing is given; None: no restriction.
    is_required
        Whether the call needs it.
    least, most
        The bounds of a number.
    choices
        The words that a text may be; empty: any text.
    """

    name: str
    kind: Literal["id", "text", "whole", "number", "flag"]
    description: str
    default: Any = None
    is_required: bool = False
    least: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """Give its JSON schema.

        Returns
        -------
        dict
            Without type lists, which some assistants cannot read.
        """
        told: dict[str, Any] = {"description": self.description}
        if self.kind == "id":
            told["anyOf"] = [{"type": "string", "maxLength": _LONGEST}, {"type": "integer"}]
        elif self.kind == "text":
            told |= {"type": "string", "maxLength": _LONGEST}
        else:
            told["type"] = {"whole": "integer", "number": "number", "flag": "boolean"}[self.kind]
        if self.choices:
            told["enum"] = list(self.choices)
        if self.least is not None:
            told["minimum"] = self.least
        if self.most is not None:
            told["maximum"] = self.most
        if self.default is not None:
            told["default"] = self.default
        return told

    def check(self, value: Any) -> Any:
        """Check a value that was sent.

        Parameters
        ----------
        value
            Any value that JSON can hold.

        Returns
        -------
        str, int, float or bool
            The value, of the argument's type.

        Raises
        ------
        ArgumentError
            If it is not one that the argument takes. The value itself is never repeated.
        """
        if self.kind == "flag":
            if isinstance(value, bool):
                return value
            raise self._error("must be true or false")
        # to Python, true is a whole number
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if self.kind in ("whole", "number"):
            return self._number(value) if is_number else self._refuse("must be a number")
        if self.kind == "id" and isinstance(value, int) and is_number:
            return value if abs(value) < _LARGEST else self._refuse("is too large")
        if not isinstance(value, str):
            raise self._error(
                "must be text" if self.kind == "text" else "must be text or a whole number"
            )
        return self._text(value)

    def _number(self, value: float) -> float | int:
        # JSON sets no bound, and the largest of them are too large even to be compared as floats
        if isinstance(value, int) and abs(value) >= _LARGEST:
            raise self._error("is too large")
        if not math.isfinite(value):
            raise self._error("must be a number")
        if self.kind == "whole":
            if value != int(value):
                raise self._error("must be a whole number")
            value = int(value)
        if self.least is not None and value < self.least:
            raise self._error(f"must be at least {self.least}")
        if self.most is not None and value > self.most:
            raise self._error(f"must be at most {self.most}")
        return value

    def _text(self, value: str) -> str:
        if len(value) > _LONGEST:
            raise self._error(f"must not be longer than {_LONGEST} characters")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise self._error("is not valid Unicode") from None
        if self.choices and value not in self.choices:
            raise self._error(f"must be one of {', '.join(self.choices)}")
        return value

    def _refuse(self, why: str) -> Any:
        raise self._error(why)

    def _error(self, why: str) -> ArgumentError:
        return ArgumentError(f"The argument {self.name} {why}.")


def limit(default: int, most: int) -> Argument:
    """Give the argument that limits the rows of an answer.

    Parameters
    ----------
    default, most
        How many rows there are where nothing is said, and at most.

    Returns
    -------
    Argument
        Called `limit`.
    """
    return Argument("limit", "whole", "How many rows to give at most.", default, least=1, most=most)


def input_schema(arguments: Sequence[Argument]) -> dict[str, Any]:
    """Give the JSON schema of a tool's arguments.

    Parameters
    ----------
    arguments
        The arguments of the tool.

    Returns
    -------
    dict
        The schema of an object that has no other keys.
    """
    return {
        "type": "object",
        "properties": {argument.name: argument.schema() for argument in arguments},
        "required": [argument.name for argument in arguments if argument.is_required],
        "additionalProperties": False,
    }


def checked(arguments: Sequence[Argument], sent: Mapping[str, Any] | None) -> Given:
    """Check what was sent to a tool.

    Parameters
    ----------
    arguments
        The arguments of the tool.
    sent
        What the assistant sent; null counts as not given.

    Returns
    -------
    dict
        A value for every argument, or None.

    Raises
    ------
    ArgumentError
        If an argument is missing, unknown, or of the wrong type.
    """
    sent = sent or {}
    known = [argument.name for argument in arguments]
    if not set(sent) <= set(known):
        raise ArgumentError(
            f"This tool takes no other arguments than {', '.join(known)}."
            if known
            else "This tool takes no arguments."
        )
    given: dict[str, Any] = {}
    for argument in arguments:
        value = sent.get(argument.name)
        if value is not None:
            given[argument.name] = argument.check(value)
        elif argument.is_required:
            raise ArgumentError(f"The argument {argument.name} is missing.")
        else:
            given[argument.name] = argument.default
    return given
