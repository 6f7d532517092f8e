"""Publishing from within dbt: a function of the warehouse that the hook at a run's end calls."""

from __future__ import annotations

import json
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from holdfast.errors import HoldfastError
from holdfast.publishing._errors import PublishError
from holdfast.publishing._marts import find_marts, obstacle, registry_of
from holdfast.publishing._origin import code_version, owner_of, warehouse_of
from holdfast.publishing._publish import publish

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DEFAULT_FILE", "publish_run", "register_publisher"]

DEFAULT_FILE = "serving/holdfast.duckdb"
_FUNCTION = "holdfast_publish"
# DuckDB keeps a bare pointer to a function for as long as the database is open
_FUNCTIONS: list[Callable[[str], str]] = []


def register_publisher(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a DuckDB connection the function `holdfast_publish(request)`.

    The macro `holdfast.publish` calls it with what dbt did. It answers as JSON: `said` for the
    log, or `error`, by which the hook fails.

    Parameters
    ----------
    connection
        The connection that dbt opened. Registering again is harmless.
    """
    with connection.cursor() as cursor:
        found = cursor.execute(
            "select count(*) from duckdb_functions() where function_name = ?", [_FUNCTION]
        ).fetchone()
    if found is not None and found[0]:
        return
    reference = weakref.ref(connection)

    def holdfast_publish(request):  # type: ignore[no-untyped-def]  # DuckDB evaluates annotations
        own = reference()
        assert own is not None
        try:
            return json.dumps({"said": publish_run(own, json.loads(request))})
        except (HoldfastError, duckdb.Error) as error:
            return json.dumps({"error": str(error)})

    _FUNCTIONS.append(holdfast_publish)
    # not to be computed while DuckDB plans, nor twice
    connection.create_function(
        _FUNCTION, holdfast_publish, ["VARCHAR"], "VARCHAR", side_effects=True
    )


def publish_run(connection: duckdb.DuckDBPyConnection, request: Mapping[str, Any]) -> str:
    """Publish what a dbt run has built, or say why not.

    Parameters
    ----------
    connection
        A connection to the warehouse.
    request
        `nodes` of dbt's graph, `results` of the run, `path` of the file or None, `project` and
        `target`, `allow_empty`, `forgotten`, the relation
        of the forgotten customers, and `refusal`: why this run must not publish, or None.

    Returns
    -------
    str
        What happened, in one sentence.

    Raises
    ------
    PublishError
        If publishing was tried and failed.
    """
    nodes = request["nodes"]
    marts = find_marts(nodes)
    reason = request.get("refusal") or obstacle(nodes, marts, request["results"])
    if reason is not None:
        return f"Nothing was published; the earlier publication stays in place: {reason}"
    warehouse = warehouse_of(connection)
    path = request.get("path")
    if warehouse is None and not (path and Path(path).is_absolute()):
        return (
            "Nothing was published: the warehouse is not a file, so there is no folder for "
            "`serving/`; set the var `holdfast_publish_path` to the full path of a file"
        )
    folder = Path() if warehouse is None else warehouse.parent
    file = folder / (path or DEFAULT_FILE)
    if warehouse is not None and file.resolve() == warehouse.resolve():
        raise PublishError(
            "the var `holdfast_publish_path` names the warehouse itself; name another file"
        )
    source = "memory" if warehouse is None else warehouse.name
    # dbt runs in the project's folder
    return str(
        publish(
            connection,
            marts,
            file,
            source=source,
            owner=owner_of(
                request["project"], request["target"], warehouse, marts, file.resolve().parent
            ),
            allow_empty=request.get("allow_empty", False),
            registry=registry_of(nodes),
            forgotten=request.get("forgotten"),
            code_version=code_version(Path()),
        )
    )
