"""How long each phase of a training run took, for the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["phase"]

logger = logging.getLogger("holdfast.training")


@contextmanager
def phase(message: str, *values: object) -> Iterator[list[object]]:
    """Log one line with the seconds that a phase took; it may add values known at its end."""
    started = time.perf_counter()
    told = list(values)
    yield told
    logger.info(f"{message} in %.2f s.", *told, time.perf_counter() - started)
