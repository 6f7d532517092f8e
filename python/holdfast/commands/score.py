"""`holdfast score`: a file scored by a model of this project."""

from __future__ import annotations

import argparse
from pathlib import Path

from holdfast.commands._options import add_project, add_task, project_of

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "score a Parquet or CSV file of any size"
EXAMPLE = "holdfast score --input new.parquet --output scores.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command can be told."""
    parser.add_argument("--input", type=Path, required=True, help="a .parquet or .csv file")
    parser.add_argument("--output", type=Path, required=True, help="the .parquet or .csv to write")
    parser.add_argument("--model", metavar="MODEL_ID", help="model id (default: the champion)")
    add_task(parser, "whose champion scores (default: churn)")
    parser.add_argument("--overwrite", action="store_true", help="replace a former output")
    add_project(parser)


def run(options: argparse.Namespace) -> None:
    """Score the file, and say with which model."""
    from holdfast.registry import score_project_file

    model, count = score_project_file(
        project_of(options),
        options.input,
        options.output,
        task=options.task,
        model_id=options.model,
        overwrite=options.overwrite,
    )
    print(f"Scored {count:,} rows to {options.output} with {model.algorithm} {model.model_id}.")
