"""The feature store: features for any customers and times, computed from the events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import ibis
from ibis.backends.duckdb import Backend

from holdfast.features._catalogue import Catalogue
from holdfast.features._definitions import Feature, FeatureError
from holdfast.features._entities import ids_table, materialise
from holdfast.features._joining import Joiner
from holdfast.features._session import Session
from holdfast.warehouse.project import Project, open_project
from holdfast.warehouse.quoting import text

__all__ = ["FeatureStore"]


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
        _places: dict[str, tuple[str, str, str]] | None = None,
    ) -> None:
        self._session = Session(connection)
        self._catalogue = Catalogue(self._session, schema, _places)
        self._joiner = Joiner(self._session)
        self._models: dict[str, str] = {}
        self._services: dict[str, tuple[str, ...]] = {}

    @classmethod
    def from_project(
        cls,
        directory: str | Path = ".",
        *,
        target: str | None = None,
        target_path: str | Path | None = None,
        schema: str | None = None,
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
        target_path
            Where the build wrote its artifacts, if it was given `--target-path`.
        schema
            The schema of `feature_definitions`; that of the last build when None.

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
        project = open_project(
            Path(directory),
            target=target,
            target_path=None if target_path is None else Path(target_path),
        )
        connection = project.connect()
        places = {
            node["name"].removeprefix("holdfast__"): (
                str(node["database"]),
                str(node["schema"]),
                str(node["alias"]),
            )
            for node in project.manifest["nodes"].values()
            if node.get("package_name") == "holdfast" and {"database", "schema", "alias"} <= {*node}
        }
        try:
            store = cls(connection, schema=schema, _places=places)
        except BaseException:
            connection.close()
            raise
        store._session.own()
        try:
            store._read_project(project)
        except FeatureError:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Close the store's session, and the file if the store opened it; its tables end with it.

        A connection or backend that was given to the store stays open.
        """
        self._session.close()

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
        return self._over(self._catalogue.source(entities, self._models), names)

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
        return self._over(ids_table(customer_ids, at), names)

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
            self._catalogue.definitions.find(feature)
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
        return self._catalogue.model_features(model_id, task)

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
        views = self._catalogue.definitions.by_view
        if view is not None and view not in views:
            raise FeatureError(
                f"there is no feature view '{view}'; there are {', '.join(sorted(views))}"
            )
        registered = self._catalogue.registered()
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
        'Number of purchases in the 90 days before as_of.'
        """
        definition, feature = self._catalogue.definitions.find(name)
        found = self._catalogue.registered().get((definition.feature_view, feature))
        return found or Feature(feature, definition.feature_view, definition.features[feature])

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
                    self._catalogue.definitions.find(name)
            except FeatureError as error:
                raise FeatureError(f"the service '{features}' is out of date: {error}") from None
            return self._services[features]
        names = list(features)
        if not all(isinstance(name, str) for name in names):
            raise FeatureError(f"features must be names, but they are {names!r}")
        return names

    def _over(self, entities: Any, names: Sequence[str] | None) -> ibis.Table:
        """Store the entities, given as quoted SQL or Arrow, and join the chosen features."""
        self._session.clean()
        stored = materialise(self._session.connection, entities, {"customer_id"})
        return self._joiner.join(stored, self._catalogue.definitions, names)

    def _read_project(self, project: Project) -> None:
        """Read the names of a project's models, and the sets of features in their meta."""
        if "," not in str(project.directory):
            # dbt builds in the project's folder, so that is where the files of its views are
            self._session.connection.execute(
                f"set file_search_path = {text(str(project.directory))}"
            )
        nodes = project.manifest.get("nodes", {}).values()
        # Holdfast's own first: of two models that are called the same, the project's is meant
        for node in sorted(nodes, key=lambda node: node.get("package_name") != "holdfast"):
            if node.get("resource_type") not in ("model", "seed", "snapshot"):
                continue
            name = node["name"].removeprefix("holdfast__")
            if node.get("relation_name"):
                self._models[name] = str(node["relation_name"])
            meta = {**node.get("meta", {}), **node.get("config", {}).get("meta", {})}
            if "holdfast_features" not in meta:
                continue
            chosen = meta["holdfast_features"]
            if not isinstance(chosen, list) or not all(isinstance(n, str) for n in chosen):
                raise FeatureError(
                    f"holdfast_features in the meta of the model '{name}' must be a list of names "
                    f"of features, but it is {chosen!r}"
                )
            self._services[name] = tuple(chosen)
