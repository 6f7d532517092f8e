"""A forgotten customer stays out of every relation, whatever way dbt is run afterwards."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from holdfast.simulation import simulate_shop
from projects import UserProject, run, write_user_project

WHO = 17
ON_TOP = {
    # under another name, in a list, and kept from build to build
    "referrals": """
        {{ config(materialized='table') }}
        select customer_id as referred_by, count(*) as orders
        from {{ ref('holdfast', 'holdfast__customer_retention') }} group by 1
    """,
    "clubs": """
        {{ config(materialized='table') }}
        select segment, list(customer_id order by customer_id) as members
        from {{ ref('holdfast', 'holdfast__customer_retention') }} group by 1
    """,
    "diary": """
        {{ config(materialized='incremental', unique_key='buyer_id') }}
        select customer_id as buyer_id, as_of_date
        from {{ ref('holdfast', 'holdfast__customer_retention') }}
    """,
}
RESET = "holdfast_reset: true"
WAYS: list[tuple[str, ...]] = [
    ("run",),
    ("build", "--full-refresh"),
    ("build", "--select", "stg_holdfast__orders+"),
    ("build", "--select", "holdfast__customer_spine"),
    ("run", "--select", "holdfast__forgotten_customers+", "--full-refresh"),
    ("build", "--vars", "{holdfast_retrain: true}"),
    ("build", "--full-refresh", "--vars", "{holdfast_reset: true}"),
    ("run", "--empty", "--select", "holdfast__forgotten_customers"),
    *(
        ("build", "--full-refresh", "--vars", f"{{holdfast_orders: raw.{orders}, {RESET}}}")
        for orders in ("orders_as_text", "orders_as_decimal", "orders_late")
    ),
]  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> UserProject:
    project = write_user_project(tmp_path / "shop")
    simulate_shop(tmp_path / "data", customers=150, months=16, seed=5)
    project.orders(f"select * from read_parquet('{tmp_path}/data/orders.parquet')")
    project.execute(
        "create table raw.orders_as_text as "
        "select * replace (' ' || customer_id || ' ' as customer_id) from raw.orders;"
        "create table raw.orders_as_decimal as "
        "select * replace (cast(customer_id as decimal(20, 0)) as customer_id) from raw.orders;"
        "create table raw.orders_late as select * from raw.orders union all by name "
        f"select {WHO} as customer_id, 990001 as order_id, max(ordered_at) as ordered_at, "
        "5 as amount from raw.orders"
    )
    models = project.directory / "models"
    models.mkdir()
    for name, sql in ON_TOP.items():
        (models / f"{name}.sql").write_text(sql)
    listed = "".join(
        f"  - name: {name}\n    config: {{meta: {{publish: true}}}}\n" for name in ON_TOP
    )
    (models / "models.yml").write_text(f"models:\n{listed}")
    project.dbt("build")
    return project


def relations_with(project: UserProject) -> list[str]:
    """Name the tables and views in which the customer is, by a column that tells who."""
    found = []
    rows = project.query(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where schema_name != 'raw' and not internal and table_name != 'forgotten_customers' "
        "and (column_name in ('customer_id', 'referred_by', 'buyer_id', 'members'))"
    )
    for schema, table, column, dtype in rows:
        same = f"trim(cast(\"{column}\" as varchar)) = '{WHO}'"
        if dtype.endswith("[]"):
            same = f"list_contains(cast(\"{column}\" as varchar[]), '{WHO}')"
        if project.query(f'select count(*) from "{schema}"."{table}" where {same}')[0][0]:
            found.append(f"{table}.{column}")
    return sorted(found)


def published(project: UserProject) -> dict[str, set[str]]:
    """Give the customers that every published table tells, in the file and in all Parquet sets."""
    serving = project.directory / "serving"
    shown: dict[str, set[str]] = {}

    def look(session: duckdb.DuckDBPyConnection, name: str, relation: str) -> None:
        told: set[str] = set()
        for column, dtype, *_ in session.execute(f"describe from {relation}").fetchall():
            if column in ("customer_id", "referred_by", "buyer_id", "members"):
                values = f"unnest({column})" if dtype.endswith("[]") else column
                rows = session.execute(f"select cast({values} as varchar) from {relation}")
                told |= {str(value).strip() for (value,) in rows.fetchall()}
        shown[name] = told

    with duckdb.connect(str(serving / "holdfast.duckdb"), read_only=True) as file:
        for (name,) in file.execute("select table_name from duckdb_tables()").fetchall():
            look(file, name, f'"{name}"')
    with duckdb.connect() as session:
        for part in sorted((serving / "holdfast_parquet").glob("2*/*/*.parquet")):
            name = f"{part.parent.parent.name}/{part.parent.name}"
            look(session, name, f"read_parquet('{part}')")
    return shown


@pytest.mark.slow
def test_forgotten_customers_stay_out_and_what_is_on_top_waits_until_it_is_clean(
    shop: UserProject,
) -> None:
    assert {"referrals.referred_by", "clubs.members", "diary.buyer_id"} <= set(relations_with(shop))
    told = run("holdfast", "forget", f"{WHO}.0", cwd=shop.directory, check=True).stdout
    for column in ("referrals.referred_by", "clubs.members", "diary.buyer_id"):
        assert column in told
    assert "left out" in told
    shown = published(shop)
    assert not {"referrals", "clubs", "diary"} & {name.split("/")[-1] for name in shown}
    assert str(WHO) not in shown["customer_retention"]
    assert [name for name in relations_with(shop) if "customer_id" in name] == []

    # clean tables are published again; the one that keeps its rows waits for its full refresh
    told = shop.dbt("build").stdout
    assert relations_with(shop) == ["diary.buyer_id"]
    assert "left out diary, whose buyer_id still holds forgotten customers" in told
    assert {"referrals", "clubs"} <= set(published(shop))
    assert "diary" not in published(shop)
    for words in WAYS:
        shop.dbt(*words)
        assert [each for each in relations_with(shop) if not each.startswith("diary")] == [], words
        assert shop.query("select customer_id from forgotten_customers") == [(str(WHO),)], words
        assert str(WHO) not in published(shop)["customer_retention"], words
    shop.dbt("build", "--full-refresh", "--vars", "{holdfast_reset: true}")
    assert relations_with(shop) == []
    assert "diary" in published(shop)


@pytest.mark.slow
def test_a_removal_cut_off_before_its_publication_leaves_nobody_in_the_next(
    shop: UserProject,
) -> None:
    assert str(WHO) in published(shop)["customer_retention"]
    # what a killed command leaves: gone from the warehouse, still in the publication
    tables = shop.query(
        "select schema_name, table_name from duckdb_columns() inner join duckdb_tables() "
        "using (database_name, schema_name, table_name) where column_name = 'customer_id' "
        "and schema_name != 'raw' and table_name != 'forgotten_customers'"
    )
    for schema, table in tables:
        shop.execute(f'delete from "{schema}"."{table}" where customer_id = {WHO}')
    shop.execute(f"insert into forgotten_customers values ('{WHO}')")
    shop.dbt("build", "--full-refresh", "--vars", "{holdfast_reset: true}")
    assert [name for name, told in published(shop).items() if str(WHO) in told] == []
