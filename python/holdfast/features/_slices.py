"""Views that look at each customer alone, and so need read only the events of those asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from holdfast.features._definitions import Definition, describe
from holdfast.warehouse.quoting import quoted

__all__ = ["Slices", "find_slices"]

_EVERY = None
# Columns of a relation that hold the key, or _EVERY where the relation reads nothing to be sliced.
_Keys = frozenset[str] | None
_NOT_ROWWISE = ("limit", "offset", "fetch", "sample", "pivots", "laterals", "match", "connect")
_Column = tuple[str, str]


@dataclass(frozen=True)
class _Relation:
    """A relation named in the text, from its first to its last character."""

    name: str
    alias: str
    start: int
    end: int
    has_alias: bool


@dataclass
class _Reader:
    """Reads a query for the columns by which it may be cut down to some keys.

    A column c of a query Q is such a key if Q restricted to rows with c in K is the same whether
    the relations below it are whole or restricted to their own key in K. What is not understood
    here is no key.
    """

    key: str
    is_keyed: Callable[[str], bool]
    found: list[_Relation] = field(default_factory=list)

    def query(self, node: exp.Expr, env: Mapping[str, _Keys]) -> _Keys:
        """Give the key columns of a select, a union or a query in brackets."""
        scope = dict(env)
        clause = node.args.get("with_") or node.args.get("with")
        if clause is not None:
            if clause.args.get("recursive"):
                raise _NotUnderstoodError
            for cte in clause.expressions:
                if cte.args["alias"].columns:
                    raise _NotUnderstoodError
                scope[cte.alias.lower()] = self.query(cte.this, scope)
        if any(node.args.get(word) for word in _NOT_ROWWISE):
            raise _NotUnderstoodError
        if isinstance(node, exp.Subquery):
            return self.query(node.this, scope)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, scope)
        if isinstance(node, exp.Select):
            return self._select(node, scope)
        raise _NotUnderstoodError

    def _set_operation(self, node: exp.SetOperation, env: Mapping[str, _Keys]) -> _Keys:
        """Read both sides; by position only columns of one name in one place are compared."""
        left, right = self.query(node.this, env), self.query(node.expression, env)
        if left is _EVERY and right is _EVERY:
            return _EVERY
        if not node.args.get("by_name"):
            # unless both sides say the key first, whose column is whose is not known
            firsts = [_first_column(side) for side in (node.this, node.expression)]
            if any(first != self.key for first in firsts):
                return frozenset()
            left = frozenset({self.key}) if left is _EVERY else left & {self.key}
            right = frozenset({self.key}) if right is _EVERY else right & {self.key}
        if left is _EVERY:
            return right
        return left if right is _EVERY else left & right

    def _select(self, select: exp.Select, env: Mapping[str, _Keys]) -> _Keys:
        """Follow the key through the joins of a select to its columns."""
        first = select.args.get("from_") or select.args.get("from")
        names: list[str] = []
        keys: set[_Column] = set()
        depends = False
        if first is not None:
            name, source = self._source(first.this, env)
            names.append(name)
            if source is not _EVERY:
                depends = True
                keys |= {(name, column) for column in source}
        for join in select.args.get("joins") or []:
            name, source = self._source(join.this, env)
            if name in names:
                raise _NotUnderstoodError
            depends = self._join(join, name, source, keys, depends=depends)
            names.append(name)
        for part in _own(select):
            if isinstance(part, exp.Query) and self._reads_keyed(part, env):
                raise _NotUnderstoodError
        if not depends:
            return _EVERY
        only = names[0] if len(names) == 1 else None
        self._check_windows(select, keys, only)
        return frozenset(self._outputs(select, keys, only))

    def _join(
        self, join: exp.Join, name: str, source: _Keys, keys: set[_Column], *, depends: bool
    ) -> bool:
        """Add a joined relation's key columns; say whether anything is to be sliced so far."""
        kind = (join.side or "", join.kind or "", join.method or "")
        outer = kind[0] == "LEFT"
        if kind not in {
            ("", "", ""),
            ("", "INNER", ""),
            ("", "CROSS", ""),
            ("LEFT", "", ""),
            ("LEFT", "OUTER", ""),
        } or join.args.get("using"):
            raise _NotUnderstoodError
        linked: set[_Column] = set()
        for left, right in _equalities(join.args.get("on")):
            for here, there in ((left, right), (right, left)):
                if here[0] == name and there[0] != name and there[0]:
                    if source is _EVERY and there in keys:
                        linked.add(here)
                    elif source is _EVERY or here[1] not in source:
                        continue
                    elif there in keys:
                        linked.add(here)
                    elif not depends and not linked:
                        # of the columns that the first keyed relation is joined by, one is the key
                        linked = {here, there}
        if source is _EVERY:
            keys |= linked
            return depends
        if linked:
            keys |= linked
            return True
        if depends or outer:
            raise _NotUnderstoodError
        keys |= {(name, column) for column in source}
        return True

    def _source(self, node: exp.Expr, env: Mapping[str, _Keys]) -> tuple[str, _Keys]:
        """Give the name and the key columns of what a select reads."""
        if any(node.args.get(word) for word in (*_NOT_ROWWISE, "joins", "when", "version")):
            raise _NotUnderstoodError
        alias = node.args.get("alias")
        if alias is not None and alias.columns:
            raise _NotUnderstoodError
        if isinstance(node, exp.Subquery):
            return node.alias.lower(), self.query(node, env)
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            # a table function or a list unnested
            if any(True for _ in node.find_all(exp.Query)):
                raise _NotUnderstoodError
            return node.alias_or_name.lower(), _EVERY
        name = node.alias_or_name.lower()
        if not node.args.get("db") and node.name.lower() in env:
            return name, env[node.name.lower()]
        written = ".".join(part.sql(dialect="duckdb", identify=True) for part in node.parts)
        if not node.args.get("db") or not self.is_keyed(written):
            return name, _EVERY
        self.found.append(
            _Relation(
                written,
                node.alias_or_name,
                node.parts[0].meta["start"],
                node.parts[-1].meta["end"] + 1,
                bool(node.alias),
            )
        )
        return name, frozenset({self.key})

    def _reads_keyed(self, query: exp.Expr, env: Mapping[str, _Keys]) -> bool:
        """Whether a query inside an expression reads anything that would be sliced."""
        for table in query.find_all(exp.Table):
            if not table.args.get("db"):
                if env.get(table.name.lower(), _EVERY) is not _EVERY:
                    return True
            elif self.is_keyed(
                ".".join(part.sql(dialect="duckdb", identify=True) for part in table.parts)
            ):
                return True
        return False

    def _check_windows(self, select: exp.Select, keys: set[_Column], only: str | None) -> None:
        """Every window, and every choice of one row of many, must stay within a key."""
        for window in _own(select):
            # one that builds on a named window has that window's partition
            if not isinstance(window, exp.Window) or window.args.get("alias") is not None:
                continue
            parts = window.args.get("partition_by") or []
            if not any(_column(part, only) in keys for part in parts):
                raise _NotUnderstoodError
        distinct = select.args.get("distinct")
        on = distinct.args.get("on") if distinct is not None else None
        if on is not None and not any(_column(part, only) in keys for part in on.expressions):
            raise _NotUnderstoodError

    def _outputs(self, select: exp.Select, keys: set[_Column], only: str | None) -> Iterator[str]:
        """Name the columns of a select that are a key, just as it was read."""
        taken: set[str] = set()
        for output in select.expressions:
            inner = output.this if isinstance(output, exp.Alias) else output
            star = inner if isinstance(inner, exp.Star) else None
            table = only
            if isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star):
                star, table = inner.this, inner.table.lower()
            if star is not None:
                if star.args.get("rename") or star.args.get("replace"):
                    return
                left_out = {
                    column.name.lower()
                    for word in ("except_", "except")
                    for column in star.args.get(word) or []
                }
                yield from (c for t, c in keys if t == table and c not in left_out | taken)
                # what else it brings is not known, and of two columns the first has the name
                return
            name = output.alias_or_name.lower()
            if _column(inner, only) in keys and name not in taken:
                yield name
            taken.add(name)


class _NotUnderstoodError(Exception):
    """A query in which it cannot be told what is read for one customer alone."""


def _own(select: exp.Select) -> Iterator[exp.Expr]:
    """Walk the expressions of a select; of the queries in them give each, but do not enter it."""
    sources = ("from_", "from", "joins", "with_", "with")
    todo = [value for name, value in select.args.items() if name not in sources]
    todo += [join.args.get("on") for join in select.args.get("joins") or []]
    while todo:
        node = todo.pop()
        if isinstance(node, list):
            todo.extend(node)
        elif isinstance(node, exp.Expr):
            yield node
            if not isinstance(node, exp.Query):
                todo.extend(node.args.values())


def _equalities(on: exp.Expr | None) -> Iterator[tuple[_Column, _Column]]:
    """Give the columns that a join condition demands to be equal."""
    if isinstance(on, exp.Paren):
        yield from _equalities(on.this)
    elif isinstance(on, exp.And):
        yield from _equalities(on.this)
        yield from _equalities(on.expression)
    elif isinstance(on, exp.EQ):
        left, right = _column(on.this, None), _column(on.expression, None)
        if left is not None and right is not None:
            yield left, right


def _column(node: exp.Expr, only: str | None) -> _Column | None:
    """Give the relation and name of a bare column; `only` is the one relation that there is."""
    if not isinstance(node, exp.Column) or node.args.get("db"):
        return None
    table = node.table.lower() or only
    return None if table is None else (table, node.name.lower())


def _first_column(query: exp.Expr) -> str | None:
    """Name the first column of a query; none for a star."""
    while isinstance(query, exp.Subquery | exp.SetOperation):
        query = query.this
    first = query.expressions[0] if query.expressions else None
    if not isinstance(first, exp.Column | exp.Alias):
        return None
    return str(first.alias_or_name).lower()


@dataclass(frozen=True)
class Slices:
    """A view that can be computed from the rows of the customers asked for alone."""

    definition: Definition
    relations: tuple[_Relation, ...]

    def over(self, spine: str) -> str:
        """Give the select of the view over a spine, from slices of the relations that it reads."""
        names = {
            relation: f"holdfast_slice_{i}"
            for i, relation in enumerate(dict.fromkeys(r.name for r in self.relations))
        }
        sql = self.definition.sql
        for relation in sorted(self.relations, key=lambda relation: -relation.start):
            alias = "" if relation.has_alias else f" as {quoted(relation.alias)}"
            sql = sql[: relation.start] + quoted(names[relation.name]) + alias + sql[relation.end :]
        key = quoted(self.definition.entity[0])
        # A list and not the spine's column: of one number DuckDB would know the range, filter by
        # that as well, and then no longer look it up in an index of the user's.
        slices = ",\n".join(
            f"{quoted(name)} as materialized (\n"  # noqa: S608 - quoted
            f"select * from {relation} where {key} in (select unnest(list({key})) from {spine})\n)"
            for relation, name in names.items()
        )
        return f"with {slices}\nselect * from (\n{replace(self.definition, sql=sql).over(spine)}\n)"


def find_slices(connection: duckdb.DuckDBPyConnection, definition: Definition) -> Slices | None:
    """Find out what a view can be computed from for a few customers.

    None where rows of other customers could matter to their features, such as under a rank among
    all customers, and where that cannot be told.

    Notes
    -----
    Without it DuckDB computes a step such as `lag` over all customers' orders before it takes the
    few that were asked for: it moves conditions below a window, but not those of a join.
    """
    if len(definition.entity) != 1 or not definition.key_types:
        return None
    (key,) = definition.entity

    @lru_cache
    def is_keyed(relation: str) -> bool:
        types = describe(connection, f"select * from {relation}")  # noqa: S608 - quoted
        return types.get(key) == definition.key_types[key]

    reader = _Reader(key.lower(), is_keyed)
    try:
        keys = reader.query(sqlglot.parse_one(definition.sql, dialect="duckdb"), {})
    except (_NotUnderstoodError, SqlglotError, KeyError):
        return None
    found = tuple(dict.fromkeys(reader.found))
    if keys is _EVERY or key.lower() not in keys or not found:
        return None
    if any(definition.sql[r.start : r.end] != r.name for r in found):
        return None
    slices = Slices(definition, found)
    # what is written with the relation's full name before a column is found only there
    shape = describe(connection, slices.over(definition.empty_spine()))
    features = {name: dtype for name, dtype in shape.items() if name in definition.features}
    return slices if features == definition.features else None
