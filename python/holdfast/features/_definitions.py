"""The compiled SQL of the feature views, and the names of the features in it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import duckdb

from holdfast.errors import HoldfastError
from holdfast.warehouse.quoting import quoted

__all__ = [
    "AS_OF",
    "Choice",
    "Definition",
    "Definitions",
    "Feature",
    "FeatureError",
    "describe",
    "find_relations",
    "read_definitions",
]

AS_OF = "as_of"

# the word that stands for the spine's relation in the SQL of a definition
_SPINE = re.compile(r"\b__holdfast_spine__\b")


class FeatureError(HoldfastError):
    """A feature, the customers asked for, or the warehouse's feature definitions cannot be used."""


@dataclass(frozen=True)
class Feature:
    """What is known of one feature.

    Attributes
    ----------
    name
        Its column, such as `order_count_90d`.
    feature_view
        The dbt model that defines it.
    dtype
        Its DuckDB type.
    description
        What it means, from the model's yml.
    window
        The window it is counted over, such as `90d`.
    sql
        The aggregate that makes it.
    null_rate
        The share of its values that are NULL, from 0 to 1, at the last build.
    mean, min, max
        Of its values that are not NULL, at the last build.
    freshness
        The latest `as_of` at which it is built.
    used_by
        The models that read it.

    Notes
    -----
    All but the first three are None or empty without the table `feature_registry`.
    """

    name: str
    feature_view: str
    dtype: str
    description: str | None = None
    window: str | None = None
    sql: str | None = None
    null_rate: float | None = None
    mean: float | None = None
    min: float | None = None
    max: float | None = None
    freshness: dt.datetime | None = None
    used_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Definition:
    """One feature view: its SQL with the spine left open, and the types of its columns."""

    feature_view: str
    entity: tuple[str, ...]
    sql: str
    key_types: Mapping[str, str]
    features: Mapping[str, str]

    def over(self, spine: str) -> str:
        """Give the select of this view over a spine."""
        return _SPINE.sub(lambda _: spine, self.sql)

    def empty_spine(self) -> str:
        """Write a spine without rows, to learn the types of the view's columns."""
        columns = [
            f"cast(null as {self.key_types.get(key, 'varchar')}) as {quoted(key)}"
            for key in self.entity
        ]
        return f"(select {', '.join(columns)}, cast(null as timestamp) as {AS_OF} where false)"


@dataclass(frozen=True)
class Choice:
    """A feature that was asked for, and the name of its column in the result."""

    definition: Definition
    feature: str
    column: str

    @property
    def dtype(self) -> str:
        """Its DuckDB type."""
        return self.definition.features[self.feature]


class Definitions:
    """All feature views of a warehouse, and the way from names to features."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.by_view = {definition.feature_view: definition for definition in definitions}
        self._by_feature: dict[str, list[Definition]] = {}
        for definition in self.by_view.values():
            for feature in definition.features:
                self._by_feature.setdefault(feature, []).append(definition)

    def key_columns(self) -> frozenset[str]:
        """Name every column, apart from as_of, that some view counts by."""
        return frozenset(key for view in self.by_view.values() for key in view.entity)

    def find(self, name: str) -> tuple[Definition, str]:
        """Find the one feature of this name, which may be written `view.feature`."""
        views = self._by_feature.get(name, [])
        if len(views) == 1:
            return views[0], name
        if views:
            full = " or ".join(f"'{view.feature_view}.{name}'" for view in views)
            raise FeatureError(f"several feature views have a feature '{name}'; write {full}")
        view_name, _, feature = name.partition(".")
        view = self.by_view.get(view_name)
        if view is not None and feature in view.features:
            return view, feature
        raise FeatureError(f"there is no feature '{name}'; {self._nearest(name)}")

    def choose(self, names: Sequence[str] | None, keys: Collection[str]) -> list[Choice]:
        """Find the features asked for, or all that can be counted by these keys."""
        if names is None:
            found = [
                (view, feature)
                for view in self.by_view.values()
                if all(key in keys for key in view.entity)
                for feature in view.features
            ]
        else:
            found = [self.find(name) for name in dict.fromkeys(names)]
            # the same feature may be asked for with and without its view
            found = list(
                {(view.feature_view, feature): (view, feature) for view, feature in found}.values()
            )
        if not found:
            raise FeatureError("no feature was requested; name some, or omit `features` to get all")
        for view, feature in found:
            missing = [key for key in view.entity if key not in keys]
            if missing:
                raise FeatureError(
                    f"the feature '{view.feature_view}.{feature}' needs the column "
                    f"{', '.join(missing)} of the entities"
                )
        plain = [feature.lower() for _, feature in found]
        return [
            Choice(
                view,
                feature,
                feature if plain.count(feature.lower()) == 1 else f"{view.feature_view}__{feature}",
            )
            for view, feature in found
        ]

    def _nearest(self, name: str) -> str:
        """Say which names are nearest, or where all are listed."""
        known = {name: name for name in self._by_feature}
        known |= {
            f"{view.feature_view}.{feature}": f"{view.feature_view}.{feature}"
            for view in self.by_view.values()
            for feature in view.features
        }
        nearest = get_close_matches(name, known, n=3)
        if nearest:
            return "did you mean " + " or ".join(f"'{near}'" for near in nearest) + "?"
        return "`holdfast features list` shows all features"


def find_relations(
    connection: duckdb.DuckDBPyConnection, name: str, *, schema: str | None = None
) -> list[tuple[str, str, str]]:
    """List the tables and views of this name as catalog, schema and name."""
    rows = connection.execute(
        """
        select database_name, schema_name, table_name from duckdb_tables() where not internal
        union all
        select database_name, schema_name, view_name from duckdb_views() where not internal
        """
    ).fetchall()
    return [
        (catalog, namespace, table)
        for catalog, namespace, table in rows
        if table.lower() == name.lower() and schema in (None, namespace)
    ]


def read_definitions(connection: duckdb.DuckDBPyConnection, relation: str) -> Definitions:
    """Read the table of definitions and describe each, which runs none of them."""
    rows = connection.execute(
        f"select feature_view, relation, entity, sql from {relation} order by feature_view"  # noqa: S608 - quoted
    ).fetchall()
    if not rows:
        raise FeatureError(f"{relation} is empty; define a feature view and run `dbt build`")
    return Definitions(_describe(connection, *row) for row in rows)


def _describe(
    connection: duckdb.DuckDBPyConnection,
    feature_view: str,
    relation: str | None,
    entity: list[str],
    sql: str,
) -> Definition:
    """Find the types of a view's columns, those of its keys from the table that dbt built."""
    keys = tuple(entity)
    built = describe(connection, f"select * from {relation}") if relation else {}  # noqa: S608 - dbt's
    key_types = {key: built[key] for key in keys if key in built}
    definition = Definition(feature_view, keys, sql, key_types, {})
    try:
        shape = connection.sql(definition.over(definition.empty_spine()))
    except duckdb.Error as error:
        raise FeatureError(
            f"the feature view '{feature_view}' cannot be read: {_first_line(error)}. Run "
            "`dbt build`; where its tables are files named by a relative path, open the store with "
            "FeatureStore.from_project"
        ) from error
    features = {
        name: str(dtype)
        for name, dtype in zip(shape.columns, shape.types, strict=True)
        if name not in (*keys, AS_OF)
    }
    return Definition(feature_view, keys, sql, key_types, features)


def describe(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, str]:
    """Describe a select; empty where it cannot be read, such as a view that was never built."""
    try:
        shape = connection.sql(sql)
    except duckdb.Error:
        return {}
    return {name: str(dtype) for name, dtype in zip(shape.columns, shape.types, strict=True)}


def _first_line(error: Any) -> str:
    """Give the part of a DuckDB message that says what is wrong."""
    return str(error).splitlines()[0]
