"""Latency histograms for two readers: the recorder, which takes them window by window, and controllers' scrapes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.record.histogram import BUCKETS, take_counts
from sim.record.recorder import Counted


class Latencies:
    """Stands between a data plane and the recorder, and keeps a running sum of what has passed."""

    def __init__(self, plane: Counted) -> None:
        self._plane = plane
        count = len(plane.workloads)
        self._window = np.zeros((count, BUCKETS), np.int64)
        self._total = np.zeros((count, BUCKETS), np.int64)

    @property
    def workloads(self) -> NDArray[Any]:
        """Counters by workload."""
        return self._plane.workloads

    def take_histogram(self, w: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Non-empty buckets of a workload and their counts since the last call."""
        self._pull(w)
        return take_counts(self._window[w])

    def answered(self, workloads: tuple[int, ...]) -> NDArray[np.int64]:
        """Counts of all answers to these workloads so far, by bucket."""
        for w in workloads:
            self._pull(w)
        total: NDArray[np.int64] = self._total[workloads[0]].copy()
        for w in workloads[1:]:
            total += self._total[w]
        return total

    def _pull(self, w: int) -> None:
        buckets, counts = self._plane.take_histogram(w)
        if len(buckets):
            self._window[w, buckets] += counts
            self._total[w, buckets] += counts
