"""Sampling a training set in the warehouse, before any row is read."""

from __future__ import annotations

import functools
import logging
import operator
from typing import Any

import ibis

from holdfast.tasks import Recipe, Task
from holdfast.warehouse.relations import Source

__all__ = ["sample_rows"]

logger = logging.getLogger("holdfast.training")


def sample_rows(
    source: Source, known: Any, task: Task, recipe: Recipe, total: int
) -> tuple[Any, int]:
    """Return about max_rows rows, the same each time, and how many they are.

    Of every month and outcome (of every month alone where it is a number) the same share is kept,
    those with the smallest hash of their key: so all rows weigh the same, and probabilities need no
    correction. The hashes are ranked without the features, which may be wide.
    """
    stratum, outcome, hashed = ("holdfast stratum", "holdfast outcome", "holdfast hash")
    as_of = known["as_of"]
    moment = as_of.cast("timestamp") if as_of.type().is_date() else as_of
    # DuckDB's seconds have a fraction and Spark's have none, which would show in their text
    seconds = moment.epoch_seconds() // 1
    entity = [known[name].cast("string") + ibis.literal("|") for name in task.entity]
    key = (
        functools.reduce(operator.add, entity)
        + seconds.cast("string")
        + ibis.literal(f"|{recipe.seed}")
    )
    keyed = known.mutate(
        **{
            stratum: moment.truncate("M"),
            outcome: ibis.literal(0) if task.is_numeric else known[task.label].cast("int8"),
            hashed: key.hexdigest("md5"),
        }
    )
    narrow = keyed.select(stratum, outcome, hashed)
    group = [narrow[stratum], narrow[outcome]]
    ranked = narrow.mutate(
        place=ibis.row_number().over(group_by=group, order_by=narrow[hashed]),
        size=narrow.count().over(group_by=group),
    )
    quota = ibis.greatest(1, (ranked["size"] * recipe.max_rows) // total)
    limits = (
        ranked.filter(ranked["place"] < quota)
        .group_by([stratum, outcome])
        .aggregate(**{"holdfast limit": ranked[hashed].max()})
    )
    joined = keyed.join(limits, [stratum, outcome])
    sampled = joined.filter(joined[hashed] <= joined["holdfast limit"])
    ((count,),) = (row.values() for row in source.rows(sampled.aggregate(rows=sampled.count())))
    logger.info(
        "Sampled %d of %d rows, of every month and outcome the same share; max_rows is %d.",
        count,
        total,
        recipe.max_rows,
    )
    return sampled, int(count)
