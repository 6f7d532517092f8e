"""What to do next: a few steps, each with the customers it is for and what is at stake."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.report import _words as words
from holdfast.report._money import Money
from holdfast.report._population import population
from holdfast.report._tables import Row, Tables
from holdfast.report._timing import AHEAD, Timing
from holdfast.report._waiting import Waiting
from holdfast.report._winback import Winback

__all__ = ["Step", "steps"]

_ACTIONS = 5


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes
    ----------
    title, text
        What to do, and for whom.
    field, value
        What to filter the list of customers by to see them; nothing where there is no such filter.
    place
        The name of the list.
    """

    title: str
    text: str
    field: str = ""
    value: str = ""
    place: str = "customers"


def steps(
    tables: Tables,
    money: Money,
    lapsed: Winback,
    when: Timing,
    held: Waiting,
    *,
    is_beaten: bool,
) -> list[Step]:
    """Say what to do next.

    Parameters
    ----------
    tables
        What a build made.
    money
        The currency.
    lapsed
        Who may come back.
    when
        What falls due soon.
    held
        What waits for a person.
    is_beaten
        Whether the model in use is no better than a simple rule.

    Returns
    -------
    list of Step
        In their order; empty where no customer has a score.
    """
    columns = ("status", "risk_band", "value_at_risk")
    if not tables.has("customer_retention", *columns):
        return []
    found = []
    if is_beaten:
        found.append(
            Step(
                "Wait with campaigns that rely on the scores",
                "The model in use is no better than a simple rule. Contact customers by the rule, "
                "or wait until a new model beats it.",
            )
        )
    found += _by_risk(tables, money)
    found += _by_action(tables, money)
    if held.count:
        found.append(
            Step(
                "Decide what waits for review",
                f"{words.counted(held.count, 'decision')} {'waits' if held.count == 1 else 'wait'} "
                "for a person; nothing of it is sent until somebody approves it.",
                place=held.customers.name if held.customers.rows else "",
            )
        )
    if when.reminders:
        found.append(
            Step(
                "Remind customers of what they will soon have used up",
                f"{words.counted(when.reminders, 'reminder')} fell due in the last {AHEAD} days or "
                f"will in the next {AHEAD}, each for a product that the customer buys repeatedly.",
                place=when.due.name,
            )
        )
    if lapsed.customers.rows:
        found.append(
            Step(
                "Win back lapsed customers separately",
                f"{words.counted(lapsed.lapsed, 'customer')} "
                f"{'has' if lapsed.lapsed == 1 else 'have'} lapsed. They need another offer than "
                "those who still buy, so they have a list of their own with the probability that "
                "they return.",
                place="winback",
            )
        )
    if found:
        found.append(_comparison(tables))
    return found


def _comparison(tables: Tables) -> Step:
    """Say who is to be left alone, so that what the work brings can be told."""
    if tables.has("contact_policy", "customer_id", "is_holdout"):
        row = tables.row(
            "select count(distinct customer_id) as customers from {contact_policy} where is_holdout"
        )
        if row and row["customers"]:
            return Step(
                "Leave the comparison group alone",
                f"{words.counted(row['customers'], 'customer')} "
                f"{'was' if row['customers'] == 1 else 'were'} drawn by lot and must not be "
                "contacted. The difference between them and all others is what the work brings.",
                place="",
            )
    return Step(
        "Leave a random tenth out, and compare",
        "Pick the control group by lot before anybody is contacted. After the horizon, compare how "
        "many of each group stayed. The difference is what the campaign brought; without a "
        "control group nobody can tell.",
        place="",
    )


def _by_risk(tables: Tables, money: Money) -> list[Step]:
    """Point to the highest band that has somebody in it."""
    who = population(tables)
    bands = {
        row["band"]: row
        for row in tables.rows(
            f"""
            select
                risk_band as band,
                count(*) as customers,
                sum(value_at_risk) as value_at_risk,
            from {{customer_retention}}
            where risk_band in ('high', 'medium') and {who.keepable}
            group by risk_band
            """  # noqa: S608 - a constant
        )
    }
    for band in ("high", "medium"):
        if row := bands.get(band):
            can = " and can still be kept" if who.is_told else ""
            verb = "is" if row["customers"] == 1 else "are"
            return [
                Step(
                    f"Contact those at {band} risk first",
                    f"{words.counted(row['customers'], 'customer')} {verb} at {band} risk{can}"
                    f"{_worth(row, money)}. Begin with the most value at risk.",
                    "band",
                    band,
                )
            ]
    return []


def _by_action(tables: Tables, money: Money) -> list[Step]:
    """Group the customers at risk by the action that is suggested for them."""
    # where nobody may be listed, groups of few would tell about them all the same
    if not tables.has("customer_retention", "customer_id", "suggested_action"):
        return []
    rows = tables.rows(
        f"""
        select
            suggested_action as action,
            count(*) as customers,
            sum(value_at_risk) as value_at_risk,
        from {{customer_retention}}
        where
            risk_band in ('high', 'medium')
            and {population(tables).keepable}
            and suggested_action is not null
        group by suggested_action
        order by value_at_risk desc nulls last, customers desc, action
        limit {_ACTIONS}
        """  # noqa: S608 - constants
    )
    return [
        Step(
            row["action"],
            f"Suggested for {words.counted(row['customers'], 'customer')} at high or medium risk"
            f"{_worth(row, money)}.",
            "action",
            row["action"],
        )
        for row in rows
    ]


def _worth(row: Row, money: Money) -> str:
    """Say what is at stake with some customers."""
    if not row["value_at_risk"]:
        return ""
    return f", with {money.write(row['value_at_risk'])} of value at risk"
