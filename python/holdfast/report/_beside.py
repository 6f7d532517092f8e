"""What other systems know of a listed customer: how late an order is, when to talk, what about."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.report._lists import may_list
from holdfast.report._tables import Tables

__all__ = ["Beside", "beside"]


@dataclass(frozen=True)
class Beside:
    """What a table adds to a list of customers.

    Attributes
    ----------
    key
        The column of the list that tells it.
    fields
        Fields of the rows, each with its expression in SQL.
    join
        The clause that joins the table to ``listed.customer_id``, at most one row each.
    csv
        The names of the fields in a CSV file.
    """

    key: str
    fields: dict[str, str]
    join: str
    csv: tuple[str, ...]


def beside(tables: Tables) -> list[Beside]:
    """Tell what can be added to a list of customers.

    Parameters
    ----------
    tables
        What a build made.

    Returns
    -------
    list of Beside
        One for each of the tables that are there.
    """
    found = []
    if may_list(tables, "next_purchase", "overdue_days"):
        found.append(
            Beside(
                "state",
                {"overdue": "next.overdue_days"},
                "left join {next_purchase} as next on next.customer_id = listed.customer_id",
                ("overdue_days",),
            )
        )
    if may_list(tables, "contact_timing", "channel", "best_weekday_number", "send_at_hour"):
        found.append(
            Beside(
                "action",
                {"time": best_time("timing")},
                "left join {contact_timing} as timing "
                "on timing.customer_id = listed.customer_id and timing.channel = 'any'",
                ("best_time",),
            )
        )
    if may_list(tables, "product_recommendations", "list", "rank", "product_id"):
        found.append(
            Beside(
                "action",
                {"offer": product_name(tables, "suggested")},
                "left join {product_recommendations} as suggested "
                "on suggested.customer_id = listed.customer_id "
                "and suggested.list = 'top' and suggested.rank = 1",
                ("recommended_product",),
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
