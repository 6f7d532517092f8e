"""The models that a project needs where its tables have other names, types or rows."""

from __future__ import annotations

import re

from holdfast.setup._find import Found
from holdfast.setup._names import INPUTS
from holdfast.setup._tables import known_columns
from holdfast.terminal import plain
from holdfast.warehouse.quoting import quoted

__all__ = ["model_name", "model_sql", "select_of"]

_SCHEMA = "retention"


def model_name(input: str) -> str:
    """Give the name of the model of an input, which no table of a shop is likely to have.

    Examples
    --------
    >>> model_name("orders")
    'orders_for_holdfast'
    """
    return f"{input}_for_holdfast"


def model_sql(found: Found, relation: str | None = None) -> str:
    """Write the model that gives a table the columns of an input.

    Parameters
    ----------
    found
        The input in its table.
    relation
        The table, as the model has to name it: its own name when None.

    Returns
    -------
    str
        The text of the file.
    """
    kind = "table" if found.per_order else "view"
    lines = [f"-- What Holdfast reads as {found.input}, from {plain(found.table.told)}."]
    lines.append("-- `holdfast init` wrote this model; it is yours to change.")
    lines += [f"-- * {plain(note)}" for note in found.notes]
    config = f"{{{{ config(materialized='{kind}', schema='{_SCHEMA}') }}}}"
    return "\n".join([*lines, config, "", select_of(found, relation), ""])


def select_of(found: Found, relation: str | None = None) -> str:
    """Write the select that gives a table the columns of an input.

    Parameters
    ----------
    found
        The input in its table.
    relation
        The table, as the select has to name it: its own name when None.
    """
    columns = {role: reading.sql for role, reading in found.columns.items()}
    if found.input == "orders" and not found.per_order:
        # they are there for the items of the orders
        columns = {role: sql for role, sql in columns.items() if role in known_columns("orders")}
    named = {column.lower(): column for column in found.table.columns}
    if not found.per_order:
        # what Holdfast reads too, where it is called so
        for column in known_columns(found.input):
            if (
                column in named
                and column not in columns
                and column not in INPUTS[found.input].roles
            ):
                columns[column] = quoted(named[column])
    if found.input == "customers":
        # any of them may become an attribute
        used = {reading.column for reading in found.columns.values()}
        told = [name for name in found.table.columns if name in used or name.lower() in columns]
        if len(told) < len(found.table.columns):
            columns["*"] = f"* exclude ({', '.join(map(quoted, told))})"
    read = _select(columns, relation or found.table.sql, found.where)
    if not found.per_order:
        return read
    amount = re.sub(r"\((.+)\)", r"(cast(\1 as decimal(18, 4)))", found.per_order)
    return "\n".join(
        [
            "with",
            "",
            "lines as (",
            "",
            *(f"    {line}" if line else "" for line in read.split("\n")),
            "",
            "),",
            "",
            "final as (",
            "",
            "    select",
            "        min(customer_id) as customer_id,",
            "        order_id,",
            "        min(ordered_at) as ordered_at,",
            f"        {amount} as amount,",
            "    from lines",
            "    group by order_id",
            "",
            ")",
            "",
            "select * from final",
        ]
    )


def _select(columns: dict[str, str], relation: str, where: tuple[str, ...]) -> str:
    lines = ["select", *(f"    {_item(*item)}," for item in columns.items())]
    lines.append(f"from {relation}")
    lines += [f"{'where' if n == 0 else '    and'} {one}" for n, one in enumerate(where)]
    return "\n".join(lines)


def _item(column: str, sql: str) -> str:
    return sql if column == "*" else f"{sql} as {column}"
