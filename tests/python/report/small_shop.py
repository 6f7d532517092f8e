"""A shop of a few customers, as a build of this version or of an earlier one would leave it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.report import write_report
from holdfast.warehouse.project import Project
from holdfast.warehouse.quoting import text


@dataclass(frozen=True)
class Customer:
    """A row of customer_retention; value at risk is the probability times the revenue."""

    id: int | str
    state: str = "on_rhythm"
    band: str | None = "high"
    probability: float | None = 0.8
    revenue: float = 100
    back: float | None = None
    action: str | None = None
    segment: str = "Champions"
    reason: str | None = "Last order 40 days ago"


def customers(rows: Iterable[Customer], *, without: Iterable[str] = ()) -> str:
    """Give the statement that makes customer_retention of these customers.

    `without` names columns that an earlier version did not have.
    """
    values = ", ".join(
        "("
        + ", ".join(
            "null" if value is None else text(value) if isinstance(value, str) else str(value)
            for value in vars(row).values()
        )
        + ")"
        for row in rows
    )
    exclude = ", ".join(without)
    return f"""
        create table customer_retention as
        select *{f" exclude ({exclude})" if exclude else ""}
        from (
            select
                id as customer_id, date '2026-07-01' as as_of_date,
                timestamp '2026-06-30 10:00:00' as last_order_at,
                timestamp '2026-07-01 08:00:00' as scored_at,
                'scored' as status, state as lifecycle_state,
                state not in ('lapsed', 'never_ordered') as is_keepable,
                timestamp '2026-06-01' as state_entered_at,
                timestamp '2026-07-05' as expected_next_order_at,
                30 as days_since_order,
                cast(probability as double) as churn_probability, cast(band as varchar) as risk_band,
                segment,
                cast(if(band is not null, probability * revenue, null) as decimal(38, 4))
                    as value_at_risk,
                cast(revenue as decimal(38, 4)) as revenue_365d,
                cast(1000 as decimal(38, 4)) as revenue,
                50.0e0 as average_order_value,
                cast(back as double) as return_probability,
                cast(reason as varchar) as reason_1, null as reason_2, null as reason_3,
                cast(action as varchar) as suggested_action,
            from (values {values}) as made (
                id, state, band, probability, revenue, back, action, segment, reason
            )
        )
    """


# columns that tell who can be kept, which versions before them did not have
STATES = ("lifecycle_state", "is_keepable")


def page_of(project: Project, folder: Path) -> str:
    """Write the report and give its HTML."""
    write_report(project, folder / "report.html")
    return (folder / "report.html").read_text(encoding="utf-8")


def data_of(html: str) -> dict[str, Any]:
    """Give the data that the page's script reads."""
    found = re.search(r'<script type="application/json" id="report-data">(.*?)</script>', html)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    for listed in data["lists"].values():
        # rows come without keys, and of texts that recur with the place in a list
        listed["rows"] = [
            {
                key: listed["texts"][key][cell] if key in listed["texts"] else cell
                for key, cell in zip(listed["keys"], row, strict=True)
            }
            for row in listed["rows"]
        ]
    return data


def listed_in(html: str, name: str = "customers") -> list[dict[str, Any]]:
    """Give the rows of a list, by default those of the customers at risk."""
    rows: list[dict[str, Any]] = data_of(html)["lists"][name]["rows"]
    return rows
