"""Questions about what customers write to the shop."""

from __future__ import annotations

import datetime as dt

from holdfast.assistants._arguments import Argument, Given, limit
from holdfast.assistants._file import Snapshot
from holdfast.assistants._tool import Found, Tool, columns
from holdfast.assistants._views import Condition, View, select
from holdfast.warehouse.quoting import quoted

__all__ = ["SUPPORT_ISSUES"]


_ISSUES = View(
    "support_issues",
    {
        "topic_id": "id",
        **columns("text", "topic", "terms", "typical_text"),
        **columns("code", "script", "status"),
        "texts": "whole",
        "share": "number",
        **columns("date", "first_seen_at", "last_seen_at"),
        "model_id": "code",
    },
)
_TRENDS = View(
    "support_issue_trends",
    {
        "topic_id": "id",
        "topic": "text",
        "week": "date",
        "texts": "whole",
        "share": "number",
        "customers": "whole",
        **columns("number", "median_hours_to_resolve", "csat"),
        "status": "code",
        "judged_texts": "whole",
        **columns("number", "expected_texts", "upper_bound"),
        **columns("flag", "is_unusual", "is_complete"),
    },
)


def _support_issues(snapshot: Snapshot, given: Given) -> Found:
    """Give the issues with their last weeks."""
    trends = _TRENDS.table
    found = snapshot.tables.get(trends)
    since: dt.date | None = None
    if found is not None and "week" in found.columns:
        ((last,),) = snapshot.rows(
            f"select max({quoted('week')}) from {snapshot.relation(trends)}"  # noqa: S608 - fixed
        )
        # the newest week is one of them
        since = None if last is None else last - dt.timedelta(days=7 * (given["weeks"] - 1))
    weeks = select(
        snapshot,
        _TRENDS,
        where=[
            ("topic_id", "id", given["topic_id"]),
            ("week", ">=", since),
            ("is_unusual", "=", True if given["only_unusual"] else None),
        ],
        order=("-week", "-texts", "topic_id"),
        limit=200,
    )
    where: list[Condition] = [("topic_id", "id", given["topic_id"])]
    if given["only_unusual"]:
        where.append(("topic_id", "in", sorted({str(row["topic_id"]) for row in weeks.rows})))
    issues = select(
        snapshot,
        _ISSUES,
        where=where,
        order=("status", "-texts", "topic_id"),
        limit=given["limit"],
    )
    return Found([issues, weeks])


SUPPORT_ISSUES = Tool(
    "support_issues",
    "Support issues",
    "Lists what customers write about in tickets and comments, with volume, resolution time "
    "and satisfaction by week, and whether a week was unusual.",
    (
        Argument("topic_id", "id", "Only this topic."),
        Argument(
            "only_unusual", "flag", "Whether to show only topics with an unusual week.", False
        ),
        Argument("weeks", "whole", "How many weeks to give.", 8, least=1, most=52),
        limit(20, 50),
    ),
    (_ISSUES, _TRENDS),
    _support_issues,
)
