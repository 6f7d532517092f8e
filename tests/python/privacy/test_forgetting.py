"""Forgetting customers of any id, in one transaction, wherever dbt says that Holdfast built."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import duckdb
import pytest

from holdfast.privacy import ForgetError, forget_customers
from holdfast.warehouse.project import Project, ProjectError

NASTY = 'O\'Neil"; drop table "main"."churn_scores"; --'


def node(name: str, package: str = "holdfast", on: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "package_name": package,
        "fqn": [package, name],
        "name": name if package != "holdfast" or name.startswith("stg_") else f"holdfast__{name}",
        "schema": "main",
        "alias": name,
        "relation_name": f'"shop"."main"."{name}"',
        "depends_on": {"nodes": list(on)},
        "config": {"meta": {}, "materialized": "table"},
        "columns": {},
    }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A shop whose own orders Holdfast reads, and whose own mart reads Holdfast's scores."""
    names = ["forgotten_customers", "customer_removals", "churn_scores", "figures"]
    nodes = {f"model.holdfast.holdfast__{name}": node(name) for name in names}
    for name in ("stg_holdfast__orders", "stg_holdfast__customers"):
        nodes[f"model.holdfast.{name}"] = node(name, on=("model.shop.orders",))
    nodes["model.shop.orders"] = node("orders", "shop")
    nodes["model.shop.who to call"] = node(
        "who to call", "shop", on=("model.holdfast.holdfast__churn_scores",)
    )
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute(
            """
            create table orders as
            select unnest(['17', '017', 'ü', ?, null]) as customer_id, 1 as order_id;
            """,
            [NASTY],
        )
        connection.execute(
            """
            create table forgotten_customers (customer_id varchar);
            create table customer_removals (
                removed_at timestamp, table_name varchar, row_count bigint, customer_count bigint
            );
            create view stg_holdfast__orders as select * from orders;
            create view stg_holdfast__customers as select customer_id from orders;
            create table churn_scores as
            select customer_id, score from orders cross join range(3) as r (score);
            create table churn_scores__dbt_tmp as from churn_scores;
            create table figures as select 5 as customers;
            create table "who to call" as select customer_id as "Customer_ID" from orders;
            create schema elsewhere;
            create table elsewhere.churn_scores as select '17' as customer_id
            """
        )
    return Project(tmp_path, tmp_path / "shop.duckdb", {"nodes": nodes}, {"results": []})


def read(project: Project, sql: str) -> list[tuple[Any, ...]]:
    with project.connect() as connection:
        return connection.execute(sql).fetchall()


def test_rows_go_from_what_holdfast_built_and_what_builds_on_it(project: Project) -> None:
    done = forget_customers(project, ["17", NASTY, "17"])
    assert done.rows == {
        "main.churn_scores": 6,
        "main.churn_scores__dbt_tmp": 6,
        "main.who to call": 2,
    }
    assert done.elsewhere == ["elsewhere.churn_scores", "main.orders"]
    left = "select count(*), count(*) filter (where customer_id in ('17', ?)) from churn_scores"
    assert read(project, left.replace("?", "'O''Neil'")) == [(9, 0)]
    assert read(project, 'select "Customer_ID" from "who to call" order by all') == [
        ("017",),
        ("ü",),
        (None,),
    ]
    assert read(project, "select count(*) from orders") == [(5,)]
    assert read(project, "from forgotten_customers order by all") == [("17",), (NASTY,)]
    assert read(
        project, "select table_name, row_count, customer_count from customer_removals order by 1"
    ) == [
        ("main.churn_scores", 6, 2),
        ("main.churn_scores__dbt_tmp", 6, 2),
        ("main.who to call", 2, 2),
    ]
    # once more is no error and leaves one entry
    assert forget_customers(project, ["17"]).rows == {}
    assert read(project, "select count(*) from forgotten_customers") == [(2,)]


def test_approvals_of_their_decisions_are_told(project: Project) -> None:
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute(
            """
            create table decision_log as
            select * from (values ('d1', '17'), ('d2', 'ü')) as log (decision_id, customer_id);
            create table approvals as select 'd1' as decision_id, 'veto' as verdict;
            create table others as select 'd2' as decision_id
            """
        )
    nodes = project.manifest["nodes"] | {
        "model.holdfast.holdfast__decision_log": node("decision_log")
    }
    done = forget_customers(dataclasses.replace(project, manifest={"nodes": nodes}), ["17"])
    assert done.rows["main.decision_log"] == 1
    assert done.elsewhere == ["elsewhere.churn_scores", "main.orders", "main.approvals"]


def test_ids_that_nobody_knows_are_told(project: Project) -> None:
    with pytest.raises(ForgetError, match="no table has the customer 18, 17x"):
        forget_customers(project, ["18", "17x"])
    done = forget_customers(project, ["ü", "18"])
    assert done.unknown == ["18"]
    assert read(project, "from forgotten_customers") == [("ü",)]


def test_ids_that_are_numbers_are_written_as_they_stand(project: Project) -> None:
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute("create or replace table churn_scores as select 17 as customer_id")
    with pytest.raises(ForgetError):
        forget_customers(project, ["17.2"])
    assert forget_customers(project, ["17"]).rows["main.churn_scores"] == 1


def test_dry_run_only_counts(project: Project) -> None:
    before = project.warehouse.read_bytes()
    assert forget_customers(project, ["17"], dry_run=True).rows["main.churn_scores"] == 3
    assert project.warehouse.read_bytes() == before


def test_a_failure_on_the_way_changes_nothing(project: Project) -> None:
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute("alter table customer_removals drop column row_count")
    with pytest.raises(ProjectError, match="dbt build"):
        forget_customers(project, ["17"])
    assert read(project, "select count(*) from churn_scores where customer_id = '17'") == [(3,)]
    assert read(project, "select count(*) from forgotten_customers") == [(0,)]


def test_warehouse_without_a_build_of_this_version_is_refused(project: Project) -> None:
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute("drop table forgotten_customers")
    with pytest.raises(ProjectError, match="run `dbt build`"):
        forget_customers(project, ["17"])


def attached(project: Project, name: str, *, read_only: bool = False) -> Project:
    """Give the project with a further database, in which the mart of the shop's lies."""
    from dbt.adapters.duckdb.credentials import Attachment

    from holdfast.warehouse.profile import Opening

    path = project.directory / f"{name}.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table hf_calls as select unnest(['17', 'ü']) as customer_id")
        connection.execute("create table mine as select '17' as customer_id")
    nodes = dict(project.manifest["nodes"])
    nodes["model.shop.calls"] = {
        **node("calls", "shop", on=("model.holdfast.holdfast__churn_scores",)),
        "database": name,
        "alias": "hf_calls",
        "relation_name": f'"{name}"."main"."hf_calls"',
    }
    attachment = Attachment(path=str(path), alias=name, read_only=read_only)
    return dataclasses.replace(
        project, manifest={"nodes": nodes}, opening=Opening(attached=(attachment,))
    )


def test_rows_go_from_every_database_that_models_lie_in(project: Project) -> None:
    project = attached(project, "lake")
    done = forget_customers(project, ["17"])
    assert done.rows["lake.main.hf_calls"] == 1
    assert done.rows["main.churn_scores"] == 3
    assert "lake.main.mine" in done.elsewhere
    assert read(project, "from lake.hf_calls") == [("ü",)]
    assert ("lake.main.hf_calls",) in read(project, "select table_name from customer_removals")


def test_what_fails_in_another_database_is_done_by_forgetting_again(project: Project) -> None:
    closed = attached(project, "lake", read_only=True)
    with pytest.raises(ForgetError, match=r"still in lake\.main\.hf_calls: .*read-only.*again"):
        forget_customers(closed, ["17"])
    assert read(closed, "from forgotten_customers") == [("17",)]
    opened = dataclasses.replace(closed, opening=attached_again(closed))
    assert forget_customers(opened, ["17"]).rows == {"lake.main.hf_calls": 1}
    assert read(opened, "from lake.hf_calls") == [("ü",)]


def attached_again(project: Project) -> Any:
    """Give how the project opens, with nothing kept from writing."""
    (attachment,) = project.opening.attached
    return dataclasses.replace(
        project.opening, attached=(dataclasses.replace(attachment, read_only=False),)
    )
