"""Laws of positive random numbers that more than one room draws from: Gamma, Weibull and lognormal of mean one.

Draws are pure functions of a stream's key and a counter (`sim.streams`), part of compiled kernels and plain Python
alike; shapes follow from the coefficient of variation, standard deviation over mean.
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sim.compiled import inlined
from sim.streams import Purpose, normal_quantile, uniform, uniform_pair

_SMALL_SHAPE = int(Purpose.SMALL_SHAPE)
_STEP, _REACH = 1 / 32, 10.0  # of the integral in `largest_lognormal`, in standard deviations

# the names carry the types
_pair: Callable[[np.uint64, int, int, int], tuple[float, float]] = uniform_pair
_uniform: Callable[[np.uint64, int, int, int], float] = uniform
_normal: Callable[[float], float] = normal_quantile


def weibull_shape(cv: float) -> float:
    """Shape of a Weibull law with coefficient of variation `cv` (0.013 to 1e5), found by bisection to the last bit.

    It is the one whose cv**2 + 1 is G(1 + 2 / shape) / G(1 + 1 / shape)**2.
    """
    low, high = 0.05, 100.0  # their cv are 1e5 and 0.013
    while True:
        shape = 0.5 * (low + high)
        if shape in (low, high):
            return shape
        squared = math.expm1(math.lgamma(1.0 + 2.0 / shape) - 2.0 * math.lgamma(1.0 + 1.0 / shape))
        low, high = (shape, high) if squared > cv**2 else (low, shape)


def weibull_scale(shape: float) -> float:
    """Scale of the Weibull law of mean one with this shape."""
    return math.exp(-math.lgamma(1.0 + 1.0 / shape))


def lognormal_sigma(cv: float) -> float:
    """Standard deviation of the logarithm of a lognormal law with coefficient of variation `cv`."""
    return math.sqrt(math.log1p(cv**2))


@inlined
def gamma_draw(key: np.uint64, request: int, shape: float, purpose: int) -> float:
    """A Gamma(shape, scale 1) variate of a request (Marsaglia and Tsang, ACM TOMS 26, 2000).

    Each attempt, of which over 95 % succeed, has its own counter; a shape below 1 is drawn as that of shape + 1 times
    u ** (1 / shape).
    """
    d = (shape if shape >= 1.0 else shape + 1.0) - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    attempt, v = 0, 0.0
    while v == 0.0:
        u, w = _pair(key, request, attempt, purpose)
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
def weibull_draw(key: np.uint64, request: int, shape: float, purpose: int) -> float:
    """A Weibull(shape, scale 1) variate of a request, by inversion."""
    return math.pow(-math.log(_uniform(key, request, 0, purpose)), 1.0 / shape)


@inlined
def lognormal_draw(key: np.uint64, request: int, sigma: float, purpose: int) -> float:
    """A lognormal variate of mean one of a request; sigma: standard deviation of its logarithm."""
    return math.exp(sigma * _normal(_uniform(key, request, 0, purpose)) - 0.5 * sigma * sigma)


def largest_lognormal(n: int, sigma: float) -> float:
    """Mean of the largest of `n` independent lognormal variates of mean one; sigma: see `lognormal_draw`.

    n times the integral of exp(sigma z - sigma**2 / 2) P(z)**(n - 1) p(z) dz, with p and P the normal density and
    distribution, by the trapezoidal rule (exact to rounding for an integrand that dies out like this). For n = 2 it is
    2 P(sigma / sqrt(2)).
    """
    z, below = _normal_table()
    weights = np.exp(sigma * z - 0.5 * (sigma * sigma + z * z)) * below ** (n - 1)
    return float(n * _STEP / math.sqrt(2.0 * math.pi) * weights.sum())


@cache
def _normal_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the integral is taken, and the normal distribution there."""
    z = np.arange(-_REACH, 2 * _REACH, _STEP)
    return z, np.array([0.5 * math.erfc(-x / math.sqrt(2.0)) for x in z])
