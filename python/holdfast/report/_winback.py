"""Who is lost and may come back: how many, what they were worth, and the likeliest of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.report import _words as words
from holdfast.report._chart import Section
from holdfast.report._lists import Column, CustomerList
from holdfast.report._money import Money
from holdfast.report._population import population
from holdfast.report._tables import Tables

__all__ = ["WON_BACK_LISTED", "Winback", "winback"]

WON_BACK_LISTED = 200


@dataclass
class Winback(Section):
    """What the section shows: sentences, and the list."""

    customers: CustomerList = field(
        default_factory=lambda: CustomerList(
            "winback",
            noun="lapsed customer",
            sort="value",
            per_page=10,
            least=("value", "Expected value, at least"),
            total=("value", "expected value"),
        )
    )
    lapsed: int = 0


def winback(tables: Tables, money: Money) -> Winback:
    """Read who may come back.

    Parameters
    ----------
    tables
        What a build made.
    money
        The currency.

    Returns
    -------
    Winback
        The note `customers` says how many there are, `empty` why there is no list.
    """
    found = Winback()
    who = population(tables)
    if not who.has_states:
        found.empty["customers"] = (
            "These tables were built without lifecycle states, so lapsed customers have no score "
            "of their own. The next `dbt build` adds it."
        )
        return found
    counts = tables.row(
        """
        select count(*) as customers
        from {customer_retention}
        where lifecycle_state = 'lapsed'
        """
    )
    found.lapsed = counts["customers"] if counts else 0
    if not found.lapsed:
        found.empty["customers"] = "No customer has lapsed."
        return found
    told = words.counted(found.lapsed, "customer")
    found.notes["customers"] = f"{told} {'has' if found.lapsed == 1 else 'have'} lapsed."
    if not tables.has("customer_retention", "customer_id", "return_probability"):
        found.empty["customers"] = (
            f"{found.notes['customers']} They cannot be listed: the tables have no return "
            "probability, or ids are marked as personal data."
        )
        return found
    _add_list(tables, money, found)
    return found


def _add_list(tables: Tables, money: Money, found: Winback) -> None:
    """Add the lapsed customers with a return probability, the greatest expected value first."""
    # the yearly revenue before somebody fell silent is not kept; what an order brought is
    value = "round(return_probability * average_order_value, 2)"
    columns = [
        Column("id", "Customer", "text", ("customer_id",)),
        Column("since", "Lapsed since", "date", ("state_entered_at",)),
        Column("probability", "Likely to return", "share", ("return_probability",)),
        Column("value", money.titled("Expected value"), "amount", ("expected_value",)),
        Column("average", money.titled("Average order"), "amount", ("average_order_value",)),
        Column("revenue", money.titled("Revenue so far"), "amount", ("revenue",)),
        Column("segment", "Segment", "text", ("segment",)),
        Column("action", "What to do next", "action", ("suggested_action",)),
    ]
    needs = {"value": "average_order_value", "average": "average_order_value"}
    columns = [
        column
        for column in columns
        if tables.has("customer_retention", needs.get(column.key, column.csv[0]))
    ]
    keys = [column.key for column in columns]
    chosen = {
        "id": "cast(customer_id as varchar)",
        "since": "cast(state_entered_at as date)",
        "probability": "round(return_probability, 4)",
        "value": value,
        "average": "round(average_order_value, 2)",
        "action": "suggested_action",
    }
    first = "value desc nulls last," if "value" in keys else ""
    listed = found.customers
    listed.columns = tuple(columns)
    listed.filters = tuple(
        (key, title)
        for key, title in (("segment", "Segment"), ("action", "What to do next"))
        if key in keys
    )
    if "value" not in keys:
        listed.sort = "probability"
    listed.rows = tables.rows(
        f"""
        select {", ".join(f"{chosen.get(key, key)} as {key}" for key in keys)}
        from {{customer_retention}}
        where lifecycle_state = 'lapsed' and return_probability is not null
        order by {first} return_probability desc, customer_id
        limit {WON_BACK_LISTED}
        """  # noqa: S608 - names of columns that are known
    )
    totals = tables.row(
        """
        select
            count(return_probability) as customers,
            sum(return_probability) as expected,
        from {customer_retention}
        where lifecycle_state = 'lapsed'
        """
    )
    if not listed.rows or totals is None:
        found.empty["customers"] = (
            f"{found.notes['customers']} None of them has a return probability yet: there is no "
            "model of returns, or they have been silent for too long to be scored."
        )
        return
    expected = totals["expected"]
    found.notes["customers"] += (
        f" {words.count(totals['customers'])} of them "
        f"{'has' if totals['customers'] == 1 else 'have'} a return probability, and about "
        f"{words.count(expected) if expected >= 1 else 'less than one'} of those "
        f"{'is' if round(expected) <= 1 else 'are'} expected to buy again within the horizon "
        "without any action."
    )
