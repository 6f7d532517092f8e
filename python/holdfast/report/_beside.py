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
        The column that shows them; None where a column that is there tells them, too.
    place
        The key of the column that the new one stands before, or that tells them.
    csv
        Their names in a CSV file, if a column that is there tells them.
    """

    fields: dict[str, str]
    join: str
    column: Column | None = None
    place: str = ""
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
                place="segment",
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
                place="state",
                csv=("overdue_days",),
            )
        )
    if may_list(tables, "contact_timing", "channel", "best_weekday_number", "send_at_hour"):
        found.append(
            Beside(
                {"time": best_time("timing")},
                "left join {contact_timing} as timing "
                "on timing.customer_id = listed.customer_id and timing.channel = 'any'",
                place="action",
                csv=("best_time",),
            )
        )
    if may_list(tables, "product_recommendations", "list", "rank", "product_id"):
        found.append(
            Beside(
                {"offer": product_name(tables, "suggested")},
                "left join {product_recommendations} as suggested "
                "on suggested.customer_id = listed.customer_id "
                "and suggested.list = 'top' and suggested.rank = 1",
                place="action",
                csv=("recommended_product",),
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
