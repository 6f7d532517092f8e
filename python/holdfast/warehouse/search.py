"""Searching tables for ids by value, whatever the column is called that holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from holdfast.warehouse.quoting import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["columns_holding", "declared_ids", "same_id"]

# how a column of numbers is called that says who: a count that happens to be 17 is no customer 17
_SAYS_WHO = re.compile(
    r"(^|_)(ids?|keys?|refs?|no|number)$|customer|client|user|member|buyer|person|account"
    r"|household|referr|owner|parent",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL.*|FLOAT|DOUBLE)", re.IGNORECASE)
_NEVER = re.compile(r"(BOOLEAN|DATE|TIME.*|INTERVAL|BLOB|BIT)", re.IGNORECASE)
# a shorter id is found as a whole value only, for any text may hold its letters
_LEAST_LETTERS = 6


def same_id(expression: str) -> str:
    """Write an id as a SQL text that is the same for 17, 17.0, '17' and ' 17 '.

    Parameters
    ----------
    expression
        A SQL expression of any plain type.

    Returns
    -------
    str
        A SQL expression of type text.

    Examples
    --------
    >>> import duckdb
    >>> ids = "(values ('17'), ('17.0'), (' 17 '), ('C-17')) as ids (id)"
    >>> duckdb.sql(f"select list({same_id('id')}) from {ids}").fetchall()
    [(['17', '17', '17', 'C-17'],)]
    """
    return f"regexp_replace(trim(cast({expression} as varchar)), '^(-?[0-9]+)[.]0+$', '\\1')"


def columns_holding(
    cursor: DuckDBPyConnection,
    relation: str,
    columns: Mapping[str, str],
    ids: str,
    declared: Mapping[str, bool] | None = None,
) -> list[str]:
    """Tell which columns of a relation hold one of some ids.

    Texts are searched whole, and word by word for ids of six letters and more; lists, structs,
    maps and JSON value by value; numbers only where the column's name says that it tells who.

    Parameters
    ----------
    cursor
        A connection to the warehouse.
    relation
        The quoted name of a table or view.
    columns
        Its columns and their types, as `describe` gives them.
    ids
        A select of one column of ids.
    declared
        By column in lower case, whether it holds ids of customers: in place of the rule above.

    Returns
    -------
    list of str
        The columns, in order.

    Examples
    --------
    >>> import duckdb
    >>> session = duckdb.connect()
    >>> _ = session.execute("create table t as select 17 as buyer, 17 as orders, [17] as friends")
    >>> types = {"buyer": "INTEGER", "orders": "INTEGER", "friends": "INTEGER[]"}
    >>> columns_holding(session, "t", types, "select 17")
    ['buyer', 'friends']
    """
    return [
        name
        for name, dtype in columns.items()
        if _is_searched(name, dtype, declared or {}) and _holds(cursor, relation, name, dtype, ids)
    ]


def declared_ids(node: Mapping[str, Any]) -> dict[str, bool]:
    """Tell which columns of a dbt model hold ids of customers, as far as their meta says so.

    Parameters
    ----------
    node
        The model in dbt's manifest; a column's `meta: {customer_ids: true}` or `false` counts.

    Returns
    -------
    dict
        By the column's name in lower case.
    """
    told: dict[str, bool] = {}
    for name, column in node["columns"].items():
        for meta in (column.get("meta"), (column.get("config") or {}).get("meta")):
            if meta and "customer_ids" in meta:
                told[str(name).lower()] = bool(meta["customer_ids"])
    return told


def _is_searched(name: str, dtype: str, declared: Mapping[str, bool]) -> bool:
    """Whether a column may hold ids of customers."""
    if name.lower() in declared:
        return declared[name.lower()]
    if _NEVER.fullmatch(dtype):
        return False
    return not _NUMBER.fullmatch(dtype) or _SAYS_WHO.search(name) is not None


def _holds(cursor: DuckDBPyConnection, relation: str, name: str, dtype: str, ids: str) -> bool:
    """Whether a column holds one of the ids."""
    column = quoted(name)
    if _is_nested(dtype):
        told = f"cast(to_json({column}) as varchar)"
        # the texts of the JSON, keys of maps among them, and its numbers
        pieces = (
            f'list_concat(regexp_extract_all({told}, \'"((?:[^"\\\\]|\\\\.)*)"\', 1), '
            f"regexp_extract_all({told}, '[-0-9.]+'))"
        )
        searched = f"select unnest({pieces}) as value from {relation}"  # noqa: S608 - quoted
        least = 0
    elif _NUMBER.fullmatch(dtype):
        searched, least = f"select {column} as value from {relation}", 0  # noqa: S608 - quoted
    else:
        searched = f"select cast({column} as varchar) as value from {relation}"  # noqa: S608 - quoted
        least = 0
        words = (
            f"select unnest(regexp_extract_all(cast({column} as varchar), '[[:alnum:]_.@-]+')) "  # noqa: S608 - quoted
            f"as value from {relation}"
        )
        if dtype == "VARCHAR" and _any_in(cursor, words, ids, _LEAST_LETTERS):
            return True
    return _any_in(cursor, searched, ids, least)


def _any_in(cursor: DuckDBPyConnection, searched: str, ids: str, least_letters: int) -> bool:
    """Whether one of the values is an id, a full stop behind it aside."""
    value, known = same_id("rtrim(cast(value as varchar), '.')"), same_id("id")
    row = cursor.execute(
        f"""
        select exists (
            select 1
            from ({searched}) as searched
            where {value} in (
                select {known} from ({ids}) as known (id)
                where length(cast(id as varchar)) >= {least_letters}
            )
        )
        """  # noqa: S608 - relations and columns are quoted
    ).fetchone()
    return bool(row and row[0])


def _is_nested(dtype: str) -> bool:
    """Whether a type holds other values."""
    return dtype.endswith("]") or dtype.startswith(("STRUCT(", "MAP(", "UNION(")) or dtype == "JSON"
