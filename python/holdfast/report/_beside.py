"""What other systems know of a listed customer: worth, next order, best time, what to offer."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.report._lists import Column, may_list
from holdfast.report._money import Money
from holdfast.report._tables import Tables

__all__ = ["Beside", "beside"]


@dataclass(frozen=True)
class Beside:
    """What a table adds to a list of customers.

    Attributes
    ----------
    fields
        Fields of the rows, each with its expression in SQL.
    join
        The clause that joins the table to ``listed.customer_id``, at most one row each.
    column
        The column that shows them; None where they are told with the state.
    before
        The key of the column that it stands before; at the end when empty.
    csv
        What they add to the state in a CSV file.
    """

    fields: dict[str, str]
    join: str
    column: Column | None = None
    before: str = ""
    csv: tuple[str, ...] = ()


def beside(tables: Tables, money: Money) -> list[Beside]:
    """Tell what can be added to a list of customers.

    Parameters
    ----------
    tables
        What a build made.
    money
        The currency.

    Returns
    -------
    list of Beside
        One for each of the tables that are there.
    """
    found = []
    if may_list(tables, "customer_value", "expected_spend_365d"):
        found.append(
            Beside(
                {"spend": "round(worth.expected_spend_365d, 2)"},
                "left join {customer_value} as worth on worth.customer_id = listed.customer_id",
                Column(
                    "spend",
                    money.titled("Expected spend, 365 days"),
                    "amount",
                    ("expected_spend_365d",),
                ),
                before="segment",
            )
        )
    if may_list(tables, "next_purchase", "expected_next_order_at", "overdue_days"):
        found.append(
            Beside(
                {
                    "expected": "cast(next.expected_next_order_at as date)",
                    "overdue": "next.overdue_days",
                },
                "left join {next_purchase} as next on next.customer_id = listed.customer_id",
                csv=("overdue_days",),
            )
        )
    if may_list(tables, "contact_timing", "channel", "best_weekday_number", "send_at_hour"):
        found.append(
            Beside(
                {"time": best_time("timing")},
                "left join {contact_timing} as timing "
                "on timing.customer_id = listed.customer_id and timing.channel = 'any'",
                Column("time", "Best time", "text", ("best_time",), is_sortable=False),
            )
        )
    if may_list(tables, "product_recommendations", "list", "rank", "product_id", "reason"):
        found.append(
            Beside(
                {"offer": product_name(tables, "suggested"), "offer_note": "suggested.reason"},
                "left join {product_recommendations} as suggested "
                "on suggested.customer_id = listed.customer_id "
                "and suggested.list = 'top' and suggested.rank = 1",
                Column(
                    "offer", "Recommend", "noted", ("recommended_product", "recommendation_reason")
                ),
            )
        )
    return found


def best_time(table: str) -> str:
    """Write the weekday and the hour at which to send to a customer, as SQL."""
    days = "['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']"
    # concat_ws leaves out what is not known, and an empty text is nothing
    return (
        f"nullif(concat_ws(' ', {days}[{table}.best_weekday_number], "
        f"printf('%02d:00', {table}.send_at_hour)), '')"
    )


def product_name(tables: Tables, table: str) -> str:
    """Write the name of a recommended product, or else its id, as SQL."""
    identity = f"cast({table}.product_id as varchar)"
    if tables.has("product_recommendations", "product_name"):
        return f"coalesce({table}.product_name, {identity})"
    return identity
