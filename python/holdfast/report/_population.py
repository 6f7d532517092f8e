"""Who can still be kept, who is lost, and what the states of the life of a customer are called."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.report._tables import Tables

__all__ = ["STATES", "Population", "population", "state_name"]

# every state in the order of a customer's life, as macros/labels/lifecycle_states.sql has them;
# lifecycle_transitions adds where a customer begins
STATES = {
    "start": "first seen",
    "never_ordered": "never ordered",
    "new": "new",
    "on_rhythm": "on rhythm",
    "slipping": "slipping",
    "running": "running",
    "cancelled_running_out": "cancelled, running out",
    "lapsed": "lapsed",
}


@dataclass(frozen=True)
class Population:
    """How customers who can still be kept are found in customer_retention.

    Attributes
    ----------
    keepable
        A condition in SQL.
    state
        The expression of the lifecycle state in SQL.
    is_told
        Whether the table tells who can be kept at all.
    has_states
        Whether it tells by lifecycle states.
    note
        What the page says where it does not.
    """

    keepable: str
    state: str
    is_told: bool
    has_states: bool
    note: str = ""


def population(tables: Tables) -> Population:
    """Tell how far the tables know who can still be kept.

    Parameters
    ----------
    tables
        What a build made, perhaps by an earlier version.

    Returns
    -------
    Population
        Conditions to put into queries, and what to say.
    """
    if tables.has("customer_retention", "is_keepable", "lifecycle_state"):
        return Population("coalesce(is_keepable, false)", "lifecycle_state", True, True)
    if tables.has("customer_retention", "is_active"):
        return Population(
            "coalesce(is_active, false)",
            "cast(null as varchar)",
            True,
            False,
            "These tables have no lifecycle states yet, so customers count as lost by the "
            "definition of churn alone. The next `dbt build` adds the states.",
        )
    return Population(
        "true",
        "cast(null as varchar)",
        False,
        False,
        "These tables do not say who is lost already, so lost customers are among those listed. "
        "The next `dbt build` tells them apart.",
    )


def state_name(state: str) -> str:
    """Write a lifecycle state in words.

    Examples
    --------
    >>> state_name("on_rhythm"), state_name("asleep_again")
    ('on rhythm', 'asleep again')
    """
    return STATES.get(state, state.replace("_", " "))
