"""Latencies that a controller sees: a quantile of the answers between two scrapes."""

import math
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sim.record.histogram import bucket_value_s

Answered = Callable[[], NDArray[np.int64]]
"""Answers to a pool's workloads so far, by bucket of latency: int64[BUCKETS] (`sim.record.histogram`), a new array."""


class Answers:
    """Counts of answers at the last few scrapes: enough to look back over the metric lag."""

    def __init__(self, answered: Answered, quantile: float, interval_ns: int, lag_ns: int) -> None:
        """quantile: 0 to 1; lag_ns: age of the youngest scrape that may be used."""
        self._answered, self._quantile, self._lag_ns = answered, quantile, lag_ns
        self._taken: deque[tuple[int, NDArray[np.int64]]] = deque(maxlen=lag_ns // interval_ns + 3)

    def take(self, now_ns: int) -> None:
        """A scrape happens now."""
        self._taken.append((now_ns, self._answered()))

    def latency_s(self, now_ns: int) -> float:
        """The quantile between the newest scrape no younger than the lag and the one before it; NaN without answers."""
        k = len(self._taken) - 1
        while k >= 0 and now_ns - self._taken[k][0] < self._lag_ns:
            k -= 1
        if k < 1:
            return math.nan
        came = self._taken[k][1] - self._taken[k - 1][1]
        buckets = np.flatnonzero(came)
        if len(buckets) == 0:
            return math.nan
        counts = np.cumsum(came[buckets])
        rank = max(1, math.ceil(self._quantile * int(counts[-1]) - 1e-9))
        place = np.searchsorted(counts, rank)
        return float(bucket_value_s(buckets[place : place + 1])[0])
