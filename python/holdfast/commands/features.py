"""`holdfast features`: what features there are, and what is known of each."""

from __future__ import annotations

import argparse

from holdfast import terminal
from holdfast.commands._options import add_action, add_project

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "show the features of this project"
EXAMPLE = "holdfast features list"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions of the command, and what each can be told."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = add_action(
        actions,
        "list",
        "list all features",
        "holdfast features list --view customer_order_features",
    )
    listing.add_argument("--view", help="only those of this feature view")
    about = add_action(
        actions,
        "describe",
        "show everything about one feature",
        "holdfast features describe days_since_order",
    )
    about.add_argument("name", metavar="NAME", help="name of the feature, or view.name")
    for action in (listing, about):
        add_project(action)


def run(options: argparse.Namespace) -> None:
    """Print the list, or what is known of one feature."""
    from holdfast.features import FeatureStore

    with FeatureStore.from_project(
        options.project_dir, target=options.target, target_path=options.target_path
    ) as store:
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


def _value(value: float | None) -> str:
    """Write a number short, or a dash where it is not known."""
    return "-" if value is None else f"{value:,.6g}"
