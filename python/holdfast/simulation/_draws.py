"""Random numbers that belong to customers, so that two policies meet the same luck.

A simulated window draws from one stream: whoever takes a number moves all that follow. In a
month that is played on with somebody's contacts that would bury their effect in noise. There
every number is a hash of what it is for: the seed, the purpose, the step and the customer. A
customer who is treated alike under two policies then has the same history, to the cent.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy import special

Ints = npt.NDArray[np.int64]

_Words = npt.NDArray[np.uint64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
# More orders of one customer in one step than any rate here makes likely.
_MOST_EVENTS = 50


def _mix(words: _Words) -> _Words:
    """Scramble 64-bit words: the finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(words ^ (words >> np.uint64(31)))


def hash_keys(purpose: str, *parts: Ints | int) -> _Words:
    """Hash columns of whole numbers, row by row, for a purpose."""
    words = np.full(1, crc32(purpose.encode()), dtype=np.uint64)
    for part in parts:
        words = _mix((words + _GOLDEN) ^ np.atleast_1d(np.asarray(part)).astype(np.uint64))
    return words


class KeyedDraws:
    """The draws of NumPy's generator that the simulator uses, each element by its own key.

    Parameters
    ----------
    keys
        One word per element. Equal words are told apart by their order.
    """

    def __init__(self, keys: _Words) -> None:
        self._keys = keys + _GOLDEN * _occurrence(keys)
        self._turn = 0

    def random(self, size: Any = None, dtype: Any = np.float64) -> Any:
        """Draw from [0, 1); `size` is the number of keys, or (keys, columns)."""
        shape = (len(self._keys),) if size is None else tuple(np.atleast_1d(size).tolist())
        if shape[0] != len(self._keys):
            raise ValueError(f"{len(self._keys)} keys cannot give {shape[0]} numbers")
        columns = 1 if len(shape) == 1 else shape[1]
        self._turn += 1
        turn = _mix(np.arange(columns, dtype=np.uint64) + np.uint64(self._turn << 20))
        words = _mix(_mix(self._keys[:, None] ^ turn) + _GOLDEN)
        return ((words >> np.uint64(11)) * 2.0**-53).astype(dtype).reshape(shape)

    def _inside(self, size: Any = None) -> Any:
        """Draw from (0, 1), for those who take a logarithm or a quantile."""
        return self.random(size) + 2.0**-54

    def uniform(self, low: float, high: float, size: Any = None) -> Any:
        """Draw from [low, high)."""
        return low + (high - low) * self.random(size)

    def integers(self, low: int, high: int, size: Any = None) -> Any:
        """Draw whole numbers from [low, high)."""
        return low + (self.random(size) * (high - low)).astype(np.int64)

    def standard_normal(self, size: Any = None) -> Any:
        """Draw from the standard normal distribution."""
        return special.ndtri(self._inside(size))

    def normal(self, loc: float, scale: float, size: Any = None) -> Any:
        """Draw from a normal distribution."""
        return loc + scale * self.standard_normal(size)

    def exponential(self, scale: float, size: Any = None) -> Any:
        """Draw from an exponential distribution."""
        return -scale * np.log(self._inside(size))

    def standard_exponential(self, size: Any = None, dtype: Any = np.float64) -> Any:
        """Draw from the exponential distribution of mean 1."""
        return self.exponential(1.0, size).astype(dtype)

    def gamma(self, shape: float, scale: float, size: Any = None) -> Any:
        """Draw from a gamma distribution."""
        return scale * special.gammaincinv(shape, self._inside(size))

    def poisson(self, lam: Any, size: Any = None) -> Any:
        """Draw counts by inversion: a higher mean never gives fewer."""
        u = self.random(size)
        term = np.exp(-np.broadcast_to(np.asarray(lam, dtype=np.float64), u.shape))
        total, count = term.copy(), np.zeros(u.shape, dtype=np.int64)
        for number in range(1, _MOST_EVENTS):
            beyond = u >= total
            if not beyond.any():
                break
            count += beyond
            term = term * lam / number
            total = total + term
        return count

    def choice(self, count: int, size: Any = None, p: Any = None) -> Any:
        """Draw indices with the probabilities `p`."""
        return np.searchsorted(np.cumsum(p)[: count - 1], self.random(size), side="right")


Draws = np.random.Generator | KeyedDraws


def _occurrence(keys: _Words) -> _Words:
    """Count how often each word stood before."""
    order = np.argsort(keys, kind="stable")
    is_new = np.diff(keys[order], prepend=~keys[order[:1]]) != 0
    position = np.arange(len(keys))
    since = position - np.maximum.accumulate(np.where(is_new, position, 0))
    occurrence = np.empty(len(keys), dtype=np.uint64)
    occurrence[order] = since
    return occurrence
