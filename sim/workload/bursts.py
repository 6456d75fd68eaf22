"""Jumps of demand that fall back exponentially: launches on their dates, viral spikes at random times."""

import math
from dataclasses import dataclass

import numpy as np

from sim.clock.calendar import NS_PER_S, YEAR_S, Calendar
from sim.streams import Purpose, uniform_pair
from sim.workload.block import Float64, Int64
from sim.workload.parameters import RatedWorkload

_SPENT = 50.0  # decays after which the excess, e ** -50 of the peak, is nothing beside 1 in a float


@dataclass(frozen=True, eq=False)
class Bursts:
    """Burst k multiplies demand by 1 + excess[k] * e ** -((t - at_ns[k]) / decay_ns[k]) from at_ns[k] on.

    at_ns: int64[k] nanoseconds since the start, ascending; excess: float64[k], peak factor less one; decay_ns:
    float64[k].
    """

    at_ns: Int64
    excess: Float64
    decay_ns: Float64

    def means(self, first: int, n: int, length_ns: int) -> Float64:
        """float64[n]: product of the bursts' mean factors over intervals first ... first + n - 1 of `length_ns`."""
        factor = np.ones(n)
        starts = self.at_ns // length_ns
        ends = (self.at_ns + np.ceil(_SPENT * self.decay_ns).astype(np.int64)) // length_ns + 1
        for k in np.flatnonzero((starts < first + n) & (ends > first)):
            low, high = max(int(starts[k]), first), min(int(ends[k]), first + n)
            edges_ns = np.arange(low, high + 1, dtype=np.int64) * length_ns - self.at_ns[k]
            left = np.exp(-np.maximum(edges_ns, 0) / self.decay_ns[k])
            factor[low - first : high - first] *= 1.0 + self.excess[k] * self.decay_ns[k] / length_ns * -np.diff(left)
        return factor

    def peak(self) -> float:
        """Largest product of factors at any time: it stands where a burst begins, unless it is below 1."""
        largest = 1.0
        gone_ns = np.maximum.accumulate(self.at_ns + _SPENT * self.decay_ns)  # none of 0 ... k is alive after it
        excess = np.maximum(self.excess, 0.0)  # what lowers demand is left out of a bound from above
        for k, t_ns in enumerate(self.at_ns):
            alive = slice(int(np.searchsorted(gone_ns, t_ns)), k + 1)
            decayed = np.exp(-(t_ns - self.at_ns[alive]) / self.decay_ns[alive])
            log = float(np.log1p(excess[alive] * decayed).sum())
            largest = max(largest, math.exp(min(log, 700.0)))
        return largest


def bursts_of(workload: RatedWorkload, calendar: Calendar, key: np.uint64) -> Bursts:
    """All launches and spikes of a workload over the calendar's horizon. key: of the stream of its spikes."""
    found = [
        (calendar.ns(launch.at), launch.factor - 1.0, launch.decay_s * NS_PER_S) for launch in workload.launches
    ]  # fmt: skip
    spikes = workload.spikes
    if spikes is not None:
        mean_gap_s, t_s, i = YEAR_S / spikes.per_year, 0.0, 0
        while True:
            u, v = uniform_pair(key, i, 0, Purpose.SPIKE)
            t_s -= math.log(u) * mean_gap_s
            if t_s * NS_PER_S >= calendar.horizon_ns:
                break
            found.append((int(t_s * NS_PER_S), -math.log(v) * (spikes.factor - 1.0), spikes.decay_s * NS_PER_S))
            i += 1
    found.sort(key=lambda burst: burst[0])
    at_ns, excess, decay_ns = zip(*found) if found else ((), (), ())
    return Bursts(
        np.array(at_ns, dtype=np.int64), np.array(excess, dtype=np.float64), np.array(decay_ns, dtype=np.float64)
    )
