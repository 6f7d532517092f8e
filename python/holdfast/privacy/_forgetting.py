"""Forgetting customers: remove them from all that was built, and keep them out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

from holdfast.errors import HoldfastError
from holdfast.warehouse.project import Project, ProjectError
from holdfast.warehouse.quoting import quoted, text
from holdfast.warehouse.search import columns_holding, declared_ids, same_id

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
        Tables of the warehouse that Holdfast does not build, and in which the ids still are, or
        those of decisions about the customers.
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
    """A table with ids in a column; `attached` if it is in another file than the warehouse."""

    database: str
    schema: str
    name: str
    column: str
    attached: bool = False

    @property
    def shown(self) -> str:
        within = f"{self.schema}.{self.name}"
        return f"{self.database}.{within}" if self.attached else within

    @property
    def relation(self) -> str:
        return quoted(self.database, self.schema, self.name)

    @property
    def id(self) -> str:
        return same_id(quoted(self.column))


def forget_customers(
    project: Project, customer_ids: Sequence[str], *, dry_run: bool = False
) -> Forgotten:
    """Remove customers from every table that Holdfast has built, and keep them out.

    Their rows go from the tables of Holdfast and of the models that build on it, and their ids to
    `forgotten_customers`, all in one transaction, or one for each database that models lie in;
    `customer_removals` records how many rows went.
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
    ids = list(dict.fromkeys(_same_id(customer) for customer in customer_ids))
    nodes = project.manifest["nodes"]
    with project.connect(read_only=False) as connection, project.of_this_version():
        connection.execute("begin transaction")
        try:
            own, others = _tables(connection, nodes)
            unknown = _unknown(project, connection, ids, [*own, *others])
            if len(unknown) == len(ids):
                raise ForgetError(
                    f"no table has the customer {', '.join(ids)}; write the id exactly as in the "
                    "column customer_id"
                )
            known = [customer for customer in ids if customer not in unknown]
            counts = {table: _count(connection, table, known) for table in own}
            counts = {table: count for table, count in counts.items() if count[0]}
            decisions = _decisions(project, connection, known)
            if not dry_run:
                _remove(project, connection, known, counts)
            elsewhere = [table.shown for table in others if _count(connection, table, known)[0]]
            elsewhere += _naming(connection, nodes, decisions, besides=elsewhere)
            on_top = _on_top(connection, nodes, known)
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("commit")
        if not dry_run:
            # the blocks of the rows are free from here on
            for database in {_home(project, connection), *(table.database for table in counts)}:
                connection.execute(f"force checkpoint {quoted(database)}")
        publication = None if dry_run else _publish_again(project, connection)
    return Forgotten(
        {table.shown: count[0] for table, count in counts.items()},
        unknown,
        elsewhere,
        on_top,
        publication,
    )


def _same_id(customer: str) -> str:
    """Write an id as `holdfast.warehouse.search.same_id` does: 17.0 and ' 17 ' are 17."""
    return re.sub(r"^(-?[0-9]+)[.]0+$", r"\1", customer.strip())


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
            f"insert into {project.relation('customer_removals')} by name select ? as removed_at, "
            "? as table_name, ? as row_count, ? as customer_count",
            [now, table.shown, rows, customers],
        )
    # A transaction of DuckDB writes to one database. That of the noted ids comes first: whatever
    # happens then, no build brings anybody back, and to forget them once more does the rest.
    home = _home(project, connection)
    for database in sorted({table.database for table in counts}, key=lambda name: name != home):
        if database != home:
            connection.execute("commit")
            connection.execute("begin transaction")
        for table in (table for table in counts if table.database == database):
            try:
                connection.execute(
                    f"delete from {table.relation} where {table.id} in (select unnest(?))",  # noqa: S608 - quoted
                    [ids],
                )
            except duckdb.Error as error:
                if database == home:
                    raise
                raise ForgetError(
                    f"the customers are marked as forgotten, but are still in {table.shown}: "
                    f"{str(error).splitlines()[0]}; fix this and run `holdfast forget` again"
                ) from None


def _home(project: Project, connection: duckdb.DuckDBPyConnection) -> str:
    """Give the database that the ids of forgotten customers are noted in."""
    node = project.manifest["nodes"]["model.holdfast.holdfast__forgotten_customers"]
    (current,) = connection.execute("select current_database()").fetchone() or ("",)
    return str(node.get("database") or current)


def _built(nodes: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Give the nodes of what Holdfast builds, and of what builds on it.

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
    return [nodes[unique_id] for unique_id in ids if nodes[unique_id].get("relation_name")]


def _tables(
    connection: duckdb.DuckDBPyConnection,
    nodes: Mapping[str, Mapping[str, Any]],
    column: str = "customer_id",
) -> tuple[list[_Table], list[_Table]]:
    """Find the tables with a column of this name: those that were built, and all others.

    They are looked for in every database that models lie in; names are those of the manifest, for
    a project may give its schemas and tables what names it likes.
    """
    (current,) = connection.execute("select current_database()").fetchone() or ("",)

    def place(node: Mapping[str, Any]) -> tuple[str, str, str]:
        parts = (node.get("database") or current, node["schema"], node["alias"])
        database, schema, name = (str(part).lower() for part in parts)
        return database, schema, name

    built = {place(node) for node in _built(nodes)}
    noted = {
        place(node) for node in nodes.values() if node["name"] == "holdfast__forgotten_customers"
    }
    databases = {str(current).lower()} | {
        place(node)[0] for node in nodes.values() if node.get("relation_name")
    }
    rows = connection.execute(
        """
        select database_name, schema_name, table_name, column_name
        from duckdb_columns()
        inner join duckdb_tables() using (database_name, schema_name, table_name)
        where lower(database_name) in (select unnest(?)) and lower(column_name) = ?
        order by all
        """,
        [sorted(databases), column],
    ).fetchall()
    own: list[_Table] = []
    others: list[_Table] = []
    for database, schema, name, written in rows:
        found = (database.lower(), schema.lower(), name.lower())
        # what dbt has left of a killed build, too
        is_built = found in built or (*found[:2], found[2].split("__dbt_")[0]) in built
        if found not in noted:
            table = _Table(database, schema, name, written, attached=database != current)
            (own if is_built else others).append(table)
    return own, others


def _on_top(
    connection: duckdb.DuckDBPyConnection,
    nodes: Mapping[str, Mapping[str, Any]],
    ids: list[str],
) -> list[str]:
    """Find the ids by value in what is built on Holdfast's tables, under whatever name."""
    found: list[str] = []
    listed = ", ".join(text(each) for each in ids)
    for node in _built(nodes):
        if node["package_name"] == "holdfast" or node["resource_type"] != "model":
            continue
        relation = str(node["relation_name"])
        try:
            described = connection.execute(f"describe select * from {relation}").fetchall()  # noqa: S608 - dbt quotes it
        except duckdb.CatalogException:
            continue
        columns = {name: dtype for name, dtype, *_ in described if name.lower() != "customer_id"}
        ids_asked = f"select unnest([{listed}])"
        held = columns_holding(connection, relation, columns, ids_asked, declared_ids(node))
        found += [f"{node['schema']}.{node['alias']}.{name}" for name in held]
    return sorted(found)


def _decisions(
    project: Project, connection: duckdb.DuckDBPyConnection, ids: list[str]
) -> list[str]:
    """Give the ids of the decisions about the customers: an id is a hash of the customer's."""
    try:
        log = project.relation("decision_log")
        return [
            decision
            for (decision,) in connection.execute(
                f"select decision_id from {log} "  # noqa: S608 - the relation is dbt's own, quoted
                f"where {same_id('customer_id')} in (select unnest(?))",
                [ids],
            ).fetchall()
        ]
    except (ProjectError, duckdb.CatalogException):
        # the project makes no decisions, or has not made any yet
        return []


def _naming(
    connection: duckdb.DuckDBPyConnection,
    nodes: Mapping[str, Mapping[str, Any]],
    decisions: list[str],
    *,
    besides: Sequence[str],
) -> list[str]:
    """Find the decisions in tables that Holdfast does not build, such as approvals."""
    if not decisions:
        return []
    return [
        table.shown
        for table in _tables(connection, nodes, "decision_id")[1]
        if table.shown not in besides and _count(connection, table, decisions)[0]
    ]


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
    plain = same_id("customer_id")
    places += [(project.relation("forgotten_customers"), plain)]
    places += [
        (project.relation(f"stg_holdfast__{name}"), plain) for name in ("customers", "orders")
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
            "the customers are removed from the warehouse, but are still in published tables: "
            f"{error}; fix this and run `holdfast forget` again"
        ) from None
