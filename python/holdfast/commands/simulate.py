"""`holdfast simulate`: the tables of a shop that does not exist."""

from __future__ import annotations

import argparse
import logging
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.simulation import ShopArguments

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
        "--wave",
        type=date.fromisoformat,
        metavar="DAY",
        help="plant a wave: from this day on, a new kind of issue fills support tickets for a week",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace existing tables in the folder"
    )
    parser.add_argument(
        "--continue",
        dest="contacts",
        type=Path,
        metavar="FILE",
        help="play the shop in the folder on for a month, with the contacts in a Parquet or CSV "
        "file, or in the table contact_list of a published file or warehouse",
    )


def run(options: argparse.Namespace) -> None:
    """Write the tables, and print how many rows each has."""
    from holdfast.simulation import (
        ShopArguments,
        SimulationArgumentError,
        simulate_shop,
        write_record,
    )

    made = ShopArguments(options.customers, options.months, options.end, options.seed)
    if options.contacts is not None:
        if options.overwrite:
            raise SimulationArgumentError(
                "--continue adds to the tables in the folder, and --overwrite replaces them; "
                "give one of the two"
            )
        if options.wave is not None:
            raise SimulationArgumentError(
                "--wave plants an issue in a new shop, and --continue plays one on; "
                "give one of the two"
            )
        _play_on(options.output, options.contacts, made)
        return
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
        wave=options.wave,
        progress=logging.getLogger("holdfast.simulation").info,
    )
    if options.wave is None:
        # a shop is played on by what made it, and no wave is among that
        write_record(options.output, made, [])
    for table, rows in counts.items():
        print(f"{table:24} {rows:>14,}")


def _play_on(output: Path, contacts: Path, made: ShopArguments) -> None:
    """Play a month, and print what it brought."""
    from holdfast.simulation import continue_shop

    month = continue_shop(output, contacts, arguments=made).month
    told = [("contacts sent", f"{month.total('contacts'):,}")]
    told += [(f"not sent: {why}", f"{count:,}") for why, count in sorted(month.dropped.items())]
    told += [
        ("controls", f"{month.total('controls'):,}"),
        ("unsubscribed", f"{month.total('unsubscribed'):,}"),
        ("orders", f"{month.total('orders'):,}"),
    ]
    for name in ("revenue", "margin", "discount", "offer_cost"):
        told.append((name.replace("_", " "), f"{month.total(name) / 100:,.2f}"))
    told.append(("customers still there", f"{month.total('is_alive'):,}"))
    print(f"played {month.month:%Y-%m}")
    for name, value in told:
        print(f"{name:32} {value:>14}")
