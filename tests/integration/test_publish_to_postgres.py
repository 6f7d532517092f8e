"""Publishing to a real Postgres server: all tables at once, and nobody is kept waiting or out."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import psycopg
import pytest

from holdfast.publishing import PublishError, find_marts, publish_to_postgres
from projects import DbtProject, run

TYPES = """
    select
        i as customer_id,
        cast(i as hugeint) * 1000000000000 as big,
        cast(i as utinyint) as tiny,
        cast(i / 7 as float) as small,
        i / 7e0 as ratio,
        cast(i / 8 as decimal(18, 4)) as money,
        i % 2 = 0 as flag,
        date '2026-07-01' + cast(i as integer) as day,
        timestamp '2026-07-01 12:34:56.789012' as moment,
        timestamptz '2026-07-01 12:34:56+02' as zoned,
        case i
            when 0 then null when 1 then '' when 2 then '\\N' when 3 then 'q"q,''\n\t\\' else 'ü€'
        end as name,
        [i, null] as list,
        {'a': i} as struct,
        uuid '00000000-0000-0000-0000-000000000001' as id,
        'ab'::blob as bytes,
        case when i = 0 then 'nan'::double when i = 1 then 'inf'::double end as odd,
        'secret' as email
    from range({rows}) as r (i)
"""


def mart(name: str, relation: str | None = None) -> dict[str, object]:
    return {
        "resource_type": "model",
        "package_name": "shop",
        "fqn": ["shop", name],
        "name": name,
        "alias": name,
        "relation_name": relation or f'"{name}"',
        "description": f"It's {name}.",
        "columns": {
            "customer_id": {"description": "Who."},
            "email": {"meta": {"pii": True}},
        },
        "config": {"meta": {"publish": True}, "contract": {}, "materialized": "table"},
    }


NODES = {"model.shop.customers": mart("customers"), "model.shop.Totals": mart("Totals")}


def shop(rows: int = 20) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create table customers as " + TYPES.replace("{rows}", str(rows)))
    connection.execute('create table "Totals" as select count(*) as customers from customers')
    return connection


def publish(connection: duckdb.DuckDBPyConnection, dsn: str, **options: str) -> dict[str, int]:
    return publish_to_postgres(connection, find_marts(NODES), dsn, source="shop", **options)


def test_values_arrive_as_they_are_with_their_types(postgres: str) -> None:
    with shop() as connection:
        assert publish(connection, postgres) == {"customers": 20, "Totals": 1}
        kept = (
            "customer_id, big, tiny, small, ratio, money, flag, day, moment, zoned at time zone "
            "'UTC' as zoned, name, id, bytes"
        )
        expected = connection.execute(f"select {kept} from customers order by 1").fetchall()
    with psycopg.connect(postgres) as server:
        found = server.execute(
            f"select {kept} from holdfast.customers order by 1"  # type: ignore[arg-type]
        ).fetchall()
        # a float is the nearest double of its shortest text there
        assert [row[:3] + row[4:] for row in found] == [row[:3] + row[4:] for row in expected]
        assert [row[3] for row in found] == pytest.approx([row[3] for row in expected], rel=1e-6)
        assert server.execute(
            "select odd::text, list::text, struct ->> 'a' from holdfast.customers "
            "where customer_id < 3 order by customer_id"
        ).fetchall() == [
            ("NaN", "[0, null]", "0"),
            ("Infinity", "[1, null]", "1"),
            (None, "[2, null]", "2"),
        ]
        types = dict(
            server.execute(
                "select column_name, data_type from information_schema.columns "
                "where table_name = 'customers'"
            ).fetchall()
        )
        assert types["money"] == types["big"] == "numeric"
        assert (types["struct"], types["bytes"], types["small"]) == ("jsonb", "bytea", "real")
        assert "email" not in types
        told = "select obj_description('holdfast.customers'::regclass)"
        assert server.execute(told).fetchone() == ("It's customers.",)
        assert server.execute(
            "select table_name, row_count from holdfast.holdfast_manifest order by 2"
        ).fetchall() == [("Totals", 1), ("customers", 20)]


def test_readers_keep_what_they_read_and_permissions_stay(postgres: str) -> None:
    with shop(20) as connection, psycopg.connect(postgres, autocommit=True) as admin:
        publish(connection, postgres)
        admin.execute("drop role if exists bi")
        admin.execute("create role bi")
        admin.execute("grant usage on schema holdfast to bi")
        admin.execute("grant select on holdfast.customers to bi with grant option")
        admin.execute('grant select on holdfast."Totals" to public')
        connection.execute("insert into customers select * from customers")
        connection.execute('update "Totals" set customers = 40')

        reader = psycopg.connect(postgres)
        reader.execute("set transaction isolation level repeatable read")
        pair = 'select (select count(*) from holdfast.customers), customers from holdfast."Totals"'
        assert reader.execute(pair).fetchone() == (20, 20)
        publishing = threading.Thread(target=publish, args=(connection, postgres))
        publishing.start()
        # others read on while the swap waits for that reader
        for _ in range(20):
            assert admin.execute(pair).fetchone() == (20, 20)
        assert publishing.is_alive()
        assert reader.execute(pair).fetchone() == (20, 20)
        reader.close()
        publishing.join()
        assert admin.execute("set role bi").statusmessage == "SET"
        assert admin.execute(pair).fetchone() == (40, 40)
        admin.execute("reset role")
        admin.execute("drop owned by bi")
        admin.execute("drop role bi")


def test_a_failure_changes_nothing(postgres: str) -> None:
    with shop() as connection, psycopg.connect(postgres, autocommit=True) as admin:
        publish(connection, postgres)
        connection.execute("update customers set name = 'a' || chr(0) || 'b'")
        connection.execute('update "Totals" set customers = 7')
        with pytest.raises(PublishError, match=r"refused, and nothing was changed.*0x00"):
            publish(connection, postgres)
        assert admin.execute('select customers from holdfast."Totals"').fetchone() == (20,)
        connection.execute("update customers set name = null")
        admin.execute("create view dashboard as select * from holdfast.customers")
        with pytest.raises(PublishError, match="view dashboard depends on"):
            publish(connection, postgres)
        assert admin.execute('select customers from holdfast."Totals"').fetchone() == (20,)
        tables = "select count(*) from pg_tables where schemaname = 'holdfast'"
        assert admin.execute(tables).fetchone() == (3,)


def test_tables_of_others_are_refused_and_former_marts_go(postgres: str) -> None:
    with shop() as connection, psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute('create schema "my schema"')
        admin.execute('create table "my schema"."Totals" (a int)')
        with pytest.raises(PublishError, match="a Totals that Holdfast did not publish"):
            publish(connection, postgres, schema="my schema")
        admin.execute('drop table "my schema"."Totals"')
        publish(connection, postgres, schema="my schema")
        publish_to_postgres(
            connection,
            find_marts({"model.shop.Totals": NODES["model.shop.Totals"]}),
            postgres,
            schema="my schema",
            source="shop",
        )
        left = "select tablename from pg_tables where schemaname = 'my schema' order by 1"
        assert admin.execute(left).fetchall() == [("Totals",), ("holdfast_manifest",)]


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://bi:pa@ss/word@localhost:1/x",
        "postgresql://bi:geheim@localhost:1/x",
        "host=localhost port=1 user=bi password='geheim' dbname=x",
        "postgresql//bi:geheim@localhost",
        "host=localhost password=geheim nonsense",
    ],
)
def test_no_message_repeats_a_password(dsn: str) -> None:
    with shop() as connection, pytest.raises(PublishError) as caught:
        publish(connection, dsn)
    assert not any(piece in str(caught.value) for piece in ("geheim", "pa@ss", "ss/", "word@"))


def test_command_publishes_the_demo(built_demo: DbtProject, postgres: str, tmp_path: Path) -> None:
    told = run(
        "holdfast", "publish", "--postgres", "--project-dir", built_demo.directory,
        cwd=tmp_path, check=True, HOLDFAST_POSTGRES_DSN=postgres,
    )  # fmt: skip
    assert "to the schema holdfast in Postgres" in told.stdout
    with psycopg.connect(postgres) as server:
        found = server.execute(
            "select count(*), sum(order_count) from holdfast.customer_retention"
        ).fetchall()
    assert found == built_demo.query("select count(*), sum(order_count) from customer_retention")
