"""How columns are read, by what they hold."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.setup._content import READERS, Reading, Table, list_tables


@pytest.fixture(scope="module")
def warehouse() -> duckdb.DuckDBPyConnection:
    # a session in another zone must not change what is read
    connection = duckdb.connect()
    connection.execute("set timezone = 'America/New_York'")
    return connection


def read(
    connection: duckdb.DuckDBPyConnection, kind: str, values: str, want: str = ""
) -> tuple[Reading | None, list[Any]]:
    """Read the column `c` of some rows, and give what was made of it."""
    connection.execute(f"create or replace table t as select * from (values {values}) as t (c)")
    table = next(table for table in list_tables(connection) if table.name == "t")
    reading = READERS[kind](connection, table, "c", want)
    if reading is None:
        return None, []
    rows = connection.execute(f"select {reading.sql} from {table.sql} order by rowid").fetchall()
    return reading, [value for (value,) in rows]


MOMENTS = st.lists(
    st.datetimes(dt.datetime(2015, 1, 1), dt.datetime(2026, 12, 31)).map(
        lambda moment: moment.replace(second=0, microsecond=0)
    ),
    min_size=30,
    max_size=60,
)


@pytest.mark.parametrize(
    "form",
    ["%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M", "%Y/%m/%d %H:%M", "%d-%b-%Y %H:%M", "%b %d, %Y %I:%M %p"],
)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moments=MOMENTS)
def test_texts_are_read_as_the_times_that_they_tell(
    warehouse: duckdb.DuckDBPyConnection, form: str, moments: list[dt.datetime]
) -> None:
    # a day after the 12th tells days from months
    moments = [*moments, dt.datetime(2024, 5, 23, 7, 30)]
    values = ", ".join(f"('{moment.strftime(form)}')" for moment in moments)
    reading, found = read(warehouse, "time", values)
    assert reading is not None
    assert not reading.is_plain
    assert found == moments


def test_of_days_and_months_the_order_that_scatters_less_is_taken_and_said(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    values = ", ".join(f"('{day:02}/03/2024')" for day in range(1, 13))
    reading, found = read(warehouse, "time", values)
    assert reading is not None
    assert [moment.month for moment in found] == [3] * 12
    assert "--date-format '%m/%d/%Y' takes it" in reading.notes[0]
    _, other = read(warehouse, "time", values, "%m/%d/%Y")
    assert [moment.day for moment in other] == [3] * 12


def test_iso_texts_are_left_to_holdfast(warehouse: duckdb.DuckDBPyConnection) -> None:
    reading, _ = read(warehouse, "time", "('2024-01-05T10:00:00+02:00'), ('2024-01-06')")
    assert reading is not None
    assert reading.is_plain


@pytest.mark.parametrize(
    ("values", "moment"),
    [
        ("(1704448800)", dt.datetime(2024, 1, 5, 10)),
        ("(1704448800000)", dt.datetime(2024, 1, 5, 10)),
        ("(1704448800000000)", dt.datetime(2024, 1, 5, 10)),
        ("(1704448800.0::double)", dt.datetime(2024, 1, 5, 10)),
        ("(20240105)", dt.datetime(2024, 1, 5)),
    ],
)
def test_numbers_are_read_as_times_by_their_size(
    warehouse: duckdb.DuckDBPyConnection, values: str, moment: dt.datetime
) -> None:
    _, found = read(warehouse, "time", values)
    assert found == [moment]


@pytest.mark.parametrize("values", ["(17), (18)", "('soon'), ('later')", "(true)", "([1])"])
def test_what_tells_no_time_is_read_as_none(
    warehouse: duckdb.DuckDBPyConnection, values: str
) -> None:
    assert read(warehouse, "time", values)[0] is None


AMOUNTS = st.lists(st.decimals(Decimal(-99999), Decimal(99999), places=2), min_size=2, max_size=30)


def european(value: Decimal) -> str:
    return f"{value:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".") + " €"


@pytest.mark.parametrize(
    "write",
    [
        str,
        lambda value: f"${value:,.2f}",
        european,
        lambda value: f"({-value:,.2f})" if value < 0 else f"{value:,.2f}",
        lambda value: f"{abs(value):.2f}{'-' if value < 0 else ''} EUR",
    ],
)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(amounts=AMOUNTS)
def test_texts_are_read_as_the_amounts_that_they_tell(
    warehouse: duckdb.DuckDBPyConnection, write: Any, amounts: list[Decimal]
) -> None:
    values = ", ".join(f"('{write(amount)}')" for amount in amounts)
    _, found = read(warehouse, "amount", values)
    assert found == amounts


@pytest.mark.parametrize(
    ("values", "amounts"),
    [
        ("('12,-'), ('49,- €'), ('-7,-')", ["12", "49", "-7"]),
        ("('12.50-'), ('12.50 -'), ('\u221212.50 EUR'), ('\u201312.50')", ["-12.5"] * 4),
        # the dot groups thousands where shorter values have none
        ("('999'), ('1.234'), ('12.500')", ["999", "1234", "12500"]),
        ("('999 €'), ('1.234 €'), ('-1.234.567 €')", ["999", "1234", "-1234567"]),
        ("('999'), ('1,234')", ["999", "1234"]),
        ("('999'), ('1.234'), ('1.5')", ["999", "1.234", "1.5"]),
        ("('0.125'), ('12')", ["0.125", "12"]),
    ],
)
def test_signs_and_thousands_are_read_as_people_write_them(
    warehouse: duckdb.DuckDBPyConnection, values: str, amounts: list[str]
) -> None:
    assert read(warehouse, "amount", values)[1] == [Decimal(amount) for amount in amounts]


def test_what_may_be_cents_or_thousands_is_said(warehouse: duckdb.DuckDBPyConnection) -> None:
    for values in ("(1999.0::double), (250.0)", "('1999'), ('250')", "(1999::decimal(9, 2))"):
        reading, _ = read(warehouse, "amount", values)
        assert reading is not None
        assert "if they are cents, run this with --amount-in cents" in " ".join(reading.notes)
    reading, amounts = read(warehouse, "amount", "('12.500'), ('1.250')")
    assert reading is not None
    assert amounts == [Decimal("12.5"), Decimal("1.25")]
    assert "if the dot groups thousands" in " ".join(reading.notes)
    reading, _ = read(warehouse, "amount", "('12.50'), ('1.25')")
    assert reading is not None
    assert reading.notes == ("c is text, read as numbers such as 1234.56",)


def test_the_date_format_that_a_person_names_decides(warehouse: duckdb.DuckDBPyConnection) -> None:
    # both would do; the other one scatters less
    values = "('03/01/2024 10:00'), ('03/02/2024 10:00')"
    for form, days in (("%d/%m/%Y", [(3, 1), (3, 2)]), ("%m/%d/%Y", [(1, 3), (2, 3)])):
        _, moments = read(warehouse, "time", values, form)
        assert [(moment.day, moment.month) for moment in moments] == days
    # of another column, the format may be another
    reading, moments = read(warehouse, "time", "('2024-03-01T10:00:00Z')", "%d/%m/%Y")
    assert moments == ["2024-03-01T10:00:00Z"]
    reading, moments = read(warehouse, "time", "('23.03.2024')", "%m/%d/%Y")
    assert moments == [dt.datetime(2024, 3, 23)]
    assert reading is not None
    assert "c does not fit --date-format %m/%d/%Y" in reading.notes


def test_cents_are_told_by_the_name_or_by_a_person(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("create or replace table t as select 1234 as total_cents, 1234 as total")
    table = Table("main", "t", {"total_cents": "INTEGER", "total": "INTEGER"}, "t")

    def amount(column: str, want: str = "") -> tuple[Any, str]:
        reading = READERS["amount"](warehouse, table, column, want)
        assert reading is not None
        row = warehouse.execute(f"select {reading.sql} from t").fetchone()
        assert row is not None
        return row[0], " ".join(reading.notes)

    assert amount("total_cents") == (Decimal("12.34"), amount("total_cents")[1])
    assert amount("total_cents", "units")[0] == 1234
    assert amount("total")[0] == 1234
    assert "if they are cents, run this with --amount-in cents" in amount("total")[1]
    assert amount("total", "cents")[0] == Decimal("12.34")


@pytest.mark.parametrize(
    ("values", "want", "ids", "kind"),
    [
        ("(17), (18)", "", [17, 18], "whole"),
        ("(17.0::double), ('nan'::double)", "", [17, None], "whole"),
        ("('17.0'), ('18.0')", "", ["17", "18"], "text"),
        ("(' a '), ('b'), ('  ')", "", ["a", "b", None], "text"),
        ("(' 17 '), ('x')", "whole", [17, None], "whole"),
        ("(17)", "text", ["17"], "text"),
    ],
)
def test_ids_keep_what_they_are(
    warehouse: duckdb.DuckDBPyConnection, values: str, want: str, ids: list[Any], kind: str
) -> None:
    reading, found = read(warehouse, "id", values, want)
    assert reading is not None
    assert (found, reading.kind) == (ids, kind)


def test_ids_that_may_have_become_one_are_refused(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert read(warehouse, "id", "(9007199254740993.0::double)")[0] is None
    assert read(warehouse, "id", "(17.5::double)")[0] is None


def test_addresses_are_no_ids_that_could_be_published(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    reading, found = read(warehouse, "id", "(' Ann@Example.org'), ('ann@example.org')")
    assert reading is not None
    assert reading.kind == "email"
    assert len(set(found)) == 1
    assert "@" not in found[0]


def test_phone_numbers_are_no_ids_that_could_be_published(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute(
        "create or replace table t as select '+49 170 1' as phone, 491701 as mobile_no"
    )
    for column, dtype in (("phone", "VARCHAR"), ("mobile_no", "INTEGER")):
        reading = READERS["id"](warehouse, Table("main", "t", {column: dtype}, "t"), column, "")
        assert reading is not None
        found = warehouse.execute(f"select {reading.sql} from t").fetchone()
        assert found is not None
        assert len(found[0]) == 32
        assert "so that none is published" in reading.notes[0]


def test_a_time_that_is_empty_so_far_is_read_once_it_is_filled(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    reading, _ = read(warehouse, "later", "(''), (null)")
    assert reading is not None
    assert "it will be read as ISO 8601 writes times" in reading.notes[0]
    warehouse.execute("insert into t values ('2026-03-01 10:00')")
    assert warehouse.execute(f"select max({reading.sql}) from t").fetchall() == [
        (dt.datetime(2026, 3, 1, 10),)
    ]
