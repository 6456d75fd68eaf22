"""Random factors of service and latency: pure functions of (key, request id).

What makes a row's service times more than a mean by batch size times a simple factor (sizes of requests, slow first
requests of a replica, further laws) is its *variation*: a stretch of float64 numbers, see BASE_NS.
"""

import math

import numpy as np
from numpy.typing import NDArray

from sim.compiled import inlined, kernel
from sim.laws import gamma_draw, lognormal_draw, weibull_draw
from sim.streams import normal_quantile, uniform

CONSTANT, EXPONENTIAL, LOGNORMAL, GAMMA, WEIBULL, EMPIRICAL = range(6)
LONGEST_NS = 20 * 365.25 * 86_400e9  # cut there: with the longest horizon, a century, time still fits its 62 bits
DISTRIBUTIONS = {
    "constant": CONSTANT, "exponential": EXPONENTIAL, "lognormal": LOGNORMAL, "gamma": GAMMA, "weibull": WEIBULL,
    "empirical": EMPIRICAL,
}  # fmt: skip

# A variation: time of a batch of no work and of one unit of work, ns; sigma of a request's size (0: all are of size 1),
# whether a batch is padded to its largest; requests that a new replica serves slowly, and how slowly; then its law.
# Gamma and Weibull: shape, scale. Empirical: number of points, their probabilities, their factors.
BASE_NS, PER_ITEM_NS, SIZE_SIGMA, PADDING, SLOW_REQUESTS, SLOW_FACTOR, LAW = range(7)
Variation = NDArray[np.float64]


@inlined
def served_ns(mean_ns: float, distribution: int, sigma: float, u: float) -> int:
    """Service time in nanoseconds (>= 1) of a batch whose uniform is `u` (of no effect where it is constant).

    mean_ns: mean time of a batch of this size; sigma: of the logarithm, for lognormal factors of mean one.
    """
    factor = 1.0
    if distribution == EXPONENTIAL:
        factor = -math.log(u)
    elif distribution == LOGNORMAL:
        factor = math.exp(sigma * normal_quantile(u) - 0.5 * sigma * sigma)
    return max(1, int(min(mean_ns * factor, LONGEST_NS) + 0.5))


@inlined
def service_ns(mean_ns: float, distribution: int, sigma: float, key: np.uint64, request: int, purpose: int) -> int:
    """Service time in nanoseconds (>= 1) of a batch whose first request is `request`; see `served_ns`.

    key: of the workload's service stream.
    """
    u = 0.5 if distribution == CONSTANT else uniform(key, request, 0, purpose)
    return served_ns(mean_ns, distribution, sigma, u)


@inlined
def law_factor(
    distribution: int, variation: Variation, at: int, key: np.uint64, request: int, purpose: int
) -> float:  # fmt: skip
    """Random factor of mean one under a law of the variation at `at`: Gamma, Weibull or empirical; of others 1."""
    law = at + LAW
    if distribution == GAMMA:
        return float(variation[law + 1] * gamma_draw(key, request, float(variation[law]), purpose))
    if distribution == WEIBULL:
        return float(variation[law + 1] * weibull_draw(key, request, float(variation[law]), purpose))
    if distribution == EMPIRICAL:
        return quantile(uniform(key, request, 0, purpose), variation, law + 1, int(variation[law]))
    return 1.0


@inlined
def quantile(u: float, points: Variation, at: int, n: int) -> float:
    """Inverse of a distribution function at u (0 to 1), linear between its points.

    points: from `at` on n probabilities, increasing from 0 to 1, then their n values.
    """
    low, high = at, at + n - 1
    while high - low > 1:
        middle = (low + high) >> 1
        if points[middle] <= u:
            low = middle
        else:
            high = middle
    share = (u - points[low]) / (points[high] - points[low])
    return float(points[low + n] + share * (points[high + n] - points[low + n]))


@inlined
def item_size(key: np.uint64, request: int, sigma: float, purpose: int) -> float:
    """Size of a request: lognormal, of mean one."""
    return lognormal_draw(key, request, sigma, purpose)


@inlined
def add_size(work: float, size: float, padded: bool) -> float:
    """Work of a batch once a request has joined it: the sum of sizes, or where it is padded the largest."""
    return max(work, size) if padded else work + size


@inlined
def sized_ns(base_ns: float, per_item_ns: float, work: float, batch: int, padded: bool) -> float:
    """Mean time of a batch of that work; a padded one works on `batch` requests of the largest size."""
    return base_ns + per_item_ns * (batch * work if padded else work)


@inlined
def slowness(served: int, variation: Variation, at: int) -> float:
    """How many times as long a replica takes for a batch once it has served so many requests since it was ready.

    A plateau: code that is compiled, and weights that are read, at first use are slow until they have been used.
    """
    return variation[at + SLOW_FACTOR] if served < variation[at + SLOW_REQUESTS] else 1.0


@inlined
def varied_ns(
    mean_ns: float, served: int, distribution: int, sigma: float, variation: Variation, at: int, key: np.uint64,
    request: int, purpose: int,
) -> int:  # fmt: skip
    """Service time in nanoseconds (>= 1) of a batch in a row with a variation.

    mean_ns: of a batch of this size, or of this work; served: see `slowness`; all others as for `service_ns`.
    """
    mean_ns *= slowness(served, variation, at)
    if distribution > LOGNORMAL:
        factor = law_factor(distribution, variation, at, key, request, purpose)
        return max(1, int(min(mean_ns * factor, LONGEST_NS) + 0.5))
    return service_ns(mean_ns, distribution, sigma, key, request, purpose)


@inlined
def is_exposed(exposure: float, key: np.uint64, request: int, purpose: int) -> bool:
    """Whether a potential request is let in by the phase's exposure (0 to 1)."""
    return exposure >= 1.0 or uniform(key, request, 0, purpose) < exposure


draw_service_ns = kernel(service_ns)
draw_varied_ns = kernel(varied_ns)
draw_item_size = kernel(item_size)
draw_exposed = kernel(is_exposed)
