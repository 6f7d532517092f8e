"""Publishing to Postgres databases as one meets them: other encodings, rights, names and owners."""

from __future__ import annotations

import json

import duckdb
import psycopg
import pytest

from holdfast.publishing import Mart, PublishError, publish_to_postgres

TEXT = "Zoë 'q' \"d\" € 漢字 \\N\t\n end"
MART = Mart("model.shop.customers", "customers", '"customers"')
OWNER = {"project": "shop", "target": "dev", "warehouse": "shop.duckdb", "schema": '"main"'}


def warehouse(select: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"create table customers as {select}")
    return connection


def publish(dsn: str, select: str, mart: Mart = MART, **options: object) -> dict[str, int]:
    with warehouse(select) as connection:
        return publish_to_postgres(connection, [mart], dsn, source="shop.duckdb", **options)  # type: ignore[arg-type]


def database(dsn: str, name: str, encoding: str) -> str:
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(f"drop database if exists {name}")  # type: ignore[arg-type]
        admin.execute(
            f"create database {name} encoding '{encoding}' locale 'C' template template0"  # type: ignore[arg-type]
        )
    return f"{dsn} dbname={name}"


@pytest.mark.parametrize("client", ["", "LATIN1", "SQL_ASCII", "UTF8"])
def test_texts_arrive_byte_for_byte_in_a_database_without_encoding(
    postgres: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if client:
        monkeypatch.setenv("PGCLIENTENCODING", client)
    dsn = database(postgres, "ascii", "SQL_ASCII")
    select = "select '" + TEXT.replace("'", "''") + "' as name from range(3)"
    for _ in range(2):  # the second one reads what the first one has written
        assert publish(dsn, select) == {"customers": 3}
    with psycopg.connect(dsn, client_encoding="utf8") as server:
        found = server.execute("select distinct convert_to(name, 'UTF8') from holdfast.customers")
        assert found.fetchall() == [(TEXT.encode(),)]


def test_text_that_a_database_cannot_hold_changes_nothing(postgres: str) -> None:
    dsn = database(postgres, "latin", "LATIN1")
    assert publish(dsn, "select 'Zoë' as name") == {"customers": 1}
    with pytest.raises(PublishError, match=r"nothing was changed.*LATIN1"):
        publish(dsn, "select '漢字' as name")
    with psycopg.connect(dsn) as server:
        assert server.execute("select name from holdfast.customers").fetchall() == [("Zoë",)]


def test_numbers_that_json_does_not_know_are_texts_as_in_postgres_itself(postgres: str) -> None:
    publish(
        postgres,
        "select ['nan'::double, 1.5, null] as numbers, "
        "{'a': '-inf'::float, 'b': 'NaN, \"x\"'} as pair, "
        "[[9007199254740993]] as large, ['NaN'] as words, "
        "map {'k': ['inf'::double]} as looked_up",
    )
    with psycopg.connect(postgres) as server:
        assert server.execute(
            "select numbers, pair, large, words, looked_up from holdfast.customers"
        ).fetchone() == (
            ["NaN", 1.5, None],
            {"a": "-Infinity", "b": 'NaN, "x"'},
            [[9007199254740993]],
            ["NaN"],
            {"k": ["Infinity"]},
        )
        assert json.dumps(server.execute("select to_json('NaN'::float8)").fetchone()) == '["NaN"]'


@pytest.mark.parametrize("room", ["table", "column", "schema"])
def test_names_that_postgres_would_cut_are_refused(postgres: str, room: str) -> None:
    name = "ü" * 31 + "ab"  # 64 bytes
    mart = Mart(MART.unique_id, name, '"customers"') if room == "table" else MART
    column = name if room == "column" else "name"
    schema = name if room == "schema" else "holdfast"
    with pytest.raises(PublishError, match=rf"the {room} {name}.* 64 bytes"):
        publish(postgres, f'select 1 as "{column}"', mart, schema=schema)
    with psycopg.connect(postgres) as server:
        found = server.execute("select count(*) from pg_tables where tablename like 'ü%'")
        assert found.fetchone() == (0,)


def test_the_longest_names_that_fit_are_published_again_and_again(postgres: str) -> None:
    mart = Mart(MART.unique_id, "t" * 59, '"customers"')
    for _ in range(2):
        assert publish(postgres, f"select 1 as {'c' * 63}", mart) == {"t" * 59: 1}


def test_rights_in_its_own_schema_are_enough(postgres: str) -> None:
    dsn = database(postgres, "rights", "UTF8")
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("drop role if exists publisher")
        admin.execute("create role publisher login")
        admin.execute("revoke create on database rights from public")
        admin.execute("create schema retention authorization publisher")
    own = f"{dsn} user=publisher"
    for _ in range(2):
        assert publish(own, "select 1 as id", schema="retention") == {"customers": 1}
    with pytest.raises(PublishError, match="permission denied"):
        publish(own, "select 1 as id", schema="another")


def test_schema_belongs_to_who_published_there(postgres: str) -> None:
    publish(postgres, "select 1 as id", owner=OWNER)
    for change in ("project", "target", "warehouse", "schema"):
        with pytest.raises(PublishError, match=r"(?s)schema holdfast is published.*--take-over"):
            publish(postgres, "select 2 as id", owner={**OWNER, change: "other"})
    with psycopg.connect(postgres) as server:
        assert server.execute("select id from holdfast.customers").fetchall() == [(1,)]
        told = str(server.execute("select * from holdfast.holdfast_manifest").fetchall())
        assert "other" not in told
    publish(postgres, "select 2 as id", owner={**OWNER, "target": "other"}, take_over=True)


def test_rows_are_not_replaced_by_none_unasked(postgres: str) -> None:
    publish(postgres, "select 1 as id", owner=OWNER)
    with pytest.raises(PublishError, match="customers would lose all rows"):
        publish(postgres, "select 1 as id where false", owner=OWNER)
    publish(postgres, "select 1 as id where false", owner=OWNER, allow_empty=True)
