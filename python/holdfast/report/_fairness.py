"""Whether groups of customers are contacted, given discounts and charged alike."""

from __future__ import annotations

from holdfast.report import _words as words
from holdfast.report._story import Grid, Story, points
from holdfast.report._tables import Tables

__all__ = ["fairness"]

_LISTED = 30
_OUTCOMES = {
    "contact": "get a message",
    "discount": "get a discount",
    "price": "pay, as a share of the list price",
}


def fairness(tables: Tables) -> Story:
    """Read whether decisions treat groups alike.

    Parameters
    ----------
    tables
        What a build made.

    Returns
    -------
    Story
        A part of the section on trust; empty where decisions were not compared.
    """
    found = Story(title="Are groups of customers treated alike?")
    columns = ("outcome", "segment_by", "segment", "status", "customers", "rate", "rest_rate")
    bounds = ("rate_lower", "rate_upper", "difference", "difference_lower", "difference_upper")
    if not tables.has("decision_rates", *columns, *bounds):
        return found
    rows = tables.rows(
        f"""
        select system, {", ".join((*columns, *bounds))}
        from {{decision_rates}}
        order by status = 'different' desc, abs(difference) desc nulls last, outcome, segment_by,
            segment, system
        """  # noqa: S608 - constant names
    )
    if not rows:
        found.lead.append(
            "Groups are not compared: the var `holdfast_segments` names the columns of the "
            "customers that make groups, such as a country."
        )
        return found
    compared = [row for row in rows if row["status"] != "nothing_to_compare"]
    different = sum(row["status"] == "different" for row in compared)
    found.lead.append(
        f"In {different} of {words.counted(len(compared), 'comparison')} a group of customers is "
        "treated differently from all others. A difference is no proof of unfairness, but "
        "somebody should know the reason."
        if different
        else f"None of {words.counted(len(compared), 'comparison')} shows a group of customers "
        "that is treated differently from all others."
    )
    found.grids.append(
        Grid(
            "",
            (
                ("Group", False),
                ("Customers", True),
                ("What is compared", False),
                ("This group", True),
                ("All others", True),
                ("Difference", True),
                ("Is it shown?", False),
            ),
            [
                (
                    f"{words.plain_name(row['segment_by'])}: {row['segment']}",
                    words.count(row["customers"]),
                    _OUTCOMES.get(row["outcome"], words.plain_name(row["outcome"])),
                    words.share(row["rate"]),
                    words.share(row["rest_rate"]),
                    points(row["difference"], row["difference_lower"], row["difference_upper"]),
                    "yes" if row["status"] == "different" else "no",
                )
                for row in compared[:_LISTED]
            ],
            "In brackets: 95% intervals, in percentage points. Of many comparisons, about one in "
            "twenty differs by chance alone.",
        )
    )
    return found
