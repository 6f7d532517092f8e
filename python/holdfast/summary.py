"""What a build made, told on the terminal: where it is, how good the model is, who is at risk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from holdfast import terminal
from holdfast.project import Project, ProjectError, open_project

__all__ = ["summarise"]

# the folders of models/ in the order in which data passes through them
_PHASES = {
    "staging": "staging",
    "features": "features",
    "churn": "labels, training, scores",
    "monitoring": "evaluation",
    "marts": "marts",
}


def summarise(directory: Path, *, target: str | None = None, customers: int = 10) -> str:
    """Tell what the last build of a dbt project with Holdfast made.

    Parameters
    ----------
    directory
        The folder of `dbt_project.yml`.
    target
        The target of the dbt profile; its default when None.
    customers
        How many customers most at risk to list.

    Returns
    -------
    str
        Text for a terminal: the tables, the models' evaluation, the customers most at risk with
        probability and reasons, and the time of each phase of the build.

    Raises
    ------
    holdfast.project.ProjectError
        If the project was not built or the warehouse cannot be read.
    """
    if customers < 1:
        raise ProjectError(f"the number of customers to list must be 1 or more; got {customers}")
    project = open_project(directory, target=target)
    with project.connect() as connection:
        try:
            parts = [
                _where(project, connection),
                _models(project, connection),
                _at_risk(project, connection, customers),
                _times(project),
            ]
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise ProjectError(
                f"{project.warehouse} does not hold what the last dbt command built; run "
                f"`dbt build` for this target ({str(error).splitlines()[0]})"
            ) from None
    return "\n\n".join(part for part in parts if part) + "\n"


def _where(project: Project, connection: duckdb.DuckDBPyConnection) -> str:
    """Name the warehouse and the tables to open first."""
    lines = [f"Warehouse: {project.warehouse}"]
    for model in ("customer_retention", "churn_scores_latest", "model_performance"):
        relation = project.relation(model)
        (rows,) = _fetch(connection, f"select count(*) from {relation}")[0]  # noqa: S608 - quoted
        lines.append(f"  {relation:58} {rows:>9,} rows")
    return "\n".join(lines)


def _models(project: Project, connection: duckdb.DuckDBPyConnection) -> str:
    """Show every model of the last training and the baseline on the months they had not seen."""
    rows = _fetch(
        connection,
        f"""
        select
            algorithm, stage, auroc, log_loss, top_decile_lift, expected_calibration_error,
            mean_probability, base_rate, row_count, model_id
        from {project.relation("model_performance")}
        where task = 'churn' and split = 'test' and stage not in ('archived', 'evaluated')
        order by stage = 'champion' desc, stage = 'baseline', algorithm
        """,  # noqa: S608 - the relation is dbt's own, quoted
    )
    if not rows:
        return (
            "No model yet: there is too little mature history to train one and to test it. "
            "`dbt build` says what is missing."
        )
    table = [
        ("model", "stage", "AUROC", "log loss", "top-decile lift", "ECE", "predicted", "observed")
    ]
    for algorithm, stage, auroc, loss, lift, ece, predicted, observed, *_ in rows:
        table.append(
            (
                algorithm,
                stage,
                terminal.number(auroc, 3),
                terminal.number(loss, 3),
                terminal.number(lift, 2),
                terminal.number(ece, 3),
                terminal.percent(predicted),
                terminal.percent(observed),
            )
        )
    heading = f"Churn on held-out months ({rows[0][8]:,} rows that no model had seen):\n"
    return heading + terminal.table(table, left=2) + _live(project, connection)


def _live(project: Project, connection: duckdb.DuckDBPyConnection) -> str:
    """Tell how good the champion's own scores were, as far as their horizon is over."""
    rows = _fetch(
        connection,
        f"""
        select row_count, auroc, log_loss, mean_probability, base_rate
        from {project.relation("model_performance")}
        where task = 'churn' and split = 'live' and stage = 'champion'
        """,  # noqa: S608 - the relation is dbt's own, quoted
    )
    if not rows:
        return ""
    count, auroc, loss, predicted, observed = rows[0]
    return (
        f"\n\nThe champion's {count:,} scores whose horizon is over: "
        f"AUROC {terminal.number(auroc, 3)}, log loss {terminal.number(loss, 3)}, "
        f"predicted {terminal.percent(predicted)}, observed {terminal.percent(observed)}."
    )


def _at_risk(project: Project, connection: duckdb.DuckDBPyConnection, customers: int) -> str:
    """List the customers most at risk, with their reasons in words."""
    rows = _fetch(
        connection,
        f"""
        select
            customer_id, churn_probability, risk_band, revenue_365d,
            concat_ws('; ', reason_1, reason_2, reason_3), as_of_date
        from {project.relation("customer_retention")}
        where status = 'scored'
        order by churn_probability desc, customer_id
        limit {int(customers)}
        """,  # noqa: S608 - the relation is dbt's own, quoted
    )
    if not rows:
        return ""
    table = [("customer", "probability", "risk", "revenue 365d", "why")]
    for customer, probability, band, revenue, why, _ in rows:
        table.append(
            (str(customer), terminal.percent(probability), band, terminal.number(revenue, 2), why)
        )
    return f"Most at risk as of {rows[0][5]}:\n" + terminal.table(table, right=(1, 3))


def _times(project: Project) -> str:
    """Show the seconds of each phase of the last dbt command, models and tests apart."""
    seconds = dict.fromkeys(_PHASES.values(), 0.0)
    tests = others = 0.0
    for result in project.run_results["results"]:
        kind, package, *_ = result["unique_id"].split(".")
        node = project.manifest["nodes"].get(result["unique_id"], {})
        folder = (node.get("fqn") or ["", ""])[1]
        if kind in ("test", "unit_test"):
            tests += result["execution_time"]
        elif kind == "model" and package == "holdfast" and folder in _PHASES:
            seconds[_PHASES[folder]] += result["execution_time"]
        else:
            others += result["execution_time"]
    table = [(phase, f"{value:6.1f} s") for phase, value in seconds.items()]
    table += [("your own models and seeds", f"{others:6.1f} s")] if others else []
    table += [("data tests", f"{tests:6.1f} s")]
    table += [("whole command", f"{project.run_results['elapsed_time']:6.1f} s")]
    return (
        "Time of the last dbt command, by phase (phases overlap on several threads):\n"
        + terminal.table(table, right=(1,), header=False)
    )


def _fetch(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """Run a query and give its rows."""
    return connection.execute(sql).fetchall()
