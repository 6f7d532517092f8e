"""When somebody is a customer, when lost, and what a score predicts, in the project's own terms."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.report._tables import Tables

__all__ = ["Terms", "terms"]


@dataclass(frozen=True)
class Terms:
    """The definition of churn in words.

    Attributes
    ----------
    is_contractual
        Whether subscriptions define it.
    horizon_days
        How far scores look ahead; None where the tables do not say.
    """

    is_contractual: bool
    horizon_days: int | None

    @property
    def name(self) -> str:
        """The definition's name in tables that hold rows of both."""
        return "contractual" if self.is_contractual else "non_contractual"

    @property
    def horizon(self) -> str:
        """The horizon, as in "within the horizon"."""
        return f"{self.horizon_days} days" if self.horizon_days else "the churn horizon"

    @property
    def leaving(self) -> str:
        """What the probability of leaving is the probability of."""
        ahead = f"in the next {self.horizon_days} days" if self.horizon_days else "in the horizon"
        if self.is_contractual:
            return f"letting the subscription lapse {ahead}"
        return f"buying nothing {ahead}"

    @property
    def definition(self) -> str:
        """Who is a customer, and who is lost."""
        if self.is_contractual:
            return (
                "A customer is someone with a running subscription, and lost once it lapses. "
                f"Scores look {self.horizon} ahead."
                if self.horizon_days
                else "A customer is someone with a running subscription, and lost once it lapses."
            )
        return (
            "A customer is someone who has bought, and lost after "
            + (f"{self.horizon} without" if self.horizon_days else "a whole churn horizon without")
            + " a purchase. Someone who buys again has come back."
        )


def terms(tables: Tables) -> Terms:
    """Read the definition of churn.

    Parameters
    ----------
    tables
        What a build made.

    Returns
    -------
    Terms
        What is known of it.
    """
    kind = days = None
    if tables.has("retention_metrics", "churn_definition", "is_project_definition"):
        kind = tables.row(
            "select any_value(churn_definition) as name from {retention_metrics} "
            "where is_project_definition"
        )
    if tables.has("model_registry", "task", "stage", "parameters"):
        days = tables.row(
            "select cast(parameters ->> '$.horizon_days' as integer) as horizon "
            "from {model_registry} where task = 'churn' and stage in ('champion', 'fallback') "
            "order by stage"
        )
    return Terms(
        kind is not None and kind["name"] == "contractual", days["horizon"] if days else None
    )
