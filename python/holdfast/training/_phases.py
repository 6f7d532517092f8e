"""What a training run says of its phases, and the threads it keeps to."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_thread", "phase"]

logger = logging.getLogger("holdfast.training")


@contextmanager
def phase(message: str, *values: object) -> Iterator[list[object]]:
    """Log one line with the seconds that a phase took; it may add values known at its end."""
    started = time.perf_counter()
    told = list(values)
    yield told
    logger.info(f"{message} in %.2f s.", *told, time.perf_counter() - started)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep numerical libraries to one thread: sums over threads depend on how many there are.

    It is faster too on a busy machine, where the threads of small trees mostly wait.
    """
    # Limits reach only libraries that are loaded.
    import sklearn.ensemble
    import sklearn.linear_model  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield
