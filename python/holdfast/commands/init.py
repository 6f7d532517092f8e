"""`holdfast init`: from a table of orders to a project that dbt can build."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "set up a project on the tables of a DuckDB warehouse, or on sample data"
EXAMPLE = "holdfast init my_shop --warehouse shop.duckdb --orders raw.bestellungen"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command can be told."""
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path(), metavar="FOLDER", help="(default: here)"
    )
    parser.add_argument("--warehouse", type=Path, metavar="FILE", help="the DuckDB file")
    parser.add_argument("--orders", metavar="TABLE", help="the table of the orders")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="INPUT=TABLE",
        help="the table of another input, such as customers=crm.clients",
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="INPUT",
        help="leave out an input that would be found",
    )
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME=COLUMN",
        help="the column of the orders that is customer_id, order_id, ordered_at or amount; of "
        "another input as customers.created_at=COLUMN",
    )
    parser.add_argument(
        "--amount-in", choices=["cents", "units"], default="", help="what amounts are in"
    )
    parser.add_argument(
        "--date-format",
        default="",
        metavar="FORMAT",
        help="how texts write times, such as %%d/%%m/%%Y",
    )
    parser.add_argument("--sample", action="store_true", help="make a warehouse with sample data")
    parser.add_argument("--target", help="the target of the profile (default: the profile's own)")
    parser.add_argument("--yes", action="store_true", help="ask nothing")


def run(options: argparse.Namespace) -> None:
    """Set up the project, and tell what is found and done."""
    from holdfast.setup import INPUTS, Choices, SetupError, Wishes, set_up_project

    tables = {} if options.orders is None else {"orders": options.orders}
    for told in options.input:
        name, sign, table = told.partition("=")
        if not sign or name not in INPUTS:
            raise SetupError(
                f"--input takes INPUT=TABLE, where INPUT is one of {', '.join(INPUTS)}; got {told}"
            )
        tables[name] = table
    columns = {}
    for told in options.column:
        role, sign, column = told.partition("=")
        input, dot, own = role.partition(".")
        name, role = (input, own) if dot else ("orders", role)
        if not sign or name not in INPUTS or role not in INPUTS[name].roles:
            known = ", ".join(INPUTS[name].roles) if name in INPUTS else ", ".join(INPUTS)
            raise SetupError(f"--column takes NAME=COLUMN; {told} names none of {known}")
        columns[name, role] = column
    for name in options.without:
        if name == "orders":
            raise SetupError("the orders cannot be left out; every figure is computed from them")
    choices = Choices(
        options.warehouse,
        tables,
        options.without,
        Wishes(columns, options.amount_in, options.date_format),
        options.sample,
    )
    asks = sys.stdin.isatty() and not options.yes
    set_up_project(
        options.folder,
        choices,
        say=lambda line: print(line, flush=True),
        ask=_choose if asks else None,
        ask_warehouse=_warehouse if asks else None,
        target=options.target,
    )


def _choose(question: str, names: Sequence[str]) -> str:
    """Ask which of some names is meant; the first is meant by no answer."""
    for number, name in enumerate(names, 1):
        print(f"  {number}  {name}")
    while True:
        answer = input(f"{question} [1] ").strip() or "1"
        if answer in names:
            return answer
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        print(f"a number from 1 to {len(names)}, or a name")


def _warehouse() -> str:
    """Ask for the warehouse."""
    return input("The DuckDB file with your orders (empty: make one with sample data): ")
