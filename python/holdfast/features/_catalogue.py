"""What a warehouse says of its features: how they are defined, and what is known of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from holdfast.features._definitions import (
    Definitions,
    Feature,
    FeatureError,
    find_relations,
    read_definitions,
)
from holdfast.features._entities import split_name, to_arrow
from holdfast.features._session import Session
from holdfast.warehouse.quoting import quoted

__all__ = ["Catalogue"]

_DEFINITIONS = "feature_definitions"
_REGISTRY = "feature_registry"
_MODELS = "model_registry"


class Catalogue:
    """Holdfast's tables in a warehouse, as far as they tell of features.

    Parameters
    ----------
    session
        Where to read.
    schema
        The schema of `feature_definitions`; needed only where several schemas have one.
    places
        Where dbt built Holdfast's tables: database, schema and name by model.

    Raises
    ------
    FeatureError
        If the warehouse has no feature definitions, or several.
    """

    def __init__(
        self,
        session: Session,
        schema: str | None,
        places: Mapping[str, tuple[str, str, str]] | None = None,
    ) -> None:
        self._session = session
        self._places = {} if schema is not None else dict(places or {})
        self._definitions: Definitions | None = None
        # other tables are looked for beside the definitions first
        self._database = self._schema = ""
        self._relation = self._find_one(_DEFINITIONS, schema)
        self._database, self._schema, _ = self._relation

    @property
    def definitions(self) -> Definitions:
        """The feature views, read once."""
        if self._definitions is None:
            relation = quoted(*self._relation)
            self._definitions = read_definitions(self._session.connection, relation)
        return self._definitions

    def registered(self) -> dict[tuple[str, str], Feature]:
        """Read the table of what is known of the features, by view and feature."""
        try:
            relation = quoted(*self._find_one(_REGISTRY))
        except FeatureError:
            return {}
        cursor = self._session.connection.execute(f"select * from {relation}")  # noqa: S608 - quoted
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

    def model_features(self, model_id: str, task: str) -> list[str]:
        """Give the features of a model of the registry, by its id or stage, in its order."""
        relation = quoted(*self._find_one(_MODELS))
        row = self._session.connection.execute(
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
            known = self._session.connection.execute(
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

    def source(self, entities: Any, models: Mapping[str, str]) -> Any:
        """Give the entities as quoted SQL of the store's session, or as Arrow.

        `models` has the quoted relations of the project's models by name.
        """
        if not isinstance(entities, str):
            return to_arrow(entities)
        if entities in models:
            return models[entities]
        parts = split_name(entities) or [entities]
        if len(parts) > 1:
            return quoted(*parts)
        found = find_relations(self._session.connection, parts[0])
        beside = [row for row in found if row[:2] == (self._database, self._schema)]
        if len(beside or found) == 1:
            return quoted(*(beside or found)[0])
        # temporary tables and registered frames are seen only by the user's own session
        outer = (
            []
            if found or self._session.outer is None
            else find_relations(self._session.outer, parts[0])
        )
        if self._session.outer is not None and outer:
            return to_arrow(self._session.outer.sql(f"select * from {quoted(*outer[0])}"))  # noqa: S608 - quoted
        raise FeatureError(
            f"several schemas have a relation '{entities}'; write {_or(found)}"
            if found
            else f"the warehouse has no relation '{entities}'"
        )

    def _find_one(self, name: str, schema: str | None = None) -> tuple[str, str, str]:
        """Find a table of Holdfast: where dbt built it, or beside the definitions."""
        if place := self._places.get(name):
            known = find_relations(self._session.connection, place[2], schema=place[1])
            if place in known:
                return place
        found = find_relations(self._session.connection, name, schema=schema)
        beside = [row for row in found if row[:2] == (self._database, self._schema)]
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


def _or(relations: Iterable[tuple[str, str, str]]) -> str:
    """Write names as alternatives."""
    return " or ".join(quoted(*relation) for relation in relations)
