"""`holdfast publish`: by hand what a build does at its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.publishing._errors import PublishError
from holdfast.publishing._hook import DEFAULT_FILE
from holdfast.publishing._marts import Mart, find_marts, obstacle, registry_of
from holdfast.publishing._origin import code_version, owner_of
from holdfast.publishing._postgres import publish_to_postgres
from holdfast.publishing._publish import Publication, publish
from holdfast.publishing._shelf import Shelf

if TYPE_CHECKING:
    import duckdb

    from holdfast.warehouse.project import Project

__all__ = [
    "marts_of",
    "publish_again",
    "publish_path",
    "publish_project",
    "publish_project_to_postgres",
]


def publish_project(
    project: Project,
    output: Path | None = None,
    *,
    take_over: bool = False,
    allow_empty: bool = False,
) -> Publication:
    """Publish the marts that the last build of a project made.

    Parameters
    ----------
    project
        A built project, from `holdfast.warehouse.project.open_project`.
    output
        The file to publish to; that of the build (`holdfast_publish_path`) when None.
    take_over, allow_empty
        See `publish`.

    Returns
    -------
    Publication
        What was published.

    Raises
    ------
    PublishError
        If a mart or one of its tests failed in the last dbt command, or publishing fails.
    holdfast.warehouse.project.ProjectError
        If the warehouse cannot be read.

    Examples
    --------
    >>> from holdfast.warehouse.project import open_project
    >>> print(publish_project(open_project(Path("my_shop"))))  # doctest: +SKIP
    Published 9 tables (1,733 rows) to my_shop/serving/holdfast.duckdb
    """
    marts = marts_of(project)
    file = output.absolute() if output is not None else publish_path(project)
    if file.resolve() == project.warehouse.resolve():
        raise PublishError(f"{file} is the warehouse itself; name another file")
    from holdfast.scoring import register

    with project.connect() as connection:
        # a mart may be a view that scores
        register(connection)
        return publish(
            connection,
            marts,
            file,
            source=project.warehouse.name,
            owner=_owner(project, marts, file),
            take_over=take_over,
            allow_empty=allow_empty,
            registry=registry_of(project.manifest["nodes"]),
            forgotten=project.relation("forgotten_customers"),
            code_version=code_version(project.directory),
        )


def publish_again(project: Project, connection: duckdb.DuckDBPyConnection) -> Publication | None:
    """Publish anew after rows were removed, and keep no former Parquet set that has them.

    Parameters
    ----------
    project
        A built project.
    connection
        A connection to its warehouse.

    Returns
    -------
    Publication or None
        What was published; None where nothing had been.

    Raises
    ------
    PublishError
        If it cannot be published; the former publication stays.
    """
    file = publish_path(project)
    if not file.exists():
        return None
    from holdfast.scoring import register

    register(connection)
    marts = marts_of(project)
    publication = publish(
        connection,
        marts,
        file,
        source=project.warehouse.name,
        owner=_owner(project, marts, file),
        registry=registry_of(project.manifest["nodes"]),
        forgotten=project.relation("forgotten_customers"),
        # whoever was the last customer is to go
        allow_empty=True,
        code_version=code_version(project.directory),
    )
    Shelf(file).drop_former_sets(publication.publication_id)
    return publication


def publish_project_to_postgres(
    project: Project,
    dsn: str,
    *,
    schema: str = "holdfast",
    take_over: bool = False,
    allow_empty: bool = False,
) -> dict[str, int]:
    """Publish the marts that the last build of a project made to Postgres.

    Parameters
    ----------
    project
        A built project.
    dsn, schema, take_over, allow_empty
        See `publish_to_postgres`.

    Returns
    -------
    dict
        The rows of each table.

    Raises
    ------
    PublishError
        If a mart or one of its tests failed in the last dbt command, or publishing fails.
    holdfast.warehouse.project.ProjectError
        If the warehouse cannot be read.
    """
    marts = marts_of(project)
    from holdfast.scoring import register

    with project.connect() as connection:
        register(connection)
        return publish_to_postgres(
            connection,
            marts,
            dsn,
            schema=schema,
            source=project.warehouse.name,
            owner=_owner(project, marts),
            take_over=take_over,
            allow_empty=allow_empty,
            forgotten=project.relation("forgotten_customers"),
            code_version=code_version(project.directory),
        )


def _owner(project: Project, marts: list[Mart], file: Path | None = None) -> dict[str, str]:
    """Tell whose a publication of a project is, as the build does."""
    metadata = project.manifest.get("metadata") or {}
    return owner_of(
        str(metadata.get("project_name")),
        project.target,
        project.warehouse,
        marts,
        file.resolve().parent if file is not None else None,
    )


def marts_of(project: Project) -> list[Mart]:
    """Give the marts of a project whose last dbt command did not fail them."""
    nodes = project.manifest["nodes"]
    marts = find_marts(nodes)
    reason = obstacle(nodes, marts, project.run_results["results"], partly=True)
    if reason is not None:
        raise PublishError(f"nothing was published, since the last dbt command failed {reason}")
    return marts


def publish_path(project: Project) -> Path:
    """Give the file that the last dbt command of a project publishes to."""
    node = project.manifest["nodes"].get("model.holdfast.holdfast__customer_retention") or {}
    # as dbt has rendered it: from dbt_project.yml, the environment or --vars
    path = ((node.get("config") or {}).get("meta") or {}).get("publish_path")
    return project.warehouse.parent / (path or DEFAULT_FILE)
