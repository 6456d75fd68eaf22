"""Compiled arrival processes: Poisson and renewal with a piecewise constant rate, and given numbers per interval.

All draw from counter-based streams by request id, so the time of an arrival does not depend on how arrivals are cut
into blocks.
"""

import math
from collections.abc import Callable

import numpy as np

from sim.compiled import inlined, kernel
from sim.streams import Purpose, uniform_pair
from sim.workload.block import Float64, Int32, Int64
from sim.workload.gaps import EXPONENTIAL, FAMILY, gap_length

_ARRIVAL = int(Purpose.ARRIVAL)

# State of a process along a demand curve, float64: hazard (integrated rate) left until the next arrival, nanoseconds
# into the current interval, and whether that hazard has been drawn.
HAZARD, OFFSET, DRAWN = 0, 1, 2

# State of the counts process, int64 and float64: interval, arrivals already placed in it; the largest of the uniforms
# that are still to come.
INTERVAL, PLACED = 0, 1

# State of a mix, int64[c, 2]: arrivals taken from a client's buffer, and filled into it.
TAKEN, FILLED = 0, 1


_pair: Callable[[np.uint64, int, int, int], tuple[float, float]] = uniform_pair  # the name carries the types


@kernel
def uniforms(key: np.uint64, first_id: int, purpose: int, out: Float64) -> None:
    """Fill `out` with the uniforms of consecutive requests; requests 2k and 2k + 1 share one Philox call.

    A plain loop over whole pairs, so that the compiler computes as many calls at once as the processor has lanes.
    """
    odd, first = first_id & 1, (first_id + 1) >> 1
    pairs = (out.size - odd) >> 1
    if odd and out.size:
        _, out[0] = _pair(key, first_id >> 1, 0, purpose)
    body = out[odd:]
    for j in range(pairs):
        a, b = _pair(key, first + j, 0, purpose)
        body[2 * j] = a
        body[2 * j + 1] = b
    if odd + 2 * pairs < out.size:
        out[out.size - 1], _ = _pair(key, first + pairs, 0, purpose)


@inlined
def spend(
    hazard: float, offset: float, k: int, rate_per_ns: Float64, first_ns: int, length_ns: int, end_ns: int
) -> tuple[float, float, int]:
    """Walk along the demand curve from `offset` in interval k until `hazard` is used up, or all intervals are.

    Time rescaling (Brown et al., Neural Computation 14, 2002): an arrival comes where the integrated rate since the one
    before reaches its hazard. The integral is kept relative to the current interval, so precision does not fade with
    the number of arrivals. Returns hazard left, offset and interval; the interval is rate_per_ns.size at the end.
    """
    while k < rate_per_ns.size:
        rate = rate_per_ns[k]
        left = rate * (min(length_ns, end_ns - first_ns - k * length_ns) - offset)
        if hazard < left:
            return 0.0, offset + hazard / rate, k
        hazard -= left
        offset = 0.0
        k += 1
    return hazard, offset, k


@inlined
def instant(offset: float, k: int, first_ns: int, length_ns: int, end_ns: int) -> int:
    """Nanosecond of an arrival at `offset` in interval k, inside that interval."""
    start = first_ns + k * length_ns
    return start + min(int(offset), min(length_ns, end_ns - start) - 1)


@kernel
def gaps(key: np.uint64, first_id: int, law: Float64, out: Float64) -> None:
    """Fill `out` with the gaps before consecutive requests of a renewal process that is no Poisson process."""
    for i in range(out.size):
        out[i] = gap_length(key, first_id + i, law)


@kernel
def exponentials(out: Float64) -> None:
    """Turn uniforms into exponential variates of mean 1, in place."""
    for i in range(out.size):
        out[i] = -math.log(out[i])


def hazards(key: np.uint64, first_id: int, law: Float64, out: Float64) -> None:
    """Fill `out` with the hazards before consecutive requests under a law of gaps, -ln u for a Poisson process."""
    if law[FAMILY] == EXPONENTIAL:
        uniforms(key, first_id, _ARRIVAL, out)
        exponentials(out)
    else:
        gaps(key, first_id, law, out)


@kernel
def stream_block(
    hazard_of: Float64,
    rate_per_ns: Float64,
    first_ns: int,
    length_ns: int,
    end_ns: int,
    state: Float64,
    out: Int64,
) -> tuple[int, int]:
    """Fill `out` with arrivals of a renewal process in operational time, in which the demand curve's rate is 1.

    hazard_of: float64[n], hazard before each of them, see `hazards` and `spend`; rate_per_ns: float64[k], rate of each
    interval from `first_ns` on, each `length_ns` long, the last cut at `end_ns`; state: float64[3], see HAZARD; out:
    int64[n]. Returns (arrivals written, intervals finished): when all intervals are finished, `out` may have room left.
    """
    n, k = 0, 0
    hazard, offset, drawn = state[HAZARD], state[OFFSET], state[DRAWN]
    while True:
        if drawn == 0.0:
            if n == out.size:
                break
            hazard = hazard_of[n]
            drawn = 1.0
        hazard, offset, k = spend(hazard, offset, k, rate_per_ns, first_ns, length_ns, end_ns)
        if k == rate_per_ns.size:
            break
        drawn = 0.0
        out[n] = instant(offset, k, first_ns, length_ns, end_ns)
        n += 1
    state[HAZARD], state[OFFSET], state[DRAWN] = hazard, offset, drawn
    return n, k


@kernel
def counts_block(
    uniform_of: Float64, start_ns: Int64, counts: Int64, length_ns: int, place: Int64, largest: Float64, out: Int64
) -> int:
    """Fill `out` with counts[k] arrivals at uniform order statistics of each interval [start_ns[k], + length_ns).

    The order statistics come one after the other (Bentley and Saxe, ACM TOMS 6, 1980): of m uniforms still to be
    placed on (0, R) the largest is R * u ** (1 / m); an arrival stands at 1 - R of the interval.

    uniform_of: float64[n], u of each; start_ns, counts: int64[k]; place: int64[2] and largest: float64[1] are the
    state, see INTERVAL; out: int64[n]. Returns the number of arrivals written, fewer than out.size only when all
    intervals are finished.
    """
    n = 0
    k, done, r = place[0], place[1], largest[0]
    while k < counts.size and n < out.size:
        count = counts[k]
        start = start_ns[k]
        stop = min(count, done + out.size - n)
        while done < stop:
            r *= math.exp(math.log(uniform_of[n]) / (count - done))
            out[n] = start + min(int(length_ns * (1.0 - r)), length_ns - 1)
            n += 1
            done += 1
        if done == count:
            k, done, r = k + 1, 0, 1.0
    place[0], place[1], largest[0] = k, done, r
    return n


@kernel
def merge_block(ahead: Int64, state: Int64, next_ns: Int64, out: Int64, tenant: Int32) -> int:
    """Fill `out` and `tenant` with the earliest arrivals of all clients, of two at the same instant the first client's.

    ahead: int64[c, s], arrivals of each client; state: int64[c, 2], see TAKEN; next_ns: int64[c], the next arrival of
    each, the largest int64 where there is none; out: int64[n]; tenant: int32[n].
    Returns how many it wrote: it stops when `out` is full or a buffer has been emptied.
    """
    n = 0
    while n < out.size:
        first, at = 0, next_ns[0]
        for c in range(1, next_ns.size):
            if next_ns[c] < at:
                first, at = c, next_ns[c]
        out[n] = at
        tenant[n] = first
        n += 1
        state[first, TAKEN] += 1
        if state[first, TAKEN] == state[first, FILLED]:
            return n
        next_ns[first] = ahead[first, state[first, TAKEN]]
    return n
