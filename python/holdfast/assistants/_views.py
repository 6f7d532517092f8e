"""What of a table an assistant may see, how it is asked for, and how values are written."""

from __future__ import annotations

import datetime as dt
import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from holdfast.assistants._file import Snapshot
from holdfast.warehouse.quoting import quoted

__all__ = ["UNTRUSTED", "Condition", "Kind", "Section", "View", "has_id", "select"]

# the key of a row under which texts stand that the shop, its staff or its customers wrote
UNTRUSTED = "untrusted_text"

Kind = Literal["id", "number", "whole", "flag", "date", "code", "text", "json"]
# a column, how it is compared, and with what; None: not at all
Condition = tuple[str, Literal["=", "<>", ">=", "id", "in", "known"], Any]

_LONGEST_TEXT = 1000
_LONGEST_JSON = 16_384
# beyond, JavaScript, in which many assistants are written, would round
_LARGEST = 2**53 - 1
_WHOLE = (
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
)
# invisible, or turn what stands around them: places to hide an instruction in
_HIDDEN = {
    *range(0x200B, 0x200C),
    *range(0x200E, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xE0000, 0xE0080),
}


@dataclass(frozen=True)
class View:
    """The columns of a table that a tool shows.

    Attributes
    ----------
    table
        The table of the published file.
    columns
        The columns, with the kind of their values. `code` is a word of Holdfast or of the
        project's settings; `text` and `json` come from the data, and are marked as such.
    """

    table: str
    columns: Mapping[str, Kind]


@dataclass
class Section:
    """The rows of one table in an answer.

    Attributes
    ----------
    view
        The table and its columns.
    rows
        The rows, without the values that are not known.
    total
        How many rows there are without the limit.
    problem
        Why there are none, where the file lacks the table or a column to search by.
    absent
        The columns that the file lacks.
    """

    view: View
    rows: list[dict[str, Any]] = field(default_factory=list)
    total: int = 0
    problem: str | None = None
    absent: list[str] = field(default_factory=list)


def select(
    snapshot: Snapshot,
    view: View,
    *,
    where: Sequence[Condition] = (),
    order: Sequence[str] = (),
    limit: int,
    distinct: bool = False,
) -> Section:
    """Read the rows of a table that an answer shows.

    Parameters
    ----------
    snapshot
        The publication.
    view
        The table and its columns.
    where
        Which rows. Values are bound, never written into the query.
    order
        The columns to sort by, each as ``name`` or ``-name`` for the largest first; unknown
        values come last. Columns that the file lacks are left out.
    limit
        How many rows at most.
    distinct
        Whether to give rows that look alike once.

    Returns
    -------
    Section
        The rows; none, and why, if the file lacks the table or a column to search by.
    """
    section = Section(view)
    table = snapshot.tables.get(view.table)
    if table is None:
        section.problem = (
            f"This publication has no table {view.table}: the system that makes it is switched "
            "off or has no input, or an earlier version of Holdfast published the file."
        )
        return section
    section.absent = [name for name in view.columns if name not in table.columns]
    names = [name for name in view.columns if name in table.columns]
    conditions, values = [], []
    for column, comparison, value in where:
        if value is None:
            continue
        if column not in table.columns:
            section.problem = (
                f"{view.table} of this publication has no column {column} to search by; another "
                "version of Holdfast published it. Run `dbt build` with this one."
            )
            return section
        condition, bound = _condition(column, comparison, value, table.columns[column].type)
        conditions.append(condition)
        values += bound
    if not names:
        section.problem = f"{view.table} of this publication has none of the columns to show."
        return section
    relation = snapshot.relation(view.table)
    chosen = f" where {' and '.join(conditions)}" if conditions else ""
    keys = [
        f"{quoted(key.removeprefix('-'))} {'desc' if key.startswith('-') else 'asc'} nulls last"
        for key in order
        if key.removeprefix("-") in table.columns
    ]
    ordered = f" order by {', '.join(keys)}" if keys else ""
    listed = ", ".join(map(quoted, names))
    once = "distinct " if distinct else ""
    query = f"select {once}{listed} from {relation}{chosen}"  # noqa: S608 - values are bound
    found = snapshot.rows(f"{query}{ordered} limit {int(limit)}", values)
    section.rows = [_row(view, dict(zip(names, row, strict=True))) for row in found]
    section.total = len(found)
    if len(found) == limit:
        counted = f"select count(*) from ({query})"  # noqa: S608 - values are bound
        ((section.total,),) = snapshot.rows(counted, values)
    return section


def has_id(value: Any, dtype: str) -> tuple[str, Any] | None:
    """Say how to look for an id, which people write as text or as a number.

    Parameters
    ----------
    value
        The id, text or a whole number.
    dtype
        The type of the column.

    Returns
    -------
    tuple or None
        The comparison with a place for the column, and the value to bind; None if a column of
        this type cannot hold the id.

    Examples
    --------
    >>> has_id("17", "BIGINT"), has_id("017", "BIGINT"), has_id(17, "VARCHAR")
    (('{} = ?', 17), None, ('{} = ?', '17'))
    """
    told = str(value)
    if dtype == "VARCHAR":
        return "{} = ?", told
    if dtype in _WHOLE:
        # only as DuckDB writes it: 017 and +17 are other ids, which this column cannot hold
        is_number = told.removeprefix("-").isascii() and told.removeprefix("-").isdigit()
        if not is_number or len(told) > 39 or str(int(told)) != told or abs(int(told)) >= 2**127:
            return None
        return "{} = ?", int(told)
    return "cast({} as varchar) = ?", told


def _condition(column: str, comparison: str, value: Any, dtype: str) -> tuple[str, list[Any]]:
    """Write a condition, and give what to bind."""
    name = quoted(column)
    if comparison == "known":
        return f"{name} is not null", []
    if comparison == "id":
        found = has_id(value, dtype)
        return ("false", []) if found is None else (found[0].format(name), [found[1]])
    if comparison == "in":
        if dtype in _WHOLE:
            return f"{name} in (select unnest(?))", [[int(item) for item in value]]
        told = name if dtype == "VARCHAR" else f"cast({name} as varchar)"
        return f"{told} in (select unnest(?))", [[str(item) for item in value]]
    return f"{name} {comparison} ?", [value]


def _row(view: View, values: Mapping[str, Any]) -> dict[str, Any]:
    """Write a row, with the texts from the data in a place of their own."""
    row: dict[str, Any] = {}
    texts: dict[str, Any] = {}
    for name, value in values.items():
        kind = view.columns[name]
        told = _told(value, kind)
        if told is not None:
            (texts if kind in ("text", "json") else row)[name] = told
    if texts:
        row[UNTRUSTED] = texts
    return row


def _told(value: Any, kind: Kind) -> Any:
    """Write a value as JSON knows it; None where it is unknown or of another type than said."""
    if value is None:
        return None
    if kind == "id":
        return value if isinstance(value, int) and abs(value) <= _LARGEST else str(value)
    if kind == "flag":
        return value if isinstance(value, bool) else None
    if kind in ("number", "whole"):
        if not isinstance(value, int | float | Decimal) or not math.isfinite(value):
            return None
        if isinstance(value, int):
            return value if abs(value) <= _LARGEST else float(value)
        return float(value) if kind == "number" or value != int(value) else int(value)
    if kind == "date":
        if isinstance(value, dt.datetime):
            return f"{value.replace(tzinfo=None).isoformat(timespec='seconds')}Z"
        return value.isoformat() if isinstance(value, dt.date) else str(value)
    if kind == "json":
        return _json(str(value))
    return _clean(str(value))


def _json(value: str) -> Any:
    """Read JSON from the data; where it is none, it stays the text that it is."""
    if len(value) > _LONGEST_JSON:
        return _clean(value)
    try:
        return _cleaned(json.loads(value, parse_constant=lambda _: None))
    except (ValueError, RecursionError):
        return _clean(value)


def _cleaned(value: Any) -> Any:
    """Clean the texts of a JSON value."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST:
        # an id; as a number it would be another one in JavaScript
        return str(value)
    return value


def _clean(value: str) -> str:
    """Cut a long text, and take out the characters that nobody sees."""
    shown = value[: 2 * _LONGEST_TEXT]
    if not shown.isprintable():
        shown = "".join(
            character
            for character in shown
            if character in "\n\t"
            or (
                ord(character) not in _HIDDEN
                and unicodedata.category(character) not in ("Cc", "Cs")
            )
        )
    return shown if len(shown) <= _LONGEST_TEXT else f"{shown[: _LONGEST_TEXT - 1]}…"
