"""Scoring a file of any size into another one, in constant memory."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.errors import HoldfastError
from holdfast.scoring._function import register
from holdfast.warehouse.quoting import quoted, text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["score_file"]

_FORMATS = {".parquet": "format parquet, compression zstd", ".csv": "format csv, header"}
# What DuckDB holds beside the rows in flight; more makes nothing faster.
_MEMORY = "2GB"
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
_BAR_WIDTH = 40


def score_file(
    connection: DuckDBPyConnection,
    registry: str,
    model_id: str,
    source: Path,
    output: Path,
    *,
    task: str = "churn",
    word: str = "probability",
    overwrite: bool = False,
) -> int:
    """Score every row of a file with a stored model.

    The rows stream through `holdfast_predict`, the function that scores in a build, so the memory
    needed does not grow with the file. All columns are kept, in their order, and two are added:
    ``model_id`` and ``<task>_<word>``, such as ``churn_probability``. The columns of a CSV file
    other than the features stay as they are written.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A connection to the warehouse; it may be read-only. Its memory is limited to 2 GB.
    registry : str
        The table of models, such as ``'"shop"."main"."churn_model"'``.
    model_id : str
        The model.
    source, output : pathlib.Path
        The file to read and the one to write, Parquet or CSV by their endings. The output is
        written beside its place and renamed when it is complete.
    task : str
        The task, which names the column.
    word : str
        What the model predicts, the end of its name: ``value`` for a regression.
    overwrite : bool
        Whether a former output may be replaced.

    Returns
    -------
    int
        How many rows were scored.

    Raises
    ------
    HoldfastError
        A file cannot be read or written, a feature is missing or no number, a column of these
        names is there already, or the model is refused. Nothing is written then.

    Examples
    --------
    >>> score_file(connection, "churn_model", "a1b2", Path("new.parquet"), Path("scores.parquet"))
    ... # doctest: +SKIP
    1200000
    """
    import duckdb

    _check_paths(source, output, overwrite=overwrite)
    register(connection)
    connection.execute(f"set memory_limit = '{_MEMORY}'")
    # A cache of the file's bytes would fill that memory with what is read once.
    connection.execute("set enable_external_file_cache = false")
    aside = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        names = _feature_names(connection, registry, model_id)
        rows = _reader(source)
        arguments = _arguments(connection, source, rows, names, f"{task}_{word}")
        call = f"holdfast_predict({text(registry)}, {text(model_id)}, {', '.join(arguments)})"
        query = (
            f"select input.*, {text(model_id)} as model_id,"  # noqa: S608 - all of it is quoted
            f" cast({call} as double) as {task}_{word} from {rows} as input"
        )
        with _progress(connection):
            written = connection.execute(
                f"copy ({query}) to {text(str(aside))} ({_FORMATS[output.suffix.lower()]})"
            ).fetchone()
        aside.replace(output)
    except duckdb.Error as error:
        raise HoldfastError(f"{source} cannot be scored: {_first_line(error)}") from None
    except OSError as error:
        raise HoldfastError(f"{output} cannot be written: {error.strerror or error}") from None
    finally:
        aside.unlink(missing_ok=True)
    return int(written[0]) if written else 0


def _check_paths(source: Path, output: Path, *, overwrite: bool) -> None:
    """Refuse files that cannot be read or must not be written."""
    for path in (source, output):
        if path.suffix.lower() not in _FORMATS:
            raise HoldfastError(f"{path} must end in .parquet or .csv")
    if not source.is_file():
        raise HoldfastError(f"there is no file {source}")
    if not output.parent.is_dir():
        raise HoldfastError(f"there is no folder {output.parent}; make it first")
    if output.is_dir():
        raise HoldfastError(f"{output} is a folder; name a file in it")
    if output.exists():
        if output.samefile(source):
            raise HoldfastError("the output would replace the input; name another file")
        if not overwrite:
            raise HoldfastError(f"{output} already exists; --overwrite replaces it")


def _feature_names(connection: DuckDBPyConnection, registry: str, model_id: str) -> list[str]:
    """Return the features of a model in its order."""
    found = connection.execute(
        f"select feature_names from {registry} where model_id = ?",  # noqa: S608 - the caller's table
        [model_id],
    ).fetchone()
    if found is None:
        raise HoldfastError(f"{registry} has no model {model_id!r}")
    return list(found[0])


def _reader(source: Path) -> str:
    """Return the SQL that reads the file; a CSV file as text, so that ids stay as written."""
    # Any character of a name that DuckDB takes for a pattern, it takes for itself in brackets.
    path = "".join(f"[{c}]" if c in "*?[" else c for c in str(source))
    if source.suffix.lower() == ".csv":
        return f"read_csv({text(path)}, all_varchar = true)"
    return f"read_parquet({text(path)})"


def _arguments(
    connection: DuckDBPyConnection, source: Path, rows: str, names: Sequence[str], column: str
) -> list[str]:
    """Return the model's features as SQL, in its order; refuse what is missing or no number."""
    columns = {
        str(name).lower(): (str(name), str(kind))
        for name, kind, *_ in connection.execute(f"describe select * from {rows}").fetchall()  # noqa: S608
    }
    missing = [name for name in names if name.lower() not in columns]
    if missing:
        raise HoldfastError(f"{source} lacks features of the model: {', '.join(missing)}")
    taken = [name for name in ("model_id", column) if name in columns]
    if taken:
        raise HoldfastError(
            f"{source} has a column {' and a column '.join(taken)} already, which is what the"
            " prediction is called; leave it out or rename it"
        )
    found = [columns[name.lower()] for name in names]
    columns_of_input = [quoted("input", name) for name, _ in found]
    if source.suffix.lower() == ".csv":
        return [f"cast({name} as double)" for name in columns_of_input]
    wrong = [
        f"{name} ({kind.lower()})"
        for name, kind in found
        if kind != "BOOLEAN" and not kind.removeprefix("U").startswith(_NUMBERS)
    ]
    if wrong:
        raise HoldfastError(
            f"features in {source} must be numbers or booleans: {', '.join(wrong)}; cast them"
        )
    return columns_of_input


def _first_line(error: Exception) -> str:
    """Return what DuckDB says, without the traceback that it adds to errors of a function."""
    lines = str(error).strip().splitlines() or ["no reason given"]
    return lines[0].rpartition("Error: ")[2]


@contextmanager
def _progress(connection: DuckDBPyConnection) -> Iterator[None]:
    """Draw how much of a query is done, where somebody looks at a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    connection.execute("set enable_progress_bar = true; set enable_progress_bar_print = false")
    done = threading.Event()

    def draw() -> None:
        while not done.wait(0.2):
            share = min(max(connection.query_progress(), 0.0), 100.0)
            filled = "█" * int(share / 100 * _BAR_WIDTH)
            print(f"\r{filled:░<{_BAR_WIDTH}} {share:3.0f} %", end="", file=sys.stderr, flush=True)

    thread = threading.Thread(target=draw, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        print("\r" + " " * (_BAR_WIDTH + 6) + "\r", end="", file=sys.stderr, flush=True)
