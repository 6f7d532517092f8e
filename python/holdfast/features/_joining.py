"""Features joined to the rows that ask for them, as a table that Ibis runs when it is asked to."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import uuid4

import ibis
import ibis.expr.operations as ops
from ibis.backends.sql.datatypes import DuckDBType

from holdfast.features._definitions import AS_OF, Choice, Definition, Definitions, FeatureError
from holdfast.features._entities import Entities, key_sql, spine_of
from holdfast.features._session import Session
from holdfast.features._slices import Slices, find_slices
from holdfast.warehouse.quoting import quoted

__all__ = ["Joiner"]

# for so many rows it is quicker to take the customers' events first; for many it costs memory
_FEW = 1_000


class Joiner:
    """Joins features to stored entities, in one session.

    Parameters
    ----------
    session
        Where the entities are stored and the features are computed.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._slices: dict[str, Slices | None] = {}

    def join(
        self, entities: Entities, definitions: Definitions, names: Sequence[str] | None
    ) -> ibis.Table:
        """Join the chosen features to the stored entities, as a view that Ibis can run."""
        made = [entities.relation]
        try:
            here = {column.lower() for column in entities.columns}
            keys = {key for key in definitions.key_columns() if key.lower() in here}
            choices = definitions.choose(names, keys)
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
                    spines[asked] = spine_of(
                        self._session.connection, entities, view.entity, view.key_types
                    )
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
            self._session.connection.execute(f"create temp view {quoted(view_name)} as {query}")
        except BaseException:
            self._session.abandon(made)
            self._session.clean()
            raise
        schema = {
            **entities.columns,
            **{choice.column: choice.dtype for choice in choices},
        }
        table = ops.DatabaseTable(
            view_name,
            schema=ibis.schema({column: _ibis_type(dtype) for column, dtype in schema.items()}),
            source=self._session.backend,
            namespace=ops.Namespace(catalog="temp", database="main"),
        )
        made.insert(0, quoted("temp", "main", view_name))
        weakref.finalize(table, self._session.abandon, made)
        return table.to_expr()

    def _slices_of(self, view: Definition) -> Slices | None:
        """Find out once how a view is computed for few customers."""
        if view.feature_view not in self._slices:
            self._slices[view.feature_view] = find_slices(self._session.connection, view)
        return self._slices[view.feature_view]


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
