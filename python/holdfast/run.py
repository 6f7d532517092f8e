"""What a dbt run tells Holdfast's Python: its version, the tasks to train, what it has settled."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from holdfast import __version__
from holdfast.errors import HoldfastError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["RunError", "is_reset", "note_training", "register_run", "settings_of"]

# what dbt's invocations have settled; of the process, for dbt may close its connection in between
_SETTLED: dict[str, dict[str, str]] = {}
_LOCK = threading.Lock()
_KEPT_INVOCATIONS = 8
# what became of the training of each task in this run, for the digest at its end
_TRAINED: dict[str, str] = {}


class RunError(HoldfastError):
    """A dbt model was run outside a run that began as Holdfast's runs do."""


def register_run(connection: DuckDBPyConnection) -> None:
    """Give a connection the functions by which a run begins.

    ``holdfast_begin_run(told)`` takes JSON with the ``version`` of the dbt package and the
    ``tasks``, each with the settings of its training, and whether history begins anew, ``reset``;
    it answers with an empty text, or with what has to be put right.
    ``holdfast_training_settings(task)`` gives the settings back, as JSON, and
    ``holdfast_is_reset()`` the last. ``holdfast_trained()`` tells by task what became of its
    training in this run, as JSON.
    ``holdfast_settle(invocation, name, value)`` keeps the first value that an invocation of dbt
    gives to a name, such as its as-of date, and answers with the one that stands; with NULL it
    only asks. ``holdfast_vars()`` lists the vars of Holdfast that are set somewhere, as JSON.

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
    resets: set[bool] = set()

    def begin_run(told: str) -> str:
        request = json.loads(told)
        if request["version"] != __version__:
            return (
                f"The dbt package holdfast is {request['version']} and the Python package is "
                f"{__version__}; the two must be the same. Install "
                f"dbt-holdfast=={request['version']}, or set the package in packages.yml to "
                f"{__version__} (`holdfast package copy` does so for the copy that `holdfast init` "
                "made) and run `dbt deps`."
            )
        tasks.clear()
        tasks.update(request["tasks"])
        _TRAINED.clear()
        resets.clear()
        resets.add(bool(request.get("reset")))
        return ""

    def training_settings(task: str) -> str:
        return json.dumps(tasks.get(task))

    def trained() -> str:
        return json.dumps(_TRAINED)

    def is_reset() -> bool:
        return True in resets

    # here and not above: without a run nobody needs DuckDB
    from duckdb.func import SPECIAL

    # what they answer depends on more than their arguments
    connection.create_function(
        "holdfast_begin_run", begin_run, ["VARCHAR"], "VARCHAR", side_effects=True
    )
    connection.create_function(
        "holdfast_settle",
        _settle,
        ["VARCHAR", "VARCHAR", "VARCHAR"],
        "VARCHAR",
        null_handling=SPECIAL,
        side_effects=True,
    )
    connection.create_function("holdfast_vars", _vars, [], "VARCHAR", side_effects=True)
    connection.create_function(
        "holdfast_training_settings", training_settings, ["VARCHAR"], "VARCHAR", side_effects=True
    )
    connection.create_function("holdfast_trained", trained, [], "VARCHAR", side_effects=True)
    connection.create_function("holdfast_is_reset", is_reset, [], "BOOLEAN", side_effects=True)


def note_training(task: str, told: str) -> None:
    """Note what became of a task's training, which the digest at the end of a run tells.

    Parameters
    ----------
    task
        The task's name.
    told
        A few words, such as "trained, because there is no champion".
    """
    _TRAINED[task] = told


def is_reset(session: Any) -> bool:
    """Tell whether this run begins all history anew, as the var `holdfast_reset` asks.

    Parameters
    ----------
    session
        The session that dbt hands to a Python model.
    """
    return bool(session.execute("select holdfast_is_reset()").fetchone()[0])


def _settle(invocation, name, value):  # type: ignore[no-untyped-def]  # DuckDB evaluates them
    """Give what an invocation has settled under a name; a first value settles it."""
    with _LOCK:
        if value is None:
            return _SETTLED.get(invocation, {}).get(name)
        # a process that calls dbt again and again forgets the oldest
        while invocation not in _SETTLED and len(_SETTLED) >= _KEPT_INVOCATIONS:
            del _SETTLED[next(iter(_SETTLED))]
        return _SETTLED.setdefault(invocation, {}).setdefault(name, value)


def _vars():  # type: ignore[no-untyped-def]  # DuckDB evaluates them
    """List the vars that are set for this command: name, place, and scope or None."""
    from dbt.flags import get_flags

    flags = get_flags()  # type: ignore[no-untyped-call]
    directory = Path(getattr(flags, "PROJECT_DIR", None) or ".")
    given = getattr(flags, "VARS", None) or {}
    return json.dumps(list(vars_of(directory, given)))


def vars_of(directory: Path, given: Mapping[str, Any]) -> Iterator[dict[str, str | None]]:
    """List the vars of a dbt project that are Holdfast's by their names.

    Parameters
    ----------
    directory
        The folder of `dbt_project.yml`.
    given
        The vars of the command line.

    Yields
    ------
    dict
        ``name``, the ``place`` where it is set, and as ``scope`` the package whose models alone
        read it, or None. A package's own var counts where the project itself does not set it.
    """
    project = _read_yaml(directory / "dbt_project.yml")
    everywhere = {**_mapping(project.get("vars")), **given}
    for name in given:
        if _is_ours(name):
            yield {"name": name, "place": "--vars", "scope": None}
    for name, value in _mapping(project.get("vars")).items():
        if _is_ours(name):
            yield {"name": name, "place": "dbt_project.yml", "scope": None}
        elif isinstance(value, Mapping) and not name == project.get("name") == "holdfast":
            # where Holdfast is the project itself, its own scope is everywhere
            for inner in filter(_is_ours, value):
                yield {"name": inner, "place": f"dbt_project.yml (below {name})", "scope": name}
    packages = directory / str(project.get("packages-install-path") or "dbt_packages")
    for file in sorted(packages.glob("*/dbt_project.yml")):
        package = _read_yaml(file)
        name = str(package.get("name"))
        own = _mapping(package.get("vars"))
        for inner in {**own, **_mapping(own.get(name))}:
            if name != "holdfast" and _is_ours(inner) and inner not in everywhere:
                place = f"{file.parent.name}/dbt_project.yml"
                yield {"name": inner, "place": place, "scope": name}


def _is_ours(name: object) -> bool:
    """Whether a var's name is meant for Holdfast, be it written a little differently."""
    return str(name).lower().replace("-", "_").startswith("holdfast_")


def _mapping(value: object) -> Mapping[str, Any]:
    """Give a mapping as it is, and an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def _read_yaml(file: Path) -> Mapping[str, Any]:
    """Read a project file that dbt has read already."""
    try:
        return _mapping(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError):
        return {}


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
