"""What waits for review: the decisions that a person has to approve, and approvals of no use."""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.report import _words as words
from holdfast.report._chart import Section
from holdfast.report._lists import Column, CustomerList, may_list
from holdfast.report._money import Money
from holdfast.report._review import NEEDED, has_problems, told
from holdfast.report._tables import Row, Tables

__all__ = ["Waiting", "waiting"]

LISTED = 500
_OTHER = "other"


def _list() -> CustomerList:
    return CustomerList(
        "review",
        noun="decision",
        sort="profit",
        per_page=10,
        least=("profit", "Expected profit, at least"),
        total=("profit", "expected profit"),
    )


@dataclass
class Waiting(Section):
    """What the section shows: two tables, and a list.

    Attributes
    ----------
    is_there
        Whether anything has been decided, or any approval has a problem.
    lead
        The first sentences.
    count
        How many decisions wait, more perhaps than are listed.
    actions
        The decisions that wait, by action.
    customers
        The decisions that wait, with whom they are about.
    problems
        The approvals that have decided nothing, by what is wrong with them.
    """

    is_there: bool = False
    lead: list[str] = field(default_factory=list)
    count: int = 0
    actions: list[Row] = field(default_factory=list)
    customers: CustomerList = field(default_factory=_list)
    problems: list[Row] = field(default_factory=list)


def waiting(tables: Tables, money: Money, least: int) -> Waiting:
    """Read what waits for review.

    Parameters
    ----------
    tables
        What a build made.
    money
        The currency.
    least
        How many customers a group must have to be told apart.

    Returns
    -------
    Waiting
        Empty where nothing was decided.
    """
    found = Waiting()
    if not tables.has("decisions", *NEEDED, "expected_profit", "expires_at"):
        return found
    row = tables.row(
        "select count(*) as decisions, count(*) filter (where status = 'needs_review') as waiting "
        "from {decisions}"
    )
    assert row is not None
    found.count = row["waiting"]
    if has_problems(tables):
        found.problems = tables.rows(
            """
            select
                told,
                count(*) as approvals,
            from {approval_problems}
            group by told
            order by approvals desc, told
            """
        )
    found.is_there = bool(row["decisions"] or found.problems)
    if not found.is_there:
        return found
    found.lead = told(tables, found.count)
    _add_actions(tables, found, least)
    _add_list(tables, money, found)
    return found


def _add_actions(tables: Tables, found: Waiting, least: int) -> None:
    """Add how many decisions of each action wait, those of few customers together."""
    found.actions = tables.rows(
        f"""
        with

        actions as (

            select
                coalesce(max(offer_name), action) as action,
                count(*) as decisions,
                count(distinct customer_id) as customers,
                sum(expected_profit) as profit,
                cast(min(expires_at) as date) as expiry,
            from {{decisions}}
            where status = 'needs_review'
            group by action

        )

        select
            if(customers < $least, '{_OTHER}', action) as name,
            sum(decisions) as decisions,
            sum(profit) as profit,
            min(expiry) as expiry,
        from actions
        group by name
        having sum(customers) >= $least
        order by name = '{_OTHER}', decisions desc, name
        """,  # noqa: S608 - a constant
        {"least": least},
    )


def _add_list(tables: Tables, money: Money, found: Waiting) -> None:
    """List the decisions, those with the largest expected profit first."""
    columns = ("channel", "reason", "expected_profit_lower", "expected_profit_upper", "due_at")
    if not found.count or not may_list(tables, "decisions", *columns):
        return
    found.customers.columns = (
        Column("id", "Customer", "text", ("customer_id",)),
        Column("offer", "Action", "noted", ("action", "reason"), more=("why",)),
        Column("channel", "Channel", "text", ("channel",)),
        Column(
            "profit",
            money.titled("Expected profit"),
            "amount",
            ("expected_profit", "expected_profit_lower", "expected_profit_upper"),
            more=("lower", "upper"),
        ),
        Column("due", "Due", "date", ("due_at",)),
        Column("expires", "Send before", "date", ("expires_at",)),
        Column("decision", "Decision", "text", ("decision_id",), is_sortable=False),
    )
    found.customers.filters = (("offer", "Action"), ("channel", "Channel"))
    found.customers.rows = tables.rows(
        f"""
        select
            cast(customer_id as varchar) as id,
            coalesce(offer_name, action) as offer,
            reason as why,
            channel,
            round(expected_profit, 2) as profit,
            round(expected_profit_lower, 2) as lower,
            round(expected_profit_upper, 2) as upper,
            cast(due_at as date) as due,
            cast(expires_at as date) as expires,
            decision_id as decision,
        from {{decisions}}
        where status = 'needs_review'
        order by expected_profit desc nulls last, decision_id
        limit {LISTED}
        """  # noqa: S608 - a constant
    )
    more = found.count - len(found.customers.rows)
    found.notes["customers"] = (
        "The decisions that wait, those with the largest expected profit first"
        + (f"; {words.counted(more, 'more decision')} with less are not listed" if more else "")
        + ". Under the expected profit is its 95% interval."
    )
