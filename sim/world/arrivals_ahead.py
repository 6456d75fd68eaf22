"""Arrivals to come, for a controller that knows the future: each workload's arrival stream, read a second time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.clock.calendar import to_ns
from sim.workload.block import ArrivalSource

_KEPT_NS = to_ns(3600.0)  # behind the last moment asked about: controllers of one workload are never so far apart


class ArrivalsAhead:
    """Potential arrivals of one workload, read as far ahead as somebody asks; those long past are let go."""

    def __init__(self, source: Callable[[], ArrivalSource]) -> None:
        """source: begins the stream from its first arrival; called when somebody asks for the first time."""
        self._begin = source
        self._source: ArrivalSource | None = None
        self._known = np.zeros(0, np.int64)
        self._until_ns = 0
        self._over = False

    def count(self, moments_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Arrivals in each stretch [moments[i], moments[i + 1]); moments: ascending, at most an hour before the last
        time's first one.
        """
        if self._source is None:
            self._source = self._begin()
        if self._until_ns <= moments_ns[-1] and not self._over:
            self._read_on(int(moments_ns[0]), int(moments_ns[-1]))
        return np.diff(np.searchsorted(self._known, moments_ns)).astype(np.float64)

    def _read_on(self, from_ns: int, until_ns: int) -> None:
        assert self._source is not None
        parts = [self._known[np.searchsorted(self._known, from_ns - _KEPT_NS) :]]
        while self._until_ns <= until_ns and not self._over:
            block = self._source.next_block()
            if block is None:
                self._over = True
                break
            parts.append(block.arrival_ns[np.searchsorted(block.arrival_ns, from_ns - _KEPT_NS) :])
            self._until_ns = block.until_ns
        self._known = np.concatenate(parts)


@dataclass(frozen=True)
class Visitors:
    """Requests that will ask one pool to be served while a phase lasts: see `sim.policy.setting.Coming`.

    shares: mean visits to the pool of one of each workload's potential arrivals.
    """

    ahead: tuple[ArrivalsAhead, ...]
    shares: tuple[float, ...]

    def __call__(self, moments_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Expected requests in each stretch."""
        total = np.zeros(len(moments_ns) - 1)
        for ahead, share in zip(self.ahead, self.shares, strict=True):
            total += share * ahead.count(moments_ns)
        return total
