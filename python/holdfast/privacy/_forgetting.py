"""Forgetting customers: remove them from all that was built, and keep them out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

from holdfast.errors import HoldfastError
from holdfast.warehouse.project import Project
from holdfast.warehouse.quoting import quoted, text
from holdfast.warehouse.search import columns_holding, declared_ids

if TYPE_CHECKING:
    from holdfast.publishing import Publication

__all__ = ["ForgetError", "Forgotten", "forget_customers"]


class ForgetError(HoldfastError):
    """The customers were not forgotten, or not everywhere; the message says which."""


@dataclass(frozen=True)
class Forgotten:
    """What forgetting removed, or would remove.

    Attributes
    ----------
    rows
        The rows of each table that held some, by schema and table.
    unknown
        The ids that nothing knows.
    elsewhere
        Tables of the warehouse that Holdfast does not build, and in which the ids still are.
    on_top
        Columns of tables that are built on Holdfast's, not called customer_id, in which the ids
        were found by value: schema, table and column. Such a table is not published until it is
        clean.
    publication
        What was published without them; None where nothing had been published.
    """

    rows: dict[str, int]
    unknown: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    on_top: list[str] = field(default_factory=list)
    publication: Publication | None = None


@dataclass(frozen=True)
class _Table:
    """A table with a column customer_id."""

    schema: str
    name: str
    column: str

    @property
    def shown(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def relation(self) -> str:
        return quoted(self.schema, self.name)

    @property
    def id(self) -> str:
        return f"cast({quoted(self.column)} as varchar)"


def forget_customers(
    project: Project, customer_ids: Sequence[str], *, dry_run: bool = False
) -> Forgotten:
    """Remove customers from every table that Holdfast has built, and keep them out.

    Their rows go from the tables of Holdfast and of the models that build on it, and their ids to
    `forgotten_customers`, all in one transaction; `customer_removals` records how many rows went.
    What was published is published again without them. Your own tables are left to you.

    Parameters
    ----------
    project
        A built project, from `holdfast.warehouse.project.open_project`.
    customer_ids
        Whom, as the ids are written in the warehouse.
    dry_run
        Only count.

    Returns
    -------
    Forgotten
        What was removed, or would be.

    Raises
    ------
    ForgetError
        If nothing knows any of the ids, or what was published could not be replaced.
    holdfast.warehouse.project.ProjectError
        If the warehouse cannot be written to.

    Examples
    --------
    >>> from pathlib import Path
    >>> from holdfast.warehouse.project import open_project
    >>> forget_customers(open_project(Path("my_shop")), ["17"]).rows  # doctest: +SKIP
    {'main_retention.churn_scores': 3}
    """
    ids = list(dict.fromkeys(customer_ids))
    nodes = project.manifest["nodes"]
    with project.connect(read_only=False) as connection, project.of_this_version():
        connection.execute("begin transaction")
        try:
            own, others = _tables(connection, _built(nodes))
            unknown = _unknown(project, connection, ids, [*own, *others])
            if len(unknown) == len(ids):
                raise ForgetError(
                    f"no table knows the customer {', '.join(ids)}; write an id as it stands in "
                    "the column customer_id"
                )
            known = [customer for customer in ids if customer not in unknown]
            counts = {table: _count(connection, table, known) for table in own}
            counts = {table: count for table, count in counts.items() if count[0]}
            if not dry_run:
                _remove(project, connection, known, counts)
            elsewhere = [table.shown for table in others if _count(connection, table, known)[0]]
            on_top = _on_top(connection, nodes, known)
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("commit")
        if not dry_run:
            # the blocks of the rows are free from here on
            connection.execute("force checkpoint")
        publication = None if dry_run else _publish_again(project, connection)
    return Forgotten(
        {table.shown: count[0] for table, count in counts.items()},
        unknown,
        elsewhere,
        on_top,
        publication,
    )


def _remove(
    project: Project,
    connection: duckdb.DuckDBPyConnection,
    ids: list[str],
    counts: Mapping[_Table, tuple[int, int]],
) -> None:
    """Remove the rows, note how many, and note the ids for the builds to come."""
    forgotten = project.relation("forgotten_customers")
    connection.execute(
        f"insert into {forgotten} by name select id as customer_id from (select unnest(?) as id) "  # noqa: S608 - the relation is dbt's own, quoted
        f"where id not in (select customer_id from {forgotten})",
        [ids],
    )
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    for table, (rows, customers) in counts.items():
        connection.execute(
            f"delete from {table.relation} where {table.id} in (select unnest(?))",  # noqa: S608 - quoted
            [ids],
        )
        connection.execute(
            f"insert into {project.relation('customer_removals')} by name select ? as removed_at, "
            "? as table_name, ? as row_count, ? as customer_count",
            [now, table.shown, rows, customers],
        )


def _built(nodes: Mapping[str, Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Give schema and name of what Holdfast builds, and of what builds on it.

    A model of the user's that Holdfast reads is an input: the next build would fill it again.
    """
    ids = {
        unique_id
        for unique_id, node in nodes.items()
        if node["package_name"] == "holdfast" and node["resource_type"] == "model"
    }
    while True:
        on_top = {
            unique_id
            for unique_id, node in nodes.items()
            if unique_id not in ids
            and ids.intersection(node.get("depends_on", {}).get("nodes", ()))
        }
        if not on_top:
            break
        ids |= on_top
    return {
        (str(nodes[unique_id]["schema"]), str(nodes[unique_id]["alias"]))
        for unique_id in ids
        if nodes[unique_id].get("relation_name")
    } - {
        (str(node["schema"]), str(node["alias"]))
        for node in nodes.values()
        if node["package_name"] == "holdfast" and node["name"] == "holdfast__forgotten_customers"
    }


def _tables(
    connection: duckdb.DuckDBPyConnection, built: set[tuple[str, str]]
) -> tuple[list[_Table], list[_Table]]:
    """Find the tables with a column customer_id: those that were built, and all others."""
    rows = connection.execute(
        """
        select schema_name, table_name, column_name
        from duckdb_columns()
        inner join duckdb_tables() using (database_name, schema_name, table_name)
        where database_name = current_database() and lower(column_name) = 'customer_id'
        order by all
        """
    ).fetchall()
    own: list[_Table] = []
    others: list[_Table] = []
    for schema, name, column in rows:
        # what dbt has left of a killed build, too
        is_built = (schema, name.split("__dbt_")[0]) in built or (schema, name) in built
        if name != "forgotten_customers" or is_built:
            (own if is_built else others).append(_Table(schema, name, column))
    return own, others


def _on_top(
    connection: duckdb.DuckDBPyConnection,
    nodes: Mapping[str, Mapping[str, Any]],
    ids: list[str],
) -> list[str]:
    """Find the ids by value in what is built on Holdfast's tables, under whatever name."""
    built = _built(nodes)
    found: list[str] = []
    listed = ", ".join(text(each) for each in ids)
    for node in nodes.values():
        place = (str(node.get("schema")), str(node.get("alias")))
        is_own = node["package_name"] == "holdfast" or node["resource_type"] != "model"
        if is_own or place not in built or not node.get("relation_name"):
            continue
        relation = str(node["relation_name"])
        try:
            described = connection.execute(f"describe select * from {relation}").fetchall()  # noqa: S608 - dbt quotes it
        except duckdb.CatalogException:
            continue
        columns = {name: dtype for name, dtype, *_ in described if name.lower() != "customer_id"}
        declared = declared_ids(node)
        held = columns_holding(
            connection, relation, columns, f"select unnest([{listed}])", declared
        )
        found += [f"{place[0]}.{place[1]}.{name}" for name in held]
    return sorted(found)


def _count(connection: duckdb.DuckDBPyConnection, table: _Table, ids: list[str]) -> tuple[int, int]:
    """Count the rows of the customers in a table, and the customers that have some."""
    row = connection.execute(
        f"select count(*), count(distinct {table.id}) from {table.relation} "  # noqa: S608 - quoted
        f"where {table.id} in (select unnest(?))",
        [ids],
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _unknown(
    project: Project,
    connection: duckdb.DuckDBPyConnection,
    ids: list[str],
    tables: Sequence[_Table],
) -> list[str]:
    """Give the ids that stand in no table, in no input, and not among the forgotten ones."""
    left = dict.fromkeys(ids)
    places = [(table.relation, table.id) for table in tables]
    text = "cast(customer_id as varchar)"
    places += [(project.relation("forgotten_customers"), text)]
    places += [
        (project.relation(f"stg_holdfast__{name}"), text) for name in ("customers", "orders")
    ]
    for relation, column in places:
        if not left:
            break
        found = connection.execute(
            f"select distinct {column} from {relation} where {column} in (select unnest(?))",  # noqa: S608 - quoted
            [list(left)],
        ).fetchall()
        for (customer,) in found:
            left.pop(customer, None)
    return list(left)


def _publish_again(project: Project, connection: duckdb.DuckDBPyConnection) -> Publication | None:
    """Replace what was published, the former Parquet sets included."""
    from holdfast.publishing import publish_again

    try:
        return publish_again(project, connection)
    except HoldfastError as error:
        raise ForgetError(
            "the customers are gone from the warehouse, but still in what was published: "
            f"{error}; put that right and run `holdfast forget` again"
        ) from None
