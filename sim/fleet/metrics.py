"""What controllers see: scrapes of a pool, and the metrics that two of them make."""

import math

import numpy as np
from numpy.typing import NDArray

from sim.compiled import inlined, kernel
from sim.record.scrape import ARRIVED, BUSY_NS, COMPLETIONS, FIELDS, IN_FLIGHT_NS, QUEUED, SERVING, SHARED_QUEUED

METRICS = 7  # of a replica, see `_measure`


@inlined
def _measure(
    newest: NDArray[np.int64], previous: NDArray[np.int64], now: int, at: int, before: int, slots: NDArray[np.int64],
    requested_ns: NDArray[np.int64], ready_ns: NDArray[np.int64], out: NDArray[np.float64],
) -> tuple[int, float]:  # fmt: skip
    """Metrics of the replicas at `slots` from two scrapes; requests in the shared queue at the newest, and arrivals per
    second between the two (NaN without both).

    newest, previous: [slots + 1, FIELDS]; now, at, before: this moment, the newest and the previous scrape, ns (-1:
    none); ready_ns: -1 for a replica that never was; out: [METRICS, n] age s, seconds since ready, utilisation, in
    flight at the newest; on average between the two in flight, and completions per second; queued at the newest. NaN
    where there is no such sample: a replica's samples are those taken since it became ready.
    """
    last = len(newest) - 1
    for i in range(len(slots)):
        j = slots[i]
        out[0, i] = (now - requested_ns[i]) * 1e-9
        out[1, i] = out[2, i] = out[3, i] = out[4, i] = out[5, i] = out[6, i] = math.nan
        if ready_ns[i] >= 0:
            out[1, i] = (now - ready_ns[i]) * 1e-9
            if at >= ready_ns[i]:
                out[3, i] = float(newest[j, QUEUED] + newest[j, SERVING])
                out[6, i] = float(newest[j, QUEUED])
            if before >= ready_ns[i]:
                span_ns = at - before
                out[2, i] = (newest[j, BUSY_NS] - previous[j, BUSY_NS]) / span_ns
                out[4, i] = (newest[j, IN_FLIGHT_NS] - previous[j, IN_FLIGHT_NS]) / span_ns
                out[5, i] = (newest[j, COMPLETIONS] - previous[j, COMPLETIONS]) / span_ns * 1e9
    if at < 0:
        return 0, math.nan
    arrived = newest[last, ARRIVED] - previous[last, ARRIVED]
    return newest[last, SHARED_QUEUED], arrived / (at - before) * 1e9 if before >= 0 else math.nan


@kernel
def measure(
    newest: NDArray[np.int64], previous: NDArray[np.int64], now: int, at: int, before: int, slots: NDArray[np.int64],
    requested_ns: NDArray[np.int64], ready_ns: NDArray[np.int64], out: NDArray[np.float64],
) -> tuple[int, float]:  # fmt: skip
    """See `_measure`."""
    return _measure(newest, previous, now, at, before, slots, requested_ns, ready_ns, out)


@kernel
def measure_ahead(
    samples: NDArray[np.int64], previous: NDArray[np.int64], first_ns: int, before: int, interval_ns: int,
    slots: NDArray[np.int64], requested_ns: NDArray[np.int64], ready_ns: NDArray[np.int64], out: NDArray[np.float64],
    queued: NDArray[np.int64], arrived_per_s: NDArray[np.float64],
) -> None:  # fmt: skip
    """Metrics at each of many scrapes, each against the one before it; see `_measure`.

    samples: [k, slots + 1, FIELDS], the first of `first_ns`; previous: the scrape before it, of `before`; out:
    [k, METRICS, n]; queued, arrived_per_s: [k].
    """
    for k in range(len(samples)):
        at = first_ns + k * interval_ns
        earlier = previous if k == 0 else samples[k - 1]
        earlier_ns = before if k == 0 else at - interval_ns
        queued[k], arrived_per_s[k] = _measure(
            samples[k], earlier, at, at, earlier_ns, slots, requested_ns, ready_ns, out[k]
        )


class Scrapes:
    """The last few scrapes of a pool's slots: enough to look back over the metric lag."""

    def __init__(self, slots: int, interval_ns: int, lag_ns: int) -> None:
        self._depth = lag_ns // interval_ns + 3
        self._lag_ns = lag_ns
        self._samples = [np.zeros((slots + 1, FIELDS), np.int64) for _ in range(self._depth)]
        self._times = [-1] * self._depth
        self._taken = 0
        self._measure = measure.compiled()
        self._ahead = np.zeros((0, slots + 1, FIELDS), np.int64)

    def place(self, now_ns: int) -> NDArray[np.int64]:
        """Where the scrape of `now_ns` is to be written: [slots + 1, FIELDS]."""
        k = self._taken % self._depth
        self._times[k] = now_ns
        self._taken += 1
        return self._samples[k]

    def read(
        self, now_ns: int, slots: NDArray[np.int64], requested_ns: NDArray[np.int64], ready_ns: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], int, float, float, float]:
        """Metrics of the replicas at `slots` from the newest scrape no younger than the lag.

        Returns [METRICS, n] values (see `measure`), requests in the shared queue, arrivals per second, the scrape's age
        and its distance from the one before, s.
        """
        k, depth, times = self._taken - 1, self._depth, self._times
        while k >= 0 and self._taken - k < depth and now_ns - times[k % depth] < self._lag_ns:
            k -= 1
        newest, previous = k % depth, (k - 1) % depth
        at = times[newest] if k >= 0 else -1
        before = times[previous] if k >= 1 else -1
        out = np.empty((METRICS, len(slots)))
        queued, arrived_per_s = self._measure(
            self._samples[newest], self._samples[previous], now_ns, at, before, slots, requested_ns, ready_ns, out
        )
        age_s = (now_ns - at) * 1e-9 if at >= 0 else math.nan
        return out, queued, arrived_per_s, age_s, (at - before) * 1e-9 if before >= 0 else math.nan

    def blank(self) -> NDArray[np.int64]:
        """Room for a sample that is looked at once: [slots + 1, FIELDS]."""
        return np.zeros_like(self._samples[0])

    def glance(
        self, now_ns: int, sample: NDArray[np.int64], slots: NDArray[np.int64], requested_ns: NDArray[np.int64],
        ready_ns: NDArray[np.int64],
    ) -> tuple[NDArray[np.float64], int, float, float, float]:  # fmt: skip
        """As `read`, of a sample of this moment against the newest scrape before it; it becomes no scrape itself."""
        k = self._taken - 1
        if k >= 0 and self._times[k % self._depth] == now_ns:
            k -= 1
        newest = k % self._depth
        before = self._times[newest] if k >= 0 and self._taken - k < self._depth else -1
        out = np.empty((METRICS, len(slots)))
        queued, arrived_per_s = self._measure(
            sample, self._samples[newest], now_ns, now_ns, before, slots, requested_ns, ready_ns, out
        )
        return out, queued, arrived_per_s, 0.0, (now_ns - before) * 1e-9 if before >= 0 else math.nan

    @property
    def immediate(self) -> bool:
        """Whether a scrape may be used at the instant it is taken."""
        return self._lag_ns == 0

    def ahead(self, count: int) -> NDArray[np.int64]:
        """Room for `count` scrapes to come: [count, slots + 1, FIELDS]."""
        if len(self._ahead) < count:
            self._ahead = np.zeros((count, *self._ahead.shape[1:]), np.int64)
        return self._ahead[:count]

    def read_ahead(
        self, first_ns: int, interval_ns: int, samples: NDArray[np.int64], slots: NDArray[np.int64],
        requested_ns: NDArray[np.int64], ready_ns: NDArray[np.int64],
    ) -> tuple[NDArray[np.float64], list[int], list[float], float]:  # fmt: skip
        """What `read` would say at each of the scrapes to come, used as they are taken.

        Returns values [k, METRICS, n], requests in the shared queue and arrivals per second at each, and the first
        scrape's distance from the one before, s.
        """
        newest = (self._taken - 1) % self._depth
        before = self._times[newest] if self._taken else -1
        out = np.empty((len(samples), METRICS, len(slots)))
        queued, arrived_per_s = np.empty(len(samples), np.int64), np.empty(len(samples))
        measure_ahead(
            samples, self._samples[newest], first_ns, before, interval_ns, slots, requested_ns, ready_ns, out, queued,
            arrived_per_s,
        )  # fmt: skip
        return out, queued.tolist(), arrived_per_s.tolist(), (first_ns - before) * 1e-9 if before >= 0 else math.nan

    def accept(self, first_ns: int, interval_ns: int, samples: NDArray[np.int64]) -> None:
        """Those scrapes were taken: the last few of them are the newest now."""
        for k in range(max(0, len(samples) - self._depth), len(samples)):
            self.place(first_ns + k * interval_ns)[:] = samples[k]
