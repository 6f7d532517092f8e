"""Finding the columns of an input in a table: by name, then by what they hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.setup._content import READERS, Reading, Table, column_type, facts
from holdfast.setup._errors import SetupError
from holdfast.setup._names import INPUTS, plain_name, points
from holdfast.warehouse.quoting import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Asking", "Found", "Key", "Wishes", "find_input", "find_orders"]

# asks a person which of some columns it is, and gives the one that they chose
Asking = Callable[[str, Sequence[str]], str]

# of orders that came to nothing
_CAME_TO_NOTHING = (
    r"cancel|void|fail|trash|draft|declin|reject|storn|abgebroch|annul|expired|abandon"
)
# customers of whom shops say by a value that they are none
_NOBODY = ("guest", "gast", "anonymous", "unknown", "n/a", "none", "null", "nan")
# these may be customers like others; they are nobody if they have far more orders than others
_PERHAPS_NOBODY = ("0", "-1")
_CURRENCY = r"(?:order_|iso_)?(?:currency|waehrung|devise|moneda|valuta)(?:_?(?:code|iso|id|key))?"
# a candidate that is as good as this share of the best one is worth a word
_CLOSE = 0.93


@dataclass(frozen=True)
class Wishes:
    """What a person has said of the columns.

    Attributes
    ----------
    columns
        The column of a role, by input and role.
    amount_in
        Whether amounts are `cents` or `units`; empty where nobody said.
    date_format
        How texts write times, as `strptime` reads them; empty where nobody said.
    """

    columns: Mapping[tuple[str, str], str] = field(default_factory=dict)
    amount_in: str = ""
    date_format: str = ""


@dataclass(frozen=True)
class Found:
    """An input in a table: how each of its columns is read.

    Attributes
    ----------
    input
        The input, such as orders.
    table
        The table.
    columns
        The reading of each column that was found.
    where
        Conditions on the table's rows, in SQL.
    per_order
        How the lines of an order become one row: the SQL of the amount, over the columns as read.
    notes
        What a person has to know.
    quality
        How well the table fits, for a choice among tables.
    """

    input: str
    table: Table
    columns: Mapping[str, Reading]
    where: tuple[str, ...] = ()
    per_order: str = ""
    notes: tuple[str, ...] = ()
    quality: float = 0.0

    @property
    def is_plain(self) -> bool:
        """Whether Holdfast can read the table as it is."""
        return (
            not self.where
            and not self.per_order
            and all(
                reading.is_plain and reading.column.lower() == role
                for role, reading in self.columns.items()
            )
        )


@dataclass(frozen=True)
class Key:
    """Ids that other tables refer to.

    Attributes
    ----------
    sql
        A select of them as `id`.
    kind
        Their kind: whole, text or email.
    told
        Whose they are, as people say it.
    """

    sql: str
    kind: str
    told: str


@dataclass
class _Candidate:
    column: str
    reading: Reading
    points: float


class _Columns:
    """The candidates for the roles of an input in one table."""

    def __init__(
        self,
        connection: DuckDBPyConnection,
        table: Table,
        input: str,
        wishes: Wishes,
        ask: Asking | None,
    ) -> None:
        self.connection, self.table, self.input = connection, table, input
        self.wishes, self.ask = wishes, ask
        self.notes: list[str] = []

    def candidates(self, role: str, want: str = "") -> list[_Candidate]:
        """Give the columns that may be a role, the best first, by name and by type."""
        told = INPUTS[self.input].roles[role]
        wish = self.wishes.columns.get((self.input, role))
        column: str | None = None
        if wish is not None:
            names = {name.lower(): name for name in self.table.columns}
            column = names.get(wish.lower())
            if column is None:
                raise SetupError(
                    f"{self.table.told} has no column {wish}, which --column names for {role}; it "
                    f"has {', '.join(self.table.columns)}"
                )
            named = {column: 100}
        else:
            named = {column: points(told, column) for column in self.table.columns}
        if told.kind in ("time", "later"):
            want = self.wishes.date_format
        elif told.kind == "amount":
            want = self.wishes.amount_in
        found = []
        for column, worth in named.items():
            reading = self._read(column, told.kind, want) if worth else None
            # most rows lack what is needed: a column that is rarely filled
            if reading is not None and (
                reading.missing < 0.9 or not told.required or told.kind == "later"
            ):
                share = 1 - reading.missing if told.required and not wish else 1.0
                found.append(_Candidate(column, reading, worth * (0.4 + 0.6 * share)))
        if wish is not None and column is not None and not found:
            raise SetupError(
                f"the column {wish} of {self.table.told} cannot be read as {role}: it is "
                f"{self.table.columns[column]}"
                + (", and most of its rows hold no value of that kind" if told.required else "")
            )
        return sorted(found, key=lambda candidate: -candidate.points)

    def _read(self, column: str, kind: str, want: str) -> Reading | None:
        if kind in ("time", "later") and want and column_type(self.table.columns[column]) != "text":
            want = ""
        return READERS[kind](self.connection, self.table, column, want)

    def choose(self, role: str, candidates: list[_Candidate]) -> _Candidate | None:
        """Take the best candidate; where another is as good, ask, or say so."""
        if not candidates:
            return None
        ranked = sorted(candidates, key=lambda candidate: -candidate.points)
        best = ranked[0]
        close = [one for one in ranked[1:] if one.points >= _CLOSE * best.points]
        if close:
            names = [best.column, *(one.column for one in close)]
            if self.ask is not None and INPUTS[self.input].roles[role].required:
                chosen = self.ask(f"Which column of {self.table.told} is {role}?", names)
                best = next((one for one in ranked if one.column == chosen), best)
            else:
                option = role if self.input == "orders" else f"{self.input}.{role}"
                self.notes.append(
                    f"{option} is {best.column}; {' and '.join(names[1:])} would fit as well "
                    f"(--column {option}={close[0].column} takes it)"
                )
        return best

    def take(self, role: str, want: str = "") -> Reading | None:
        """Choose a column for a role."""
        chosen = self.choose(role, self.candidates(role, want))
        return chosen.reading if chosen else None


def find_orders(
    connection: DuckDBPyConnection, table: Table, wishes: Wishes, ask: Asking | None = None
) -> Found | str:
    """Find the columns of the orders in a table.

    Parameters
    ----------
    connection
        A connection to the warehouse.
    table
        The table.
    wishes
        What a person has said of its columns.
    ask
        How to ask which column is meant; the better one is taken, and said, where None.

    Returns
    -------
    Found or str
        What was found, or what is missing.
    """
    columns = _Columns(connection, table, "orders", wishes, ask)
    rows = facts(connection, f"select count(*) from {table.sql}")[0]
    if not rows:
        return "it has no rows"
    times = columns.candidates("ordered_at")
    if not times:
        return "it has no column with the moment of the order"
    for one in times:
        # of two clocks the one in UTC
        one.points += 4 if re.search(r"(?:gmt|utc)$", one.column.lower()) else 0
    quantity, price = columns.take("quantity"), columns.take("unit_price")
    line_product = columns.take("product_id")
    amounts = columns.candidates("amount")
    asked = ("orders", "amount") in wishes.columns
    has_lines = quantity is not None and price is not None
    if has_lines and not asked and (not amounts or amounts[0].points < 75):
        amounts = []
    elif not amounts:
        return (
            "it has no column with the amount of the order; if another table has the amounts, make "
            "a view that joins the two and name that"
        )
    buyers = columns.candidates("customer_id")
    if not buyers:
        return "it has no column that says whose order it is"
    for one in buyers:
        one.points *= _repeats(connection, table, one.reading)
    buyer = columns.choose("customer_id", buyers)
    assert buyer is not None
    ids = columns.candidates("order_id")
    for one in ids:
        one.points *= _orderly(connection, table, one.reading, buyer.reading)
        if has_lines and line_product and re.fullmatch(r"(?i)_?(id|pk|key)", one.column):
            # in a table of lines, the id of the line
            one.points *= 0.6
    ids = [one for one in ids if one.points >= 25 and one.column != buyer.column]
    order = columns.choose("order_id", ids)
    moment = columns.choose("ordered_at", times)
    assert moment is not None
    notes = columns.notes
    found = {"customer_id": buyer.reading}
    if order is not None:
        found["order_id"] = order.reading
    else:
        # as stable as the rows themselves: a new row changes no former id
        content = ", ".join(
            f"cast({reading.sql} as varchar)"
            for reading in (buyer.reading, moment.reading, *(one.reading for one in amounts[:1]))
        )
        key = f"concat_ws('|', {content})"
        found["order_id"] = Reading(
            "", f"md5({key} || '#' || row_number() over (partition by {key}))", "text", False
        )
        notes.append(
            "no column tells orders apart: each row counts as an order, with an id made of it"
        )
    found["ordered_at"] = moment.reading
    amount = columns.choose("amount", amounts)
    if amount is not None:
        found["amount"] = amount.reading
    per_order = ""
    if order is not None:
        distinct = facts(
            connection, f"select count(distinct {order.reading.sql}) from {table.sql}"
        )[0]
        is_lined = distinct < rows * (1 - order.reading.missing)
        if is_lined:
            per_order = _per_order(connection, table, found, notes, rows, distinct)
    if amount is None:
        assert quantity is not None
        assert price is not None
        found |= {"quantity": quantity, "unit_price": price}
        per_order = "sum(quantity * unit_price)"
        notes.append(f"the amount is the sum of {quantity.column} times {price.column}")
    where = _left_out(connection, table, columns, found, notes)
    _look_at_currencies(connection, table, notes)
    for role in ("discount_amount", "channel", "loaded_at"):
        reading = columns.take(role)
        if reading is not None and not per_order:
            found[role] = reading
    if line_product is not None and quantity is not None and price is not None:
        found |= {"product_id": line_product, "quantity": quantity, "unit_price": price}
    for reading in found.values():
        notes += [note for note in reading.notes if note not in notes]
    needed = [buyer.points, moment.points, order.points if order else 30]
    needed.append(amount.points if amount else 90)
    return Found("orders", table, found, where, per_order, tuple(notes), sum(needed) / len(needed))


def _look_at_currencies(connection: DuckDBPyConnection, table: Table, notes: list[str]) -> None:
    """Say where amounts of several currencies would be added up."""
    for column in table.columns:
        if not re.fullmatch(_CURRENCY, plain_name(column)):
            continue
        count = facts(connection, f"select count(distinct {quoted(column)}) from {table.sql}")[0]
        if count > 1:
            notes.append(
                f"{column} names {count:,} currencies, and amounts are added as if they were one: "
                "convert them in a view, and name that with --orders"
            )
            return


def _repeats(connection: DuckDBPyConnection, table: Table, reading: Reading) -> float:
    """Give how well a column's values tell customers: one who comes but once is none to keep."""
    there, distinct = facts(
        connection,
        f"select count(v), count(distinct v) from (select {reading.sql} as v from {table.sql})",
    )
    if distinct <= 1:
        return 0.2
    return 0.6 if there == distinct else 1.0


def _orderly(connection: DuckDBPyConnection, table: Table, order: Reading, buyer: Reading) -> float:
    """Give how well a column's values tell orders: each has one customer and not many rows."""
    there, distinct, mixed = facts(
        connection,
        "select sum(n), count(*), count(*) filter (where buyers > 1) from (select count(*) as n, "
        f"count(distinct {buyer.sql}) as buyers from {table.sql} where {order.sql} is not null "
        f"group by {order.sql})",
    )
    if not distinct or there > 500 * distinct or mixed > 0.02 * distinct:
        return 0.2
    return 1.0


def _per_order(
    connection: DuckDBPyConnection,
    table: Table,
    found: Mapping[str, Reading],
    notes: list[str],
    rows: int,
    distinct: int,
) -> str:
    """Tell how the amount of an order follows from its lines."""
    said = f"{rows:,} rows are {distinct:,} orders"
    if "amount" not in found:
        notes.append(f"{said}; their rows are put together")
        return "sum(amount)"
    amount, order = found["amount"].sql, found["order_id"].sql
    several, same = facts(
        connection,
        "select count(*), count(*) filter (where low = high) from ("
        f"select min({amount}) as low, max({amount}) as high from {table.sql} "
        f"where {order} is not null group by {order} having count(*) > 1)",
    )
    name = found["amount"].column
    if same > 0.9 * several:
        notes.append(f"{said}; each row repeats {name}, which counts once")
        return "max(amount)"
    notes.append(f"{said}; {name} is summed over the rows of an order")
    return "sum(amount)"


def _left_out(
    connection: DuckDBPyConnection,
    table: Table,
    columns: _Columns,
    found: Mapping[str, Reading],
    notes: list[str],
) -> tuple[str, ...]:
    """Give the conditions that leave out rows that are no order of anybody."""
    where = []
    rows = facts(connection, f"select count(*) from {table.sql}")[0]
    buyer = f"lower(trim(cast({quoted(found['customer_id'].column)} as varchar)))"
    names = [repr(name) for name in _NOBODY]
    perhaps, customers = facts(
        connection,
        f"select count(*) filter (where {buyer} in ({', '.join(map(repr, _PERHAPS_NOBODY))})), "
        f"count(distinct {buyer}) from {table.sql}",
    )
    if customers and perhaps > 3 * rows / customers:
        names += map(repr, _PERHAPS_NOBODY)
    nobody = f"{buyer} in ({', '.join(names)})"
    guests = facts(connection, f"select count(*) from {table.sql} where {nobody}")[0]
    if guests:
        where.append(f"not coalesce({nobody}, false)")
    for role, told in (
        ("customer_id", "without a customer"),
        ("order_id", "without an id"),
        ("ordered_at", "without a moment that can be read"),
        ("amount", "without an amount that can be read"),
        ("quantity", "without a quantity"),
        ("unit_price", "without a price"),
    ):
        if role not in found or found[role].missing <= 0:
            continue
        where.append(f"({found[role].sql}) is not null")
        if role != "customer_id":
            count = round(found[role].missing * rows)
            notes.append(f"{count:,} rows {told} are left out ({count / rows:.1%})")
    if "customer_id" in found:
        lost = round(found["customer_id"].missing * rows) + guests
        if lost:
            notes.append(
                f"{lost:,} rows without a customer, such as guests, are left out "
                f"({lost / rows:.1%})"
            )
    status = columns.take("status")
    if status is not None and column_type(table.columns[status.column]) == "text":
        nothing = f"regexp_matches(lower(cast({status.sql} as varchar)), '{_CAME_TO_NOTHING}')"
        lost = facts(connection, f"select count(*) from {table.sql} where {nothing}")[0]
        if 0 < lost < 0.6 * rows:
            where.append(f"not coalesce({nothing}, false)")
            notes.append(
                f"{lost:,} rows whose {status.column} says that they came to nothing (such as "
                f"cancelled or failed) are left out ({lost / rows:.1%})"
            )
    cancelled = columns.take("cancelled_at")
    if cancelled is not None:
        lost = facts(
            connection, f"select count(*) from {table.sql} where {cancelled.sql} is not null"
        )[0]
        if 0 < lost < 0.6 * rows:
            where.append(f"{cancelled.sql} is null")
            notes.append(f"{lost:,} rows with {cancelled.column} are left out ({lost / rows:.1%})")
    return tuple(where)


def find_input(
    connection: DuckDBPyConnection,
    input: str,
    table: Table,
    keys: Mapping[str, Key],
    wishes: Wishes,
    ask: Asking | None = None,
) -> Found | str:
    """Find the columns of an optional input in a table.

    Parameters
    ----------
    connection
        A connection to the warehouse.
    input
        The input, such as customers.
    table
        The table.
    keys
        The ids that were found before, by the column that holds them; its own must be those.
    wishes, ask
        See `find_orders`.

    Returns
    -------
    Found or str
        What was found, or why the table is not used.
    """
    columns = _Columns(connection, table, input, wishes, ask)
    if not facts(connection, f"select count(*) from {table.sql}")[0]:
        return "it has no rows"
    found: dict[str, Reading] = {}
    where: list[str] = []
    worth: list[float] = []
    for role, told in INPUTS[input].roles.items():
        taken = {reading.column for reading in found.values()}
        want = keys[role].kind if role in keys else ""
        candidates = [one for one in columns.candidates(role, want) if one.column not in taken]
        if role in keys and told.required and candidates:
            # the one that joins: a table may have ids of its own beside those of the shop
            for one in candidates:
                one.points *= _joined(connection, table, one.reading, keys[role].sql)
            candidates = [one for one in candidates if one.points > 1]
            if not candidates:
                return f"no column of it holds the {role} of {keys[role].told}"
        chosen = columns.choose(role, candidates) if told.required else next(iter(candidates), None)
        if chosen is None:
            if told.required:
                return f"it has no column for {role}"
            continue
        if not told.required and chosen.points < 100:
            continue
        found[role] = chosen.reading
        if told.required:
            worth.append(chosen.points)
            if chosen.reading.missing > 0 and told.kind != "later":
                where.append(f"({chosen.reading.sql}) is not null")
    notes = list(columns.notes)
    for reading in found.values():
        notes += [note for note in reading.notes if note not in notes]
    return Found(
        input, table, found, tuple(where), "", tuple(notes), sum(worth) / max(len(worth), 1)
    )


def _joined(connection: DuckDBPyConnection, table: Table, reading: Reading, known: str) -> float:
    """Give the larger share of the ids on either side that the other side knows."""
    theirs, ours, both = facts(
        connection,
        f"with theirs as (select distinct cast({reading.sql} as varchar) as id from {table.sql} "
        f"where ({reading.sql}) is not null), ours as (select distinct cast(id as varchar) as id "
        f"from ({known}) where id is not null) select (select count(*) from theirs), "
        "(select count(*) from ours), (select count(*) from theirs join ours using (id))",
    )
    if not theirs or not ours:
        return 0.0
    return float(max(both / theirs, both / ours))
