"""Questions about what customers write to the shop."""

from __future__ import annotations

import datetime as dt

from holdfast.assistants._arguments import Argument, Given, limit
from holdfast.assistants._file import Snapshot
from holdfast.assistants._tool import Found, Tool, columns
from holdfast.assistants._views import Condition, Section, View, select
from holdfast.warehouse.quoting import quoted

__all__ = ["SUPPORT_ISSUES"]

# rows of weeks in an answer: enough for a year of nine issues, or for 8 weeks of the 50 that may
# be listed, and still what an assistant can read
_MOST_WEEKS = 480
# no shop has as many
_MOST_TOPICS = 10_000

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

# the topics that had an unusual week
_RISEN = View(_TRENDS.table, {"topic_id": "id"})


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
    which: list[Condition] = [
        ("topic_id", "id", given["topic_id"]),
        ("week", ">=", since),
        ("is_unusual", "=", True if given["only_unusual"] else None),
    ]
    where: list[Condition] = [("topic_id", "id", given["topic_id"])]
    if given["only_unusual"]:
        unusual = select(snapshot, _RISEN, where=which, distinct=True, limit=_MOST_TOPICS)
        where.append(("topic_id", "in", _topics(unusual)))
    issues = select(
        snapshot,
        _ISSUES,
        where=where,
        order=("status", "-texts", "topic_id"),
        limit=given["limit"],
    )
    # weeks of issues that are not listed would take the places of those that are; without the
    # table of issues, the weeks are all that there is
    if issues.problem is None:
        which.append(("topic_id", "in", _topics(issues)))
    weeks = select(
        snapshot, _TRENDS, where=which, order=("-week", "-texts", "topic_id"), limit=_MOST_WEEKS
    )
    return Found([issues, weeks])


def _topics(section: Section) -> list[str]:
    """Give the ids of the topics that rows are about."""
    return sorted({str(row["topic_id"]) for row in section.rows if "topic_id" in row})


SUPPORT_ISSUES = Tool(
    "support_issues",
    "Support issues",
    "Lists what customers write about in tickets and comments, with volume, resolution time "
    "and satisfaction by week, and whether a week was unusual. Weeks are those of the issues "
    f"listed: {_MOST_WEEKS} rows at most, the newest weeks first. Where `is_cut_off` is true, ask "
    "for fewer weeks, fewer issues or one topic.",
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
