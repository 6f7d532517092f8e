"""Numerical libraries on one thread, also where several threads of dbt train at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from threadpoolctl import threadpool_limits

__all__ = ["one_thread", "side_by_side"]

T = TypeVar("T")

# BLAS keeps one number of threads for the whole process: a block that ended would give threads back
# to another that still computes, whose sums would then end differently. So blocks take turns.
_turn = threading.RLock()
# Each task holds a copy of its rows, so memory and not cores is the limit on large machines.
_MOST_AT_ONCE = 8


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep numerical libraries to one thread: sums over threads depend on how many there are.

    It is faster too on a busy machine, where the threads of small problems mostly wait. Limits
    reach only libraries that are loaded. While one thread is in such a block, others wait.
    """
    with _turn, threadpool_limits(limits=1):
        yield


def side_by_side(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Run independent tasks on all cores, each on one thread, and return their results in order.

    What a task computes does not depend on the number of cores. It must not enter `one_thread`,
    for which the caller waits as well. Threads and not processes: scikit-learn, NumPy and ONNX
    Runtime let go of Python's lock while they compute, and rows need no copy.

    Parameters
    ----------
    tasks
        Functions without arguments, the longest first.

    Returns
    -------
    list
        What they returned.

    Raises
    ------
    Exception
        What the first of the tasks raised that failed.

    Examples
    --------
    >>> side_by_side([lambda: 1, lambda: 2])
    [1, 2]
    """
    workers = min(len(tasks), _cores(), _MOST_AT_ONCE)
    if workers < 2:
        return [task() for task in tasks]
    with ThreadPoolExecutor(workers, initializer=_limit_this_thread) as pool:
        try:
            return [future.result() for future in [pool.submit(task) for task in tasks]]
        except BaseException:
            # leaving the block waits for what has begun; nobody needs what has not
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _limit_this_thread() -> None:
    """Keep OpenMP to one thread where it is called from here: a new thread begins with them all."""
    threadpool_limits(limits=1, user_api="openmp")
