"""Requests that are to be expected of a workload, without drawing one of them."""

import numpy as np

from sim.clock.calendar import NS_PER_S, Calendar
from sim.streams import Streams
from sim.workload.block import Float64, Int64
from sim.workload.counts import CountsArrivals
from sim.workload.parameters import CountsWorkload, RatedWorkload, Requests
from sim.workload.rate import DemandCurve
from sim.workload.source import arrival_source, key_path

_AT_ONCE = 4096  # intervals of a curve, so that memory does not grow with the horizon and sums stay good to 1e-10


def expected(workload: Requests, name: str, calendar: Calendar, streams: Streams, edges_ns: Int64) -> Float64:
    """float64[n - 1]: potential requests in each stretch [edges[i], edges[i + 1]), without storms.

    Of a demand curve the mean, with the viral spikes that are drawn for it; of a file what it has recorded; of a closed
    loop nothing, as its requests depend on how they are answered. edges_ns: ascending, since the scenario's start.
    Raises InputError for a file that is wrong.
    """
    if isinstance(workload, RatedWorkload):
        return _of_curve(DemandCurve(workload, calendar, streams.key(f"spikes/{name}")), edges_ns)
    if isinstance(workload, CountsWorkload):
        counts = CountsArrivals(workload, key_path(name), calendar, streams.key(f"arrivals/{name}"))
        return counts.expected(edges_ns)
    found = np.zeros(edges_ns.size - 1)
    source = arrival_source(workload, name, calendar, streams)
    while (block := source.next_block()) is not None:
        found += np.diff(np.searchsorted(block.arrival_ns, edges_ns))
    return found


def _of_curve(curve: DemandCurve, edges_ns: Int64) -> Float64:
    found = np.zeros(edges_ns.size - 1)
    for first in range(0, curve.intervals, _AT_ONCE):
        n = min(_AT_ONCE, curve.intervals - first)
        marks_ns = np.arange(first, first + n + 1, dtype=np.int64) * curve.length_ns
        requests = np.cumsum(np.append(0.0, curve.rates(first, n) * (curve.length_ns / NS_PER_S)))
        low = max(int(np.searchsorted(edges_ns, marks_ns[0], side="right")) - 1, 0)
        high = int(np.searchsorted(edges_ns, marks_ns[-1])) + 1
        part = edges_ns[low:high]
        found[low : low + max(part.size - 1, 0)] += np.diff(np.interp(part, marks_ns, requests))
    return found
