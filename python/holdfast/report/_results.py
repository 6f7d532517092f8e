"""What the retention work has brought, as far as it can be told: campaigns, and the holdout."""

from __future__ import annotations

import math
from statistics import NormalDist

from holdfast.report import _words as words
from holdfast.report._money import Money
from holdfast.report._story import Grid, Story, effect
from holdfast.report._tables import Row, Tables

__all__ = ["results"]

# below this, a mean of so few customers has no interval to rely on
_LEAST_ARM = 30
_LEAST_DAYS = 30
_Z = NormalDist().inv_cdf(0.975)
# what became of a decision, in the order in which it is told
_STATUS = {
    "proposed": "leave the customer alone",
    "needs_review": "waits for a person",
    "approved": "approved, to be sent",
    "sent": "sent",
    "vetoed": "vetoed",
    "expired": "not sent in time",
}


def results(tables: Tables, money: Money) -> Story:
    """Read what the retention work has brought, and the record of its decisions.

    Parameters
    ----------
    tables
        What a build made.
    money
        The currency.

    Returns
    -------
    Story
        Empty where nothing was sent or decided.
    """
    found = Story(anchor="results", name="Results", title="What the retention work has brought")
    _add_campaigns(tables, money, found)
    _add_holdout(tables, money, found)
    _add_record(tables, found)
    return found


def _add_campaigns(tables: Tables, money: Money, found: Story) -> None:
    """Add up what campaigns have brought against the customers that each left alone."""
    figures = ("profit", "profit_lower", "profit_upper", "incremental_margin", "mature_cost")
    if not tables.has("campaign_performance", "status", "first_sent_at", *figures):
        return
    # each campaign drew its own control group, so their errors are independent of each other
    row = tables.row(
        """
        select
            count(*) as campaigns,
            count(*) filter (where is_known) as known,
            sum(profit) filter (where is_known) as profit,
            sqrt(sum(power((profit_upper - profit_lower) / 2e0, 2)) filter (where is_known))
                as reach,
            sum(incremental_margin) filter (where is_known) as margin,
            sum(mature_cost) filter (where is_known) as cost,
            cast(min(first_sent_at) filter (where is_known) as date) as since,
        from (
            select
                *,
                status = 'estimated' and profit is not null and profit_lower is not null
                    and profit_upper is not null as is_known,
            from {campaign_performance}
        )
        """
    )
    if row is None or not row["campaigns"]:
        return
    if not row["known"]:
        found.lead.append(
            "What the campaigns have brought cannot be told: none of "
            f"{words.counted(row['campaigns'], 'campaign')} can be compared with customers who "
            "were left alone at random."
        )
        return
    lower, upper = row["profit"] - row["reach"], row["profit"] + row["reach"]
    found.lead.append(_verdict(row, lower, upper, money))
    untold = row["campaigns"] - row["known"]
    found.lead.append(
        f"This is the sum over all {words.counted(row['known'], 'campaign')} that can be compared "
        "with customers who were left alone at random, good and bad alike: "
        f"{money.write(row['margin'])} of extra margin, less {money.write(row['cost'])} of costs."
        + (f" Of {words.counted(untold, 'more campaign')} nothing can be told." if untold else "")
    )


def _verdict(row: Row, lower: float, upper: float, money: Money) -> str:
    """Say whether the campaigns have paid, in one sentence, with the interval."""
    since = f"Since {words.day(row['since'])} the campaigns"
    between = f"between {money.write(lower)} and {money.write(upper)}"
    if lower > 0:
        return f"{since} have earned {money.write(row['profit'])} more than they cost ({between})."
    if upper < 0:
        ends = f"between {money.write(-upper)} and {money.write(-lower)}"
        return (
            f"{since} have cost {money.write(-row['profit'])} more than they brought in ({ends})."
        )
    return (
        f"{since} are not shown to have earned more than they cost: the result is "
        f"{money.write(row['profit'])}, and may lie anywhere {between}."
    )


def _add_holdout(tables: Tables, money: Money, found: Story) -> None:
    """Compare the customers who are never contacted with all others, since decisions began."""
    if not tables.has("contact_policy", "customer_id", "is_holdout"):
        return
    missing = _cannot_be_told(tables)
    if missing:
        found.lead.append(f"What all contacts together achieve cannot be told yet: {missing}")
        return
    since = _since(tables)
    assert since is not None
    arms = {row["is_holdout"]: row for row in _arms(tables, since["since"])}
    held, others = arms.get(True), arms.get(False)
    if held is None or others is None or held["customers"] < _LEAST_ARM:
        count = held["customers"] if held else 0
        found.lead.append(
            "What all contacts together achieve cannot be told: only "
            f"{words.counted(count, 'customer')} of the comparison group "
            f"{'was' if count == 1 else 'were'} there when decisions began, and {_LEAST_ARM} is "
            "the least."
        )
        return
    difference = others["mean"] - held["mean"]
    reach = _Z * math.sqrt(
        sum((arm["deviation"] or 0.0) ** 2 / arm["customers"] for arm in (held, others))
    )
    lower, upper = difference - reach, difference + reach
    day = words.day(since["since"])
    if lower > 0 or upper < 0:
        told = (
            f"Since decisions began on {day}, customers who may be contacted have spent "
            f"{money.write(abs(difference))} {'more' if lower > 0 else 'less'} each than those "
            "who are never contacted."
        )
    else:
        told = (
            f"Since decisions began on {day}, customers who may be contacted and those who are "
            "never contacted have spent about the same: the difference of "
            f"{money.write(difference)} each may be chance."
        )
    found.lead.append(told)
    found.grids.append(
        Grid(
            "Customers who may be contacted beside those who never are",
            (
                ("Customers", False),
                ("How many", True),
                (money.titled("Spent by each"), True),
                ("Bought", True),
            ),
            [
                (
                    name,
                    words.count(arm["customers"]),
                    words.money(arm["mean"]),
                    words.share(arm["bought"]),
                )
                for name, arm in (("may be contacted", others), ("never contacted", held))
            ]
            + [
                (
                    "difference",
                    "",
                    effect(difference, lower, upper),
                    words.points(others["bought"] - held["bought"]),
                )
            ],
            f"All who were customers on {day}, by the orders since then. The comparison group was "
            "drawn at random and is never contacted, so the difference is what all contacts "
            "together have changed. Returns are not taken off. In brackets: the 95% interval."
            + _contacted(tables, since["since"]),
        )
    )


def _contacted(tables: Tables, since: str) -> str:
    """Say how many of those who were to be left alone were not; nothing where nobody was."""
    row = tables.row(
        """
        select count(distinct sends.customer_id) as customers
        from {send_outcomes} as sends
        inner join {contact_policy} as policy on policy.customer_id = sends.customer_id
        where policy.is_holdout and not sends.is_control and sends.sent_at >= cast($since as date)
        """,
        {"since": since},
    )
    if row is None or not row["customers"]:
        return ""
    return (
        f" {words.counted(row['customers'], 'customer')} of the comparison group got a message all "
        "the same, which makes the difference smaller than the effect."
    )


def _since(tables: Tables) -> Row | None:
    """Give the first day with a decision, and how many days ago that was."""
    return tables.row(
        """
        select
            cast(min(as_of) as date) as since,
            date_diff(
                'day', cast(min(as_of) as date),
                (select max(as_of_date) from {customer_retention})
            ) as days,
        from {decision_log}
        """
    )


def _cannot_be_told(tables: Tables) -> str:
    """Say what keeps the comparison with the holdout from being made; nothing if it can be."""
    needed = {
        "decision_log": ("customer_id", "as_of", "arm"),
        "btyd_orders": ("customer_id", "order_date", "spend"),
        "customer_history": ("customer_id", "first_order_at"),
        "send_outcomes": ("decision_id", "sent_at", "is_control"),
    }
    if not all(tables.has(table, *columns) for table, columns in needed.items()):
        return (
            "it takes the warehouse, not only the published file, with the systems decisions, "
            "offers and value."
        )
    if not tables.rows("select 1 as one from {contact_policy} where is_holdout limit 1"):
        return (
            "nobody is left alone for comparison. The var `holdfast_holdout_share` sets how many "
            "are."
        )
    since = _since(tables)
    if since is None or since["since"] is None:
        return "no decision has been made."
    if since["days"] < _LEAST_DAYS:
        return (
            f"the first decision was made on {words.day(since['since'])}, and a comparison takes "
            f"{_LEAST_DAYS} days."
        )
    sent = tables.row(
        "select count(*) as sends from {send_outcomes} "
        "where decision_id is not null and not is_control"
    )
    if sent is None or not sent["sends"]:
        return (
            "no decision has come back as sent. Sends name theirs in the column `decision_id` of "
            "`holdfast_campaign_sends`."
        )
    moved = tables.row(
        """
        select count(*) as customers
        from {decision_log} as log
        inner join {contact_policy} as policy on policy.customer_id = log.customer_id
        where (log.arm = 'holdout') <> policy.is_holdout
        """
    )
    if moved and moved["customers"]:
        return (
            "the comparison group was drawn anew since then, by another `holdfast_holdout_salt` "
            "or share."
        )
    return ""


def _arms(tables: Tables, since: str) -> list[Row]:
    """Give what customers of both groups have spent since a day, those who bought nothing too."""
    return tables.rows(
        """
        with

        -- drawn by a hash of the id, so whoever was a customer on that day is in one of both
        known as (

            select
                history.customer_id,
                bool_or(policy.is_holdout) as is_holdout,
            from {customer_history} as history
            inner join {contact_policy} as policy on policy.customer_id = history.customer_id
            where history.first_order_at < cast($since as date)
            group by history.customer_id

        ),

        spent as (

            select
                customer_id,
                sum(spend) as spend,
            from {btyd_orders}
            where order_date >= cast($since as date)
            group by customer_id

        )

        select
            known.is_holdout,
            count(*) as customers,
            avg(coalesce(cast(spent.spend as double), 0e0)) as mean,
            stddev_samp(coalesce(cast(spent.spend as double), 0e0)) as deviation,
            avg(if(spent.customer_id is null, 0e0, 1e0)) as bought,
        from known
        left join spent on spent.customer_id = known.customer_id
        group by known.is_holdout
        """,
        {"since": since},
    )


def _add_record(tables: Tables, found: Story) -> None:
    """Add what has become of the decisions."""
    if not tables.has("decisions", "status", "as_of", "customer_id"):
        return
    rows = {
        row["status"]: row
        for row in tables.rows(
            """
            select
                status,
                count(*) as decisions,
                count(distinct customer_id) as customers,
                cast(min(as_of) as date) as since,
                cast(max(as_of) as date) as until,
            from {decisions}
            group by status
            """
        )
    }
    if not rows:
        return
    since = min(row["since"] for row in rows.values())
    found.grids.append(
        Grid(
            "The record of decisions",
            (
                ("What became of it", False),
                ("Decisions", True),
                ("Customers", True),
                ("First", False),
                ("Last", False),
            ),
            [
                (
                    name,
                    words.count(rows[status]["decisions"]),
                    words.count(rows[status]["customers"]),
                    words.day(rows[status]["since"]),
                    words.day(rows[status]["until"]),
                )
                for status, name in _STATUS.items()
                if status in rows
            ],
            f"Every decision since {words.day(since)} is kept as it was made, those to leave a "
            "customer alone among them.",
        )
    )
