"""What to recommend: how good the lists are, which products belong together, and for whom what."""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.report import _words as words
from holdfast.report._chart import Section
from holdfast.report._lists import Column, CustomerList, may_list
from holdfast.report._money import Money
from holdfast.report._population import population
from holdfast.report._tables import Row, Tables

__all__ = ["Recommendations", "recommendations"]

_LISTED = 200
_PER_CUSTOMER = 3
_PAIRS = 8
_LISTS = {"top": "any", "repeat": "bought before", "explore": "new to them"}
_BEST_SELLERS = "popularity"
_SIMPLE = {
    "fixed_blend": "a fixed blend of the same evidence",
    "popularity": "the best sellers",
    "personal_frequency": "what they bought most often",
    "co_occurrence": "what is bought with their products",
}
_ORDINALS = ("First", "Second", "Third")


def _list() -> CustomerList:
    return CustomerList(
        "suggestions",
        sort="value_at_risk",
        per_page=10,
    )


@dataclass
class Recommendations(Section):
    """What the section shows: tables, and a list.

    Attributes
    ----------
    is_there
        Whether the tables have any of it.
    lead
        The first sentences.
    customers
        The first suggestions for customers at risk.
    measures
        How good the lists are on weeks that were held out, by list and algorithm.
    pairs
        Products that are bought together.
    """

    is_there: bool = False
    lead: list[str] = field(default_factory=list)
    customers: CustomerList = field(default_factory=_list)
    measures: list[Row] = field(default_factory=list)
    pairs: list[Row] = field(default_factory=list)


def recommendations(tables: Tables, money: Money, least: int) -> Recommendations:
    """Read what to recommend.

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
    Recommendations
        Empty where the tables have none of it.
    """
    found = Recommendations()
    _add_coverage(tables, found)
    _add_measures(tables, found, least)
    _add_pairs(tables, found, least)
    _add_suggestions(tables, money, found)
    return found


def _add_coverage(tables: Tables, found: Recommendations) -> None:
    """Say for how many customers there is something to recommend, and of how many products."""
    if not tables.has("product_recommendations", "list", "rank", "product_id", "status"):
        return
    found.is_there = True
    row = tables.row(
        """
        select
            count(*) filter (where rank = 1) as customers,
            count(distinct product_id) as products,
            count(*) filter (where rank = 1 and status = 'personal') as personal,
        from {product_recommendations}
        where list = 'top'
        """
    )
    if row is None or not row["customers"]:
        found.empty["customers"] = "There is nothing to recommend yet."
        return
    found.lead.append(
        f"There are suggestions for {words.counted(row['customers'], 'customer')}, from "
        f"{words.counted(row['products'], 'product')}; for {words.count(row['personal'])} of them "
        "the first rests on purchases or views of their own."
    )


def _add_measures(tables: Tables, found: Recommendations, least: int) -> None:
    """Add how good the lists are on weeks that were held out, beside simple lists."""
    columns = ("list", "algorithm", "stage", "row_count", "hit_rate_at_10", "catalogue_coverage")
    ends = ("hit_rate_at_10_lower", "hit_rate_at_10_upper")
    if not tables.has(
        "recommendation_performance", *columns, *ends, "recall_at_10", "ndcg_at_10", "dates"
    ):
        return
    found.is_there = True
    found.measures = tables.rows(
        f"""
        select {", ".join((*columns, *ends))}, recall_at_10, ndcg_at_10, dates
        from {{recommendation_performance}}
        where row_count >= $least
        order by
            list_position({list(_LISTS)}, list),
            stage = 'in_use' desc,
            hit_rate_at_10 desc,
            algorithm
        """,  # noqa: S608 - constant names
        {"least": least},
    )
    if not found.measures:
        found.empty["measures"] = (
            "Too few customers have bought since the dates that were held out to judge the lists."
        )
        return
    for row in found.measures:
        row["is_used"] = row["stage"] == "in_use"
        row["name"] = (
            "suggestions in use"
            if row["is_used"]
            else _SIMPLE.get(row["algorithm"], words.plain_name(row["algorithm"]))
        )
        row["list_name"] = _LISTS.get(row["list"], row["list"])
    found.notes["measures"] = (
        "Hit: share of customers who bought at least one of the ten within 28 days, with its 95% "
        "interval. Found: share of what they bought that was among the ten. NDCG: the same with "
        "more weight on the first places. Catalogue: share of the products sold in a year that "
        "are in anybody's list. Compare rows of the same products only."
    )
    merged = [row for row in found.measures if row["list"] == "top"]
    used = next((row for row in merged if row["is_used"]), None)
    if used is None:
        return
    simple = [row for row in merged if not row["is_used"]]
    # the best of the simple lists, and the one that everybody knows
    known = [row for row in simple[1:] if row["algorithm"] == _BEST_SELLERS]
    beside = ", ".join(
        f"{row['name']}: {_of_hundred(row['hit_rate_at_10'])}" for row in (*simple[:1], *known)
    )
    dates = "the held-out date" if used["dates"] == 1 else f"{used['dates']} held-out dates"
    found.lead.insert(
        0,
        f"On {dates}, 10 suggestions hit at least one "
        f"purchase of the next 28 days for {_of_hundred(used['hit_rate_at_10'])} of 100 customers "
        f"who bought{' (' + beside + ')' if beside else ''}.",
    )
    if any(row["hit_rate_at_10"] >= used["hit_rate_at_10"] for row in simple):
        found.lead.insert(1, "A simple list does no worse here.")


def _of_hundred(share: float) -> str:
    """Write a share as a number of a hundred."""
    return words.count(100 * share)


def _add_pairs(tables: Tables, found: Recommendations, least: int) -> None:
    """Add the products that are bought together most clearly more often than by chance."""
    columns = ("product_name", "with_product_name", "customers", "confidence", "adjusted_lift")
    if not tables.has("product_affinity", *columns, "adjusted_lift_lower"):
        return
    found.is_there = True
    # a pair stands there in both directions: the one is told in which more of the buyers buy both
    found.pairs = tables.rows(
        f"""
        with

        pairs as (

            select
                *,
                row_number() over (
                    partition by
                        least(cast(product_id as varchar), cast(with_product_id as varchar)),
                        greatest(cast(product_id as varchar), cast(with_product_id as varchar))
                    order by confidence desc, product_id
                ) as direction,
            from {{product_affinity}}
            where customers >= $least

        )

        select
            product_name as product,
            with_product_name as other,
            customers,
            confidence,
            adjusted_lift as lift,
        from pairs
        where direction = 1
        order by adjusted_lift_lower desc, product_name, with_product_name
        limit {_PAIRS}
        """,  # noqa: S608 - a constant
        {"least": least},
    )
    if not found.pairs:
        found.empty["pairs"] = "No two products are bought by the same customers often enough."
        return
    found.notes["pairs"] = (
        "Products that the same customers bought in the last 365 days, those first that surpass "
        "chance most clearly. Times chance: how many times as many customers bought both as would "
        "have if each had chosen at random."
    )


def _add_suggestions(tables: Tables, money: Money, found: Recommendations) -> None:
    """List what to recommend to the customers at risk with the most value at risk."""
    if not (
        may_list(tables, "product_recommendations", "list", "rank", "product_name", "reason")
        and tables.has("customer_retention", "risk_band", "value_at_risk")
    ):
        return
    places = range(1, _PER_CUSTOMER + 1)
    found.customers.columns = (
        Column("id", "Customer", "text", ("customer_id",)),
        Column(
            "probability",
            "Risk of leaving",
            "risk",
            ("churn_probability", "risk_band"),
            more=("band",),
        ),
        Column("value_at_risk", money.titled("Value at risk"), "amount", ("value_at_risk",)),
        *(
            Column(
                f"offer_{place}",
                _ORDINALS[place - 1],
                "noted",
                (f"product_{place}", f"reason_{place}"),
                more=(f"why_{place}",),
            )
            for place in places
        ),
    )
    found.customers.filters = (("band", "Risk"),)
    found.customers.rows = tables.rows(
        f"""
        with

        at_risk as (

            select
                customer_id,
                risk_band,
                churn_probability,
                value_at_risk,
            from {{customer_retention}}
            where risk_band in ('high', 'medium') and {population(tables).keepable}
            order by value_at_risk desc nulls last, churn_probability desc, customer_id
            limit {_LISTED}

        ),

        suggested as (

            select
                customer_id,
                rank,
                product_name as product,
                reason,
            from {{product_recommendations}}
            where list = 'top' and rank <= {_PER_CUSTOMER}

        )

        select
            cast(at_risk.customer_id as varchar) as id,
            any_value(at_risk.risk_band) as band,
            round(any_value(at_risk.churn_probability), 4) as probability,
            any_value(at_risk.value_at_risk) as value_at_risk,
            {
            ", ".join(
                f"max(product) filter (where rank = {place}) as offer_{place}, "
                f"max(reason) filter (where rank = {place}) as why_{place}"
                for place in places
            )
        }
        from at_risk
        inner join suggested on suggested.customer_id = at_risk.customer_id
        group by at_risk.customer_id
        order by value_at_risk desc nulls last, probability desc, at_risk.customer_id
        """  # noqa: S608 - constants
    )
    found.notes["customers"] = (
        f"The first {_PER_CUSTOMER} suggestions for the customers at risk with the most value at "
        "risk, each with its reason."
    )
    if not found.customers.rows:
        found.empty["customers"] = "There is no suggestion for a customer at risk."
