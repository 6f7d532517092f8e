"""The page of each listed customer: what customer_context says of them, packed into the report."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from holdfast.report._lists import may_list
from holdfast.report._tables import Tables

__all__ = ["People", "people"]

# of the packed text, so that the report stays below 5 MB whatever the contexts hold
_MOST_BYTES = 2_500_000


@dataclass(frozen=True)
class People:
    """The customers who have a page of their own.

    Attributes
    ----------
    ids
        Their ids.
    packed
        What is known of each by id: JSON, compressed (zlib) and in Base64.
    """

    ids: list[str] = field(default_factory=list)
    packed: str = ""

    def as_data(self) -> dict[str, Any] | None:
        """Give what the page's script reads; nothing where nobody has a page."""
        return {"ids": self.ids, "packed": self.packed} if self.ids else None


def people(tables: Tables, listed: Iterable[str]) -> People:
    """Read what is known of the listed customers.

    Parameters
    ----------
    tables
        What a build made.
    listed
        The ids of the customers on the page, those who matter most first.

    Returns
    -------
    People
        As many of them as fit, the first ones first.
    """
    wanted = list(dict.fromkeys(listed))
    if not wanted or not may_list(tables, "customer_context", "context"):
        return People()
    known = {
        row["id"]: context
        for row in tables.rows(
            """
            select
                wanted.id,
                cast(known.context as varchar) as context,
            from (select unnest($wanted) as id) as wanted
            inner join {customer_context} as known
                on cast(known.customer_id as varchar) = wanted.id
            """,
            {"wanted": wanted},
        )
        if (context := _read(row["context"])) is not None
    }
    ids = [customer for customer in wanted if customer in known]
    packed = _packed(known, ids)
    while ids and len(packed) > _MOST_BYTES:
        ids = ids[: int(0.95 * len(ids) * _MOST_BYTES / len(packed))]
        packed = _packed(known, ids)
    return People(ids, packed) if ids else People()


def _read(text: str | None) -> dict[str, Any] | None:
    """Read a context; what is none has no page."""
    try:
        context = json.loads(text or "", parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return context if isinstance(context, dict) else None


def _finite(text: str) -> float | None:
    """Read a number; one that is too large for a browser is not known."""
    value = float(text)
    return value if math.isfinite(value) else None


def _packed(known: dict[str, dict[str, Any]], ids: list[str]) -> str:
    """Compress the contexts, since most of their text recurs from one customer to the next."""
    # pairs and not an object: a browser would put ids that are whole numbers first
    text = json.dumps(
        [[customer, known[customer]] for customer in ids],
        allow_nan=False,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return base64.b64encode(zlib.compress(text.encode(errors="replace"), 9)).decode()
