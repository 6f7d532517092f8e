"""The page: sections put into the template, with everything that they need inlined."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from holdfast import __version__
from holdfast.files import write_aside
from holdfast.registry import RegistryError
from holdfast.report._assets import asset, environment
from holdfast.report._card import card_sections
from holdfast.report._errors import ReportError
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
    from markupsafe import Markup

    from holdfast.report import _words as words
    from holdfast.report._headline import headline, lead
    from holdfast.report._health import health
    from holdfast.report._quality import quality
    from holdfast.report._retention import retention
    from holdfast.report._risk import LISTED, risk

    found_retention, found_risk, found_quality = retention(tables), risk(tables), quality(tables)
    found_health = health(tables, found_quality.champion)
    charts = {
        **found_retention.charts,
        **found_risk.charts,
        **found_quality.charts,
        **found_health.charts,
    }
    latest = tables.row("select max(as_of_date) as as_of from {customer_retention}")
    scripts = [_vega(), asset("page.js")]
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            words=words,
            project=project.manifest["metadata"].get("project_name") or "",
            as_of=latest and latest["as_of"],
            lead=lead(tables),
            headline=headline(tables),
            retention=found_retention,
            risk=found_risk,
            quality=found_quality,
            health=found_health,
            listed=LISTED,
            card=_card(project, found_quality.champion),
            definition=_definition(tables, found_quality.champion),
            bands=_bands(tables),
            read_from=tables.path.name,
            written=f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M}",
            version=__version__,
            # of these, the first holds the shop's data; the others are files of this package
            data=Markup(_json({"charts": charts, "customers": found_risk.customers})),
            policy=_policy(scripts),
            style=Markup(asset("style.css")),
            notice=Markup(asset("notice.txt")),
            vega=Markup(scripts[0]),
            script=Markup(scripts[1]),
        )
    )


def _card(project: Project, champion: Row | None) -> list[tuple[str, str]]:
    """Read the model card of the champion, as far as the warehouse still has the model."""
    if champion is None:
        return []
    try:
        return card_sections(project, champion["model_id"])
    except (RegistryError, ProjectError):
        # the page says how to get it
        return []


def _definition(tables: Tables, champion: Row | None) -> str:
    """Say when somebody is a customer, and when lost."""
    kind = None
    if tables.has("retention_metrics", "churn_definition", "is_project_definition"):
        kind = tables.row(
            "select any_value(churn_definition) as name from {retention_metrics} "
            "where is_project_definition"
        )
    days = None
    if champion is not None and tables.has("model_registry", "model_id", "parameters"):
        days = tables.row(
            "select parameters ->> '$.horizon_days' as horizon from {model_registry} "
            "where model_id = ?",
            [champion["model_id"]],
        )
    horizon = f"{days['horizon']} days" if days and days["horizon"] else "the churn horizon"
    if kind is not None and kind["name"] == "contractual":
        return (
            "Somebody is a customer while a subscription runs, and lost when it lapses. Scores "
            f"look {horizon} ahead."
        )
    return (
        f"Somebody is a customer from a purchase on, and lost when {horizon} have passed without "
        "another; who buys again is back."
        if horizon != "the churn horizon"
        else "Somebody is a customer from a purchase on, and lost when the churn horizon has "
        "passed without another; who buys again is back."
    )


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


def _json(value: Any) -> str:
    """Write JSON that cannot end the element it stands in, nor begin a comment."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(scripts: Iterable[str]) -> str:
    """Give a content security policy that runs these scripts alone and loads nothing."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _vega() -> str:
    """Give Vega, Vega-Lite and vega-embed as one script, from the package vl-convert-python."""
    import altair
    import vl_convert

    version = altair.SCHEMA_VERSION.lstrip("v").rpartition(".")[0]
    # without a snippet it is the bundle for a browser; the stub does not know that
    return str(vl_convert.javascript_bundle(vl_version=version))  # type: ignore[call-arg]
