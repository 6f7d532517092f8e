"""Finding the inputs among the tables of a warehouse."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from holdfast.setup._content import Reading, Table, list_tables
from holdfast.setup._errors import SetupError
from holdfast.setup._find import Asking, Found, Key, Wishes, find_input, find_orders
from holdfast.setup._names import INPUTS, table_points
from holdfast.shipped import shipped_package

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Inputs", "find_inputs", "known_columns", "open_warehouse"]

_STAGED = "stg_holdfast__"


@dataclass(frozen=True)
class Inputs:
    """The inputs that a warehouse has.

    Attributes
    ----------
    found
        The inputs, the orders first.
    notes
        What a person has to know beside what each input says of itself.
    """

    found: tuple[Found, ...]
    notes: tuple[str, ...]


def open_warehouse(path: Path) -> DuckDBPyConnection:
    """Open a warehouse to read it.

    Parameters
    ----------
    path
        The DuckDB file.

    Raises
    ------
    SetupError
        If it is not there, is in use by another process, or is no DuckDB file.
    """
    if not path.is_file():
        raise SetupError(f"there is no warehouse at {path}; name the DuckDB file with --warehouse")
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        told = str(error).splitlines()[0]
        if "lock" in told:
            raise SetupError(
                f"{path} is in use by another process, most likely a build or a program that has "
                f"it open: wait for it or close it, and run this again ({told})"
            ) from None
        raise SetupError(f"{path} cannot be opened as a DuckDB file ({told})") from None


def find_inputs(
    connection: DuckDBPyConnection,
    *,
    named: Mapping[str, str],
    without: Sequence[str] = (),
    wishes: Wishes | None = None,
    ask: Asking | None = None,
) -> Inputs:
    """Find the orders in a warehouse, and what else Holdfast can use.

    Parameters
    ----------
    connection
        A connection to the warehouse.
    named
        The tables that a person named, by input.
    without
        Inputs that are not wanted.
    wishes
        What a person has said of the columns.
    ask
        How to ask what is unclear; the better one is taken, and said, where None.

    Returns
    -------
    Inputs
        What was found.

    Raises
    ------
    SetupError
        If no table holds orders, or a named table cannot be what it is named for.
    """
    wishes = wishes or Wishes()
    unknown = set(without) - set(_all_inputs())
    if unknown:
        raise SetupError(
            f"--without takes the name of an input; {min(unknown)} is none of "
            f"{', '.join(_all_inputs())}"
        )
    _check_date_format(connection, wishes.date_format)
    tables = _usable(list_tables(connection))
    notes: list[str] = []
    orders = _orders(connection, tables, named.get("orders"), wishes, ask, notes)
    found = [orders]
    keys = {
        role: Key(
            f"select {orders.columns[role].sql} as id from {orders.table.sql}",
            orders.columns[role].kind,
            "the orders",
        )
        for role in ("customer_id", "order_id")
        if orders.columns[role].column
    }
    if orders.per_order and {"product_id", "quantity", "unit_price"} <= orders.columns.keys():
        lines = {
            role: reading
            for role, reading in orders.columns.items()
            if role in ("order_id", "product_id", "quantity", "unit_price")
        }
        if "order_items" not in without and "order_items" not in named:
            filled = (
                f"({lines['product_id'].sql}) is not null",
                f"({lines['quantity'].sql}) is not null",
                f"({lines['unit_price'].sql}) is not null",
            )
            where = tuple(dict.fromkeys((*orders.where, *filled)))
            found.append(Found("order_items", orders.table, lines, where))
    for input in INPUTS:
        if input in without or any(one.input == input for one in found):
            continue
        taken = {one.table.sql for one in found}
        there = _optional(
            connection, tables, input, named.get(input), taken, keys, wishes, notes, ask
        )
        if there is not None:
            found.append(there)
            if input == "order_items":
                product = there.columns["product_id"]
                keys["product_id"] = Key(
                    f"select {product.sql} as id from {there.table.sql}", product.kind, "the items"
                )
    found += _of_the_name(tables, [*found], without)
    unknown = set(named) - {one.input for one in found}
    if unknown:
        raise SetupError(f"{min(unknown)} is no input that can be named here")
    idle = sorted({input for input, _ in wishes.columns} - {one.input for one in found})
    if idle:
        raise SetupError(
            f"--column names a column of {idle[0]}, but no table is used as {idle[0]}; name it "
            f"with --input {idle[0]}=TABLE"
            + "".join(f". {note}" for note in notes if idle[0] in note)
        )
    return Inputs(tuple(found), tuple(notes))


def _check_date_format(connection: DuckDBPyConnection, form: str) -> None:
    """Refuse a way of writing dates that is none."""
    if not form:
        return
    try:
        connection.execute("select try_strptime('', ?)", [form])
        is_one = bool(re.search("%[a-zA-Z]", form))
    except duckdb.Error:
        is_one = False
    if not is_one:
        raise SetupError(
            f"--date-format {form} is no format of dates; write %d for the day, %m for the month "
            "and %Y for the year, such as %d.%m.%Y"
        )


def _all_inputs() -> list[str]:
    """Give the names of all inputs that the dbt package reads."""
    folder = shipped_package() / "models" / "inputs"
    return sorted(path.stem.removeprefix(_STAGED) for path in folder.glob(f"{_STAGED}*.sql"))


def known_columns(input: str) -> dict[str, str]:
    """Give the columns that Holdfast reads of an input, and their types, from the dbt package.

    Examples
    --------
    >>> known_columns("products")["category"]
    'text'
    """
    path = shipped_package() / "models" / "inputs" / f"stg_holdfast__{input}.sql"
    text = path.read_text(encoding="utf-8")
    return dict(re.findall(r"^    '(\w+)': \{'type': '(\w+)'", text, re.M))


def _required(input: str) -> set[str]:
    path = shipped_package() / "models" / "inputs" / f"stg_holdfast__{input}.sql"
    text = path.read_text(encoding="utf-8")
    return set(re.findall(r"^    '(\w+)': \{.*'required': true", text, re.M))


def _usable(tables: Sequence[Table]) -> list[Table]:
    """Leave out Holdfast's own tables, and names that dbt would take for Jinja."""
    built = {table.schema for table in tables if table.name.startswith(_STAGED)}
    own = {
        name
        for path in (shipped_package() / "models").rglob("*.yml")
        for name in re.findall(r"^ +alias: (\w+)", path.read_text(encoding="utf-8"), re.M)
    }
    return [
        table
        for table in tables
        if not (table.schema in built and (table.name in own or table.name.startswith(_STAGED)))
        and not table.name.endswith("_for_holdfast")
        and not any(mark in table.told + "".join(table.columns) for mark in ("{{", "{%", "{#"))
    ]


def _named(tables: Sequence[Table], name: str, input: str) -> Table:
    """Give the table that a person named, with its schema or without."""
    asked = name.replace('"', "").lower()
    found = [table for table in tables if asked in (table.told.lower(), table.name.lower())]
    if len(found) == 1:
        return found[0]
    there = ", ".join(table.told for table in found or tables) or "none"
    raise SetupError(
        f"{len(found) or 'no'} table{'s are' if len(found) > 1 else ' is'} called {name}, "
        f"which was named for {input}; "
        + ("name one with its schema" if found else "the warehouse has")
        + f": {there}"
    )


def _orders(
    connection: DuckDBPyConnection,
    tables: Sequence[Table],
    name: str | None,
    wishes: Wishes,
    ask: Asking | None,
    notes: list[str],
) -> Found:
    """Find the table of the orders."""
    if name is not None:
        table = _named(tables, name, "orders")
        found = _tried_orders(connection, table, wishes, ask, named=True)
        if isinstance(found, str):
            raise SetupError(
                f"{table.told} cannot be the orders: {found}. Name the column, such as --column "
                f"amount=total; the table has {', '.join(table.columns)}"
            )
        return found
    answers = {
        table.told: (table, _tried_orders(connection, table, wishes, None))
        for table in tables
        if len(table.columns) >= 3
    }
    fits: list[tuple[float, Table]] = []
    for table, answer in answers.values():
        if isinstance(answer, Found):
            named = table_points("orders", table.name)
            # a table of events may have an id, a customer, a time and a value too
            if named or answer.quality > 75:
                # what has Holdfast's own names was most likely made for it
                fits.append((answer.quality + named / 2 + 20 * answer.is_plain, table))
    fits.sort(key=lambda fit: -fit[0])
    if not fits:
        nearest = [
            f"{table.told} ({answer})"
            for table, answer in answers.values()
            if isinstance(answer, str) and table_points("orders", table.name)
        ]
        raise SetupError(
            "no table of the warehouse is recognised as the orders"
            + (f"; the nearest: {'; '.join(nearest)}" if nearest else "")
            + ". Name it with --orders and its columns with --column, such as --orders raw.sales "
            "--column customer_id=buyer --column amount=total. The warehouse has "
            + (", ".join(table.told for table in tables) or "no table")
        )
    table = fits[0][1]
    close = [one for points, one in fits[1:] if points > 0.93 * fits[0][0]]
    if close:
        names = [table.told, *(one.told for one in close)]
        if ask is not None:
            chosen = ask("Which table holds the orders?", names)
            table = next((one for one in (table, *close) if one.told == chosen), table)
        else:
            notes.append(
                f"the orders are {table.told}; {', '.join(names[1:])} would fit as well "
                f"(--orders {names[1]} takes it); if the orders are spread over them, name a view "
                "of all"
            )
    found = answers[table.told][1]
    if ask is not None:
        # once more, for the questions
        found = _tried_orders(connection, table, wishes, ask)
    assert isinstance(found, Found)
    return found


def _tried_orders(
    connection: DuckDBPyConnection,
    table: Table,
    wishes: Wishes,
    ask: Asking | None,
    *,
    named: bool = False,
) -> Found | str:
    try:
        return find_orders(connection, table, wishes, ask)
    except SetupError as error:
        if named:
            raise
        # the column that a person named is that of another table
        return str(error).replace(f"{table.told} has", "it has", 1)
    except duckdb.Error as error:
        # a view over files that are gone; no more than the kind of error, which may quote values
        return f"it cannot be read ({type(error).__name__})"


def _optional(
    connection: DuckDBPyConnection,
    tables: Sequence[Table],
    input: str,
    name: str | None,
    taken: set[str],
    keys: Mapping[str, Key],
    wishes: Wishes,
    notes: list[str],
    ask: Asking | None,
) -> Found | None:
    """Find the table of an optional input: one that is called so, has all columns, and joins."""
    if name is not None:
        candidates = [_named(tables, name, input)]
    else:
        candidates = [
            table for table in tables if table_points(input, table.name) and table.sql not in taken
        ]
    fits: list[tuple[float, Found]] = []
    refused: list[str] = []
    for table in candidates:
        try:
            answer = find_input(connection, input, table, keys, wishes, ask if name else None)
        except SetupError as error:
            if name is not None:
                raise
            answer = str(error).replace(f"{table.told} has", "it has", 1)
        except duckdb.Error as error:
            answer = f"it cannot be read ({type(error).__name__})"
        if isinstance(answer, Found):
            fits.append((answer.quality + table_points(input, table.name) / 2, answer))
        elif name is not None:
            raise SetupError(
                f"{table.told} cannot be {input}: {answer}. Name the column, such as --column "
                f"{input}.{next(iter(INPUTS[input].roles))}=…; the table has "
                f"{', '.join(table.columns)}"
            )
        else:
            refused.append(f"{table.told} is not used as {input}: {answer}")
    if not fits:
        notes += refused
        return None
    fits.sort(key=lambda fit: -fit[0])
    others = [one.table.told for _, one in fits[1:]]
    if others:
        notes.append(
            f"{input} is {fits[0][1].table.told}; {', '.join(others)} would fit as well "
            f"(--input {input}={others[0]} takes it)"
        )
    return fits[0][1]


def _of_the_name(
    tables: Sequence[Table], found: Sequence[Found], without: Sequence[str]
) -> list[Found]:
    """Give the tables that have the name and the columns of an input, where the orders are."""
    schema = found[0].table.schema
    more = []
    for input in _all_inputs():
        if input in INPUTS or input in without:
            continue
        for table in tables:
            columns = {column.lower() for column in table.columns}
            if table.schema == schema and table.name == input and _required(input) <= columns:
                readings = {column: Reading(column, column) for column in _required(input)}
                more.append(Found(input, table, readings))
    return more
