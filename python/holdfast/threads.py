"""Numerical libraries on one thread, also where several threads of dbt train at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

__all__ = ["one_thread"]

# BLAS keeps one number of threads for the whole process: a block that ended would give threads back
# to another that still computes, whose sums would then end differently. So blocks take turns.
_turn = threading.RLock()


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep numerical libraries to one thread: sums over threads depend on how many there are.

    It is faster too on a busy machine, where the threads of small problems mostly wait. Limits
    reach only libraries that are loaded. While one thread is in such a block, others wait.
    """
    with _turn, threadpool_limits(limits=1):
        yield
