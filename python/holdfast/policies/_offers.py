"""Which customers get which offer, within the budget and the limits of a build."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.policies._choice import Choice, Grouping, choose

__all__ = ["CHOICE_SCHEMA", "choose_offers"]

logger = logging.getLogger("holdfast.policies")

# the columns after customer_id and offer_id, which have the types of the user's ids
CHOICE_SCHEMA = pa.schema(
    [
        ("is_chosen", pa.bool_()),
        ("is_preferred", pa.bool_()),
        ("method", pa.string()),
        ("total_profit", pa.float64()),
        ("profit_bound", pa.float64()),
        ("gap", pa.float64()),
    ]
)


def choose_offers(session: Any, candidates: Any, arms: Any, limits: Any) -> pa.Table:
    """Choose the offers of a build.

    Parameters
    ----------
    session
        The DuckDB connection of the dbt run. It is neither closed nor changed.
    candidates
        The relation `offer_candidates`: customer_id, offer_id, segment, expected_profit,
        expected_cost and is_candidate, whether it may be chosen at all.
    arms
        The relation `offer_arms`: customer_id and arm; only customers of the arm ``policy`` are
        chosen for.
    limits
        The relation `offer_limits`: kind (budget, contacts, offer or segment), name (of the offer
        or segment) and amount.

    Returns
    -------
    pyarrow.Table
        A row per customer and offer that is chosen, or preferred: the customer's best at the prices
        of the limits. Customers outside the arm ``policy`` only have preferences, which are what
        the policy would have done. Each row tells how the choice was made (`method`), its total
        profit, the bound that no choice exceeds, and the gap between them.

    Examples
    --------
    >>> def model(dbt, session):
    ...     names = ("offer_candidates", "offer_arms", "offer_limits")
    ...     return choose_offers(session, *(dbt.ref("holdfast", f"holdfast__{n}") for n in names))
    """
    rows = session.execute(
        f"""
        select
            candidates.customer_id,
            candidates.offer_id,
            dense_rank() over (order by candidates.customer_id asc nulls last) as customer,
            cast(candidates.offer_id as varchar) as offer,
            candidates.segment,
            cast(candidates.expected_profit as double) as profit,
            cast(candidates.expected_cost as double) as cost,
            arms.arm = 'policy' as takes_part
        from ({candidates.sql_query()}) as candidates
        inner join ({arms.sql_query()}) as arms on arms.customer_id = candidates.customer_id
        where candidates.is_candidate
        order by candidates.customer_id asc nulls last, candidates.offer_id asc nulls last
        """  # noqa: S608 - a relation of dbt's own
    ).to_arrow_table()
    amounts = {
        (kind, name): float(amount)
        for kind, name, amount in session.execute(
            f"select kind, name, amount from ({limits.sql_query()}) as limits"  # noqa: S608
        ).fetchall()
        if amount is not None
    }
    count = rows.num_rows
    everyone = Grouping(
        np.zeros(count, np.int64), np.array([amounts.get(("contacts", None), np.inf)])
    )
    choice = choose(
        _numbers(rows, "customer"),
        _numbers(rows, "profit"),
        _numbers(rows, "cost"),
        amounts.get(("budget", None), np.inf),
        [
            everyone,
            *(_grouping(rows, kind, amounts) for kind in ("offer", "segment")),
        ],
        takes_part=_numbers(rows, "takes_part").astype(bool),
    )
    logger.info(
        "Chose offers for %d customers: expected profit %.2f, at most %.2f possible within the "
        "limits (gap %.3f %%, %s).",
        len(choice.chosen),
        choice.profit,
        choice.bound,
        100 * choice.gap,
        choice.method,
    )
    return _as_table(rows, choice)


def _numbers(rows: pa.Table, name: str) -> Any:
    """Return a column as an array."""
    return rows[name].combine_chunks().to_numpy(zero_copy_only=False)


def _grouping(rows: pa.Table, kind: str, amounts: dict[tuple[str, str | None], float]) -> Grouping:
    """Group the candidates by a column of names; what has no name is a group without a limit."""
    encoded = pc.fill_null(rows[kind], "").dictionary_encode().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], pa.string())
    if not rows.num_rows:
        return Grouping(np.empty(0, np.int64), np.array([np.inf]))
    names = encoded.dictionary.to_pylist()
    return Grouping(
        encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64),
        np.array([amounts.get((kind, name), np.inf) for name in names]),
    )


def _as_table(rows: pa.Table, choice: Choice) -> pa.Table:
    """Lay out what was chosen, by customer and offer."""
    at = np.union1d(choice.chosen, choice.preferred)
    count = len(at)
    found = rows.select(["customer_id", "offer_id"]).take(pa.array(at))
    values = {
        "is_chosen": pa.array(np.isin(at, choice.chosen)),
        "is_preferred": pa.array(np.isin(at, choice.preferred)),
        "method": pa.array([choice.method] * count, pa.string()),
        "total_profit": pa.array(np.full(count, choice.profit)),
        "profit_bound": pa.array(np.full(count, choice.bound)),
        "gap": pa.array(np.full(count, choice.gap)),
    }
    for field in CHOICE_SCHEMA:
        found = found.append_column(field, values[field.name])
    return found
