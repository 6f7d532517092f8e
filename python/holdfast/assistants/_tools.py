"""The questions that an assistant may ask, and the choice among them."""

from __future__ import annotations

from collections.abc import Collection

from holdfast.assistants._customers import CUSTOMER_CONTEXT, CUSTOMERS_AT_RISK, EXPLAIN_CUSTOMER
from holdfast.assistants._errors import AssistantsError
from holdfast.assistants._retention import RETENTION_BY_SEGMENT, RETENTION_METRICS
from holdfast.assistants._service import SUPPORT_ISSUES
from holdfast.assistants._tool import Tool
from holdfast.assistants._trust import DATA_AND_MODELS, WAITING_FOR_REVIEW
from holdfast.assistants._works import CAMPAIGN_RESULTS, OFFER_EFFECTS

__all__ = ["TOOLS", "chosen_tools"]

# in the order in which an assistant sees them

TOOLS: tuple[Tool, ...] = (
    CUSTOMERS_AT_RISK,
    EXPLAIN_CUSTOMER,
    CUSTOMER_CONTEXT,
    RETENTION_METRICS,
    RETENTION_BY_SEGMENT,
    OFFER_EFFECTS,
    CAMPAIGN_RESULTS,
    SUPPORT_ISSUES,
    WAITING_FOR_REVIEW,
    DATA_AND_MODELS,
)


def chosen_tools(
    names: Collection[str] | None = None, *, without_customers: bool = False
) -> tuple[Tool, ...]:
    """Choose what an assistant may ask.

    Parameters
    ----------
    names
        The tools to offer; None: all of them.
    without_customers
        Whether to leave out those that tell of single customers.

    Returns
    -------
    tuple of Tool
        In the usual order.

    Raises
    ------
    AssistantsError
        If a name is unknown, or no tool is left.
    """
    known = [tool.name for tool in TOOLS]
    unknown = sorted(set(names or ()) - set(known))
    if unknown:
        raise AssistantsError(f"there is no tool {unknown[0]}; choose from {', '.join(known)}")
    chosen = tuple(
        tool
        for tool in TOOLS
        if (names is None or tool.name in names)
        and not (without_customers and tool.tells_customers)
    )
    if not chosen:
        raise AssistantsError("no tool is left to offer; name one, or drop --without-customers")
    return chosen
