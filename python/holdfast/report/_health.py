"""Whether the data are sound: how fresh they are, and how far they drifted since training."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import altair as alt

from holdfast.publishing import MANIFEST
from holdfast.report import _words as words
from holdfast.report._chart import Section, bars_height, labelled_bars, legend, spec
from holdfast.report._tables import Row, Tables

__all__ = ["Health", "health"]

_FEATURES = 8
_DRIFTS = {"small": "@low", "moderate": "@medium", "large": "@high"}


@dataclass
class Health(Section):
    """What the section shows: facts about freshness, and the chart of drift."""

    facts: list[tuple[str, str]] = field(default_factory=list)


def health(tables: Tables, champion: Row | None) -> Health:
    """Read and draw how sound the data are.

    Parameters
    ----------
    tables
        What a build made.
    champion
        The row of the champion in model_performance, if there is one.

    Returns
    -------
    Health
        Freshness, and the chart `drift`.
    """
    found = Health()
    _add_facts(tables, found, champion)
    _add_drift(tables, found)
    return found


def _add_facts(tables: Tables, found: Health, champion: Row | None) -> None:
    """Add the dates of the data, the scores and the model."""
    present = [
        name
        for name in ("as_of_date", "last_order_at", "scored_at")
        if tables.has("customer_retention", name)
    ]
    latest = tables.row(
        f"""
        select count(*) as customers, {", ".join(f"max({name}) as {name}" for name in present)}
        from {{customer_retention}}
        """  # noqa: S608 - names of columns that are known
    )
    if latest is None:
        return
    found.facts.append(("As of", words.day(latest.get("as_of_date"))))
    if latest.get("last_order_at"):
        days = _days(latest["last_order_at"], latest["as_of_date"])
        found.facts.append(
            ("Latest purchase", f"{words.day(latest['last_order_at'])} ({_ago(days)})")
        )
    if tables.has(MANIFEST, "published_at"):
        published = tables.row(f"select max(published_at) as at from {{{MANIFEST}}}")  # noqa: S608
        if published and published["at"]:
            found.facts.append(("Published", words.moment(published["at"])))
    if latest.get("scored_at"):
        found.facts.append(("Scores computed", words.moment(latest["scored_at"])))
    if champion is not None:
        found.facts.append(("Model trained", words.moment(champion["trained_at"])))
        found.facts.append(("Training data up to", words.day(champion["training_to"])))
    found.facts.append(("Customers", words.count(latest["customers"])))


def _add_drift(tables: Tables, found: Health) -> None:
    """Add the features that differ most from the training data."""
    if not tables.has("feature_drift", "task", "feature", "psi", "drift", "importance"):
        found.empty["drift"] = tables.absent("feature_drift")
        return
    totals = tables.row(
        """
        select
            count(psi) as features,
            count(*) filter (where drift = 'moderate') as moderate,
            count(*) filter (where drift = 'large') as large,
        from {feature_drift}
        where task = 'churn'
        """
    )
    if totals is None or not totals["features"]:
        found.empty["drift"] = (
            "There is no model yet, so there is no training data to compare with."
        )
        return
    described = tables.has("feature_registry", "feature", "description")
    description = "any_value(registry.description)" if described else "null"
    join = (
        "left join {feature_registry} as registry on registry.feature = drift.feature"
        if described
        else ""
    )
    rows = tables.rows(
        f"""
        select
            drift.feature,
            any_value(drift.psi) as psi,
            any_value(drift.drift) as drift,
            any_value(drift.importance) as importance,
            {description} as description,
        from {{feature_drift}} as drift
        {join}
        where drift.task = 'churn' and drift.psi is not null
        group by drift.feature
        order by psi desc, drift.feature
        limit {_FEATURES}
        """  # noqa: S608 - constants
    )
    for row in rows:
        row["name"] = row["description"] or words.plain_name(row["feature"])
        row["about"] = f"{row['feature']}: {row['drift']} drift"
    chart = labelled_bars(
        rows,
        x=alt.X("psi:Q", title="drift (population stability index)", axis=alt.Axis(tickCount=5)),
        name="name",
        detail="about",
        colour=alt.Color(
            "drift:N",
            scale=alt.Scale(domain=list(_DRIFTS), range=list(_DRIFTS.values())),
            legend=legend(),
        ),
        tooltip=[
            alt.Tooltip("feature:N", title="feature"),
            alt.Tooltip("description:N", title="what it is"),
            alt.Tooltip("psi:Q", format=".2f", title="drift"),
            alt.Tooltip("importance:Q", format=".3f", title="weight in the model"),
        ],
    )
    found.charts["drift"] = spec(
        chart,
        description="The features that differ most from the training data",
        height=bars_height(rows),
    )
    count, large, moderate = (
        words.count(totals[name]) for name in ("features", "large", "moderate")
    )
    found.notes["drift"] = (
        f"Of {count} features, {large} differ a lot and {moderate} moderately from the training "
        "data. Drift is not always a problem: some features simply grow with time."
    )


def _days(earlier: str, later: str) -> int:
    """Count the days from one moment to another."""
    return (dt.date.fromisoformat(later[:10]) - dt.date.fromisoformat(earlier[:10])).days


def _ago(days: int) -> str:
    """Say how many days before the as-of date."""
    return "the same day" if days == 0 else f"{days:,} {'day' if days == 1 else 'days'} before"
