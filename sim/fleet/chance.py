"""When things happen to machines: draws from named streams, each a function of its stream and of whom it is for."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from sim.clock.calendar import MONTH_S, NS_PER_S
from sim.streams import uniform

MONTH_NS = MONTH_S * NS_PER_S
FAR_NS = 2**61  # beyond any horizon (100 years), and still far from what 64 bits hold

Key = Callable[[str], np.uint64]
"""The key of a stream by its name below `fleet/<pool>/`."""


def exponential_ns(key: np.uint64, index: int, mean_ns: float) -> int:
    """An exponential time, ns, drawn for `index`; at most FAR_NS."""
    return round(min(-math.log(uniform(key, index, 0, 0)) * mean_ns, FAR_NS))


def poisson_ns(key: np.uint64, per_month: float) -> Iterator[int]:
    """Times of a Poisson process from 0 on, ns, until they are beyond FAR_NS."""
    t_ns, i = 0, 0
    while per_month > 0:
        t_ns += exponential_ns(key, i, MONTH_NS / per_month)
        if t_ns >= FAR_NS:
            return
        yield t_ns
        i += 1


def happens(key: np.uint64, index: int, attempt: int, share: float) -> bool:
    """Whether it hits `index` the `attempt`-th time."""
    return uniform(key, index, attempt, 0) < share
