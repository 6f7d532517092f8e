"""What the columns of a table hold, and the SQL by which Holdfast can read them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from holdfast.setup._names import plain_name
from holdfast.warehouse.quoting import quoted
from holdfast.warehouse.quoting import text as literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["READERS", "Reading", "Table", "column_type", "facts", "list_tables"]

_WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL\(\d+,\s*0\)")
_FRACTION = re.compile(r"FLOAT|REAL|DOUBLE|DECIMAL.*")
_TEXT = re.compile(r"VARCHAR|UUID|ENUM.*")
_TIME = re.compile(r"DATE|TIMESTAMP.*")
_BLANKS = r"^[\s\p{Z}\p{C}]+|[\s\p{Z}\p{C}]+$"
_SAMPLE = 20_000
# a way of writing dates counts if it reads this share of the values
_ENOUGH = 0.95
_DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d.%m.%y", "%d-%m-%Y"),
    *("%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%m-%d-%Y", "%d-%b-%Y", "%d-%b-%y"),
    *("%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y"),
)
_TIMES = (
    *("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", " %H:%M:%S.%f"),
    *("T%H:%M:%S", " %H:%M:%S %Z", " %H:%M:%S %z", " um %H:%M Uhr", " %H.%M"),
)
_SHAPES = {
    **dict.fromkeys(("%m", "%d", "%H", "%I", "%M", "%S"), "[0-9]{1,2}"),
    **{"%Y": "[0-9]{4}", "%y": "[0-9]{2}", "%f": "[0-9]{1,9}", "%p": "[AaPp][Mm]"},
    **{"%b": "[A-Za-z]{3}", "%B": "[A-Za-z]{3,9}", "%Z": "[A-Za-z/_]+", "%z": "[+-][0-9:]{2,6}"},
}
_PHONE = r"(?:^|_)(?:phone|telefon|telephone|mobile|handy)(?:$|_)"
# as the inputs of the dbt package read it
_ISO = (
    "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?)?"
    "[ ]*(Z|z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)?"
)
# thousands are grouped by what is not the sign of the decimals
_ENGLISH = "[0-9]{1,3}(,[0-9]{3})+([.][0-9]+)?|[0-9]*[.]?[0-9]+[.]?"
_DOTTED = "[1-9][0-9]{0,2}([.][0-9]{3})+"
_EUROPEAN = "[0-9]{1,3}([.][0-9]{3})+(,[0-9]+)?|[0-9]*,?[0-9]+,?"


@dataclass(frozen=True)
class Table:
    """A table or view of a warehouse.

    Attributes
    ----------
    schema
        Its schema.
    name
        Its name.
    columns
        The type of each column, as DuckDB writes it.
    sql
        Its quoted name.
    """

    schema: str
    name: str
    columns: Mapping[str, str]
    sql: str

    @property
    def told(self) -> str:
        """Its name as people write it."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Reading:
    """How a column is read.

    Attributes
    ----------
    column
        The column; empty for what no single column holds.
    sql
        The expression, NULL where there is no value.
    kind
        Of ids: whole, text or email; empty otherwise.
    is_plain
        Whether Holdfast reads the column itself as it is.
    missing
        The share of rows without a value.
    notes
        What a person has to know of it.
    """

    column: str
    sql: str
    kind: str = ""
    is_plain: bool = True
    missing: float = 0.0
    notes: tuple[str, ...] = ()


def list_tables(connection: DuckDBPyConnection) -> list[Table]:
    """List the tables and views of the warehouse that a connection has open.

    Parameters
    ----------
    connection
        A connection to the warehouse.

    Returns
    -------
    list of Table
        In the order of their names.
    """
    found: dict[tuple[str, str], dict[str, str]] = {}
    database = facts(connection, "select current_database()")[0]
    for schema, table, column, dtype in connection.execute(
        "select schema_name, table_name, column_name, data_type "
        "from duckdb_columns() where not internal and database_name = current_database() "
        "order by schema_name, table_name, column_index"
    ).fetchall():
        found.setdefault((schema, table), {})[column] = dtype
    return [
        # where schema and database share a name, DuckDB asks which is meant
        Table(
            schema,
            name,
            columns,
            ".".join(
                quoted(part) for part in ([database] if schema == database else []) + [schema, name]
            ),
        )
        for (schema, name), columns in found.items()
    ]


def column_type(dtype: str) -> str:
    """Give what a type is: whole, fraction, text, time, flag, or nothing that Holdfast reads.

    Examples
    --------
    >>> column_type("BIGINT"), column_type("DECIMAL(10,2)"), column_type("TIMESTAMP_NS")
    ('whole', 'fraction', 'time')
    """
    for name, pattern in (("whole", _WHOLE), ("fraction", _FRACTION), ("text", _TEXT)):
        if pattern.fullmatch(dtype):
            return name
    return "time" if _TIME.fullmatch(dtype) else "flag" if dtype == "BOOLEAN" else ""


def facts(connection: DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    """Give the one row of a query, with 0 in place of NULL."""
    row = connection.execute(sql).fetchone()
    return tuple(0 if value is None else value for value in row or ())


def _untold(name: str) -> str:
    """Give an expression for a text without the blanks around it; NULL where nothing is left."""
    return f"nullif(regexp_replace(cast({name} as varchar), '{_BLANKS}', '', 'g'), '')"


def read_id(
    connection: DuckDBPyConnection, table: Table, column: str, want: str = ""
) -> Reading | None:
    """Tell how to read a column of ids, of the kind that the orders have where one is wanted."""
    name, dtype = quoted(column), table.columns[column]
    kind = column_type(dtype)
    if kind in ("whole", "text") and re.search(_PHONE, plain_name(column)):
        return _read_phone(connection, table, column)
    if kind == "whole":
        rows, there = facts(connection, f"select count(*), count({name}) from {table.sql}")
        missing = 1 - there / rows if rows else 0.0
        if want == "text":
            return Reading(column, f"cast({name} as varchar)", "text", False, missing)
        return None if want == "email" else Reading(column, name, "whole", True, missing)
    if kind == "fraction":
        finite = f"isfinite(cast({name} as double))"
        rows, there, bad = facts(
            connection,
            f"select count(*), count({name}) filter (where {finite}), "
            f"count(*) filter (where {finite} and "
            f"({name} <> trunc({name}) or abs({name}) >= 9007199254740992)) from {table.sql}",
        )
        if bad or not there or want == "email":
            return None
        sql = f"case when {finite} then cast({name} as bigint) end"
        note = f"{column} holds whole numbers as {dtype}; they are read as BIGINT"
        if want == "text":
            sql = f"cast({sql} as varchar)"
        return Reading(column, sql, want or "whole", False, 1 - there / rows, (note,))
    if kind != "text":
        return None
    text = _untold(name)
    rows, there, untidy, mails, floats, whole = facts(
        connection,
        f"select count(*), count(t), "
        f"count(*) filter (where v <> t or (v is not null and t is null)), "
        f"count(*) filter (where t like '%_@_%'), "
        f"count(*) filter (where regexp_full_match(t, '[0-9]+[.]0+')), "
        f"count(try_cast(t as bigint)) "
        f"from (select cast({name} as varchar) as v, {text} as t from {table.sql})",
    )
    if not there:
        return None
    missing = 1 - there / rows
    if mails > there / 2:
        if want not in ("", "email"):
            return None
        note = (
            f"{column} holds e-mail addresses; customer ids are their MD5, "
            f"md5(lower(trim({column}))), so that no address is published"
        )
        return Reading(column, f"md5(lower({text}))", "email", False, missing, (note,))
    if want == "email":
        return None
    if want == "whole":
        if whole < there / 2:
            return None
        sql = f"try_cast({text} as bigint)"
        note = f"{column} is text, and the orders have numbers; it is read as a number"
        return Reading(column, sql, "whole", False, 1 - whole / rows, (note,))
    if floats > 0.99 * there:
        note = f"{column} is text such as 17.0; it is read without the .0"
        sql = f"regexp_replace({text}, '[.]0+$', '')"
        return Reading(column, sql, "text", False, missing, (note,))
    if untidy:
        note = f"{column} has blanks around {untidy:,} ids; they are removed"
        return Reading(column, text, "text", False, missing, (note,))
    return Reading(column, name, "text", True, missing)


def _read_phone(connection: DuckDBPyConnection, table: Table, column: str) -> Reading | None:
    """Tell how to read numbers by which people can be called: so that they cannot be read off."""
    text = _untold(quoted(column))
    rows, there = facts(connection, f"select count(*), count({text}) from {table.sql}")
    if not there:
        return None
    note = f"{column} holds phone numbers; customer ids are their MD5, so that none is published"
    return Reading(column, f"md5({text})", "text", False, 1 - there / rows, (note,))


def read_time(
    connection: DuckDBPyConnection, table: Table, column: str, want: str = ""
) -> Reading | None:
    """Tell how to read a column of times; `want` is the way in which a text writes them."""
    name, dtype = quoted(column), table.columns[column]
    kind = column_type(dtype)
    if kind == "time":
        rows, there = facts(connection, f"select count(*), count({name}) from {table.sql}")
        return Reading(column, name, missing=1 - there / rows if rows else 0.0)
    if kind in ("whole", "fraction"):
        return _read_numeric_time(connection, table, column)
    if kind != "text" or dtype == "UUID":
        return None
    text = f"trim({name})" if dtype == "VARCHAR" else f"trim(cast({name} as varchar))"
    iso = (
        f"(regexp_full_match({text}, '{_ISO}') and try_cast(left({text}, 10) as date) is not null)"
    )
    rows, there, read = facts(
        connection,
        f"select count(*), count(nullif({text}, '')), count(*) filter (where {iso}) "
        f"from {table.sql}",
    )
    if not there:
        # of a time that may be missing, none may be there yet
        note = f"{column} is text and empty so far; it will be read as ISO 8601 writes times"
        sql = f"try_cast(nullif({text}, '') as timestamp)"
        return Reading(column, sql, "", False, 1.0, (note,)) if rows else None
    wished = _read_written_time(connection, table, column, text, want) if want else None
    if wished is not None:
        return wished
    if read >= _ENOUGH * there:
        # Holdfast reads it itself: by its offset, or as UTC without one
        note = f"{column} is text as ISO 8601 writes times, read by its offset or as UTC"
        if read == there:
            return Reading(column, name, "", True, 1 - read / rows, (note,))
        sql = f"case when {iso} then {name} end"
        return Reading(column, sql, "", False, 1 - read / rows, (note,))
    found = _read_written_time(connection, table, column, text, "")
    if found is not None and want:
        return replace(found, notes=(*found.notes, f"{column} does not fit --date-format {want}"))
    return found


def _read_written_time(
    connection: DuckDBPyConnection, table: Table, column: str, text: str, want: str
) -> Reading | None:
    """Tell how to read times that are written in some other way: the one that reads most."""
    values = f"select distinct {text} as v from {table.sql} where {text} <> ''"
    formats = (
        # whoever says how dates are written need not say it of the time of day
        [want + time for time in _TIMES]
        if want
        else _of_the_shape(
            [
                str(value)
                for (value,) in connection.execute(f"{values} order by hash(v) limit 40").fetchall()
            ]
        )
    )
    if not formats:
        return None
    # %z gives a time with a zone
    parsed = [f"cast(try_strptime(v, {literal(form)}) as timestamp)" for form in formats]
    sensible = "between timestamp '1970-01-02' and timestamp '2100-01-01'"
    counts = facts(
        connection,
        "select count(*), "
        + ", ".join(f"count(*) filter (where {one} {sensible})" for one in parsed)
        + f" from ({values} order by hash(v) limit {_SAMPLE})",
    )
    best = max(counts[1:])
    if best < _ENOUGH * counts[0]:
        return None
    tied = [form for form, count in zip(formats, counts[1:], strict=True) if count == best]
    # days taken for months scatter over the year
    spans = {
        form: facts(
            connection,
            f"select epoch(max(t)) - epoch(min(t)) from (select try_strptime({text}, "
            f"{literal(form)}) as t from {table.sql})",
        )[0]
        for form in tied
    }
    chosen = min(tied, key=lambda form: spans[form])
    sql = f"try_strptime({text}, {literal(chosen)})"
    if chosen.lower().endswith("%z"):
        sql += " at time zone 'UTC'"
    rows, read = facts(connection, f"select count(*), count({sql}) from {table.sql}")
    note = f"{column} is text, read as {chosen} in UTC"
    if len(tied) > 1:
        other = next(form for form in tied if form != chosen)
        note += f" ({other} fits as well; --date-format '{other}' takes it)"
    return Reading(column, sql, "", False, 1 - read / rows, (note,))


def _of_the_shape(values: Sequence[str]) -> list[str]:
    """Give the ways of writing times that look like most of some values."""
    found = []
    for form in (date + time for date, time in product(_DATES, _TIMES)):
        shape = re.sub(r"%\w", lambda part: _SHAPES[str(part[0])], form.replace(".", "[.]"))
        if sum(bool(re.fullmatch(shape, value)) for value in values) >= 0.9 * len(values):
            found.append(form)
    return found


def _read_numeric_time(connection: DuckDBPyConnection, table: Table, column: str) -> Reading | None:
    """Tell how to read times that are numbers, by how large they are."""
    name = quoted(column)
    number = f"case when isfinite(cast({name} as double)) and {name} > 0 then {name} end"
    rows, there, low, high = facts(
        connection,
        f"select count(*), count({number}), quantile_disc(cast({number} as double), 0.01), "
        f"quantile_disc(cast({number} as double), 0.99) from {table.sql}",
    )
    if not there:
        return None
    days = f"try_strptime(cast(cast({number} as bigint) as varchar), '%Y%m%d')"
    for least, most, told, sql in (
        (19_700_101, 21_000_101, "days such as 20260131", f"cast({days} as timestamp)"),
        (2e8, 4.2e9, "seconds since 1970", f"make_timestamp(cast(({number}) * 1e6 as bigint))"),
        (
            2e11,
            4.2e12,
            "milliseconds since 1970",
            f"make_timestamp(cast({number} as bigint) * 1000)",
        ),
        (2e14, 4.2e15, "microseconds since 1970", f"make_timestamp(cast({number} as bigint))"),
    ):
        if least <= low and high <= most:
            note = f"{column} holds numbers, read as {told}"
            return Reading(column, sql, "", False, 1 - there / rows, (note,))
    return None


def read_number(
    connection: DuckDBPyConnection, table: Table, column: str, want: str = ""
) -> Reading | None:
    """Tell how to read a column of numbers, or of texts with numbers in them."""
    name, dtype = quoted(column), table.columns[column]
    kind = column_type(dtype)
    if kind in ("whole", "fraction"):
        rows, filled, there = facts(
            connection,
            f"select count(*), count({name}), count({name}) filter (where "
            f"isfinite(cast({name} as double))) from {table.sql}",
        )
        if not there:
            return None
        if filled == there:
            return Reading(column, name, missing=1 - there / rows)
        # NaN and infinity
        sql = f"case when isfinite({name}) then {name} end"
        return Reading(column, sql, "", False, 1 - there / rows)
    if kind != "text" or dtype == "UUID":
        return None
    # the sign of money, blanks and letters are left out: 1.234,56 €, USD 12.50, (3.20)
    text = name if dtype == "VARCHAR" else f"cast({name} as varchar)"
    digits = f"regexp_replace({text}, '[^0-9.,]', '', 'g')"
    # minus in front or behind, or in brackets as accountants write it; 12,- is twelve, and no less
    negative = f"regexp_matches({text}, '^[^0-9]*[(\u2212\u2013-]|[0-9] *[\u2212\u2013-][^0-9]*$')"
    words = f"regexp_matches({text}, '[A-Za-z]{{4,}}|[0-9][-:/][0-9]')"
    rows, there, plain, english, european, dotted, short, lettered, below = facts(
        connection,
        f"select count(*), count(nullif(trim({text}), '')), "
        f"count(*) filter (where regexp_full_match(trim({text}), '-?[0-9]+([.][0-9]+)?')), "
        f"count(*) filter (where regexp_full_match({digits}, '{_ENGLISH}')), "
        f"count(*) filter (where regexp_full_match({digits}, '{_EUROPEAN}')), "
        f"count(*) filter (where regexp_full_match({digits}, '{_DOTTED}')), "
        f"count(*) filter (where regexp_full_match({digits}, '[0-9]{{1,3}}')), "
        f"count(*) filter (where {words}), count(*) filter (where {negative}) from {table.sql}",
    )
    if not there or max(english, european) < _ENOUGH * there or lettered > 0.05 * there:
        return None
    # 999 and 1.234 side by side: the dot groups thousands
    in_thousands = 0 < dotted == max(english, european) - short
    if plain == there and not (in_thousands and short):
        value, how = f"trim({text})", "1234.56"
    else:
        if european > english or (in_thousands and short):
            value, how = f"replace(replace({digits}, '.', ''), ',', '.')", "1.234,56"
        else:
            value, how = f"replace({digits}, ',', '')", "1,234.56"
        if below:
            value = f"case when {negative} then '-' else '' end || {value}"
    sql = f"try_cast({value} as decimal(18, 4))"
    read = facts(connection, f"select count({sql}) from {table.sql}")[0]
    note = f"{column} is text, read as numbers such as {how}"
    if in_thousands and not short and european == english:
        note += (
            "; every value has three digits behind its dot: if the dot groups thousands, multiply "
            "by 1000 in a view, and name that with --orders"
        )
    return Reading(column, sql, "", False, 1 - read / rows, (note,))


def read_amount(
    connection: DuckDBPyConnection, table: Table, column: str, want: str = ""
) -> Reading | None:
    """Tell how to read a column of money; `want` may be cents or units."""
    reading = read_number(connection, table, column)
    if reading is None:
        return None
    in_cents = re.search(
        r"(?:^|_)(?:cents?|ct|minor|pence|pfennig|kopeks?)(?:$|_)", plain_name(column)
    )
    if want == "cents" or (in_cents and not want):
        note = f"{column} is in cents, divided by 100 (--amount-in units leaves it as it is)"
        sql = f"cast(({reading.sql}) / 100e0 as decimal(18, 4))"
        return Reading(column, sql, "", False, reading.missing, (*reading.notes, note))
    is_whole = not facts(
        connection,
        f"select count(*) from {table.sql} where ({reading.sql}) <> trunc({reading.sql})",
    )[0]
    if is_whole and not want:
        note = (
            f"{column} holds whole numbers, read as units of money; if they are cents, run this "
            "with --amount-in cents"
        )
        return Reading(
            column, reading.sql, "", reading.is_plain, reading.missing, (*reading.notes, note)
        )
    return reading


def read_text(
    connection: DuckDBPyConnection, table: Table, column: str, want: str = ""
) -> Reading | None:
    """Tell how to read a column of words."""
    if column_type(table.columns[column]) not in ("text", "whole"):
        return None
    return Reading(column, quoted(column))


def read_flag(
    connection: DuckDBPyConnection, table: Table, column: str, want: str = ""
) -> Reading | None:
    """Tell how to read a column of yes and no."""
    if table.columns[column] != "BOOLEAN":
        return None
    return Reading(column, quoted(column))


Reader = Callable[["DuckDBPyConnection", Table, str, str], "Reading | None"]
READERS: Mapping[str, Reader] = {
    "id": read_id,
    "time": read_time,
    "later": read_time,
    "amount": read_amount,
    "number": read_number,
    "text": read_text,
    "flag": read_flag,
}
