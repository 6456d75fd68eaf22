"""Compiled arrival processes: Poisson with a piecewise constant rate, and a given number of arrivals per interval.

Both draw u(key, request id) from counter-based streams, two neighbouring requests sharing one Philox call, so the time
of an arrival does not depend on how arrivals are cut into blocks.
"""

import math
from collections.abc import Callable

import numpy as np

from sim.compiled import inlined, kernel
from sim.streams import Purpose, uniform_pair
from sim.workload.block import Float64, Int64

_ARRIVAL = int(Purpose.ARRIVAL)

# State of the Poisson process, float64: hazard left until the next arrival, nanoseconds into the current interval, and
# whether that hazard has been drawn.
HAZARD, OFFSET, DRAWN = 0, 1, 2

# State of the counts process, int64 and float64: interval, arrivals already placed in it; the largest of the uniforms
# that are still to come.
INTERVAL, PLACED = 0, 1


_pair: Callable[[np.uint64, int, int, int], tuple[float, float]] = uniform_pair  # the name carries the types


@inlined
def draw(key: np.uint64, request: int, odd: float) -> tuple[float, float]:
    """The uniform of a request, and that of the next request where one Philox call gives both.

    odd: the second value of the pair drawn for request - 1; 0.0 where it is not at hand.
    """
    if request & 1:
        if odd == 0.0:
            _, odd = _pair(key, request >> 1, 0, _ARRIVAL)
        return odd, 0.0
    return _pair(key, request >> 1, 0, _ARRIVAL)


@kernel
def poisson_block(
    key: np.uint64,
    first_id: int,
    rate_per_ns: Float64,
    first_ns: int,
    length_ns: int,
    end_ns: int,
    state: Float64,
    out: Int64,
) -> tuple[int, int]:
    """Fill `out` with arrivals of a Poisson process whose rate is constant within each interval.

    Time rescaling (Brown et al., Neural Computation 14, 2002): arrival i comes where the integrated rate since arrival
    i - 1 reaches -ln u(i). The integral is kept relative to the current interval, so precision does not fade with the
    number of arrivals.

    rate_per_ns: float64[k], rate of each interval from `first_ns` on, each `length_ns` long, the last cut at `end_ns`;
    state: float64[3], see HAZARD; out: int64[n].
    Returns (arrivals written, intervals finished): when all intervals are finished, `out` may have room left.
    """
    n, k, odd = 0, 0, 0.0
    hazard, offset, drawn = state[HAZARD], state[OFFSET], state[DRAWN]
    while k < rate_per_ns.size:
        start = first_ns + k * length_ns
        length = min(length_ns, end_ns - start)
        rate = rate_per_ns[k]
        while True:
            if drawn == 0.0:
                if n == out.size:
                    state[HAZARD], state[OFFSET], state[DRAWN] = hazard, offset, drawn
                    return n, k
                u, odd = draw(key, first_id + n, odd)
                hazard = -math.log(u)
                drawn = 1.0
            left = rate * (length - offset)
            if hazard >= left:
                hazard -= left
                break
            offset += hazard / rate
            drawn = 0.0
            out[n] = start + min(int(offset), length - 1)
            n += 1
        offset = 0.0
        k += 1
    state[HAZARD], state[OFFSET], state[DRAWN] = hazard, offset, drawn
    return n, k


@kernel
def counts_block(
    key: np.uint64,
    first_id: int,
    start_ns: Int64,
    counts: Int64,
    length_ns: int,
    place: Int64,
    largest: Float64,
    out: Int64,
) -> int:
    """Fill `out` with counts[k] arrivals at uniform order statistics of each interval [start_ns[k], + length_ns).

    The order statistics come one after the other (Bentley and Saxe, ACM TOMS 6, 1980): of m uniforms still to be
    placed on (0, R) the largest is R * u ** (1 / m); an arrival stands at 1 - R of the interval.

    start_ns, counts: int64[k]; place: int64[2] and largest: float64[1] are the state, see INTERVAL; out: int64[n].
    Returns the number of arrivals written, fewer than out.size only when all intervals are finished.
    """
    n, odd = 0, 0.0
    k, done, r = place[0], place[1], largest[0]
    while k < counts.size and n < out.size:
        count = counts[k]
        start = start_ns[k]
        stop = min(count, done + out.size - n)
        while done < stop:
            u, odd = draw(key, first_id + n, odd)
            r *= math.exp(math.log(u) / (count - done))
            out[n] = start + min(int(length_ns * (1.0 - r)), length_ns - 1)
            n += 1
            done += 1
        if done == count:
            k, done, r = k + 1, 0, 1.0
    place[0], place[1], largest[0] = k, done, r
    return n
