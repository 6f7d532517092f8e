"""Which offers work, and for whom; and what the policy suggests today."""

from __future__ import annotations

from holdfast.report import _words as words
from holdfast.report._money import Money
from holdfast.report._population import STATES, state_name
from holdfast.report._story import Cell, Grid, Story, effect
from holdfast.report._tables import Row, Tables

__all__ = ["REASONS", "offer_names", "offers"]

# what is compared, the first that is known: margin is what counts, where costs are known
_OUTCOMES = {"margin": "margin", "revenue": "revenue"}
# why a policy leaves somebody alone, in words; the rest says itself
REASONS = {
    "global_holdout": "in the comparison group",
    "do_not_contact": "wants no messages at all",
    "no_consent": "has not agreed to messages",
    "open_complaint": "has an open complaint",
    "recent_complaint": "complained lately",
    "frequency_cap": "has had enough messages lately",
    "channel_cap": "has had enough messages on the channel",
    "open_decision": "has another decision waiting",
    "no_offer": "no offer is there",
    "not_valid": "no offer is valid today",
    "unknown_cost": "the cost of the offer is not known",
    "discount_gap": "had a discount lately",
    "no_effect_shown": "no effect has been shown",
    "drives_away": "an offer would drive them away",
    "buys_anyway": "buys anyway",
    "costs_more": "an offer costs more than it brings",
    "limits": "the budget gains more with others",
}


def offers(tables: Tables, money: Money, least: int) -> Story:
    """Read which offers work, for whom, and what is suggested.

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
    Story
        Empty where nothing was ever sent or suggested.
    """
    found = Story(anchor="offers", name="Offers", title="Which offers work, and for whom")
    names = offer_names(tables)
    _add_effects(tables, money, found, names)
    _add_suggestions(tables, money, found, least)
    return found


def offer_names(tables: Tables) -> dict[str, str]:
    """Give what offers are called, by their id as text, as far as a decision names them."""
    found: dict[str, str] = {}
    for table in ("decisions", "next_best_offer"):
        if tables.has(table, "offer_id", "offer_name"):
            found |= {
                row["id"]: row["name"]
                for row in tables.rows(
                    f"select cast(offer_id as varchar) as id, max(offer_name) as name "  # noqa: S608
                    f"from {{{table}}} where offer_id is not null and offer_name is not null "
                    "group by offer_id"
                )
            }
    return found


def _called(offer: str | None, names: dict[str, str]) -> str:
    """Give what an offer is called."""
    return "no offer" if offer is None else names.get(offer, f"offer {offer}")


def _add_effects(tables: Tables, money: Money, found: Story, names: dict[str, str]) -> None:
    """Add what each offer changes against customers who were left alone."""
    columns = ("offer_id", "channel", "segment", "outcome", "status", "finding")
    figures = ("treated", "control", *(f"effect{end}" for end in ("", "_lower", "_upper")))
    careful = ("effect_shrunk", "effect_shrunk_lower", "effect_shrunk_upper")
    if not tables.has("offer_effects", *columns, *figures, *careful):
        return
    rows = tables.rows(
        f"""
        select
            cast(offer_id as varchar) as offer,
            {", ".join((*columns[1:], *figures, *careful))}
        from {{offer_effects}}
        where outcome in ('margin', 'revenue')
        order by effect_shrunk desc nulls last, treated desc, offer, channel nulls last
        """  # noqa: S608 - constant names
    )
    outcome = next(
        (
            name
            for name in _OUTCOMES
            if any(row["outcome"] == name and row["status"] == "estimated" for row in rows)
        ),
        "revenue",
    )
    rows = [row for row in rows if row["outcome"] == outcome]
    whole = [row for row in rows if row["segment"] == "all"]
    if not whole:
        return
    known = [row for row in whole if row["status"] == "estimated"]
    found.lead.append(_verdict(whole, known))
    title = money.titled(f"Extra {_OUTCOMES[outcome]} per customer")
    found.grids.append(
        Grid(
            "Each offer against sending nothing",
            (
                ("Offer", False),
                ("Channel", False),
                ("Sent to", True),
                ("Left alone", True),
                (title, True),
                (money.titled("Careful estimate"), True),
                ("What the test says", False),
            ),
            [
                (
                    _called(row["offer"], names),
                    row["channel"] or "",
                    words.count(row["treated"]),
                    words.count(row["control"]),
                    effect(row["effect"], row["effect_lower"], row["effect_upper"]),
                    _careful(row),
                    row["finding"],
                )
                for row in whole
            ],
            f"Extra {_OUTCOMES[outcome]} is what a customer who was sent the offer brought more "
            "than one who was left alone at random, before the costs of the offer and the message"
            ". In brackets: 95% intervals; where one includes zero, chance alone may explain the "
            "difference. The careful estimate is drawn towards the average of all offers. Compare "
            "offers by it: the best of many measurements is always overstated.",
        )
    )
    _add_groups(found, title, [row for row in rows if row["segment"] != "all"], names)


def _verdict(whole: list[Row], known: list[Row]) -> str:
    """Say in one sentence what the tests have shown."""
    if not known:
        return (
            f"Whether offers work cannot be told yet. {words.counted(len(whole), 'offer')} "
            f"{'was' if len(whole) == 1 else 'were'} sent, and telling takes enough customers who "
            "were left alone at random."
        )
    works = sum((row["effect_lower"] or 0) > 0 for row in known)
    harms = sum((row["effect_upper"] or 0) < 0 for row in known)
    told = (
        f"Compared with customers who were left alone, {works} of {len(whole)} offers, counted by "
        f"channel, are shown to bring in more, and {harms} less."
    )
    open_ = len(whole) - works - harms
    return f"{told} Of the other {open_} the tests do not tell." if open_ else told


def _careful(row: Row) -> Cell:
    """Write the careful estimate."""
    return effect(row["effect_shrunk"], row["effect_shrunk_lower"], row["effect_shrunk_upper"])


def _add_groups(found: Story, title: str, rows: list[Row], names: dict[str, str]) -> None:
    """Add the best offer of each group of customers: by their state when it was sent."""
    best: dict[str, Row] = {}
    for row in rows:
        if row["status"] == "estimated" and row["effect_shrunk"] is not None:
            # the rows come with the best first
            best.setdefault(row["segment"], row)
    if not best:
        return
    order = list(STATES)
    found.grids.append(
        Grid(
            "For whom: the best offer of each group",
            (
                ("Customers who were", False),
                ("Best offer so far", False),
                ("Channel", False),
                (title, True),
                ("Is it shown?", False),
            ),
            [
                (
                    state_name(segment),
                    _called(row["offer"], names),
                    row["channel"] or "",
                    _careful(row),
                    _is_shown(row),
                )
                for segment, row in sorted(
                    best.items(),
                    key=lambda item: (
                        order.index(item[0]) if item[0] in order else len(order),
                        item[0],
                    ),
                )
            ],
            "Groups by the state of the customer when the offer was sent; the careful estimate of "
            "each.",
        )
    )


def _is_shown(row: Row) -> str:
    """Say how certain it is that the best offer of a group helps."""
    if row["effect_shrunk_lower"] is not None and row["effect_shrunk_lower"] > 0:
        return "yes"
    if row["effect_shrunk"] > 0:
        return "not yet: it may be chance"
    return "no: even the best brings nothing more"


def _add_suggestions(tables: Tables, money: Money, found: Story, least: int) -> None:
    """Add what the policy suggests today, by offer and by reason to leave somebody alone."""
    columns = ("customer_id", "action", "channel", "offer_name", "dropped_because")
    if not tables.has("next_best_offer", *columns, "expected_profit"):
        return
    rows = tables.rows(
        """
        with

        suggested as (

            select
                action <> 'leave_alone' as is_offer,
                if(action = 'leave_alone', coalesce(dropped_because, 'drawn'), offer_name)
                    as suggestion,
                if(action = 'leave_alone', null, channel) as its_channel,
                count(*) as people,
                sum(expected_profit) as profit,
            from {next_best_offer}
            group by 1, 2, 3

        )

        select
            is_offer,
            if(people < $least, null, suggestion) as what,
            if(people < $least, null, its_channel) as channel,
            sum(people) as customers,
            sum(profit) as profit,
        from suggested
        group by 1, 2, 3
        having sum(people) >= $least
        order by is_offer desc, what is null, customers desc, what, channel
        """,
        {"least": least},
    )
    totals = tables.row(
        "select count(*) as customers, count(*) filter (where action <> 'leave_alone') as offers "
        "from {next_best_offer}"
    )
    if not rows or totals is None:
        return
    found.lead.append(
        f"Today an offer is suggested for {words.count(totals['offers'])} of "
        f"{words.counted(totals['customers'], 'customer')}; the others are to be left alone."
    )
    found.grids.append(
        Grid(
            "What is suggested today",
            (
                ("Suggestion", False),
                ("Channel", False),
                ("Customers", True),
                (money.titled("Expected profit"), True),
            ),
            [
                (
                    _suggestion(row),
                    row["channel"] or "",
                    words.count(row["customers"]),
                    words.money(row["profit"]) if row["is_offer"] else "",
                )
                for row in rows
            ],
            "Expected profit is over leaving these customers alone, after all costs. It may be "
            "negative: a share of the offers is drawn at random, so that effects can be measured "
            "at all. Nothing is sent unless the decision is approved where it has to be.",
        )
    )


def _suggestion(row: Row) -> str:
    """Write what is suggested."""
    if row["is_offer"]:
        return row["what"] or "other offers"
    if row["what"] == "drawn":
        return "leave alone: drawn at random"
    if row["what"] is None:
        return "leave alone: other reasons"
    return f"leave alone: {REASONS.get(row['what'], words.plain_name(row['what']))}"
