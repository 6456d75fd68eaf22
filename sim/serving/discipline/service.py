"""Random factors of service and latency: pure functions of (key, request id)."""

import math

import numpy as np

from sim.compiled import inlined, kernel
from sim.streams import normal_quantile, uniform

CONSTANT, EXPONENTIAL, LOGNORMAL = 0, 1, 2
LONGEST_NS = 20 * 365.25 * 86_400e9  # cut there: with the longest horizon, a century, time still fits its 62 bits
DISTRIBUTIONS = {"constant": CONSTANT, "exponential": EXPONENTIAL, "lognormal": LOGNORMAL}


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
def service_ns(
    mean_ns: float, distribution: int, sigma: float, key: np.uint64, request: int, draw: int, purpose: int
) -> int:  # fmt: skip
    """Service time in nanoseconds (>= 1) of a batch whose first request is `request`; see `served_ns`.

    key: of the workload's service stream; draw: which of the request's visits this is, see
    `sim.serving.discipline.calls.visit`.
    """
    u = 0.5 if distribution == CONSTANT else uniform(key, request, draw, purpose)
    return served_ns(mean_ns, distribution, sigma, u)


@inlined
def is_exposed(exposure: float, key: np.uint64, request: int, purpose: int) -> bool:
    """Whether a potential request is let in by the phase's exposure (0 to 1)."""
    return exposure >= 1.0 or uniform(key, request, 0, purpose) < exposure


draw_service_ns = kernel(service_ns)
draw_exposed = kernel(is_exposed)
