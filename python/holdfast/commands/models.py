"""`holdfast models`: show, change, export and describe the trained models."""

from __future__ import annotations

import argparse
from pathlib import Path

from holdfast.commands._options import add_action, add_project, add_task, project_of

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "show, change and export the trained models"
EXAMPLE = "holdfast models list --task churn"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions of the command, and what each can be told."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = add_action(
        actions, "list", "list all models, the champion first", "holdfast models list --task churn"
    )
    listing.add_argument("--task", help="only those of this task")
    show = add_action(
        actions, "show", "show everything about one model", "holdfast models show 3f2a"
    )
    promote = add_action(
        actions, "promote", "make a model the champion of its task", "holdfast models promote 3f2a"
    )
    rollback = add_action(
        actions,
        "rollback",
        "make the former champion champion again",
        "holdfast models rollback --task churn",
    )
    add_task(rollback)
    export = add_action(
        actions,
        "export",
        "write a model's ONNX file, or its SQL",
        "holdfast models export 3f2a --format sql --dialect postgres --output churn.sql",
    )
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
        action.add_argument("model_id", metavar="MODEL_ID", help="model id, or the beginning of it")
    card = add_action(
        actions,
        "card",
        "write a model card as an HTML file",
        "holdfast models card --output churn.html",
    )
    card.add_argument(
        "model_id", metavar="MODEL_ID", nargs="?", help="model id (default: the champion of churn)"
    )
    for action in (export, card):
        action.add_argument("--output", type=Path, required=True, help="the file to write")
    for action in (listing, show, promote, rollback, export, card):
        add_project(action)


def run(options: argparse.Namespace) -> None:
    """Do what was asked, and say what was done."""
    from holdfast import registry
    from holdfast.registry import describe_change, describe_model, describe_models

    project = project_of(options)
    if options.action == "list":
        text = describe_models(registry.list_models(project, task=options.task))
    elif options.action == "show":
        text = describe_model(registry.find_model(project, options.model_id))
    elif options.action == "promote":
        text = describe_change(registry.promote(project, options.model_id))
    elif options.action == "rollback":
        text = describe_change(registry.rollback(project, task=options.task))
    elif options.action == "export" and options.format == "sql":
        model, length = registry.export_sql(
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
        model = registry.export_model(project, options.model_id, options.output)
        text = f"Wrote the {model.algorithm} {model.model_id} to {options.output}."
    else:
        from holdfast.report import write_card

        model = write_card(project, options.output, options.model_id)
        text = f"Wrote the model card of {model.algorithm} {model.model_id} to {options.output}."
    print(text, flush=True)
