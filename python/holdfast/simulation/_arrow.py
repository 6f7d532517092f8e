"""NumPy arrays as Arrow columns of the types that the tables promise."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from holdfast.simulation._calendar import Bools, Ints

MONEY = pa.decimal128(18, 2)


def integers(values: Ints, small: bool = False, is_null: Bools | None = None) -> pa.Array:
    """Ids and counts: 64 bits, or 32 where there are few."""
    return pa.array(values.astype(np.int32 if small else np.int64), mask=is_null)


def timestamps(seconds: Ints, is_null: Bools | None = None) -> pa.Array:
    """Seconds since 1970-01-01 UTC as microsecond timestamps without a zone."""
    micros = seconds.astype(np.int64) * 1_000_000
    return pa.array(micros, mask=is_null).cast(pa.timestamp("us"))


def is_null_from(seconds: Ints, end: int) -> Bools:
    """Where an event never happened (0) or lies beyond the window."""
    return np.asarray((seconds == 0) | (seconds >= end))


def money(cents: Ints) -> pa.Array:
    """Cents as decimal(18, 2), without passing through floats or strings."""
    # A decimal128 is a little-endian 128-bit integer: the low word, then the sign.
    words = np.empty((len(cents), 2), dtype="<i8")
    words[:, 0] = cents
    words[:, 1] = cents >> 63
    return pa.Array.from_buffers(MONEY, len(cents), [None, pa.py_buffer(words.tobytes())])
