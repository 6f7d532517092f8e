"""Prices to review: which may be worth a change, and by how much sales answer."""

from __future__ import annotations

from holdfast.report import _words as words
from holdfast.report._money import Money
from holdfast.report._story import Grid, Story, effect
from holdfast.report._tables import Row, Tables

__all__ = ["prices"]

_LISTED = 10
# what stands in the way of a suggestion
_HELD = {
    "keep_price": "the price of today is the best",
    "no_allowed_price": "no price is allowed by the rules",
    "changed_lately": "the price changed lately",
    "no_recent_sales": "nothing was sold lately",
    "unknown_cost": "the cost is not known",
    "not_identified": "past prices do not tell",
    "wrong_sign": "sales rose with the price",
    "never_moved": "the price never moved",
    "no_price": "no price is known",
}
_COLUMNS = (
    "product_id",
    "product_name",
    "status",
    "current_price",
    "suggested_price",
    "best_price",
    "contribution_change",
    "contribution_change_lower",
    "contribution_change_upper",
    "quantity_change",
    "units_per_week",
    "reason",
)


def prices(tables: Tables, money: Money) -> Story:
    """Read which prices to review.

    Parameters
    ----------
    tables
        What a build made.
    money
        The currency.

    Returns
    -------
    Story
        Empty where prices were not looked at.
    """
    found = Story(anchor="prices", name="Prices", title="Prices to review")
    if not tables.has("price_suggestions", *_COLUMNS):
        return found
    counts = {
        row["status"]: row["products"]
        for row in tables.rows(
            "select status, count(*) as products from {price_suggestions} group by status "
            "order by products desc, status"
        )
    }
    if not counts:
        return found
    _add_lead(tables, found, counts)
    rows = tables.rows(
        f"""
        select {", ".join(_COLUMNS[1:])}
        from {{price_suggestions}}
        where status in ('suggested', 'uncertain') and best_price is not null
        order by status = 'suggested' desc, contribution_change desc nulls last, product_id
        limit {_LISTED}
        """  # noqa: S608 - constant names
    )
    if rows:
        found.grids.append(_grid(rows, money, counts))
    held = [(status, count) for status, count in counts.items() if status in _HELD]
    if held:
        found.grids.append(
            Grid(
                "Why other prices have no suggestion",
                (("Because", False), ("Products", True)),
                [(_HELD[status], words.count(count)) for status, count in held],
            )
        )
    return found


def _add_lead(tables: Tables, found: Story, counts: dict[str, int]) -> None:
    """Say how many prices there are to review, and how sales answer to prices."""
    products = sum(counts.values())
    suggested, uncertain = counts.get("suggested", 0), counts.get("uncertain", 0)
    found.lead.append(
        (
            f"Another price is expected to earn more for {words.count(suggested)} of "
            f"{words.counted(products, 'product')}"
            if suggested
            else f"No other price is certain to earn more for any of "
            f"{words.counted(products, 'product')}"
        )
        + (
            f"; for {words.count(uncertain)} more a gain is expected, but a loss is possible"
            if uncertain
            else ""
        )
        + ". Prices are never changed by themselves: a person decides."
    )
    if not tables.has("price_response", "elasticity", "status"):
        return
    row = tables.row(
        "select count(elasticity) as products, median(elasticity) as typical "
        "from {price_response} where status in ('estimated', 'pooled')"
    )
    if row and row["products"] and row["typical"] is not None:
        less = "fewer" if row["typical"] < 0 else "more"
        found.lead.append(
            f"If the price of a typical product rises by 1%, about {abs(row['typical']):.1f}% "
            f"{less} units are sold ({words.counted(row['products'], 'product')} with an estimate)."
        )


def _grid(rows: list[Row], money: Money, counts: dict[str, int]) -> Grid:
    """Set the prices beside each other, those that are sure to earn more first."""
    more = counts.get("suggested", 0) + counts.get("uncertain", 0) - len(rows)
    return Grid(
        "Prices that may earn more",
        (
            ("Product", False),
            (money.titled("Price today"), True),
            (money.titled("Price to review"), True),
            (money.titled("Earned more per week"), True),
            ("Units sold", True),
            ("Units per week now", True),
            ("Is it certain?", False),
        ),
        [
            (
                row["product_name"],
                words.number(row["current_price"]),
                words.number(row["best_price"]),
                effect(
                    row["contribution_change"],
                    row["contribution_change_lower"],
                    row["contribution_change_upper"],
                ),
                words.off(row["quantity_change"]),
                words.number(row["units_per_week"], 1),
                "yes: review it" if row["status"] == "suggested" else "no: a loss is possible",
            )
            for row in rows
        ],
        "Earned: price less unit cost, times units sold, with its 95% interval."
        + (f" Not listed: {words.counted(more, 'more product')} with less." if more > 0 else ""),
    )
