"""What macros/engines/spark.sql writes gives on a real Spark what duckdb.sql gives on DuckDB."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pytest
import pytz

pytestmark = [
    pytest.mark.slow,
    # PySpark leaves its sockets to the garbage collector
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

ENGINES = Path(__file__).resolve().parents[2] / "macros" / "engines"
# a leap day, the ends of months of different length, and a time of day
MOMENTS = "timestamp '{}'"
EARLIER = MOMENTS.format("2024-01-31 13:30:00")
LATER = MOMENTS.format("2024-02-29 13:29:59")
# name, arguments, and how the value is brought into the form in which both print it
CASES: list[tuple[str, list[Any], str]] = [
    ("days_between", [EARLIER, LATER], "cast({} as bigint)"),
    ("days_between", [LATER, EARLIER], "cast({} as bigint)"),
    ("months_between", [EARLIER, LATER], "cast({} as bigint)"),
    ("months_between", ["date '2024-01-01'", "date '2025-03-01'"], "cast({} as bigint)"),
    ("plus_days", [EARLIER, "1 + 1"], "cast({} as timestamp)"),
    ("plus_months", [EARLIER, 1], "cast({} as timestamp)"),
    ("plus_months", [EARLIER, -2], "cast({} as timestamp)"),
    ("plus_months", [EARLIER, "2 * -6"], "cast({} as timestamp)"),
    ("local_time", [EARLIER, "'Europe/Berlin'"], "cast({} as timestamp)"),
    ("local_time", ["timestamp '2024-07-01 20:10:30'", "'Asia/Kolkata'"], "cast({} as timestamp)"),
    ("utc_time", [EARLIER, "'America/New_York'"], "cast({} as timestamp)"),
    # the clock of Berlin skips this hour
    ("utc_time", ["timestamp '2026-03-29 02:30:00'", "'Europe/Berlin'"], "cast({} as timestamp)"),
    ("stable_number", ["'Zoë'"], "cast({} as decimal(20, 0))"),
    ("stable_number", ["42"], "cast({} as decimal(20, 0))"),
    ("json_text", ['\'{"a": {"b": 1}, "c": "x"}\'', "c"], "{}"),
    ("json_text", ["'{\"a\": 1}'", "absent"], "{}"),
    ("matches", ["'late parcel'", "par[c-d]el$"], "{}"),
    ("matches", ["'late parcel'", "[0-9]"], "{}"),
    ("matches", ["'a1b'", "a\\db"], "{}"),
    ("list_item", ["{list}", 1], "{}"),
    ("list_item", ["{list}", 9], "{}"),
    ("list_item", ["{sorted}", 2], "{}"),
    ("to_json_text", ["{list}"], "{}"),
    ("json_string", ["'a\"b, Zoë'"], "{}"),
    ("json_string", ["cast(null as varchar(9))"], "{}"),
    ("value_at_max", ["name", "(size, name)"], "(select {} from " + "{rows})"),
]


def macros_of(engine: str) -> Any:
    """Give the macros of an engine, as functions that return their SQL."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    holdfast = SimpleNamespace()
    template = environment.from_string(
        (ENGINES / f"{engine}.sql").read_text(encoding="utf-8"),
        globals={
            "holdfast": holdfast,
            "return": lambda value: value,
            "modules": SimpleNamespace(pytz=pytz),
        },
    )
    module = template.module
    # macros call each other by the name that is dispatched
    holdfast.text = getattr(module, f"{engine}__text")
    return module


def call(engine: str, name: str, *arguments: Any) -> str:
    """Write a primitive for an engine."""
    sql: str = getattr(macros_of(engine), f"{engine}__{name}")(*arguments)
    return sql.strip()


def values(engine: str, session: Any) -> list[Any]:
    """Give what an engine makes of all cases."""
    the_list = call(engine, "list_of", ["3", "1", "3"])
    given = {"list": the_list, "sorted": call(engine, "sorted_distinct", the_list)}
    rows = "(values ('a', 1), ('b', 2), ('c', 2)) as t(name, size)"
    found = []
    for name, arguments, form in CASES:
        filled = [
            re.sub(r"\{(list|sorted)\}", lambda match: given[match[1]], argument)
            if isinstance(argument, str)
            else argument
            for argument in arguments
        ]
        sql = form.replace("{rows}", rows).replace("{}", call(engine, name, *filled), 1)
        found.append(session.sql(f"select cast({sql} as {TEXT[engine]}) as value"))
    return found


TEXT = {"duckdb": "varchar", "spark": "string"}


def test_expressions_are_the_same(spark: Any) -> None:
    given = [frame.collect()[0][0] for frame in values("spark", spark)]
    expected = [relation.fetchone()[0] for relation in values("duckdb", duckdb)]
    names = [f"{name}{arguments}" for name, arguments, _ in CASES]
    assert dict(zip(names, given, strict=True)) == dict(zip(names, expected, strict=True))


@pytest.mark.parametrize(
    ("name", "arguments", "query"),
    [
        ("whole_numbers", ["3"], "select {} as n"),
        ("list_rows", ["{list}"], "select {} as n"),
        ("months", ["date '2024-01-15'", "date '2024-03-01'"], "{}"),
        ("unpivoted", ["(select 1 as a, cast(null as int) as b) as t", ["a", "b"]], "{}"),
        ("all_but", [["a"]], "select {} from (select 1 as a, 2 as b, 3 as c) as t"),
        ("all_but", [["a"], "t"], "select {} from (select 1 as a, 2 as b) as t"),
    ],
)
def test_rows_are_the_same(spark: Any, name: str, arguments: list[Any], query: str) -> None:
    found = {}
    for engine in ("duckdb", "spark"):
        the_list = call(engine, "list_of", ["3", "1", "3"])
        filled = [the_list if argument == "{list}" else argument for argument in arguments]
        sql = query.replace("{}", call(engine, name, *filled))
        rows = spark.sql(sql).collect() if engine == "spark" else duckdb.sql(sql).fetchall()
        found[engine] = sorted(tuple(map(str, row)) for row in rows)
    assert found["spark"] == found["duckdb"]
    assert found["spark"]


def test_both_know_the_time_zones_of_the_world(spark: Any) -> None:
    names = {row[0] for row in spark.sql(call("spark", "time_zone_names")).collect()} & {
        row[0] for row in duckdb.sql(call("duckdb", "time_zone_names")).fetchall()
    }
    assert {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata"} <= names
    assert len(names) > 400
    # a name that an engine lists and cannot use would stop a build
    zones = spark.createDataFrame([(name,) for name in sorted(names)], ["time_zone"])
    zones.createOrReplaceTempView("zones")
    moment = call("spark", "local_time", EARLIER, "time_zone")
    assert spark.sql(f"select count({moment}) from zones").collect()[0][0] == len(names)


def test_the_clock_of_utc_is_that_of_the_moment(spark: Any) -> None:
    moment = "timestamp '2024-06-01 12:00:00+02:00'"
    sql = call("spark", "as_utc", moment)
    assert str(spark.sql(f"select cast({sql} as string)").collect()[0][0]) == "2024-06-01 10:00:00"


def test_an_error_is_raised_and_a_row_has_a_number(spark: Any) -> None:
    with pytest.raises(Exception, match="it's over"):
        spark.sql(call("spark", "select_error", "it's over")).collect()
    with pytest.raises(duckdb.Error, match="it's over"):
        duckdb.sql(call("duckdb", "select_error", "it's over")).fetchall()
    numbers = call("spark", "row_hash", ["a", "b"])
    rows = spark.sql(f"select {numbers} from values (1, 'x'), (1, 'x'), (2, 'x') as t(a, b)")
    assert len({row[0] for row in rows.collect()}) == 2
