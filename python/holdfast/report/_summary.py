"""What a build made, told on the terminal: where it is, how good the model is, whom to keep."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from holdfast import terminal
from holdfast.registry import COMPARED_STAGES, Stage, defeats
from holdfast.warehouse.project import Project, ProjectError, open_project
from holdfast.warehouse.quoting import text as literal

__all__ = ["summarise"]

# the folders of models/ in the order in which data passes through them
_PHASES = {
    "inputs": "inputs",
    "population": "population",
    "features": "features",
    "customers": "what customers did",
    "systems": "labels, training, scores",
    "registry": "models and their figures",
    "marts": "marts",
    "semantic": "marts",
}


def _decimals(digits: int) -> Callable[[float | None], str]:
    """Give what writes a number with so many decimals."""
    return lambda value: terminal.number(value, digits)


def _signed(value: float | None) -> str:
    """Write a share as a difference, in percent."""
    return "-" if value is None else f"{100 * value:+.1f} %"


# heading, column of model_performance and how it is written
_FIGURES: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "AUROC": ("auroc", _decimals(3)),
    "log loss": ("log_loss", _decimals(3)),
    "top-decile lift": ("top_decile_lift", _decimals(2)),
    "ECE": ("expected_calibration_error", _decimals(3)),
    "predicted": ("mean_probability", terminal.percent),
    "observed": ("base_rate", terminal.percent),
}
# of a task that predicts a number
_FIGURES_OF_VALUES: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "RMSE": ("rmse", _decimals(2)),
    "MAE": ("mae", _decimals(2)),
    "R2": ("r2", _decimals(3)),
    "Gini": ("gini", _decimals(3)),
    "top-decile lift": ("top_decile_lift", _decimals(2)),
    "predicted": ("mean_prediction", _decimals(2)),
    "observed": ("mean_label", _decimals(2)),
}
_FIGURES_OF_TOTALS: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "Gini": ("gini", _decimals(3)),
    "MAE": ("mae", _decimals(2)),
    "total": ("total_error", _signed),
    "total raw": ("total_error_raw", _signed),
    "held by 80 %": ("coverage_80", terminal.percent),
}

_FIGURES_OF_LISTS: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "hit": ("hit_rate_at_10", terminal.percent),
    "recall": ("recall_at_10", terminal.percent),
    "NDCG": ("ndcg_at_10", _decimals(3)),
}
# tasks whose scores nobody acts on: customer_value and product_recommendations are made of them
_MADE_INTO_OTHERS = ("future_orders", "future_spend", "recommendation")


def summarise(
    directory: Path,
    *,
    target: str | None = None,
    target_path: Path | None = None,
    customers: int = 10,
    everybody: bool = False,
) -> str:
    """Tell what the last build of a dbt project with Holdfast made.

    Parameters
    ----------
    directory
        The folder of `dbt_project.yml`.
    target
        The target of the dbt profile; its default when None.
    target_path
        Where the build wrote its artifacts, if it was given `--target-path`.
    customers
        How many customers to list.
    everybody
        List everybody with a score by probability, the lapsed among them, instead of those who
        can still be kept by value at risk.

    Returns
    -------
    str
        Text for a terminal: the tables, the models' evaluation, how many customers can still be
        kept and what is at risk, whom to act on first and why, who may be won back, and the time
        of each phase of the build.

    Raises
    ------
    holdfast.warehouse.project.ProjectError
        If the project was not built or the warehouse cannot be read.
    """
    if customers < 1:
        raise ProjectError(f"the number of customers to list must be 1 or more; got {customers}")
    project = open_project(directory, target=target, target_path=target_path)
    with project.connect() as connection:
        try:
            parts = [
                _where(project, connection),
                _models(project, connection),
                _keepable(project, connection),
                (_scored if everybody else _to_keep)(project, connection, customers),
                _win_back(project, connection),
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
    """Show every model of the last training and the baselines, those of churn first."""
    missing = _missing(project, connection)
    of_churn = "\n\n".join(filter(None, (missing, _models_of(project, connection, "churn"))))
    if not of_churn:
        of_churn = (
            "No model yet: there is too little mature history to train one and to test it. "
            "`dbt build` says what is missing."
        )
    others = _fetch(
        connection,
        f"""
        select distinct task from {project.relation("model_registry")}
        where task not in ('churn', {", ".join(map(literal, _MADE_INTO_OTHERS))}) order by task
        """,  # noqa: S608 - the relation is dbt's own, quoted
    )
    parts = [of_churn, *(_models_of(project, connection, task) for (task,) in others)]
    parts += [_value(project, connection), _recommendations(project, connection)]
    return "\n\n".join(part for part in parts if part)


def _models_of(project: Project, connection: duckdb.DuckDBPyConnection, task: str) -> str:
    """Show the models of a task on the months they had not seen, and the champion's live figures.

    Returns nothing where none was tested.
    """
    stages = ", ".join(literal(stage.value) for stage in COMPARED_STAGES)
    # parameters would have DuckDB load pandas, which takes longer than all of this
    found = connection.execute(
        f"""
        select *
        from {project.relation("model_performance")}
        where task = {literal(task)} and stage in ({stages})
            and (split = 'test' or stage = 'champion')
        order by stage = 'champion' desc, stage = 'baseline', algorithm
        """,  # noqa: S608 - the relation is dbt's own, quoted
    )
    names = [column for column, *_ in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    tested = [row for row in rows if row["split"] == "test"]
    if not tested:
        return ""
    figures = _FIGURES if tested[0]["rmse"] is None else _FIGURES_OF_VALUES
    name, count = task.replace("_", " ").capitalize(), tested[0]["row_count"]
    scorer = next((row for row in tested if row["stage"] in (Stage.CHAMPION, Stage.FALLBACK)), None)
    heading = f"{name} on held-out months ({count:,} rows that no model had seen"
    heading += f"; {_dates(project, connection, scorer)}):\n" if scorer else "):\n"
    text = heading + _compared(tested, figures)
    kept = tested[0]["keepable_row_count"]
    # where churn is contractual nobody else is asked about
    if kept not in (None, count) and figures is _FIGURES:
        text += (
            f"\n\nThe same for the {kept:,} rows of customers who could still be kept:\n"
            + _compared(tested, figures, prefix="keepable_")
        )
    champion = next((row for row in tested if row["stage"] == Stage.CHAMPION), None)
    beaten = defeats(
        champion or {},
        [(row["algorithm"], row) for row in tested if row["stage"] == Stage.BASELINE],
        target="classification" if figures is _FIGURES else "regression",
    )
    if beaten:
        text += (
            "\n\nDO NOT ACT ON THESE SCORES YET: the champion is no better than a simple rule:\n  "
            + "\n  ".join(map(str, beaten))
        )
    for row in rows:
        if row["split"] == "live":
            told = ", ".join(
                f"{name} {write(row[column])}"
                for name, (column, write) in figures.items()
                if name not in ("top-decile lift", "ECE")
            )
            text += f"\n\nThe champion's {row['row_count']:,} scores whose horizon is over: {told}."
    return text


def _value(project: Project, connection: duckdb.DuckDBPyConnection) -> str:
    """Set the models of customer_value beside each other; nothing where none was compared."""
    rows = _judged(project, connection, "value_orders", "value_spend")
    if not rows:
        return ""
    table = [("expected", "model", "stage", *_FIGURES_OF_TOTALS)]
    table += [
        (
            row["task"].removeprefix("value_"),
            row["algorithm"],
            row["stage"],
            *(write(row[column]) for column, write in _FIGURES_OF_TOTALS.values()),
        )
        for row in rows
    ]
    return (
        f"Customer value, the next 90 days on held-out months ({rows[0]['row_count']:,} rows; "
        "customer_value shows the champions):\n" + terminal.table(table, left=3)
    )


def _recommendations(project: Project, connection: duckdb.DuckDBPyConnection) -> str:
    """Set the lists of ten products beside each other; nothing where none was judged."""
    rows = _judged(project, connection, "product_recommendations")
    if not rows:
        return ""
    return (
        f"Ten recommended products on held-out weeks ({rows[0]['row_count']:,} customers who "
        "bought something):\n" + _compared(rows, _FIGURES_OF_LISTS)
    )


def _judged(
    project: Project, connection: duckdb.DuckDBPyConnection, *tasks: str
) -> list[dict[str, Any]]:
    """Give what was judged beside simple rules, the champion of each task first."""
    found = connection.execute(
        f"""
        select * from {project.relation("model_performance")}
        where task in ({", ".join(map(literal, tasks))}) and split = 'test'
        order by task, stage = 'champion' desc, stage = 'baseline', algorithm
        """  # noqa: S608 - the relation is dbt's own, quoted
    )
    names = [column for column, *_ in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _dates(project: Project, connection: duckdb.DuckDBPyConnection, scorer: dict[str, Any]) -> str:
    """Tell from how many observation dates what scores, or its twin, has learned."""
    ((parameters,),) = connection.execute(
        f"select parameters from {project.relation('model_registry')} where model_id = ?",  # noqa: S608
        [scorer["evaluated_as"] or scorer["model_id"]],
    ).fetchall()
    split = json.loads(parameters)["split"]
    learned = (
        f"learned from {len(split['training'])} date{'' if len(split['training']) == 1 else 's'}"
    )
    if split.get("customers_below"):
        return f"{learned}, tested on other customers on the same, not on later ones yet"
    return f"{learned}, tested on {len(split['test'])}"


def _missing(project: Project, connection: duckdb.DuckDBPyConnection) -> str:
    """Tell that a fallback scores churn, and what is missing for a model; nothing where none does.

    The fallback may not have been tested yet, and then stands in no table of figures.
    """
    rows = _fetch(
        connection,
        f"""
        select stage, algorithm, parameters from {project.relation("model_registry")}
        where task = 'churn' and stage in ('champion', 'fallback')
        order by stage
        """,  # noqa: S608 - the relation is dbt's own, quoted
    )
    # somebody may have promoted a former champion meanwhile
    if not rows or rows[0][0] == Stage.CHAMPION:
        return ""
    _, algorithm, parameters = rows[0]
    return (
        f"No trained model yet, so the simple rule {algorithm} scores. "
        f"Missing: {json.loads(parameters)['missing']}."
    )


def _compared(
    rows: Sequence[Mapping[str, Any]],
    figures: Mapping[str, tuple[str, Callable[[float | None], str]]],
    prefix: str = "",
) -> str:
    """Lay out the figures of models below each other."""
    table = [("model", "stage", *figures)]
    table += [
        (
            row["algorithm"],
            row["stage"],
            *(write(row[prefix + name]) for name, write in figures.values()),
        )
        for row in rows
    ]
    return terminal.table(table, left=2)


def _keepable(project: Project, connection: duckdb.DuckDBPyConnection) -> str:
    """Count those who can still be kept, and what is at risk, by risk band."""
    rows = _fetch(
        connection,
        f"""
        select
            max(as_of_date) over () as as_of_date,
            coalesce(risk_band, 'not scored') as band,
            count(*) as customers,
            sum(revenue_365d) as revenue,
            sum(value_at_risk) as value_at_risk,
            (select count(*) from {project.relation("customer_retention")}) as everybody,
        from {project.relation("customer_retention")}
        where is_keepable
        group by as_of_date, risk_band
        order by list_position(['high', 'medium', 'low', 'not scored'], band)
        """,  # noqa: S608 - the relation is dbt's own, quoted
    )
    if not rows:
        return ""
    table = [("risk", "customers", "revenue 365d", "value at risk")]
    table += [
        (band, f"{count:,}", terminal.number(revenue, 2), terminal.number(at_risk, 2))
        for _, band, count, revenue, at_risk, _ in rows
    ]
    kept = sum(count for _, _, count, *_ in rows)
    return (
        f"{kept:,} of {rows[0][-1]:,} customers can still be kept, as of {rows[0][0]} (value at "
        "risk: probability of churn times the spend expected in the next 365 days):\n"
        + terminal.table(table, left=1)
    )


def _to_keep(project: Project, connection: duckdb.DuckDBPyConnection, customers: int) -> str:
    """List whom to act on first: those who can be kept and are at risk, by value at risk."""
    return _list(
        project,
        connection,
        customers,
        heading="Act on these first, by value at risk (high and medium risk only)",
        nobody="Nobody who can still be kept is at high or medium risk.",
        where="is_keepable and risk_band in ('high', 'medium')",
        order="value_at_risk desc nulls last, churn_probability desc, customer_id",
    )


def _scored(project: Project, connection: duckdb.DuckDBPyConnection, customers: int) -> str:
    """List everybody with a score, by probability."""
    return _list(
        project,
        connection,
        customers,
        heading="Everybody with a score, by probability of churn, the lapsed among them",
        nobody="",
        where="churn_probability is not null",
        order="churn_probability desc, customer_id",
    )


def _list(
    project: Project,
    connection: duckdb.DuckDBPyConnection,
    customers: int,
    *,
    heading: str,
    nobody: str,
    where: str,
    order: str,
) -> str:
    """List customers with their reasons in words, and what to do."""
    relation = project.relation("customer_retention")
    scored = _fetch(connection, f"select count(churn_probability) from {relation}")[0][0]  # noqa: S608 - quoted
    if not scored:
        return ""
    rows = _fetch(
        connection,
        f"""
        select
            customer_id, lifecycle_state, churn_probability, coalesce(risk_band, ''),
            value_at_risk, coalesce(suggested_action, ''),
            concat_ws(' · ', reason_1, reason_2, reason_3)
        from {relation}
        where {where}
        order by {order}
        limit {int(customers)}
        """,  # noqa: S608 - the relation is dbt's own, quoted, and the conditions are constant
    )
    if not rows:
        return nobody
    table = [("customer", "state", "probability", "risk", "value at risk", "what to do", "why")]
    table += [
        (
            str(customer),
            state.replace("_", " "),
            terminal.percent(probability),
            band,
            terminal.number(at_risk, 2),
            action,
            why,
        )
        for customer, state, probability, band, at_risk, action, why in rows
    ]
    return f"{heading}:\n" + terminal.table(table, right=(2, 4))


def _win_back(project: Project, connection: duckdb.DuckDBPyConnection) -> str:
    """Say how many have lapsed, and how many of them are expected to return."""
    lapsed, scored, expected = _fetch(
        connection,
        f"""
        select count(*), count(return_probability), sum(return_probability)
        from {project.relation("customer_retention")}
        where lifecycle_state = 'lapsed'
        """,  # noqa: S608 - the relation is dbt's own, quoted
    )[0]
    if not lapsed:
        return ""
    told = f"Win-back: {lapsed:,} customers have lapsed."
    if scored:
        told += (
            f" Of {scored:,} with a score, about {expected:,.0f} can be expected to buy again "
            "within the horizon; customer_retention has them, with return_probability."
        )
    return told


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
        elif kind in ("model", "seed", "snapshot"):
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
