"""The feature store: features for any customers and times, computed from the events."""

from __future__ import annotations

import datetime as dt
import json
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

import duckdb
import ibis
import ibis.expr.operations as ops
from ibis.backends.duckdb import Backend
from ibis.backends.sql.datatypes import DuckDBType

from holdfast.features._definitions import (
    AS_OF,
    Choice,
    Definition,
    Definitions,
    Feature,
    FeatureError,
    find_relations,
    read_definitions,
)
from holdfast.features._entities import (
    Entities,
    ids_table,
    key_sql,
    materialise,
    spine_of,
    split_name,
    to_arrow,
)
from holdfast.features._slices import Slices, find_slices
from holdfast.warehouse.project import open_project
from holdfast.warehouse.quoting import quoted

__all__ = ["FeatureStore"]

_DEFINITIONS = "feature_definitions"
_REGISTRY = "feature_registry"
_MODELS = "model_registry"
# for so many rows it is quicker to take the customers' events first; for many it costs memory
_FEW = 1_000


class FeatureStore:
    """The features of a warehouse, as they were known at any time that is asked for.

    There is one definition of a feature: the compiled SQL of its dbt model, which the build keeps
    in the table `feature_definitions`. The store runs that SQL over the customers and times that
    are asked for, so what it gives is what a build with this `as_of` gives.

    Parameters
    ----------
    connection
        A connection of `duckdb`, a DuckDB backend of Ibis, or the path of a DuckDB file, which is
        opened for reading.
    schema
        The schema of `feature_definitions`; needed only where several schemas have one.

    Raises
    ------
    FeatureError
        If the file cannot be opened, or has no feature definitions.

    Notes
    -----
    A `duckdb` connection is not touched: the store works in a cursor of it, a session of its own
    over the same database, whose settings and temporary tables the connection does not see. So it
    sees only what is committed. With an Ibis backend the store works in the backend's session, and
    the tables it gives can be joined with the backend's own.

    The tables it gives run when they are asked to. Ibis writes Parquet by itself; for
    `.to_pandas()`, `.to_pyarrow()` and `.to_polars()` it needs
    `pip install 'ibis-framework[duckdb]'`, and the last one also `polars`. A store and its tables
    are for one thread at a time.

    Examples
    --------
    >>> import duckdb
    >>> connection = duckdb.connect()
    >>> _ = connection.execute('''
    ...     create table orders as
    ...     select 'anna' as customer_id, timestamp '2026-01-05 10:00' as ordered_at;
    ...     create table feature_definitions as
    ...     select
    ...         'order_features' as feature_view, null as relation, ['customer_id'] as entity,
    ...         'select spine.customer_id, spine.as_of, count(orders.ordered_at) as order_count
    ...          from __holdfast_spine__ as spine
    ...          left join orders
    ...              on orders.customer_id = spine.customer_id
    ...              and orders.ordered_at < spine.as_of
    ...          group by all' as sql;
    ... ''')
    >>> store = FeatureStore(connection)
    >>> asked = connection.sql("select 'anna' as customer_id, date '2026-01-06' as as_of")
    >>> features = store.historical_features(asked, ["order_count"])
    >>> features.columns
    ('customer_id', 'as_of', 'order_count')
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection | Backend | str | Path,
        *,
        schema: str | None = None,
    ) -> None:
        self._outer: duckdb.DuckDBPyConnection | None = None
        self._owned: duckdb.DuckDBPyConnection | None = None
        self._manifest: Mapping[str, Any] = {}
        self._services: dict[str, tuple[str, ...]] = {}
        self._abandoned: list[str] = []
        self._definitions_cache: Definitions | None = None
        self._slices: dict[str, Slices | None] = {}
        if isinstance(connection, Backend):
            self._backend = connection
        else:
            if isinstance(connection, str | Path):
                connection = self._owned = _open(Path(connection))
            elif isinstance(connection, duckdb.DuckDBPyConnection):
                self._outer = connection
            else:
                raise FeatureError(
                    "connection must be a duckdb connection, a DuckDB backend of Ibis or the path "
                    f"of a DuckDB file, but it is {type(connection).__name__}"
                )
            # from_connection sets the session's time zone and switches its replacement scans off
            self._backend = ibis.duckdb.from_connection(connection.cursor())
        self._catalog, self._schema, _ = self._find_one(_DEFINITIONS, schema)

    @classmethod
    def from_project(
        cls, directory: str | Path = ".", *, target: str | None = None, schema: str | None = None
    ) -> FeatureStore:
        """Open the warehouse of a dbt project that has been built.

        The names of the project's models can then be given as entities, and a model's
        `meta: {holdfast_features: [...]}` is a named set of features.

        Parameters
        ----------
        directory
            The folder of `dbt_project.yml`.
        target
            The target of the profile; the profile's default when None.
        schema
            The schema of `feature_definitions`; needed only where several schemas have one.

        Returns
        -------
        FeatureStore
            A store that reads the warehouse; `close` it, or use it in `with`.

        Raises
        ------
        holdfast.warehouse.project.ProjectError
            If the project was not built, or the warehouse cannot be opened.
        FeatureError
            If the warehouse has no feature definitions.

        Examples
        --------
        >>> with FeatureStore.from_project("shop") as store:  # doctest: +SKIP
        ...     store.latest_features("C000017", ["order_count_90d"]).to_pandas()
        """
        project = open_project(Path(directory), target=target)
        connection = project.connect()
        try:
            store = cls(connection, schema=schema)
        except BaseException:
            connection.close()
            raise
        store._outer, store._owned = None, connection
        if "," not in str(project.directory):
            # dbt builds in the project's folder, so that is where the files of its views are
            store._session.execute(
                "set file_search_path = '" + str(project.directory).replace("'", "''") + "'"
            )
        store._manifest = {
            node["name"]: node
            for node in project.manifest.get("nodes", {}).values()
            if node.get("resource_type") in ("model", "seed", "snapshot")
        }
        for name, node in store._manifest.items():
            meta = {**node.get("meta", {}), **node.get("config", {}).get("meta", {})}
            if "holdfast_features" in meta:
                chosen = meta["holdfast_features"]
                if not isinstance(chosen, list) or not all(isinstance(n, str) for n in chosen):
                    store.close()
                    raise FeatureError(
                        f"holdfast_features in the meta of the model '{name}' must be a list of "
                        f"names of features, but it is {chosen!r}"
                    )
                store._services[name] = tuple(chosen)
        return store

    def close(self) -> None:
        """Close the store's session, and the file if the store opened it; its tables end with it.

        A connection or backend that was given to the store stays open.
        """
        if self._owned is not None or self._outer is not None:
            self._session.close()
        else:
            self._clean()
        if self._owned is not None:
            self._owned.close()

    def __enter__(self) -> FeatureStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def historical_features(
        self, entities: Any, features: Sequence[str] | str | None = None
    ) -> ibis.Table:
        """Give features of customers as they were known at times in the past.

        Only events strictly before a row's `as_of` count, to the microsecond.

        Parameters
        ----------
        entities
            The customers and times: `customer_id`, `as_of` and any other columns, such as a label.
            A pandas or polars frame, an Arrow table or reader, an Ibis table, a DuckDB relation,
            or the name of a relation of the warehouse or of a dbt model. `as_of` is in UTC; one
            with a time zone is converted, and a date is its midnight.
        features
            Names of features, of one view alone as `view.feature`; or the name of a service. All
            when None. Only the views that these need are run.

        Returns
        -------
        ibis.Table
            The rows of the entities, each as often as it is there and in no certain order, with
            their columns and then the features in the order asked for. A row whose customer or
            time is NULL has only NULLs. Where two features of one name are chosen, each is called
            `view__feature`. A model of Holdfast takes features as 32-bit floats.

        Raises
        ------
        FeatureError
            If a feature is unknown or ambiguous, or the entities cannot be read or lack a column.

        Examples
        --------
        >>> import duckdb
        >>> connection = duckdb.connect()
        >>> _ = connection.execute('''
        ...     create table feature_definitions as
        ...     select
        ...         'calendar' as feature_view, null as relation, ['customer_id'] as entity,
        ...         'select *, month(as_of) as month from __holdfast_spine__' as sql;
        ...     create table labels as
        ...     select 17 as customer_id, date '2026-03-01' as as_of, true as churned;
        ... ''')
        >>> FeatureStore(connection).historical_features("labels").columns
        ('customer_id', 'as_of', 'churned', 'month')
        """
        names = self._names(features)
        self._clean()
        stored = materialise(self._session, self._source(entities), {"customer_id"})
        return self._over(stored, names)

    def latest_features(
        self,
        customer_ids: Any,
        features: Sequence[str] | str | None = None,
        *,
        at: dt.datetime | dt.date | None = None,
    ) -> ibis.Table:
        """Give features of customers as of now, from the events and not from the last build.

        Parameters
        ----------
        customer_ids
            One id, or a list, array or series of ids.
        features
            As of `historical_features`.
        at
            The time to compute them for, in UTC if it has no time zone; now when None.

        Returns
        -------
        ibis.Table
            One row per id given: `customer_id`, `as_of` and the features. A customer without
            events has what an absence of events means for each feature: 0 for a count, or NULL.

        Raises
        ------
        FeatureError
            If a feature is unknown or ambiguous, or the ids are of different types.

        Notes
        -----
        For up to 1,000 rows a view that looks at each customer alone is computed from the events
        of these customers only, so the time is about that of finding them. Nothing but the order of
        a table, or an index, spares DuckDB from reading the customer column of all events, which
        takes several times longer for text than for integers. For quick answers over many events
        keep them in a table that is made with `order by customer_id`, or make an index on their
        `customer_id`, which costs time and disk at each build; `python benchmarks/feature_store.py`
        measures all of these. The first call for a view takes longer, because it is then read how
        the view uses its events. A view in which other customers matter, such as through a rank
        among all, is computed as in a build.

        Examples
        --------
        >>> import duckdb
        >>> connection = duckdb.connect()
        >>> _ = connection.execute('''
        ...     create table feature_definitions as
        ...     select
        ...         'calendar' as feature_view, null as relation, ['customer_id'] as entity,
        ...         'select *, month(as_of) as month from __holdfast_spine__' as sql;
        ... ''')
        >>> FeatureStore(connection).latest_features([17, 4], ["month"]).columns
        ('customer_id', 'as_of', 'month')
        """
        names = self._names(features)
        self._clean()
        stored = materialise(self._session, ids_table(customer_ids, at), {"customer_id"})
        return self._over(stored, names)

    @property
    def services(self) -> dict[str, tuple[str, ...]]:
        """The named sets of features: those registered here, and those of the project's models."""
        return dict(self._services)

    def service(self, name: str, features: Sequence[str]) -> None:
        """Give a set of features a name, under which it can be asked for in this store.

        Parameters
        ----------
        name
            The name; one that was given before is replaced.
        features
            Names of features.

        Raises
        ------
        FeatureError
            If a feature is unknown or ambiguous; the nearest names are told.

        Notes
        -----
        A name that outlives the store stands in the dbt project, at the model that the set is for;
        `from_project` reads it, and the model's name is the set's name:

            models:
              - name: loyalty_training_set
                config: {meta: {holdfast_features: [order_count_365d, days_since_order]}}

        A trained model is pinned to the features it was trained on, by name and in order, whatever
        becomes of a set: `model_features` reads them from `model_registry`.

        Examples
        --------
        >>> import duckdb
        >>> connection = duckdb.connect()
        >>> _ = connection.execute('''
        ...     create table feature_definitions as
        ...     select
        ...         'calendar' as feature_view, null as relation, ['customer_id'] as entity,
        ...         'select *, month(as_of) as month from __holdfast_spine__' as sql;
        ... ''')
        >>> store = FeatureStore(connection)
        >>> store.service("season", ["month"])
        >>> store.latest_features(17, "season").columns
        ('customer_id', 'as_of', 'month')
        >>> try:
        ...     store.service("season", ["mont"])
        ... except FeatureError as error:
        ...     print(error)
        there is no feature 'mont'; did you mean 'month'?
        """
        if isinstance(features, str):
            raise FeatureError(f"features of the service '{name}' must be a list of names")
        for feature in features:
            self._definitions.find(feature)
        self._services[name] = tuple(features)

    def model_features(self, model_id: str = "champion", *, task: str = "churn") -> list[str]:
        """Give the features that a registered model was trained on, in its order.

        Parameters
        ----------
        model_id
            The id of a model, or a stage: `champion`, `challenger`, `baseline`; of several in a
            stage, the one trained last.
        task
            The model's task.

        Returns
        -------
        list of str
            Names of features, as `historical_features` takes them.

        Raises
        ------
        FeatureError
            If there is no such model.

        Examples
        --------
        >>> store.historical_features(labels, store.model_features())  # doctest: +SKIP
        """
        relation = quoted(*self._find_one(_MODELS))
        row = self._session.execute(
            f"""
            select feature_names
            from {relation}
            where task = $task and $model in (model_id, stage)
            order by model_id = $model desc, trained_at desc, model_id
            limit 1
            """,  # noqa: S608 - quoted
            {"task": task, "model": model_id},
        ).fetchone()
        if row is None:
            known = self._session.execute(
                f"select distinct task || '/' || stage from {relation} order by all"  # noqa: S608 - quoted
            ).fetchall()
            raise FeatureError(
                f"there is no model '{model_id}' of the task '{task}'; "
                + (
                    f"there are {', '.join(k for (k,) in known)}"
                    if known
                    else "none is trained yet"
                )
            )
        return list(json.loads(row[0]) if isinstance(row[0], str) else row[0])

    def list_features(self, view: str | None = None) -> list[Feature]:
        """List the features that there are.

        Parameters
        ----------
        view
            Only those of this feature view.

        Returns
        -------
        list of Feature
            By view, in the order of the view's columns; with descriptions and statistics where
            the warehouse has the table `feature_registry`.

        Raises
        ------
        FeatureError
            If there is no such view.

        Examples
        --------
        >>> [feature.name for feature in store.list_features("calendar")]  # doctest: +SKIP
        ['month']
        """
        views = self._definitions.by_view
        if view is not None and view not in views:
            raise FeatureError(
                f"there is no feature view '{view}'; there are {', '.join(sorted(views))}"
            )
        registered = self._registered()
        return [
            registered.get((name, feature)) or Feature(feature, name, dtype)
            for name, definition in views.items()
            if view in (None, name)
            for feature, dtype in definition.features.items()
        ]

    def describe_feature(self, name: str) -> Feature:
        """Tell what is known of one feature.

        Parameters
        ----------
        name
            Its name, of one view alone as `view.feature`.

        Returns
        -------
        Feature
            The feature.

        Raises
        ------
        FeatureError
            If it is unknown or ambiguous.

        Examples
        --------
        >>> store.describe_feature("order_count_90d").description  # doctest: +SKIP
        'Purchases in the 90 days before as_of.'
        """
        definition, feature = self._definitions.find(name)
        found = self._registered().get((definition.feature_view, feature))
        return found or Feature(feature, definition.feature_view, definition.features[feature])

    @property
    def _session(self) -> duckdb.DuckDBPyConnection:
        """The connection that the store works in."""
        session: duckdb.DuckDBPyConnection = self._backend.con
        return session

    @property
    def _definitions(self) -> Definitions:
        """The feature views, read once."""
        if self._definitions_cache is None:
            relation = quoted(self._catalog, self._schema, _DEFINITIONS)
            self._definitions_cache = read_definitions(self._session, relation)
        return self._definitions_cache

    def _names(self, features: Sequence[str] | str | None) -> Sequence[str] | None:
        """Look a service up, and check that features are names."""
        if features is None:
            return None
        if isinstance(features, str):
            if features not in self._services:
                near = get_close_matches(features, self._services, n=3)
                others = f"; there are {', '.join(self._services)}" if self._services else ""
                raise FeatureError(
                    f"there is no service '{features}'"
                    + (f"; did you mean {' or '.join(map(repr, near))}?" if near else others)
                    + f"; for a feature of this name give a list: ['{features}']"
                )
            try:
                # those of a project are first looked at here
                for name in self._services[features]:
                    self._definitions.find(name)
            except FeatureError as error:
                raise FeatureError(f"the service '{features}' is out of date: {error}") from None
            return self._services[features]
        names = list(features)
        if not all(isinstance(name, str) for name in names):
            raise FeatureError(f"features must be names, but they are {names!r}")
        return names

    def _source(self, entities: Any) -> Any:
        """Give the entities as quoted SQL of the store's session, or as Arrow."""
        if not isinstance(entities, str):
            return to_arrow(entities)
        if self._manifest.get(entities, {}).get("relation_name"):
            return str(self._manifest[entities]["relation_name"])
        parts = split_name(entities) or [entities]
        if len(parts) > 1:
            return quoted(*parts)
        found = find_relations(self._session, parts[0])
        beside = [row for row in found if row[:2] == (self._catalog, self._schema)]
        if len(beside or found) == 1:
            return quoted(*(beside or found)[0])
        # temporary tables and registered frames are seen only by the user's own session
        outer = [] if found or self._outer is None else find_relations(self._outer, parts[0])
        if self._outer is not None and outer:
            return to_arrow(self._outer.sql(f"select * from {quoted(*outer[0])}"))  # noqa: S608 - quoted
        raise FeatureError(
            f"several schemas have a relation '{entities}'; write {_or(found)}"
            if found
            else f"the warehouse has no relation '{entities}'"
        )

    def _find_one(self, name: str, schema: str | None = None) -> tuple[str, str, str]:
        """Find a table of Holdfast, in the project's manifest or in the warehouse."""
        found = find_relations(self._session, name, schema=schema)
        beside = [
            row
            for row in found
            if row[:2] == (getattr(self, "_catalog", None), getattr(self, "_schema", None))
        ]
        if len(beside or found) == 1:
            return (beside or found)[0]
        if found:
            raise FeatureError(
                f"several schemas have a table {name}: {_or(found)}; name one with schema="
            )
        raise FeatureError(
            f"the warehouse has no table {name}"
            + (f" in the schema {schema}" if schema else "")
            + "; run `dbt build` in the project"
        )

    def _registered(self) -> dict[tuple[str, str], Feature]:
        """Read the table of what is known of the features, by view and feature."""
        try:
            relation = quoted(*self._find_one(_REGISTRY))
        except FeatureError:
            return {}
        cursor = self._session.execute(f"select * from {relation}")  # noqa: S608 - quoted
        columns = [column[0] for column in cursor.description or ()]
        known = {field.name for field in fields(Feature)}
        result = {}
        for values in cursor.fetchall():
            row = dict(zip(columns, values, strict=True))
            row["name"] = row.pop("feature")
            row["used_by"] = tuple(row.get("used_by") or ())
            feature = Feature(**{name: value for name, value in row.items() if name in known})
            result[feature.feature_view, feature.name] = feature
        return result

    def _over(self, entities: Entities, names: Sequence[str] | None) -> ibis.Table:
        """Join the chosen features to the stored entities, as a view that Ibis can run."""
        made = [entities.relation]
        try:
            here = {column.lower() for column in entities.columns}
            keys = {key for key in self._definitions.key_columns() if key.lower() in here}
            choices = self._definitions.choose(names, keys)
            doubled = [choice.column for choice in choices if choice.column.lower() in here]
            if doubled:
                raise FeatureError(
                    f"the entities already have a column {doubled[0]}, which is a feature too; "
                    "drop or rename it, or choose features without it"
                )
            spines: dict[Any, str] = {}
            for choice in choices:
                view = choice.definition
                asked = (view.entity, *view.key_types.items())
                if asked not in spines:
                    spines[asked] = spine_of(self._session, entities, view.entity, view.key_types)
                    made.append(spines[asked])
            view_name = f"holdfast_features_{uuid4().hex}"
            few = entities.row_count <= _FEW
            views = {
                choice.definition.feature_view: (few and self._slices_of(choice.definition))
                or choice.definition
                for choice in choices
            }
            query = _select(entities, choices, spines, views)
            # A view of DuckDB and not SQL of Ibis, which would parse the models' SQL and write its
            # own: what runs is, to the letter, what dbt compiled.
            self._session.execute(f"create temp view {quoted(view_name)} as {query}")
        except BaseException:
            self._abandoned += made
            self._clean()
            raise
        schema = {
            **entities.columns,
            **{choice.column: choice.dtype for choice in choices},
        }
        table = ops.DatabaseTable(
            view_name,
            schema=ibis.schema({column: _ibis_type(dtype) for column, dtype in schema.items()}),
            source=self._backend,
            namespace=ops.Namespace(catalog="temp", database="main"),
        )
        # Only noted here and dropped at the next call: the collector may run in the midst of a
        # result that still streams from this session.
        made.insert(0, quoted("temp", "main", view_name))
        weakref.finalize(table, self._abandoned.extend, made)
        return table.to_expr()

    def _slices_of(self, view: Definition) -> Slices | None:
        """Find out once how a view is computed for few customers."""
        if view.feature_view not in self._slices:
            self._slices[view.feature_view] = find_slices(self._session, view)
        return self._slices[view.feature_view]

    def _clean(self) -> None:
        """Drop the tables behind results that nothing refers to any more."""
        while self._abandoned:
            name = self._abandoned.pop()
            kind = "view" if '."holdfast_features_' in name else "table"
            self._session.execute(f"drop {kind} if exists {name}")


def _select(
    entities: Entities,
    choices: Sequence[Choice],
    spines: Mapping[Any, str],
    selects: Mapping[str, Definition | Slices],
) -> str:
    """Write the join of the entities with the views of the chosen features."""
    views = {choice.definition.feature_view: choice.definition for choice in choices}
    alias = {name: quoted(f"holdfast_view_{i}") for i, name in enumerate(views)}
    columns = [f"entities.{quoted(column)}" for column in entities.columns]
    columns += [
        f"{alias[choice.definition.feature_view]}.{quoted(choice.feature)}"
        f" as {quoted(choice.column)}"
        for choice in choices
    ]
    joins = []
    for name, view in views.items():
        spine = spines[(view.entity, *view.key_types.items())]
        same = [
            f"{alias[name]}.{quoted(key)} = {key_sql(entities, key, view.key_types, 'entities.')}"
            for key in view.entity
        ]
        same.append(f"{alias[name]}.{AS_OF} = entities.{quoted(entities.column(AS_OF))}")
        joins.append(
            f"left join (\n{selects[name].over(spine)}\n) as {alias[name]}\n    on "
            + "\n    and ".join(same)
        )
    return "\n".join(
        [
            "select",
            "    " + ",\n    ".join(columns),
            f"from {entities.relation} as entities",
            *joins,
        ]
    )


@lru_cache(maxsize=1024)
def _ibis_type(dtype: str) -> Any:
    """Translate a type, once: Ibis parses its name each time."""
    return DuckDBType.from_string(dtype)


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a file of DuckDB for reading."""
    if not path.exists():
        raise FeatureError(f"there is no warehouse at {path}; run `dbt build` first")
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.ConnectionException:
        raise FeatureError(
            f"{path} is open in this process already, and not only for reading; give the store "
            "that connection in place of the path"
        ) from None
    except duckdb.IOException as error:
        raise FeatureError(
            f"{path} cannot be opened, most likely because a build or a client is writing to it; "
            f"try again when it is done ({str(error).splitlines()[0]})"
        ) from None


def _or(relations: Iterable[tuple[str, str, str]]) -> str:
    """Write names as alternatives."""
    return " or ".join(quoted(*relation) for relation in relations)
