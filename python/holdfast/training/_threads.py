"""The threads that a training run keeps to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_thread"]


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
