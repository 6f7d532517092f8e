"""What a dbt run tells Holdfast's Python when it begins: its version, and the tasks to train."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from holdfast import __version__
from holdfast.errors import HoldfastError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["RunError", "register_run", "settings_of"]


class RunError(HoldfastError):
    """A dbt model was run outside a run that began as Holdfast's runs do."""


def register_run(connection: DuckDBPyConnection) -> None:
    """Give a connection the functions by which a run begins.

    ``holdfast_begin_run(told)`` takes JSON with the ``version`` of the dbt package and the
    ``tasks``, each with the settings of its training; it answers with an empty text, or with what
    has to be put right. ``holdfast_training_settings(task)`` gives the settings back, as JSON.

    Parameters
    ----------
    connection
        The connection that dbt opened; its cursors share the functions.
    """
    with connection.cursor() as cursor:
        found = cursor.execute(
            "select count(*) from duckdb_functions() where function_name = 'holdfast_begin_run'"
        ).fetchall()
    if found[0][0]:
        # dbt opens anew after a database that cannot be attached; that is then what is to be told
        return
    tasks: dict[str, Any] = {}

    def begin_run(told: str) -> str:
        request = json.loads(told)
        if request["version"] != __version__:
            return (
                f"The dbt package holdfast is {request['version']} and the Python package is "
                f"{__version__}; the two must be the same. Install "
                f"dbt-holdfast=={request['version']}, or set the package in packages.yml to "
                f"{__version__} and run `dbt deps`."
            )
        tasks.clear()
        tasks.update(request["tasks"])
        return ""

    def training_settings(task: str) -> str:
        return json.dumps(tasks.get(task))

    # what they answer depends on more than their arguments
    connection.create_function(
        "holdfast_begin_run", begin_run, ["VARCHAR"], "VARCHAR", side_effects=True
    )
    connection.create_function(
        "holdfast_training_settings", training_settings, ["VARCHAR"], "VARCHAR", side_effects=True
    )


def settings_of(task: str, session: Any) -> dict[str, Any]:
    """Give the settings of a task's training, as the run's project declares them.

    Parameters
    ----------
    task
        The task's name.
    session
        The session that dbt hands to a Python model.

    Returns
    -------
    dict
        As `holdfast.training.train` takes them.

    Raises
    ------
    RunError
        If the run has not told of such a task.
    """
    answer = session.execute("select holdfast_training_settings(?)", [task]).fetchone()
    settings: dict[str, Any] | None = json.loads(answer[0])
    if settings is None:
        raise RunError(
            f"This run knows no task {task!r}. Declare it in the var `holdfast_tasks`, and let the "
            "on-run-start hook of the package holdfast run."
        )
    return settings
