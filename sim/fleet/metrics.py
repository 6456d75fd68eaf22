"""What controllers see: scrapes of a pool, and the metrics that two of them make."""

import math

import numpy as np
from numpy.typing import NDArray

from sim.compiled import kernel

FIELDS = 5  # cumulative busy ns, cumulative in-flight ns, completions, gauges queued and in service


@kernel
def measure(
    newest: NDArray[np.int64], previous: NDArray[np.int64], times: NDArray[np.int64], slots: NDArray[np.int64],
    requested_ns: NDArray[np.int64], ready_ns: NDArray[np.int64], out: NDArray[np.float64],
) -> None:  # fmt: skip
    """Metrics of the replicas at `slots` from two scrapes.

    newest, previous: [slots, FIELDS]; times: now, newest, previous scrape, ns (a scrape that never was: -1);
    ready_ns: -1 for a replica that never was; out: [4, n] age s, seconds since ready, utilisation, in flight. NaN where
    there is no such sample: a replica's samples are those taken since it became ready.
    """
    now, at, before = times
    for i in range(len(slots)):
        j = slots[i]
        out[0, i] = (now - requested_ns[i]) * 1e-9
        out[1, i] = out[2, i] = out[3, i] = math.nan
        if ready_ns[i] >= 0:
            out[1, i] = (now - ready_ns[i]) * 1e-9
            if at >= ready_ns[i]:
                out[3, i] = float(newest[j, 3] + newest[j, 4])
            if before >= ready_ns[i]:
                out[2, i] = (newest[j, 0] - previous[j, 0]) / (at - before)


class Scrapes:
    """The last few scrapes of a pool's slots: enough to look back over the metric lag."""

    def __init__(self, slots: int, interval_ns: int, lag_ns: int) -> None:
        self._depth = lag_ns // interval_ns + 3
        self._lag_ns = lag_ns
        self._samples = np.zeros((self._depth, slots, FIELDS), np.int64)
        self._times = np.full(self._depth, -1, np.int64)
        self._taken = 0
        self._measure = measure.compiled()

    def place(self, now_ns: int) -> NDArray[np.int64]:
        """Where the scrape of `now_ns` is to be written: [slots, FIELDS]."""
        k = self._taken % self._depth
        self._times[k] = now_ns
        self._taken += 1
        sample: NDArray[np.int64] = self._samples[k]
        return sample

    def read(
        self, now_ns: int, slots: NDArray[np.int64], requested_ns: NDArray[np.int64], ready_ns: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], float, float]:
        """[4, n] metrics (see `measure`) from the newest scrape no younger than the lag; its age and span, s."""
        k = self._taken - 1
        while k >= 0 and self._taken - k < self._depth and now_ns - int(self._times[k % self._depth]) < self._lag_ns:
            k -= 1
        newest, previous = k % self._depth, (k - 1) % self._depth
        at = int(self._times[newest]) if k >= 0 else -1
        before = int(self._times[previous]) if k >= 1 else -1
        out = np.empty((4, len(slots)))
        times = np.array((now_ns, at, before))
        self._measure(self._samples[newest], self._samples[previous], times, slots, requested_ns, ready_ns, out)
        span_s = (at - before) * 1e-9 if before >= 0 else math.nan
        return out, (now_ns - at) * 1e-9 if at >= 0 else math.nan, span_s
