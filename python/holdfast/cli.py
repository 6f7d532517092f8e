"""The `holdfast` command: everything that is not `dbt build`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from holdfast import __version__, terminal
from holdfast.commands import tasks
from holdfast.errors import HoldfastError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one `holdfast` command.

    Parameters
    ----------
    arguments
        The words after `holdfast`; those of the process when None.

    Returns
    -------
    int
        The exit code: 0 done, 1 refused with a message on standard error, 2 wrong usage.

    Examples
    --------
    >>> main(["simulate", "--customers", "0", "--output", "shop"])
    1
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        _COMMANDS[options.command](options)
    except (HoldfastError, PermissionError, FileNotFoundError) as error:
        print(f"holdfast {options.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # the reader has seen enough, as in `holdfast summary | head`
        sys.stderr.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    parser = argparse.ArgumentParser(prog="holdfast", description=__doc__)
    parser.add_argument("--version", action="version", version=f"holdfast {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    summary = commands.add_parser(
        "summary", help="show what the last dbt build of this project made, and who is most at risk"
    )
    _add_project(summary)
    summary.add_argument(
        "--customers", type=int, default=10, help="how many customers to list (default: 10)"
    )

    report = commands.add_parser(
        "report", help="write what the last dbt build found as one HTML page"
    )
    report.add_argument(
        "--output",
        type=Path,
        default=Path("retention.html"),
        help="the file to write (default: retention.html)",
    )
    _add_project(report)

    simulate = commands.add_parser("simulate", help="write the tables of a simulated shop")
    simulate.add_argument("--output", type=Path, required=True, help="the folder to write to")
    simulate.add_argument("--customers", type=int, default=1500, help="(default: 1500)")
    simulate.add_argument("--months", type=int, default=24, help="(default: 24)")
    simulate.add_argument(
        "--end",
        type=date.fromisoformat,
        default=date(2026, 7, 1),
        help="the day after the last one simulated (default: 2026-07-01)",
    )
    simulate.add_argument("--seed", type=int, default=7, help="(default: 7)")

    features = commands.add_parser("features", help="show the features of this project")
    actions = features.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list all features")
    listing.add_argument("--view", help="only those of this feature view")
    about = actions.add_parser("describe", help="tell everything about one feature")
    about.add_argument("name", metavar="NAME", help="its name, or view.name")
    for action in (listing, about):
        _add_project(action)

    tasks.add_arguments(commands.add_parser("tasks", help=tasks.HELP))
    _add_models(commands)
    _add_publish(commands)
    _add_score(commands)

    forget = commands.add_parser(
        "forget", help="remove customers from all that was built, and keep them out"
    )
    forget.add_argument("customer_ids", metavar="CUSTOMER_ID", nargs="+")
    forget.add_argument("--dry-run", action="store_true", help="only count what would go")
    _add_project(forget)

    backtest = commands.add_parser(
        "backtest", help="train at past dates on what was known then, and compare with what came"
    )
    _add_project(backtest)
    backtest.add_argument("--task", default="churn", help="(default: churn)")
    backtest.add_argument(
        "--last", type=int, default=6, help="how many observation dates to replay (default: 6)"
    )
    backtest.add_argument(
        "--output", type=Path, help="a .csv or .parquet file to write the figures to as well"
    )
    return parser


def _add_project(command: argparse.ArgumentParser) -> None:
    """Let a command say which project it works on."""
    command.add_argument(
        "--project-dir", type=Path, default=Path(), help="the dbt project (default: here)"
    )
    command.add_argument("--target", help="the target of the profile (default: the profile's own)")


def _add_models(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parser of `holdfast models`."""
    models = commands.add_parser("models", help="show, change and export the trained models")
    actions = models.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list all models, the champion first")
    listing.add_argument("--task", help="only those of this task")
    show = actions.add_parser("show", help="tell everything about one model")
    promote = actions.add_parser("promote", help="make a model the champion of its task")
    rollback = actions.add_parser("rollback", help="make the former champion champion again")
    rollback.add_argument("--task", default="churn", help="(default: churn)")
    export = actions.add_parser("export", help="write a model's ONNX file, or its SQL")
    export.add_argument("--format", choices=("onnx", "sql"), default="onnx", help="(default: onnx)")
    export.add_argument(
        "--dialect",
        default="duckdb",
        help="of the SQL: duckdb, spark, postgres, snowflake or bigquery (default: duckdb)",
    )
    export.add_argument(
        "--relation",
        default="customer_features",
        help="what the SQL selects from (default: customer_features)",
    )
    for action in (show, promote, export):
        action.add_argument("model_id", metavar="MODEL_ID", help="its id, or the beginning of it")
    card = actions.add_parser("card", help="write a model card as an HTML file")
    card.add_argument(
        "model_id", metavar="MODEL_ID", nargs="?", help="its id (default: the champion of churn)"
    )
    for action in (export, card):
        action.add_argument("--output", type=Path, required=True, help="the file to write")
    for action in (listing, show, promote, rollback, export, card):
        _add_project(action)


def _add_publish(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parser of `holdfast publish`."""
    publish = commands.add_parser(
        "publish", help="publish the marts for BI tools, as a build does at its end"
    )
    publish.add_argument("--output", type=Path, help="the DuckDB file (default: that of the build)")
    publish.add_argument(
        "--postgres",
        metavar="DSN",
        nargs="?",
        const="",
        help="publish to Postgres instead; without a DSN the environment's HOLDFAST_POSTGRES_DSN",
    )
    publish.add_argument(
        "--schema", default="holdfast", help="the schema in Postgres (default: holdfast)"
    )
    _add_project(publish)


def _add_score(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parser of `holdfast score`."""
    score = commands.add_parser("score", help="score a Parquet or CSV file of any size")
    score.add_argument("--input", type=Path, required=True, help="a .parquet or .csv file")
    score.add_argument("--output", type=Path, required=True, help="the .parquet or .csv to write")
    score.add_argument("--model", metavar="MODEL_ID", help="its id (default: the champion)")
    score.add_argument("--task", default="churn", help="whose champion scores (default: churn)")
    score.add_argument("--overwrite", action="store_true", help="replace a former output")
    _add_project(score)


def _summary(options: argparse.Namespace) -> None:
    from holdfast.summary import summarise

    print(
        summarise(options.project_dir, target=options.target, customers=options.customers),
        flush=True,
    )


def _report(options: argparse.Namespace) -> None:
    from holdfast.project import open_project
    from holdfast.report import write_report

    project = open_project(options.project_dir, target=options.target)
    report = write_report(project, options.output)
    print(
        f"Wrote {report.path.resolve()} ({report.size / 1e6:.1f} MB); open it in a browser.",
        flush=True,
    )


def _simulate(options: argparse.Namespace) -> None:
    from holdfast.simulation import simulate_shop

    counts = simulate_shop(
        options.output,
        customers=options.customers,
        months=options.months,
        end=options.end,
        seed=options.seed,
        progress=logging.getLogger("holdfast.simulation").info,
    )
    for table, rows in counts.items():
        print(f"{table:24} {rows:>14,}")


def _features(options: argparse.Namespace) -> None:
    from holdfast.features import FeatureStore

    with FeatureStore.from_project(options.project_dir, target=options.target) as store:
        if options.action == "describe":
            feature = store.describe_feature(options.name)
            facts = {
                "feature": feature.name,
                "feature view": feature.feature_view,
                "description": feature.description,
                "expression": feature.sql,
                "window": feature.window,
                "type": feature.dtype,
                "NULL": terminal.percent(feature.null_rate),
                "mean": _value(feature.mean),
                "min": _value(feature.min),
                "max": _value(feature.max),
                "built up to": feature.freshness and str(feature.freshness),
                "used by": ", ".join(feature.used_by),
            }
            rows = [(fact, " ".join((value or "-").split())) for fact, value in facts.items()]
            print(terminal.table(rows, right=(), header=False), flush=True)
            return
        table = [("feature", "feature view", "type", "window", "NULL", "mean", "description")]
        for feature in store.list_features(options.view):
            table.append(
                (
                    feature.name,
                    feature.feature_view,
                    feature.dtype,
                    feature.window or "-",
                    terminal.percent(feature.null_rate),
                    _value(feature.mean),
                    " ".join((feature.description or "-").split()),
                )
            )
        print(terminal.table(table, right=(4, 5)), flush=True)


def _models(options: argparse.Namespace) -> None:
    from holdfast import models
    from holdfast.models import describe_change, describe_model, describe_models
    from holdfast.project import open_project

    project = open_project(options.project_dir, target=options.target)
    if options.action == "list":
        text = describe_models(models.list_models(project, task=options.task))
    elif options.action == "show":
        text = describe_model(models.find_model(project, options.model_id))
    elif options.action == "promote":
        text = describe_change(models.promote(project, options.model_id))
    elif options.action == "rollback":
        text = describe_change(models.rollback(project, task=options.task))
    elif options.action == "export" and options.format == "sql":
        model, length = models.export_sql(
            project,
            options.model_id,
            options.output,
            dialect=options.dialect,
            relation=options.relation,
        )
        text = (
            f"Wrote the {model.algorithm} {model.model_id} to {options.output}:"
            f" {length:,} characters of SQL."
        )
    elif options.action == "export":
        model = models.export_model(project, options.model_id, options.output)
        text = f"Wrote the {model.algorithm} {model.model_id} to {options.output}."
    else:
        model = models.write_card(project, options.output, options.model_id)
        text = f"Wrote the model card of {model.algorithm} {model.model_id} to {options.output}."
    print(text, flush=True)


def _backtest(options: argparse.Namespace) -> None:
    from holdfast.backtest import (
        backtest_project,
        check_output,
        describe_backtest,
        write_table,
    )
    from holdfast.project import open_project

    if options.output is not None:
        check_output(options.output)
    # each date is a training run of its own; only what it warns of is of interest
    logging.getLogger("holdfast.training").setLevel(logging.WARNING)
    project = open_project(options.project_dir, target=options.target)
    figures = backtest_project(project, task=options.task, last=options.last)
    print(describe_backtest(figures), flush=True)
    if options.output is not None:
        write_table(figures, options.output)


def _publish(options: argparse.Namespace) -> None:
    from holdfast import publishing
    from holdfast.project import open_project

    project = open_project(options.project_dir, target=options.target)
    if options.postgres is None:
        print(publishing.publish_project(project, options.output), flush=True)
        return
    dsn = options.postgres or os.environ.get("HOLDFAST_POSTGRES_DSN", "")
    if not dsn:
        raise publishing.PublishError(
            "name the server: --postgres DSN, or the environment's HOLDFAST_POSTGRES_DSN"
        )
    counts = publishing.publish_project_to_postgres(project, dsn, schema=options.schema)
    print(
        f"Published {len(counts)} tables ({sum(counts.values()):,} rows) to the schema "
        f"{options.schema} in Postgres",
        flush=True,
    )


def _forget(options: argparse.Namespace) -> None:
    from holdfast.forgetting import forget_customers
    from holdfast.project import open_project

    project = open_project(options.project_dir, target=options.target)
    done = forget_customers(project, options.customer_ids, dry_run=options.dry_run)
    table = [("table", "rows"), *((name, f"{rows:,}") for name, rows in done.rows.items())]
    print("Would remove:" if options.dry_run else "Removed:")
    print(terminal.table(table, left=1))
    if done.unknown:
        print(f"No table knows {', '.join(done.unknown)}.")
    if done.elsewhere:
        print(f"Still in tables of your own: {', '.join(done.elsewhere)}. Remove them there, too.")
    if done.publication is not None:
        print(done.publication)
    sys.stdout.flush()


def _score(options: argparse.Namespace) -> None:
    from holdfast.models import score_project_file
    from holdfast.project import open_project

    model, count = score_project_file(
        open_project(options.project_dir, target=options.target),
        options.input,
        options.output,
        task=options.task,
        model_id=options.model,
        overwrite=options.overwrite,
    )
    print(f"Scored {count:,} rows to {options.output} with {model.algorithm} {model.model_id}.")


def _value(value: float | None) -> str:
    """Write a number short, or a dash where it is not known."""
    return "-" if value is None else f"{value:,.6g}"


_COMMANDS = {
    "summary": _summary,
    "report": _report,
    "simulate": _simulate,
    "features": _features,
    "models": _models,
    "backtest": _backtest,
    "publish": _publish,
    "forget": _forget,
    "score": _score,
    "tasks": tasks.run,
}


if __name__ == "__main__":
    sys.exit(main())
