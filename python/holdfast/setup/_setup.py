"""`holdfast init`: from a table of orders to a project that dbt can build."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from holdfast.files import write_aside
from holdfast.setup._content import facts
from holdfast.setup._errors import SetupError
from holdfast.setup._find import Asking, Found, Wishes
from holdfast.setup._models import select_of
from holdfast.setup._project import (
    Changes,
    Folder,
    plan_changes,
    read_folder,
    write_changes,
)
from holdfast.setup._tables import find_inputs, open_warehouse
from holdfast.terminal import plain
from holdfast.warehouse.profile import ProjectError, read_profile
from holdfast.warehouse.quoting import quoted, text

__all__ = ["Choices", "set_up_project"]

_SAMPLE = "shop.duckdb"
_SAMPLE_CUSTOMERS = 800


@dataclass(frozen=True)
class Choices:
    """What a person has said of the project to set up.

    Attributes
    ----------
    warehouse
        The DuckDB file; that of the profile, or the only one in the folder, when None.
    tables
        The table of an input, by the input's name.
    without
        Inputs that are not wanted.
    wishes
        What was said of the columns.
    sample
        Whether to make a warehouse with a simulated shop.
    """

    warehouse: Path | None = None
    tables: Mapping[str, str] = field(default_factory=dict)
    without: Sequence[str] = ()
    wishes: Wishes = field(default_factory=Wishes)
    sample: bool = False


def set_up_project(
    path: Path,
    choices: Choices,
    *,
    say: Callable[[str], None],
    ask: Asking | None = None,
    ask_warehouse: Callable[[], str] | None = None,
    target: str | None = None,
) -> None:
    """Set up Holdfast in a folder, and have dbt parse it.

    Parameters
    ----------
    path
        The folder; an empty one, or one with a dbt project.
    choices
        What a person has said.
    say
        Where each line of what is found and done goes.
    ask
        How to ask what is unclear; the better one is taken, and said, where None.
    ask_warehouse
        How to ask for the warehouse; an empty answer asks for sample data.
    target
        The target of the profile; its default when None.

    Raises
    ------
    SetupError
        If something has to be answered or changed first; nothing was written then.

    Examples
    --------
    >>> set_up_project(Path("my_shop"), Choices(sample=True), say=print)  # doctest: +SKIP
    """
    folder = read_folder(path)
    if folder.orders is not None:
        _refuse_idle(folder, choices)
        say("dbt_project.yml names the orders already; the warehouse is not searched.")
        changes = plan_changes(folder, choices.warehouse, (), target=target)
        _finish(folder, changes, say, has_inputs=True)
        return
    warehouse = _warehouse_of(folder, choices, ask_warehouse, target, say)
    with open_warehouse(warehouse) as connection:
        try:
            inputs = find_inputs(
                connection,
                named=choices.tables,
                without=choices.without,
                wishes=choices.wishes,
                ask=ask,
            )
            for one in inputs.found:
                _tell(connection, one, say)
        except duckdb.Error as error:
            raise SetupError(
                f"the tables of {warehouse} cannot be read: {str(error).splitlines()[0]}"
            ) from None
    for note in inputs.notes:
        say(f"  * {note}")
    say("")
    changes = plan_changes(folder, warehouse, inputs.found, target=target)
    _finish(folder, changes, say, has_inputs=True)


def _refuse_idle(folder: Folder, choices: Choices) -> None:
    """Refuse what was said of tables and columns where the project has settled them."""
    if not (choices.tables or choices.without or choices.wishes != Wishes()):
        return
    files = sorted((folder.models / "for_holdfast").glob("*.sql"))
    raise SetupError(
        f"{folder.path / 'dbt_project.yml'} names the orders already, so the tables and columns "
        "that were named change nothing. To search the warehouse again, remove the vars "
        "holdfast_… from dbt_project.yml"
        + (f" and the models {', '.join(map(str, files))}" if files else "")
        + ", and run this again; or change them as you like"
    )


def _warehouse_of(
    folder: Folder,
    choices: Choices,
    ask: Callable[[], str] | None,
    target: str | None,
    say: Callable[[str], None],
) -> Path:
    """Settle which file is the warehouse; make one with sample data where that is wanted."""
    if folder.settings is not None and not choices.sample:
        try:
            warehouse = read_profile(folder.path.resolve(), target, None).warehouse
        except ProjectError as error:
            if choices.warehouse is None:
                raise SetupError(
                    f"{error}. Or name the DuckDB file with --warehouse, and a profile is written"
                ) from None
        else:
            if choices.warehouse and choices.warehouse.resolve() != warehouse.resolve():
                raise SetupError(
                    f"the profile of the project names the warehouse {warehouse}, and --warehouse "
                    f"{choices.warehouse}; leave --warehouse out, or choose a target with --target"
                )
            return warehouse
    if choices.sample:
        if choices.warehouse is not None:
            raise SetupError("--sample makes a warehouse of its own; leave --warehouse out")
        return _sample(folder, say)
    if choices.warehouse is not None:
        return choices.warehouse
    there = sorted(
        file
        for ending in ("*.duckdb", "*.db", "*.ddb")
        for file in (folder.path.glob(ending) if folder.path.is_dir() else ())
        if file.is_file()
    )
    if len(there) == 1:
        say(f"The warehouse is {there[0]}, the only DuckDB file here.")
        return there[0]
    if there:
        raise SetupError(
            f"{folder.path} has several databases ({', '.join(file.name for file in there)}); name "
            "one with --warehouse"
        )
    if ask is not None:
        answer = ask().strip()
        if answer:
            return Path(answer).expanduser()
    elif folder.path.is_dir():
        # hidden ones are those of git and editors
        files = sorted(file.name for file in folder.path.glob("[!.]*"))
        if files:
            raise SetupError(
                f"{folder.path} has no DuckDB file and is not empty ({', '.join(files[:3])}"
                f"{', …' if len(files) > 3 else ''}); name the DuckDB file with your orders with "
                "--warehouse, or have --sample make one with sample data"
            )
    return _sample(folder, say)


def _sample(folder: Folder, say: Callable[[str], None]) -> Path:
    """Make a warehouse with the tables of a simulated shop, up to the beginning of this month."""
    from holdfast.simulation import simulate_shop

    warehouse = folder.path / _SAMPLE
    if warehouse.exists() or folder.settings is not None:
        raise SetupError(
            f"sample data are for an empty folder, and {folder.path} has "
            f"{'a dbt project' if folder.settings is not None else _SAMPLE}; name another folder"
        )
    # settles that it is no clone, before anything is written
    folder.path.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as temporary:
        end = dt.datetime.now(dt.UTC).date().replace(day=1)
        simulate_shop(Path(temporary), customers=_SAMPLE_CUSTOMERS, end=end)
        aside = Path(temporary) / _SAMPLE
        with duckdb.connect(str(aside)) as connection:
            connection.execute("create schema raw")
            for file in sorted(Path(temporary).glob("*.parquet")):
                name = quoted("raw", file.stem)
                # the names are those of the simulation, quoted
                connection.execute(f"create table {name} as from read_parquet({text(str(file))})")
        write_aside(warehouse, aside.read_bytes(), error=SetupError)
    say(f"Wrote {warehouse}: a simulated shop of {_SAMPLE_CUSTOMERS} customers.")
    return warehouse


def _tell(connection: duckdb.DuckDBPyConnection, found: Found, say: Callable[[str], None]) -> None:
    """Say what was found of an input, with how many rows, and what a person has to know."""
    if found.input != "orders":
        say(f"{found.input}: {plain(found.table.told)}{_columns(found)}")
    else:
        rows, customers, first, last, ahead = facts(
            connection,
            "select count(*), count(distinct customer_id), "
            "cast(min(moment) as date), cast(max(moment) as date), "
            "count(*) filter (where moment > (now() at time zone 'UTC')) from (select *, "
            # DuckDB takes a text with the word GMT for no time
            "try_cast(regexp_replace(cast(ordered_at as varchar), ' *(UTC|GMT|z)$', '') as "
            f"timestamp) as moment from ({select_of(found)}))",
        )
        say(f"orders: {plain(found.table.told)}{_columns(found)}")
        if not rows:
            raise SetupError(
                f"no row of {found.table.told} is an order that can be read; name other columns "
                "with --column"
            )
        say(f"  {rows:,} orders of {customers:,} customers, from {first} to {last}")
        most, below = facts(
            connection,
            "select max(n), sum(below) from (select count(*) as n, count(*) filter (where amount < "
            f"0) as below from ({select_of(found)}) group by customer_id)",
        )
        if most > 0.05 * rows and most > 10 * rows / customers:
            say(
                f"  * one customer has {most:,} orders ({most / rows:.1%}): if these are guests or "
                "a till, leave them out in a view, and name that with --orders"
            )
        if below > 0.5 * rows:
            say(
                f"  * {below:,} amounts are below zero ({below / rows:.1%}), which count as "
                "returns: if sales are written so, turn the sign in a view"
            )
        if rows == customers:
            say("  * every customer has a single order: is this the column of the customers?")
        if ahead:
            say(
                f"  * {ahead:,} orders lie in the future, which stops a build; their times are "
                "most likely local instead of UTC, or they are pre-orders"
            )
    for note in found.notes:
        say(f"  * {plain(note)}")


def _columns(found: Found) -> str:
    """Tell which column is which, where the names differ."""
    other = [
        f"{role} is {plain(reading.column)}"
        for role, reading in found.columns.items()
        if reading.column and reading.column.lower() != role
    ]
    return f" ({', '.join(other)})" if other else ""


def _finish(
    folder: Folder, changes: Changes, say: Callable[[str], None], *, has_inputs: bool
) -> None:
    """Write, have dbt read what was written, and say what comes next."""
    for line in write_changes(folder, changes):
        say(line)
    here = "" if folder.path == Path() else f"cd {shlex.quote(str(folder.path))}\n  "
    if changes.by_hand:
        say("\nThese lines have to be added by hand, where they belong:")
        for file, blocks in changes.by_hand.items():
            say(f"{file}:")
            for block in blocks:
                say("\n".join(f"    {line}" for line in block.splitlines()))
        say(f"\nThen:\n  {here}dbt deps\n  dbt build\n  holdfast summary")
        return
    if folder.settings is None and os.environ.get("DBT_PROFILES_DIR"):
        say("DBT_PROFILES_DIR is set: unset it, or add --profiles-dir . to each dbt command")
    for words in (["deps"], ["parse"]):
        _dbt(folder, words)
        say(f"dbt {words[0]}: done")
    say(
        "\nNext:\n"
        f"  {here}dbt build           # features, models, scores: a minute or more\n"
        "  holdfast summary    # whom to keep, and why\n"
        "  holdfast doctor     # what is switched on, and what should be mended"
    )


def _dbt(folder: Folder, words: Sequence[str]) -> None:
    """Run dbt in the folder; its own words are told where it fails."""
    environment = dict(os.environ)
    if folder.settings is None:
        # the profile that was just written, whatever the environment says
        environment["DBT_PROFILES_DIR"] = str(folder.path.resolve())
    beside = Path(sys.executable).with_name("dbt")
    program = str(beside) if beside.exists() else shutil.which("dbt")
    command = [program] if program else [sys.executable, "-m", "dbt.cli.main"]
    result = subprocess.run(
        [*command, "--no-use-colors", *words],
        cwd=folder.path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        told = "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])
        raise SetupError(
            f"everything is written, but `dbt {' '.join(words)}` failed in {folder.path}:\n{told}"
        )
