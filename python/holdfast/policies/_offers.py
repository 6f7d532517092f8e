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


def choose_offers(session: Any, candidates: Any, limits: Any) -> pa.Table:
    """Choose the offers of a build.

    Parameters
    ----------
    session
        The DuckDB connection of the dbt run. It is neither closed nor changed.
    candidates
        The relation `offer_candidates`: customer_id, offer_id, action, segment, arm,
        not_because (NULL: the offer may be chosen), expected_profit and expected_cost. What
        `is_drawn` at random is taken off the limits; only customers of the arm ``policy`` are
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
    ...     candidates = dbt.ref("holdfast", "holdfast__offer_candidates")
    ...     return choose_offers(session, candidates, dbt.ref("holdfast", "holdfast__offer_limits"))
    """
    rows = session.execute(
        f"""
        select
            customer_id,
            offer_id,
            dense_rank() over (order by customer_id asc nulls last) as customer,
            action as offer,
            segment,
            cast(expected_profit as double) as profit,
            cast(expected_cost as double) as cost,
            arm = 'policy' as takes_part
        from ({candidates.sql_query()}) as candidates
        where not_because is null and arm <> 'holdout'
        order by customer_id asc nulls last, offer_id asc nulls last
        """  # noqa: S608 - a relation of dbt's own
    ).to_arrow_table()
    amounts = _amounts_left(session, candidates.sql_query(), limits.sql_query())
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


def _amounts_left(
    session: Any, candidates: str, limits: str
) -> dict[tuple[str, str | None], float]:
    """Return what is left of each limit, by kind and name, once the random arm has its share."""
    found = session.execute(
        f"""
        with drawn as (
            select action, segment, cast(expected_cost as decimal(38, 4)) as cost
            from ({candidates}) as candidates
            where is_drawn
        ),
        used as (
            select 'budget' as kind, null as name, cast(sum(cost) as double) as amount from drawn
            union all select 'contacts', null, count(*) from drawn
            union all select 'offer', action, count(*) from drawn group by action
            union all select 'segment', segment, count(*) from drawn group by segment
        )
        select limits.kind, limits.name, limits.amount - coalesce(used.amount, 0)
        from ({limits}) as limits
        left join used
            on used.kind = limits.kind and used.name is not distinct from limits.name
        """  # noqa: S608 - relations of dbt's own
    ).fetchall()
    return {(kind, name): max(float(left), 0.0) for kind, name, left in found}


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
