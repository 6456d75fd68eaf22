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
from sim.laws import gamma_draw, weibull_draw, weibull_scale, weibull_shape
from sim.streams import Purpose, uniform
from sim.workload.block import Float64

# A law, float64: family, shape, and scale, which makes the mean one.
FAMILY, SHAPE, SCALE = 0, 1, 2
GAMMA, WEIBULL, EXPONENTIAL = 0.0, 1.0, 2.0

_INTERARRIVAL, _FIRST_GAP = int(Purpose.INTERARRIVAL), int(Purpose.FIRST_GAP)

_uniform: Callable[[np.uint64, int, int, int], float] = uniform  # the name carries the types


def poisson_law() -> Float64:
    """float64[3]: the law of a Poisson process."""
    return np.array([EXPONENTIAL, 1.0, 1.0])


def law_of(family: Literal["gamma", "weibull"], cv: float) -> Float64:
    """float64[3]: the law of a family with mean 1 and coefficient of variation `cv`, for `gap_length`.

    Gamma: shape 1 / cv**2. Weibull: see `weibull_shape`.
    """
    if family == "gamma":
        return np.array([GAMMA, cv**-2, cv**2])
    shape = weibull_shape(cv)
    return np.array([WEIBULL, shape, weibull_scale(shape)])


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
            return part * gamma_draw(key, 0, shape + 1.0, _INTERARRIVAL)
        return part * math.pow(gamma_draw(key, 0, 1.0 + 1.0 / shape, _INTERARRIVAL), 1.0 / shape)
    if family == GAMMA:
        return scale * gamma_draw(key, request, shape, _INTERARRIVAL)
    return scale * weibull_draw(key, request, shape, _INTERARRIVAL)
