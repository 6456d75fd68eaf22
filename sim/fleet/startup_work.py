"""Scrapes that take the work of starting for load, as a CPU metric does (kubernetes/kubernetes#28692)."""

import numpy as np
from numpy.typing import NDArray

from sim.clock.calendar import to_ns
from sim.fleet.metrics import Scrapes
from sim.fleet.startup import Startup

_UTILISATION = 2  # place among the metrics of `sim.fleet.metrics.measure`


def scrapes_of(slots: int, interval_ns: int, lag_ns: int, startup: Startup) -> Scrapes:
    """Scrapes of a pool whose replicas start like this."""
    if startup.busy_s == 0.0:
        return Scrapes(slots, interval_ns, lag_ns)
    return StartupScrapes(slots, interval_ns, lag_ns, startup)


class StartupScrapes(Scrapes):
    """Scrapes in which a replica that has just become ready is busy with its own start, on top of its requests."""

    def __init__(self, slots: int, interval_ns: int, lag_ns: int, startup: Startup) -> None:
        super().__init__(slots, interval_ns, lag_ns)
        self._busy_ns, self._share = to_ns(startup.busy_s), startup.busy_share

    def read(
        self, now_ns: int, slots: NDArray[np.int64], requested_ns: NDArray[np.int64], ready_ns: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], int, float, float, float]:
        """See `Scrapes.read`."""
        values, queued, arrived_per_s, age_s, span_s = super().read(now_ns, slots, requested_ns, ready_ns)
        if span_s == span_s:
            at_ns = now_ns - to_ns(age_s)
            self._add(values[_UTILISATION], at_ns, at_ns - to_ns(span_s), ready_ns)
        return values, queued, arrived_per_s, age_s, span_s

    def read_ahead(
        self, first_ns: int, interval_ns: int, samples: NDArray[np.int64], slots: NDArray[np.int64],
        requested_ns: NDArray[np.int64], ready_ns: NDArray[np.int64],
    ) -> tuple[NDArray[np.float64], list[int], list[float], float]:  # fmt: skip
        """See `Scrapes.read_ahead`."""
        seen = super().read_ahead(first_ns, interval_ns, samples, slots, requested_ns, ready_ns)
        values, span_s = seen[0], seen[3]
        before_ns = first_ns - (interval_ns if span_s != span_s else to_ns(span_s))
        if len(ready_ns) and before_ns < int(ready_ns.max()) + self._busy_ns:
            for k in range(len(samples)):
                at_ns = first_ns + k * interval_ns
                self._add(values[k, _UTILISATION], at_ns, before_ns, ready_ns)
                before_ns = at_ns
        return seen

    def _add(
        self, utilisation: NDArray[np.float64], at_ns: int, before_ns: int, ready_ns: NDArray[np.int64]
    ) -> None:  # fmt: skip
        """Add the share of (before_ns, at_ns] that each replica's start took; what was not measured stays so."""
        overlap_ns = np.minimum(at_ns, ready_ns + self._busy_ns) - before_ns  # measured only where ready by before_ns
        started = self._share * np.maximum(overlap_ns, 0) / (at_ns - before_ns)
        np.minimum(utilisation + np.where(ready_ns >= 0, started, 0.0), 1.0, out=utilisation)
