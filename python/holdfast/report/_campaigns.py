"""Campaigns: what runs now, how the next sends are divided, and what campaigns have brought."""

from __future__ import annotations

from holdfast.report import _words as words
from holdfast.report._money import Money
from holdfast.report._offers import offer_names
from holdfast.report._story import Grid, Story, effect
from holdfast.report._tables import Row, Tables

__all__ = ["campaigns"]

_LIVE, _ENDED, _VARIANTS = 20, 10, 30
_FIGURES = (
    "sends",
    "control_sends",
    "response_rate",
    "control_response_rate",
    "profit",
    "profit_lower",
    "profit_upper",
    "finding",
)
# what the state of a division means
_STATUS = {
    "unavailable": "its offer is not valid now",
    "ended": "ended",
    "single_variant": "the only variant",
    "immature": "too early to tell",
    "too_few": "too few results to tell",
    "not_comparable": "never sent side by side",
    "winner": "better than the others",
    "beaten": "beaten by another",
    "stopped": "ahead, though not proven",
    "exploring": "not decided yet",
}


def campaigns(tables: Tables, money: Money) -> Story:
    """Read which campaigns run, how they are divided and what they have brought.

    Parameters
    ----------
    tables
        What a build made.
    money
        The currency.

    Returns
    -------
    Story
        Empty where there was no campaign.
    """
    found = Story(anchor="campaigns", name="Campaigns", title="Campaigns at work")
    columns = ("campaign_id", "status", "is_ended", "first_sent_at", *_FIGURES)
    if not tables.has("campaign_performance", *columns):
        return found
    rows = tables.rows(
        f"""
        select
            cast(campaign_id as varchar) as campaign,
            status,
            is_ended,
            cast(first_sent_at as date) as since,
            {", ".join(_FIGURES)}
        from {{campaign_performance}}
        order by first_sent_at desc, campaign_id desc
        """  # noqa: S608 - constant names
    )
    if not rows:
        return found
    live, ended = ([row for row in rows if row["is_ended"] is ends] for ends in (False, True))
    found.lead.append(_told(len(live), rows))
    if live:
        more = f" The {_LIVE} newest of {len(live)}." if len(live) > _LIVE else ""
        allocation, single = _allocation(tables, live)
        found.grids.append(_grid("Running now", live[:_LIVE], money, more + single))
        found.grids += allocation
    if ended:
        more = f" The {_ENDED} newest of {len(ended)}." if len(ended) > _ENDED else ""
        found.grids.append(_grid("Ended", ended[:_ENDED], money, more))
    return found


def _told(live: int, rows: list[Row]) -> str:
    """Say how many run, and how many have paid."""
    told = f"{words.counted(live, 'campaign')} {'is' if live == 1 else 'are'} running now."
    if not live:
        told = "No campaign is running now."
    known = [row for row in rows if row["status"] == "estimated" and row["profit"] is not None]
    if not known:
        return (
            f"{told} Whether campaigns pay cannot be told yet: that takes customers who were left "
            "alone at random, and the cost of goods."
        )
    paid = sum((row["profit_lower"] or 0) > 0 for row in known)
    lost = sum((row["profit_upper"] or 0) < 0 for row in known)
    return (
        f"{told} Of {words.counted(len(known), 'campaign')} that could be compared with customers "
        f"who were left alone, {paid} earned more than {'it' if paid == 1 else 'they'} cost, "
        f"{lost} lost money, and {len(known) - paid - lost} did neither for certain."
    )


def _grid(title: str, rows: list[Row], money: Money, more: str) -> Grid:
    """Set campaigns beside each other."""
    return Grid(
        title,
        (
            ("Campaign", False),
            ("Since", False),
            ("Sent", True),
            ("Left alone", True),
            ("Ordered", True),
            ("Ordered without it", True),
            (money.titled("Profit"), True),
            ("What it says", False),
        ),
        [
            (
                f"campaign {row['campaign']}",
                words.day(row["since"]),
                words.count(row["sends"]),
                words.count(row["control_sends"]),
                words.share(row["response_rate"]),
                words.share(row["control_response_rate"]),
                effect(row["profit"], row["profit_lower"], row["profit_upper"]),
                row["finding"],
            )
            for row in rows
        ],
        "Profit is the margin that the campaign added, less what it cost, with its 95% interval. "
        "Ordered without it: the share of those who were left alone." + more,
    )


def _allocation(tables: Tables, live: list[Row]) -> tuple[list[Grid], str]:
    """Give how the next sends of running campaigns are divided; a sentence where nothing is."""
    columns = ("campaign_id", "segment", "offer_id", "variant", "channel", "status", "sends")
    if not tables.has("campaign_allocation", *columns, "share", "probability_best"):
        return [], ""
    rows = tables.rows(
        """
        select
            cast(campaign_id as varchar) as campaign,
            cast(offer_id as varchar) as offer,
            variant,
            channel,
            status,
            sends,
            share,
            probability_best,
            count(*) over (partition by campaign_id) as variants,
        from {campaign_allocation}
        where segment = 'all' and list_contains($live, cast(campaign_id as varchar))
        order by campaign_id desc, share desc, offer, variant, channel
        """,
        {"live": [row["campaign"] for row in live]},
    )
    several = [row for row in rows if row["variants"] > 1]
    if not several:
        return [], " Each has one variant, so there is nothing to divide." if rows else ""
    names = offer_names(tables)
    return [
        Grid(
            "How the next sends are divided",
            (
                ("Campaign", False),
                ("Variant", False),
                ("Sent so far", True),
                ("Share of the next send", True),
                ("Probability to be the best", True),
                ("How it stands", False),
            ),
            [
                (
                    f"campaign {row['campaign']}",
                    _variant(row, names),
                    words.count(row["sends"]),
                    words.share(row["share"], 0),
                    words.share(row["probability_best"], 0),
                    _STATUS.get(row["status"], words.plain_name(row["status"])),
                )
                for row in several[:_VARIANTS]
            ],
            "What does better gets a larger share of the next send. Only sends whose time to "
            "respond is over count.",
        )
    ], ""


def _variant(row: Row, names: dict[str, str]) -> str:
    """Name a variant by what tells it from others: offer, message and channel."""
    offer = row["offer"] and names.get(row["offer"], f"offer {row['offer']}")
    return ", ".join(filter(None, (offer, row["variant"], row["channel"]))) or "not stated"
