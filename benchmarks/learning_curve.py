"""How many rows a model needs: its error on later dates by the rows that it learned from.

    python benchmarks/learning_curve.py --warehouse warehouse.duckdb --table churn_training_set

Reads the training set of a built warehouse. The settings of the linear model and of the trees are
tuned once, as training does; then the blend of both is fitted on evenly spaced rows of the training
dates, from few to all, and its probabilities for the test dates are compared with those of the one
that learned from all. The intervals are of paired differences, 95 %, of 200 bootstrap replicates
over customers. `--tuning` tunes on fewer rows as well, and fits on all. `--settings` takes settings
that were printed before, so that nothing is tuned.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence

import duckdb
import numpy as np
from numpy.typing import NDArray

from holdfast.estimators import Fold, Part, Tuned, blend
from holdfast.estimators import _enough as enough
from holdfast.measuring import auroc, log_losses
from holdfast.tasks import TaskSettings
from holdfast.threads import one_thread
from holdfast.training._candidates import make_folds
from holdfast.training._choices import algorithms_of
from holdfast.training._dataset import Dataset, describe, read_dataset
from holdfast.training._prepare import Prepared, TooLittle, prepare, thinned
from holdfast.warehouse.relations import open_source

REPLICATES = 200
SEED = 42
Algorithms = dict[str, object]


def part_of(data: Dataset, names: tuple[str, ...], rows: NDArray[np.intp]) -> Part:
    """Give some rows to fit on."""
    some = data.rows(rows)
    return Part(some.columns(names), some.y, names, some.as_of, some.customer, some.target)


def predict(
    algorithms: Algorithms, tuned: dict[str, Tuned], part: Part, features: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Fit the blend and give its probabilities."""
    linear, trees = (algorithms[name].fit(part, tuned[name], SEED) for name in algorithms)
    return blend(linear, trees).predict(features)


def compare(
    test: Dataset, given: NDArray[np.float64], best: NDArray[np.float64]
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Give the differences of AUROC and log loss from the best, each with its interval."""
    rng = np.random.default_rng(SEED)
    _, customer = np.unique(test.customer, return_inverse=True)
    losses = log_losses(test.y, given) - log_losses(test.y, best)
    orders = [np.argsort(p, kind="stable") for p in (given, best)]
    drawn: list[tuple[float, float]] = []
    for replicate in range(REPLICATES + 1):
        weight = np.ones(len(test))
        if replicate:
            weight = rng.poisson(1.0, customer.max() + 1)[customer].astype(float)
        ranked = [weighted_auroc(test.y[order], weight[order]) for order in orders]
        drawn.append((ranked[0] - ranked[1], float(weight @ losses / weight.sum())))
    told = []
    for index, value in enumerate(drawn[0]):
        low, high = np.quantile([each[index] for each in drawn[1:]], (0.025, 0.975))
        told.append((value, float(low), float(high)))
    return told[0], told[1]


def weighted_auroc(y: NDArray[np.int64], weight: NDArray[np.float64]) -> float:
    """Return the AUROC of rows in the order of their scores, ties in the order of the rows."""
    events, others = weight * y, weight * (1 - y)
    below = np.cumsum(others) - others / 2
    return float(events @ below / (events.sum() * others.sum()))


def line(
    label: str, test: Dataset, given: NDArray[np.float64], best: NDArray[np.float64], took: float
) -> str:
    """Print one row of the table."""
    ranked, lost = compare(test, given, best)
    return (
        f"{label:>22} {auroc(test.y, given):8.4f} {ranked[0]:+.4f} "
        f"[{ranked[1]:+.4f}, {ranked[2]:+.4f}]  {log_losses(test.y, given).mean():8.5f} "
        f"{lost[0]:+.5f} [{lost[1]:+.5f}, {lost[2]:+.5f}]  {given.mean() - test.y.mean():+.4f} "
        f"{took:7.1f}"
    )


def fewer(folds: Sequence[Fold], most: int) -> list[Fold]:
    """Thin both sides of each fold."""
    sides = []
    for fold in folds:
        both = []
        for part in (fold.fit, fold.held_out):
            rows = thinned(np.arange(len(part.y)), most)
            both.append(
                Part(
                    part.features[rows],
                    part.y[rows],
                    part.names,
                    part.as_of[rows],
                    part.customer[rows],
                    part.target,
                )
            )
        sides.append(Fold(*both))
    return sides


def curves(
    prepared: Prepared,
    settings: TaskSettings,
    sizes: list[int],
    tuning: list[int],
    tuned: dict[str, Tuned] | None,
) -> None:
    """Print the learning curve of the fit, and that of tuning."""
    training, test, names = prepared.training, prepared.test, prepared.usable
    algorithms = algorithms_of(settings.task, settings.recipe, has_two_parts=False)
    folds = [] if tuned else make_folds(prepared, names)
    features = test.columns(names)
    if tuned is None:
        tuned = {name: each.tune(folds, SEED, {})[0] for name, each in algorithms.items()}
    print(f"{len(training):,} rows to learn from, {training.y.mean():.1%} of them events; ", end="")
    print(f"{len(names)} features; test: {len(test):,} rows. Tuned: {tuned}")
    print(f"{'':>22} {'AUROC':>8} {'paired':>7} {'':18} {'log loss':>9} {'paired':>8} {'':20} bias")
    everything = np.arange(len(training))
    clock = time.process_time()
    best = predict(algorithms, tuned, part_of(training, names, everything), features)
    took = time.process_time() - clock
    print(line(f"all {len(training):,} rows", test, best, best, took), flush=True)
    for size in (size for size in sizes if size < len(training)):
        rows = np.arange(size) * len(training) // size
        clock = time.process_time()
        given = predict(algorithms, tuned, part_of(training, names, rows), features)
        took = time.process_time() - clock
        print(line(f"{size:,} rows", test, given, best, took), flush=True)
    for most in tuning:
        clock = time.process_time()
        thin = fewer(folds, most)
        chosen = {name: each.tune(thin, SEED, {})[0] for name, each in algorithms.items()}
        took = time.process_time() - clock
        given = predict(algorithms, chosen, part_of(training, names, everything), features)
        print(line(f"tuned on {most:,}", test, given, best, took), chosen, flush=True)


def main() -> None:
    """Read the training set and print the curves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--warehouse", required=True)
    parser.add_argument("--table", default="churn_training_set")
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[10_000, 30_000, 100_000, 200_000, 300_000]
    )
    parser.add_argument("--tuning", type=int, nargs="*", default=[])
    parser.add_argument("--settings", type=json.loads, help="as JSON, by algorithm")
    parser.add_argument("--rare", type=int, default=1, help="keep one in this many of the events")
    options = parser.parse_args()
    # what is measured here is the fit on all rows beside that on fewer
    enough._ENOUGH_ROWS = 10**9
    settings = TaskSettings.from_mapping({"max_rows": 10**9})
    with duckdb.connect(options.warehouse, read_only=True) as connection:
        table = f"(select * from {options.table})"
        if options.rare > 1:
            table = (
                f"(select * from {options.table} where not churned"
                f" or hash(customer_id) % {options.rare} = 0)"
            )
        source = open_source(connection, table)
        description = describe(source, settings.task, settings.recipe)
        data = read_dataset(source, settings.task, settings.recipe, description)
    prepared = prepare(data, settings.task, settings.recipe, settings.policy)
    if isinstance(prepared, TooLittle):
        raise SystemExit(f"{prepared.reason}; {prepared.remedy}")
    with one_thread():
        curves(prepared, settings, options.rows, options.tuning, options.settings)


if __name__ == "__main__":
    main()
