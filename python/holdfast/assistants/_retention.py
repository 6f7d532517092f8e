"""Questions about how many customers stay."""

from __future__ import annotations

from holdfast.assistants._arguments import Argument, Given, limit
from holdfast.assistants._file import Snapshot
from holdfast.assistants._tool import Found, Tool, columns
from holdfast.assistants._views import Condition, View, select

__all__ = ["RETENTION_BY_SEGMENT", "RETENTION_METRICS"]


_MONTHS = View(
    "retention_metrics",
    {
        "month": "date",
        "churn_definition": "code",
        **columns("flag", "is_complete", "is_mature"),
        **columns("whole", "customers_at_start", "new_customers", "reactivated_customers"),
        **columns("whole", "churned_customers", "retained_customers", "active_customers"),
        **columns("number", "retention_rate", "churn_rate"),
        **columns("whole", "buying_customers", "returning_customers", "order_count"),
        **columns("number", "revenue", "average_order_value", "repeat_rate", "mrr"),
        "net_revenue_retention": "number",
    },
)


def _retention_metrics(snapshot: Snapshot, given: Given) -> Found:
    """Give the last months."""
    definition = given["churn_definition"]
    where: list[Condition] = [
        ("churn_definition", "=", definition),
        ("is_project_definition", "=", True if definition is None else None),
    ]
    months = select(
        snapshot,
        _MONTHS,
        where=where,
        order=("-month", "churn_definition"),
        limit=given["months"],
    )
    return Found([months])


_COHORTS = View(
    "retention_cohorts",
    {
        "segment_by": "code",
        "segment": "text",
        "cohort_month": "date",
        "months_since": "whole",
        "is_complete": "flag",
        **columns("whole", "customers", "retained_customers"),
        "retention_rate": "number",
        "order_count": "whole",
        **columns("number", "revenue", "revenue_to_date", "revenue_to_date_per_customer"),
    },
)


def _retention_by_segment(snapshot: Snapshot, given: Given) -> Found:
    """Give cohorts by segment; where the grouping is unknown, say which there are."""
    where: list[Condition] = [
        ("segment_by", "=", given["segment_by"]),
        ("segment", "=", given["segment"]),
        ("months_since", "=", given["months_since"]),
    ]
    cohorts = select(
        snapshot,
        _COHORTS,
        where=where,
        order=("-cohort_month", "segment"),
        limit=given["limit"],
    )
    if cohorts.rows or cohorts.problem:
        return Found([cohorts])
    known = snapshot.rows(
        "select distinct segment_by from "  # noqa: S608 - fixed
        f"{snapshot.relation(_COHORTS.table)} where segment_by is not null order by all limit 50"
    )
    groupings = ", ".join(str(row[0])[:100] for row in known)
    return Found(
        [cohorts],
        message=f"No cohort matches. This publication has the groupings: {groupings or 'none'}.",
    )


RETENTION_METRICS = Tool(
    "retention_metrics",
    "Retention by month",
    "Gives customers won, retained, lost and reactivated month by month, with retention and "
    "churn rates and revenue, newest month first.",
    (
        Argument("months", "whole", "How many months to give.", 12, least=1, most=60),
        Argument(
            "churn_definition",
            "text",
            "By which definition of churn. Default: the one that the project scores by.",
            choices=("non_contractual", "contractual"),
        ),
    ),
    (_MONTHS,),
    _retention_metrics,
)


RETENTION_BY_SEGMENT = Tool(
    "retention_by_segment",
    "Retention by segment",
    "Gives, for customers who first bought in a month, how many bought again a number of "
    "months later, by segment; newest month first.",
    (
        Argument(
            "segment_by",
            "text",
            "What the segments are made of: all, first_order_value, first_channel, or a "
            "customer attribute of the project.",
            "all",
        ),
        Argument("segment", "text", "Only this segment, written as in the data."),
        Argument(
            "months_since",
            "whole",
            "How many months after the first purchase.",
            3,
            least=0,
            most=120,
        ),
        limit(60, 200),
    ),
    (_COHORTS,),
    _retention_by_segment,
)
