"""`holdfast simulate`: the tables of a shop that does not exist."""

from __future__ import annotations

import argparse
import logging
from datetime import date
from pathlib import Path

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "write the tables of a simulated shop"
EXAMPLE = "holdfast simulate --output shop --customers 300 --seed 5"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command can be told."""
    parser.add_argument("--output", type=Path, required=True, help="the folder to write to")
    parser.add_argument("--customers", type=int, default=1500, help="(default: 1500)")
    parser.add_argument("--months", type=int, default=24, help="(default: 24)")
    parser.add_argument(
        "--end",
        type=date.fromisoformat,
        default=date(2026, 7, 1),
        help="the day after the last one simulated (default: 2026-07-01)",
    )
    parser.add_argument("--seed", type=int, default=7, help="(default: 7)")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace existing tables in the folder"
    )


def run(options: argparse.Namespace) -> None:
    """Write the tables, and print how many rows each has."""
    from holdfast.simulation import SimulationArgumentError, simulate_shop

    there = sorted(options.output.glob("*.parquet")) + sorted(
        options.output.glob("truth/*.parquet")
    )
    if there and not options.overwrite:
        raise SimulationArgumentError(
            f"{options.output} holds {there[0].name}"
            + (f" and {len(there) - 1} more" if len(there) > 1 else "")
            + "; write to another folder, or replace the tables there with --overwrite"
        )
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
