"""What the doctor finds: a fact, how bad it is, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from holdfast.errors import HoldfastError
from holdfast.terminal import plain

__all__ = ["Check", "DoctorError", "Level", "as_json", "as_text", "problems"]

Level = Literal["ok", "note", "warning", "error"]


class DoctorError(HoldfastError):
    """Something must be mended before builds work as they should."""


@dataclass(frozen=True)
class Check:
    """Something that was looked at.

    Attributes
    ----------
    area
        What it is about, such as inputs.
    name
        What was looked at, such as orders.
    level
        Whether it is sound (ok), worth knowing (note), suspicious (warning), or must be mended
        (error).
    told
        What was found. Holds counts and dates, and no personal data.
    remedy
        What to do; empty where nothing is to be done.
    facts
        The same for programs.
    """

    area: str
    name: str
    level: Level
    told: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def problems(checks: Iterable[Check]) -> list[Check]:
    """Give what must be mended.

    Examples
    --------
    >>> problems([Check("inputs", "orders", "ok", "5 rows")])
    []
    """
    return [check for check in checks if check.level == "error"]


def as_text(checks: Sequence[Check]) -> str:
    """Write what was found for people, by area.

    Examples
    --------
    >>> print(as_text([Check("inputs", "orders", "ok", "5 rows")]))
    inputs
      ok       orders: 5 rows
    """
    lines: list[str] = []
    area = ""
    for check in checks:
        if check.area != area:
            lines += ["", check.area] if lines else [check.area]
            area = check.area
        mark = check.level.upper() if check.level == "error" else check.level
        lines.append(f"  {mark:8} {plain(check.name)}: {plain(check.told)}")
        if check.remedy:
            lines.append(f"           -> {plain(check.remedy)}")
    return "\n".join(lines)


def as_json(checks: Sequence[Check], version: str) -> dict[str, Any]:
    """Give what was found for programs.

    Examples
    --------
    >>> as_json([], "0.1.0")
    {'version': '0.1.0', 'is_sound': True, 'checks': []}
    """
    return {
        "version": version,
        "is_sound": not problems(checks),
        "checks": [
            {
                "area": check.area,
                "name": check.name,
                "level": check.level,
                "told": check.told,
                "remedy": check.remedy,
                "facts": dict(check.facts),
            }
            for check in checks
        ],
    }
