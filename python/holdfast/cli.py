"""The `holdfast` command: everything that is not `dbt build`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from holdfast import __version__
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
    summary.add_argument(
        "--project-dir", type=Path, default=Path(), help="the dbt project (default: here)"
    )
    summary.add_argument("--target", help="the target of the profile (default: the profile's own)")
    summary.add_argument(
        "--customers", type=int, default=10, help="how many customers to list (default: 10)"
    )

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
        action.add_argument(
            "--project-dir", type=Path, default=Path(), help="the dbt project (default: here)"
        )
        action.add_argument(
            "--target", help="the target of the profile (default: the profile's own)"
        )
    return parser


def _summary(options: argparse.Namespace) -> None:
    from holdfast.summary import summarise

    print(
        summarise(options.project_dir, target=options.target, customers=options.customers),
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
    from holdfast.summary import _percent, _table

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
                "NULL": _percent(feature.null_rate),
                "mean": _value(feature.mean),
                "min": _value(feature.min),
                "max": _value(feature.max),
                "built up to": feature.freshness and str(feature.freshness),
                "used by": ", ".join(feature.used_by),
            }
            rows = [(fact, " ".join((value or "-").split())) for fact, value in facts.items()]
            print(_table(rows, right=(), header=False), flush=True)
            return
        table = [("feature", "feature view", "type", "window", "NULL", "mean", "description")]
        for feature in store.list_features(options.view):
            table.append(
                (
                    feature.name,
                    feature.feature_view,
                    feature.dtype,
                    feature.window or "-",
                    _percent(feature.null_rate),
                    _value(feature.mean),
                    " ".join((feature.description or "-").split()),
                )
            )
        print(_table(table, right=(4, 5)), flush=True)


def _value(value: float | None) -> str:
    """Write a number short, or a dash where it is not known."""
    return "-" if value is None else f"{value:,.6g}"


_COMMANDS = {"summary": _summary, "simulate": _simulate, "features": _features}


if __name__ == "__main__":
    sys.exit(main())
