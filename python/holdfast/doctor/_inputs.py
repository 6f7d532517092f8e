"""The inputs: how many rows, from when to when, and which of their ids do not join."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from holdfast.doctor._checks import Check, Level
from holdfast.shipped import shipped_package
from holdfast.warehouse.project import Project, ProjectError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["check_inputs", "input_names", "is_set"]

_AREA = "inputs"
# from these shares on, rows without a partner are worth a word, or make an input useless
_FEW, _MOST = 0.01, 0.5
# an input that ends this much earlier than the orders has most likely stopped
_STOPPED_DAYS = 30


@dataclass(frozen=True)
class _Staged:
    """An input as Holdfast has staged it."""

    name: str
    relation: str
    columns: tuple[str, ...]
    at: str | None


def input_names() -> list[str]:
    """Give the names of all inputs, the orders first.

    Examples
    --------
    >>> input_names()[0], "web_events" in input_names()
    ('orders', True)
    """
    folder = shipped_package() / "models" / "inputs"
    names = sorted(path.stem.removeprefix("stg_holdfast__") for path in folder.glob("stg_*.sql"))
    return sorted(names, key=lambda name: name != "orders")


def is_set(name: str, variables: Mapping[str, Any], *, is_demo: bool) -> bool:
    """Tell whether a project has an input, by its vars."""
    # the demo shop has no files of these four; a build without them has no rows to count
    return bool(str(variables.get(f"holdfast_{name}") or "").strip()) or is_demo


def check_inputs(
    connection: DuckDBPyConnection, project: Project, variables: Mapping[str, Any], *, is_demo: bool
) -> Iterator[Check]:
    """Look at each input as it was staged by the last build.

    Parameters
    ----------
    connection
        A connection to the warehouse.
    project
        The project.
    variables
        Its vars.
    is_demo
        Whether the demo shop stands in for the inputs.

    Yields
    ------
    Check
        One per input, and one per join that fails.
    """
    staged: dict[str, _Staged] = {}
    last_order: Any = None
    for name in input_names():
        if not is_set(name, variables, is_demo=is_demo):
            continue
        try:
            found = _staged(project, name)
            staged[name] = found
            told = f", min({found.at}), max({found.at})" if found.at else ", null, null"
            ahead = (
                f"count(*) filter (where {found.at} > (now() at time zone 'UTC'))"
                if found.at
                else "0"
            )
            row = connection.execute(
                f"select count(*), {ahead}{told} from {found.relation}"
            ).fetchone()
            assert row is not None
        except ProjectError:
            # of the demo, an input that it has no file of
            continue
        except duckdb.Error as error:
            staged.pop(name, None)
            yield Check(
                _AREA,
                name,
                "error",
                # no more than its kind: the text may quote a value
                f"cannot be read ({type(error).__name__})",
                f"run `dbt build --select stg_holdfast__{name}`, which says why",
            )
            continue
        rows, future, first, last = row
        if not rows:
            # nothing of it can be missing elsewhere
            staged.pop(name)
            if is_demo and name != "orders":
                continue
        if name == "orders":
            last_order = last
        yield _counted(name, rows, future, first, last, last_order)
    yield from _joins(connection, staged)


def _counted(name: str, rows: int, future: int, first: Any, last: Any, last_order: Any) -> Check:
    """Judge an input by its rows and dates."""
    told = f"{rows:,} rows" + (f", {first:%Y-%m-%d} to {last:%Y-%m-%d}" if first else "")
    facts = {
        "rows": rows,
        "first": str(first) if first else None,
        "last": str(last) if last else None,
        "in_the_future": future,
    }
    level: Level = "ok"
    remedy = ""
    if not rows:
        level = "error" if name == "orders" else "warning"
        remedy = f"the relation in the var holdfast_{name} is empty; check its load"
    elif future:
        level = "error" if name == "orders" else "warning"
        told += f"; {future:,} lie in the future"
        remedy = (
            "their times are most likely local instead of UTC; convert them in the relation, such "
            "as timezone('Europe/Berlin', …)"
        )
    elif (
        last_order is not None
        and last is not None
        and name not in ("orders", "customers", "subscriptions", "acquisition_costs", "consents")
        and (last_order - last).days > _STOPPED_DAYS
    ):
        level = "warning"
        told += f"; it ends {(last_order - last).days:,} days before the last order"
        remedy = "if its load has stopped, features take the silence for that of the customers"
    return Check(_AREA, name, level, told, remedy, facts)


def _staged(project: Project, name: str) -> _Staged:
    """Give the staged relation of an input, with its columns as the model declares them."""
    node = project.node(f"stg_holdfast__{name}")
    declared = re.findall(r"'(\w+)': \{'type': '(\w+)'(.*?)\}", str(node.get("raw_code") or ""))
    at = [column for column, kind, more in declared if kind == "timestamp" and "true" in more]
    return _Staged(
        name,
        str(node["relation_name"]),
        tuple(column for column, _, _ in declared),
        at[0] if at else None,
    )


def _joins(connection: DuckDBPyConnection, staged: Mapping[str, _Staged]) -> Iterator[Check]:
    """Count the rows whose customer, order or product is not where it should be."""
    pairs = [("orders", "customer_id", "customers")]
    known = "customers" if "customers" in staged else "orders"
    pairs += [
        (name, "customer_id", known)
        for name, one in staged.items()
        if name not in ("orders", "customers", "approvals") and "customer_id" in one.columns
    ]
    pairs += [("order_items", "order_id", "orders"), ("order_items", "product_id", "products")]
    for name, column, other in pairs:
        if name not in staged or other not in staged:
            continue
        # customer, order or product
        thing = column.removesuffix("_id")
        try:
            row = connection.execute(
                f"select count(*), count(*) filter (where not exists (select 1 from "
                f"{staged[other].relation} as theirs where theirs.{column} = ours.{column})) "
                f"from {staged[name].relation} as ours where ours.{column} is not null"
            ).fetchone()
        except duckdb.Error:
            # the input itself was told to be unreadable
            continue
        rows, lost = row or (0, 0)
        share = lost / rows if rows else 0.0
        level: Level = "ok" if share < _FEW else "error" if share > _MOST else "warning"
        yield Check(
            "joins",
            f"{name} to {other}",
            level,
            f"{lost:,} of {rows:,} rows ({share:.1%}) name no {thing} of {other}"
            if lost
            else f"all {rows:,} rows join",
            ""
            if level == "ok"
            else f"compare {column} in the vars holdfast_{name} and holdfast_{other}: blanks, "
            "leading zeros, another system's ids",
            {"rows": rows, "without": lost, "share": round(share, 6)},
        )
