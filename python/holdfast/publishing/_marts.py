"""Which models are published, what of them, and whether a build allows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from holdfast.publishing._errors import PublishError
from holdfast.warehouse.search import declared_ids

__all__ = ["MANIFEST", "Mart", "find_marts", "obstacle", "registry_of"]

# the table that describes the publication; no mart may be called so
MANIFEST = "holdfast_manifest"
# tests of code rather than of the day's data, which a daily build leaves out
_WEEKLY = "holdfast_weekly"
_PASSED = ("success", "pass", "warn")


@dataclass(frozen=True)
class Mart:
    """A model to be published.

    Attributes
    ----------
    unique_id
        dbt's id of the model.
    name
        The table's name in the publication, which is the model's alias.
    relation
        The quoted name of its relation in the warehouse.
    description
        What the model's yml says of it.
    types, descriptions
        The declared type and the description of the columns, by name in lower case.
    personal
        Names, in lower case, of the columns marked `meta: {pii: true}`; they are left out.
    has_contract
        Whether dbt enforces the declared columns, so that the publication must have them.
    partition_by
        The columns by which large Parquet files are partitioned (`meta: {partition_by: [...]}`).
    tells_customers
        By column in lower case, whether it holds ids of customers, as far as the column's
        `meta: {customer_ids: true}` or `false` says so.
    currency
        The currency of the shop's amounts (`meta: {currency: EUR}`); empty where nothing says.
    """

    unique_id: str
    name: str
    relation: str
    description: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    personal: frozenset[str] = frozenset()
    has_contract: bool = False
    partition_by: tuple[str, ...] = ()
    tells_customers: Mapping[str, bool] = field(default_factory=dict)
    currency: str = ""

    @property
    def is_own(self) -> bool:
        """Whether it is Holdfast's own, in which customer_id alone tells customers."""
        return self.unique_id.startswith("model.holdfast.")


def find_marts(nodes: Mapping[str, Mapping[str, Any]]) -> list[Mart]:
    """Find the models to publish among the nodes of a dbt project.

    These are the models with `meta: {publish: true}`, Holdfast's own marts among them; of those,
    `meta: {pii: true}` keeps a model back.

    Parameters
    ----------
    nodes
        The nodes of dbt's manifest, by their unique id.

    Returns
    -------
    list of Mart
        By name.

    Raises
    ------
    PublishError
        If two of them have one name, or one cannot be published as it is configured.
    """
    marts: dict[str, Mart] = {}
    for unique_id, node in nodes.items():
        if node.get("resource_type") != "model" or not _is_published(node):
            continue
        mart = _mart(unique_id, node)
        twin = marts.get(mart.name.lower())
        if twin is not None:
            raise PublishError(
                f"two models would be published as {mart.name}: {twin.unique_id} and "
                f"{unique_id}; give one of them an alias, or `meta: {{publish: false}}`"
            )
        marts[mart.name.lower()] = mart
    return [marts[name] for name in sorted(marts)]


def obstacle(
    nodes: Mapping[str, Mapping[str, Any]],
    marts: Iterable[Mart],
    results: Sequence[Mapping[str, Any]],
    *,
    partly: bool = False,
) -> str | None:
    """Say why the marts of a build must not be published.

    Parameters
    ----------
    nodes
        The nodes of dbt's manifest: the models, and the tests with their tags and what they depend
        on. Those with the tag `holdfast_weekly` need not have run.
    marts
        The marts.
    results
        What dbt did: `unique_id` and `status` of every node that it ran.
    partly
        Whether a mart or a test that did not run is no obstacle.

    Returns
    -------
    str or None
        The reason, the end of a sentence; None when every mart was built and passed its tests.
    """
    status = {str(result["unique_id"]): str(result["status"]) for result in results}
    ids = {mart.unique_id for mart in marts}
    tests = [
        unique_id
        for unique_id, node in nodes.items()
        if node.get("resource_type") == "test"
        and ids.intersection(node.get("depends_on", {}).get("nodes", ()))
    ]
    needed = [*sorted(ids), *sorted(tests)]
    failed = [unique_id for unique_id in needed if status.get(unique_id, "pass") not in _PASSED]
    if failed:
        told = [f"the {_told(nodes, unique_id)}: {status[unique_id]}" for unique_id in failed[:5]]
        more = f"; and {len(failed) - 5} more" if len(failed) > 5 else ""
        return "; ".join(told) + more
    left_out = [
        unique_id
        for unique_id in needed
        if unique_id not in status and _WEEKLY not in nodes.get(unique_id, {}).get("tags", ())
    ]
    if left_out and not partly:
        more = f" and {len(left_out) - 1} more" if len(left_out) > 1 else ""
        return f"this run left out the {_told(nodes, left_out[0])}{more}"
    return None


def registry_of(nodes: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Give the relation of the models, from which the publication's function is made."""
    node = nodes.get("model.holdfast.holdfast__model_registry")
    return None if node is None else str(node["relation_name"])


def _is_published(node: Mapping[str, Any]) -> bool:
    """Whether a model is to be published; macros/publishing/publish.sql asks the same."""
    meta = node["config"].get("meta") or {}
    if meta.get("pii", False):
        return False
    return bool(meta.get("publish", False))


def _mart(unique_id: str, node: Mapping[str, Any]) -> Mart:
    """Read what publishing needs to know of a model."""
    name = str(node.get("alias") or node["name"])
    if name.lower() == MANIFEST:
        raise PublishError(f"{unique_id} cannot be published as {name}; give it another alias")
    if node["config"].get("materialized") == "ephemeral":
        raise PublishError(f"{unique_id} is ephemeral, so it has no table to publish")
    partition_by = (node["config"].get("meta") or {}).get("partition_by") or []
    columns = {str(name).lower(): column for name, column in node["columns"].items()}
    return Mart(
        unique_id=unique_id,
        name=name,
        relation=str(node["relation_name"]),
        description=" ".join(str(node.get("description") or "").split()),
        types={
            name: str(column["data_type"])
            for name, column in columns.items()
            if column.get("data_type")
        },
        descriptions={
            name: " ".join(str(column.get("description") or "").split())
            for name, column in columns.items()
        },
        personal=frozenset(name for name, column in columns.items() if _is_personal(column)),
        has_contract=bool((node["config"].get("contract") or {}).get("enforced", False)),
        partition_by=tuple([partition_by] if isinstance(partition_by, str) else partition_by),
        tells_customers=declared_ids(node),
        currency=str((node["config"].get("meta") or {}).get("currency") or ""),
    )


def _is_personal(column: Mapping[str, Any]) -> bool:
    """Whether a column is marked as personal data, in either place that dbt reads."""
    places = (column.get("meta"), (column.get("config") or {}).get("meta"))
    return any(bool((meta or {}).get("pii", False)) for meta in places)


def _told(nodes: Mapping[str, Mapping[str, Any]], unique_id: str) -> str:
    """Name a model or a test as dbt prints it."""
    node = nodes.get(unique_id, {})
    return f"{node.get('resource_type', 'node')} {node.get('name', unique_id)}"
