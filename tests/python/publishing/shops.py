"""A warehouse with marts in it, without a dbt build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from holdfast.publishing import Mart, Publication, find_marts, publish


def node(name: str, **changes: Any) -> dict[str, Any]:
    """Give a mart as dbt's manifest has it."""
    return {
        "resource_type": "model",
        "package_name": "holdfast",
        "fqn": ["holdfast", "marts", f"holdfast__{name}"],
        "name": f"holdfast__{name}",
        "alias": name,
        "relation_name": f'"shop"."main"."{name}"',
        "description": f"The mart {name}.",
        "columns": {},
        "config": {
            "meta": {"publish": True},
            "contract": {"enforced": False},
            "materialized": "table",
        },
        **changes,
    }


def nodes(*marts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give nodes by their unique id."""
    return {f"model.{mart['package_name']}.{mart['name']}": mart for mart in marts}


CUSTOMERS = node(
    "customer_retention",
    columns={
        "customer_id": {"data_type": "id", "description": "The customer's id."},
        "Email": {"description": "Where to write to.", "meta": {"pii": True}},
        "as_of_date": {"data_type": "date", "description": "The day."},
        "revenue": {"data_type": "decimal(18,4)", "description": "What it's worth."},
        "phone": {"config": {"meta": {"pii": True}}},
        "model_id": {"data_type": "varchar", "description": "The model."},
    },
    config={"meta": {"publish": True}, "contract": {"enforced": True}, "materialized": "table"},
)
TOTALS = node("totals")


def write_shop(file: Path, version: int = 1, customers: int = 100) -> None:
    """Write a warehouse whose marts agree with each other, other ones for every version."""
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            f"""
            create or replace table customer_retention as
            select
                'C''' || i as customer_id,
                'someone' || i || '@example.org' as "Email",
                date '2026-07-01' as as_of_date,
                cast(i * {version} as decimal(18, 4)) as revenue,
                '+31 ' || i as phone,
                'model {version}' as model_id,
                case when i % 7 = 0 then null when i % 5 = 0 then '' else 'ünï "q", \n' end as note
            from range({customers}) as r (i);
            create or replace table totals as
            select count(*) as customers, sum(revenue) as revenue from customer_retention
            """
        )


def publish_shop(warehouse: Path, file: Path, *marts: dict[str, Any]) -> Publication:
    """Publish the marts of a warehouse."""
    with duckdb.connect(str(warehouse)) as connection:
        chosen = find_marts(nodes(*(marts or (CUSTOMERS, TOTALS))))
        return publish(connection, chosen, file, source=warehouse.name)


def marts() -> list[Mart]:
    """Give the marts of the shop."""
    return find_marts(nodes(CUSTOMERS, TOTALS))


def read(file: Path, sql: str) -> list[tuple[Any, ...]]:
    """Query a published file anew."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).fetchall()
