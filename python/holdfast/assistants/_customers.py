"""Questions about customers."""

from __future__ import annotations

from holdfast.assistants._arguments import Argument, Given, limit
from holdfast.assistants._file import Snapshot
from holdfast.assistants._tool import Found, Tool, columns, with_bounds
from holdfast.assistants._views import Condition, View, select

__all__ = ["CUSTOMERS_AT_RISK", "CUSTOMER_CONTEXT", "EXPLAIN_CUSTOMER"]


_AT_RISK = View(
    "customer_retention",
    {
        "customer_id": "id",
        "segment": "text",
        **columns("code", "lifecycle_state", "status"),
        "is_keepable": "flag",
        **columns("number", "churn_probability", "churn_percentile"),
        "risk_band": "code",
        **columns("number", "value_at_risk", "expected_spend_365d", "revenue_365d"),
        **columns("whole", "days_since_order", "order_count_365d"),
        **columns("text", "reason_1", "reason_2", "reason_3", "suggested_action"),
        "trigger": "code",
        "best_action": "text",
    },
)
_OVERVIEW = View(
    "churn_overview",
    {
        "risk_band": "code",
        "segment": "text",
        **columns("whole", "customers", "scored_customers"),
        **columns("number", "mean_churn_probability", "expected_churners", "value_at_risk"),
    },
)
_MAY_CONTACT = View(
    "contact_policy",
    {
        "customer_id": "id",
        "channel": "text",
        "is_contactable": "flag",
        "dropped_because": "code",
    },
)
_CONTACTS = View(
    "contact_policy",
    {
        "customer_id": "id",
        "channel": "text",
        "is_contactable": "flag",
        "dropped_because": "code",
        "is_holdout": "flag",
        "next_allowed_at": "date",
    },
)
_SEGMENT = Argument("segment", "text", "Only customers of this segment, written as in the data.")
_CUSTOMER = Argument(
    "customer_id", "id", "The id of the customer, as the other tools give it.", is_required=True
)


def _customers_at_risk(snapshot: Snapshot, given: Given) -> Found:
    """List those at risk, the most valuable first; without any, say which groups there are."""
    where: list[Condition] = [
        ("churn_probability", "known", True),
        ("segment", "=", given["segment"]),
        ("risk_band", "=", given["risk_band"]),
        ("is_keepable", "=", True if given["only_keepable"] else None),
        ("value_at_risk", ">=", given["minimum_value_at_risk"]),
    ]
    customers = select(
        snapshot,
        _AT_RISK,
        where=where,
        order=("-value_at_risk", "-churn_probability", "customer_id"),
        limit=given["limit"],
    )
    if not customers.rows:
        groups = select(
            snapshot, _OVERVIEW, order=("-customers", "risk_band", "segment"), limit=100
        )
        return Found([customers, groups])
    listed = [row["customer_id"] for row in customers.rows if "customer_id" in row]
    contacts = select(
        snapshot,
        _MAY_CONTACT,
        where=[("customer_id", "in", listed)],
        order=("customer_id", "channel"),
        limit=len(listed) * 10,
    )
    return Found([customers, contacts])


_HISTORY = View(
    "customer_retention",
    {
        "customer_id": "id",
        **columns("date", "created_at", "cohort_month", "state_entered_at"),
        "segment": "text",
        **columns("code", "lifecycle_state", "status"),
        **columns("flag", "is_keepable", "is_active", "has_subscription"),
        **columns("date", "first_order_at", "last_order_at", "expected_next_order_at"),
        **columns("whole", "days_since_order", "order_count", "order_count_365d"),
        **columns("number", "revenue", "revenue_365d", "average_order_value", "mrr"),
        **columns("number", "churn_probability", "churn_percentile"),
        "risk_band": "code",
        **columns("text", "reason_1", "reason_2", "reason_3", "suggested_action"),
        **columns("number", "value_at_risk", "return_probability"),
        "trigger": "code",
        **columns("text", "trigger_evidence", "best_action", "best_action_reason"),
        "model_id": "code",
    },
)
_VALUE = View(
    "customer_value",
    {
        "status": "code",
        "p_alive": "number",
        **with_bounds("expected_orders_365d", "expected_spend_365d"),
        **columns("number", "historic_revenue", "total_value", "value_percentile"),
        "model_id": "code",
    },
)
_NEXT = View(
    "next_purchase",
    {
        **columns("code", "state", "status"),
        **columns("date", "expected_next_order_at", "earliest_at", "latest_at"),
        "overdue_days": "whole",
        "usual_gap_days": "number",
    },
)
_AFTER_ORDER = View(
    "churn_after_order",
    columns(
        "number", "order_amount", "churn_probability", "churn_probability_after_order", "change"
    ),
)
_OF_CUSTOMER = View(
    "decisions",
    {
        **columns("code", "decision_id", "system", "status"),
        **columns("text", "action", "offer_name", "channel"),
        **columns("code", "arm", "dropped_because"),
        "reason": "text",
        **columns("date", "due_at", "expires_at", "sent_at"),
    },
)


def _explain_customer(snapshot: Snapshot, given: Given) -> Found:
    """Put together what several tables say of one customer."""
    where: list[Condition] = [("customer_id", "id", given["customer_id"])]
    return Found(
        [
            *(
                select(snapshot, view, where=where, limit=1)
                for view in (_HISTORY, _VALUE, _NEXT, _AFTER_ORDER)
            ),
            select(snapshot, _CONTACTS, where=where, order=("channel",), limit=20),
            select(snapshot, _OF_CUSTOMER, where=where, order=("-due_at", "decision_id"), limit=20),
        ]
    )


_CONTEXT = View("customer_context", {"customer_id": "id", "as_of_date": "date", "context": "json"})


def _customer_context(snapshot: Snapshot, given: Given) -> Found:
    """Give the summary of a customer that service staff read."""
    where: list[Condition] = [("customer_id", "id", given["customer_id"])]
    return Found([select(snapshot, _CONTEXT, where=where, limit=1)])


CUSTOMERS_AT_RISK = Tool(
    "customers_at_risk",
    "Customers at risk",
    "Lists the customers who may be lost, those with the most expected spend at risk first, "
    "with the reasons for the risk. contact_policy says who may be contacted on which "
    "channel; this is no contact list. Finds nothing? Then it tells the segments and risk "
    "bands that there are.",
    (
        _SEGMENT,
        Argument(
            "risk_band",
            "text",
            "Only customers of this risk band.",
            choices=("high", "medium", "low"),
        ),
        Argument(
            "only_keepable",
            "flag",
            "Whether to leave out customers who are lost already.",
            True,
        ),
        Argument(
            "minimum_value_at_risk",
            "number",
            "Only customers with at least this value at risk, in the currency of the answer.",
            least=0,
        ),
        limit(20, 100),
    ),
    (_AT_RISK, _MAY_CONTACT, _OVERVIEW),
    _customers_at_risk,
    tells_customers=True,
)


EXPLAIN_CUSTOMER = Tool(
    "explain_customer",
    "Explain a customer",
    "Explains one customer: history, churn risk with its reasons, value with intervals, next "
    "purchase, what an order today would change, contact policy and decisions.",
    (_CUSTOMER,),
    (_HISTORY, _VALUE, _NEXT, _AFTER_ORDER, _CONTACTS, _OF_CUSTOMER),
    _explain_customer,
    tells_customers=True,
)


CUSTOMER_CONTEXT = Tool(
    "customer_context",
    "Customer context",
    "Gives the summary of one customer for service staff: value, risk, last orders and "
    "tickets, open decisions, and what not to do.",
    (_CUSTOMER,),
    (_CONTEXT,),
    _customer_context,
    tells_customers=True,
)
