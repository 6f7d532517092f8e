"""The page: sections put into the template, with everything that they need inlined."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from holdfast.files import write_aside
from holdfast.registry import RegistryError
from holdfast.report._assets import environment
from holdfast.report._card import card_parts
from holdfast.report._card_sections import Card
from holdfast.report._errors import ReportError
from holdfast.report._money import Money
from holdfast.report._shell import shell
from holdfast.report._tables import Row, Tables, open_tables
from holdfast.warehouse.project import Project, ProjectError

__all__ = ["Report", "write_report"]


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes
    ----------
    path
        The file.
    size
        Its size in bytes.
    """

    path: Path
    size: int


def write_report(project: Project, output: Path) -> Report:
    """Write the report of the last build as one HTML page that loads nothing from elsewhere.

    Parameters
    ----------
    project
        A built project, from `holdfast.warehouse.project.open_project`.
    output
        The file to write; a former one is replaced when the new one is complete.

    Returns
    -------
    Report
        Where it is, and how large.

    Raises
    ------
    ReportError
        If what the build left is not what the report reads, the libraries that draw are not
        installed, or the file cannot be written.
    holdfast.warehouse.project.ProjectError
        If the warehouse cannot be opened.

    Examples
    --------
    >>> write_report(open_project(Path("my_shop")), Path("retention.html"))  # doctest: +SKIP
    Report(path=PosixPath('retention.html'), size=1204223)
    """
    _check_libraries()
    with open_tables(project) as tables:
        if not tables.has("customer_retention", "as_of_date", "status"):
            raise ReportError(
                f"{tables.path} has no table customer_retention as this version makes it; run "
                "`dbt build` first"
            )
        try:
            html = _render(project, tables)
        except duckdb.Error as error:
            raise ReportError(
                f"{tables.path} does not hold what the last dbt command built; run `dbt build` "
                f"for this target ({str(error).splitlines()[0]})"
            ) from error
    write_aside(output, html.encode(), error=ReportError)
    return Report(output, output.stat().st_size)


def _check_libraries() -> None:
    """Say which extra is missing, if one is."""
    try:
        import altair  # noqa: F401
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise ReportError(
            f"charts need the extra `report` ({error.name} is not installed); "
            "in the folder of your clone: pip install './holdfast[report]'"
        ) from None


def _render(project: Project, tables: Tables) -> str:
    """Read all sections and fill the template."""
    from holdfast.report import _words as words
    from holdfast.report._actions import steps
    from holdfast.report._campaigns import campaigns
    from holdfast.report._fairness import fairness
    from holdfast.report._headline import assumption, headline, lead
    from holdfast.report._health import health
    from holdfast.report._issues import issues
    from holdfast.report._lifecycle import lifecycle
    from holdfast.report._offers import offers
    from holdfast.report._people import people
    from holdfast.report._population import STATES, population
    from holdfast.report._prices import prices
    from holdfast.report._quality import quality
    from holdfast.report._recommendations import recommendations
    from holdfast.report._results import results
    from holdfast.report._retention import retention
    from holdfast.report._risk import LISTED, risk
    from holdfast.report._terms import terms
    from holdfast.report._timing import OCCASIONS, timing
    from holdfast.report._value import value
    from holdfast.report._waiting import waiting
    from holdfast.report._winback import WON_BACK_LISTED, winback

    money, least = _money(project, tables), _least_group(project, tables)
    found_retention, found_quality = retention(tables), quality(tables)
    found_risk, found_lifecycle = risk(tables, money), lifecycle(tables)
    found_winback = winback(tables, money)
    found_health = health(tables, found_quality.champion)
    found_value, found_timing = value(tables, money, least), timing(tables, money, least)
    found_recommendations = recommendations(tables, money, least)
    found_waiting = waiting(tables, money, least)
    stories = (
        offers(tables, money, least),
        campaigns(tables, money),
        prices(tables, money),
        issues(tables, money, least),
    )
    sections = (
        found_retention,
        found_risk,
        found_lifecycle,
        found_quality,
        found_health,
        found_value,
        found_timing,
        *stories,
    )
    listed = (
        found_risk.customers,
        found_winback.customers,
        found_timing.customers,
        found_timing.due,
        found_recommendations.customers,
        found_waiting.customers,
    )
    found_people = people(
        tables,
        [
            *(row["id"] for each in listed for row in each.rows),
            *(row["id"] for row in found_value.best),
        ],
    )
    card = _card(project, found_quality.champion)
    charts = {name: chart for each in (*sections, card) for name, chart in each.charts.items()}
    latest = tables.row("select max(as_of_date) as as_of from {customer_retention}")
    as_of = latest and latest["as_of"]
    data = {
        "charts": charts,
        "lists": {each.name: each.as_data() for each in listed if each.rows},
        "flow": found_lifecycle.flow,
        "people": found_people.as_data(),
        "names": {"state": STATES, "occasion": OCCASIONS},
        "as_of": as_of,
        "currency": money.currency,
        "language": money.locale,
        "csv": money.csv,
    }
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            words=words,
            money=money,
            project=project.manifest["metadata"].get("project_name") or "",
            as_of=as_of,
            lead=lead(tables, money),
            assumption=assumption(tables),
            headline=headline(tables, money),
            steps=steps(
                tables,
                money,
                found_winback,
                found_timing,
                found_waiting,
                is_beaten=bool(found_quality.beaten),
            ),
            retention=found_retention,
            risk=found_risk,
            winback=found_winback,
            value=found_value,
            timing=found_timing,
            recommendations=found_recommendations,
            waiting=found_waiting,
            stories=stories,
            results=results(tables, money),
            fairness=fairness(tables),
            people=found_people,
            lifecycle=found_lifecycle,
            quality=found_quality,
            health=found_health,
            who=population(tables),
            terms=terms(tables),
            listed=LISTED,
            won_back_listed=WON_BACK_LISTED,
            card=card,
            bands=_bands(tables),
            read_from=tables.path.name,
            **shell(data, ("lists.js", "flow.js", "people.js", "page.js")),
        )
    )


def _money(project: Project, tables: Tables) -> Money:
    """Read the currency and the locale that the last dbt command was given."""
    meta = _settings(project, tables)
    return Money(meta.get("currency") or "", meta.get("locale") or "en")


def _least_group(project: Project, tables: Tables) -> int:
    """Read how many customers a group must have to be told apart."""
    # what a build of an earlier version left does not say; it is the default of the var
    return int(_settings(project, tables).get("least_group") or 10)


def _settings(project: Project, tables: Tables) -> dict[str, Any]:
    """Read the settings that the last dbt command was given, as far as it noted them."""
    if "customer_retention" not in tables.columns:
        return {}
    config = project.node("customer_retention").get("config") or {}
    return config.get("meta") or {}


def _card(project: Project, champion: Row | None) -> Card:
    """Read the model card of the champion, as far as the warehouse still has the model."""
    if champion is None:
        return Card()
    try:
        return card_parts(project, champion["model_id"])
    except (RegistryError, ProjectError):
        # the page says how to get it
        return Card()


def _bands(tables: Tables) -> dict[str, float | None]:
    """Give the lowest probability that is in each risk band."""
    if not tables.has("customer_retention", "risk_band", "churn_probability"):
        return {"high": None, "medium": None}
    rows = tables.rows(
        """
        select risk_band, min(churn_probability) as lowest
        from {customer_retention}
        where risk_band in ('high', 'medium')
        group by risk_band
        """
    )
    return {"high": None, "medium": None} | {row["risk_band"]: row["lowest"] for row in rows}
