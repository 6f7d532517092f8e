"""Whether the marts of a publication are of one day, and whether they still have their scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from holdfast.publishing._errors import PublishError
from holdfast.publishing._marts import MANIFEST, Mart
from holdfast.warehouse.quoting import quoted

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Shown", "refuse_other_dates", "refuse_vanished_scores", "shown_in"]

_OWN = "model.holdfast.holdfast__"
# what customer_retention says of customers that have no row in churn_scores
_NOT_AMONG_SCORES = ("not_scored", "inactive", "never_ordered")

# the day and the model of a publication
Shown = tuple["dt.date | None", "str | None"]


def refuse_other_dates(cursor: duckdb.DuckDBPyConnection, marts: Sequence[Mart]) -> None:
    """Refuse Holdfast's marts where they do not all show one day.

    Marts of a project's own may hold any days.

    Raises
    ------
    PublishError
        If two days are shown.
    """
    dates: dict[dt.date, list[str]] = {}
    for mart in marts:
        if not mart.unique_id.startswith(_OWN) or "as_of_date" not in mart.types:
            continue
        found = cursor.execute(
            f"select distinct as_of_date from {mart.relation} where as_of_date is not null"
        ).fetchall()
        for (date,) in found:
            dates.setdefault(date, []).append(mart.name)
    if len(dates) > 1:
        told = "; ".join(f"{', '.join(dates[date])} as of {date}" for date in sorted(dates))
        raise PublishError(
            f"the marts are not all of the same day ({told}); run `dbt build`, which makes "
            "all of them for one day"
        )


def refuse_vanished_scores(
    cursor: duckdb.DuckDBPyConnection,
    marts: Sequence[Mart],
    former: Shown | None,
    *,
    remedy: str,
) -> None:
    """Refuse a `customer_retention` without scores in the place of one that has them.

    Scores that are there and say that no model could be trained are no reason.

    Parameters
    ----------
    cursor
        A connection to the warehouse.
    marts
        What is to be published.
    former
        What the present publication shows; None where there is none.
    remedy
        How to publish all the same, the end of a sentence.

    Raises
    ------
    PublishError
        If the scores are gone.
    """
    mart = next((m for m in marts if m.unique_id == f"{_OWN}customer_retention"), None)
    if former is None or former[1] is None or mart is None:
        return
    columns = {row[0] for row in cursor.execute(f"describe {mart.relation}").fetchall()}
    if not {"model_id", "as_of_date"} <= columns:
        return
    listed = ", ".join(f"'{status}'" for status in _NOT_AMONG_SCORES)
    is_other = f"or status not in ({listed})" if "status" in columns else ""
    row = cursor.execute(
        f"""
        select count(*) filter (where model_id is not null {is_other}), max(as_of_date)
        from {mart.relation}
        """
    ).fetchone()
    assert row is not None
    if not row[0]:
        raise PublishError(
            f"{mart.name} as of {row[1]} has no scores, but the published one has those of "
            f"{former[0]}; run `dbt build`, which makes scores and marts of the same day ({remedy})"
        )


def shown_in(file: Path) -> Shown | None:
    """Tell what a published file shows; None where there is none, or none that can be read."""
    if not file.exists():
        return None
    try:
        with duckdb.connect(str(file), read_only=True) as published:
            row = published.execute(
                f"select max(as_of_date), max(model_id) from {quoted(MANIFEST)}"
            ).fetchone()
    except duckdb.Error:
        # it is replaced by one that can be read
        return None
    return None if row is None else (row[0], row[1])
