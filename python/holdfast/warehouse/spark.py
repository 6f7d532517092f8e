"""Running Ibis expressions on PySpark, and reading their rows as Arrow, a partition at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

__all__ = ["spark_batches"]

_TIME_ZONE = "spark.sql.session.timeZone"


def spark_batches(backend: Any, expression: Any) -> Iterator[pa.RecordBatch]:
    """Yield the record batches of an expression in the order of its rows.

    Ibis collects a result as pandas, and Spark's `toArrow` as a whole, which is held twice and may
    not be larger than spark.driver.maxResultSize. Here every Arrow batch travels as one binary
    value, and the driver asks for one partition after the other.
    """
    conf = backend.raw_sql("select 1").sparkSession.conf
    zone = conf.get(_TIME_ZONE)
    # Dates become instants, and instants months, in the zone of the session.
    conf.set(_TIME_ZONE, "UTC")
    try:
        # what `execute` does first: tables in memory and functions of the user's must be there
        backend._run_pre_execute_hooks(expression)
        frame = backend.raw_sql(backend.compile(expression))
        packed = frame.mapInArrow(_packer(), "batch binary")
        for row in packed.toLocalIterator():
            with pa.ipc.open_stream(row["batch"]) as reader:
                yield from reader
    finally:
        conf.set(_TIME_ZONE, zone)


def _packer() -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what runs in Spark's workers; a closure, since they need not have Holdfast."""

    def pack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow

        for batch in batches:
            sink = pyarrow.BufferOutputStream()
            with pyarrow.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            packed = pyarrow.array([sink.getvalue().to_pybytes()], pyarrow.binary())
            yield pyarrow.RecordBatch.from_arrays([packed], ["batch"])

    return pack
