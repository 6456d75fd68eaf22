"""Gaps of renewal processes of mean one, drawn by request id: exponential, and Gamma and Weibull of a given coefficient
of variation.

Request 0's gap is what is left of the gap that covers the start, so that the process is stationary from the first
nanosecond: its expected count is the integrated rate, however bursty it is (Cox, Renewal Theory, 1962, ch. 5).
"""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from sim.compiled import inlined
from sim.streams import Purpose, normal_quantile, uniform, uniform_pair
from sim.workload.block import Float64

# A law, float64: family, shape, and scale, which makes the mean one.
FAMILY, SHAPE, SCALE = 0, 1, 2
GAMMA, WEIBULL, EXPONENTIAL = 0.0, 1.0, 2.0

_INTERARRIVAL, _SMALL_SHAPE, _FIRST_GAP = int(Purpose.INTERARRIVAL), int(Purpose.SMALL_SHAPE), int(Purpose.FIRST_GAP)

# the names carry the types
_pair: Callable[[np.uint64, int, int, int], tuple[float, float]] = uniform_pair
_uniform: Callable[[np.uint64, int, int, int], float] = uniform
_normal: Callable[[float], float] = normal_quantile


def poisson_law() -> Float64:
    """float64[3]: the law of a Poisson process."""
    return np.array([EXPONENTIAL, 1.0, 1.0])


def law_of(family: Literal["gamma", "weibull"], cv: float) -> Float64:
    """float64[3]: the law of a family with mean 1 and coefficient of variation `cv`, for `gap_length`.

    Gamma: shape 1 / cv**2. Weibull: the shape whose cv**2 + 1 is G(1 + 2 / shape) / G(1 + 1 / shape)**2, found by
    bisection to the last bit.
    """
    if family == "gamma":
        return np.array([GAMMA, cv**-2, cv**2])
    low, high = 0.05, 100.0  # their cv are 1e5 and 0.013
    while True:
        shape = 0.5 * (low + high)
        if shape in (low, high):
            return np.array([WEIBULL, shape, math.exp(-math.lgamma(1.0 + 1.0 / shape))])
        squared = math.expm1(math.lgamma(1.0 + 2.0 / shape) - 2.0 * math.lgamma(1.0 + 1.0 / shape))
        low, high = (shape, high) if squared > cv**2 else (low, shape)


@inlined
def gamma_draw(key: np.uint64, request: int, shape: float) -> float:
    """A Gamma(shape, scale 1) variate of a request (Marsaglia and Tsang, ACM TOMS 26, 2000).

    Each attempt, of which over 95 % succeed, has its own counter; a shape below 1 is drawn as that of shape + 1 times
    u ** (1 / shape).
    """
    d = (shape if shape >= 1.0 else shape + 1.0) - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    attempt, v = 0, 0.0
    while v == 0.0:
        u, w = _pair(key, request, attempt, _INTERARRIVAL)
        attempt += 1
        x = _normal(u)
        v = max(0.0, 1.0 + c * x) ** 3
        # below the squeeze the two logarithms need not be taken
        if v > 0.0 and w >= 1.0 - 0.0331 * x**4 and math.log(w) >= 0.5 * x * x + d * (1.0 - v + math.log(v)):
            v = 0.0
    if shape >= 1.0:
        return d * v
    return d * v * math.pow(_uniform(key, request, 0, _SMALL_SHAPE), 1.0 / shape)


@inlined
def gap_length(key: np.uint64, request: int, law: Float64) -> float:
    """The gap before a request, of mean 1; before request 0 what is left of the gap that covers the start.

    That is a uniform share of a gap drawn by its length: a Gamma gap becomes one of shape + 1; of a Weibull gap,
    (gap / scale) ** shape becomes Gamma(1 + 1 / shape). law: float64[3], see FAMILY.
    """
    family, shape, scale = law[FAMILY], float(law[SHAPE]), float(law[SCALE])
    if request == 0:
        part = scale * _uniform(key, 0, 0, _FIRST_GAP)
        if family == GAMMA:
            return part * gamma_draw(key, 0, shape + 1.0)
        return part * math.pow(gamma_draw(key, 0, 1.0 + 1.0 / shape), 1.0 / shape)
    if family == GAMMA:
        return scale * gamma_draw(key, request, shape)
    u = _uniform(key, request, 0, _INTERARRIVAL)
    return scale * math.pow(-math.log(u), 1.0 / shape)
