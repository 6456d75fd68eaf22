"""What a controller may know of its pool beside scrapes: where it stands in civil time, and what a replica is."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Coming = Callable[[NDArray[np.int64]], NDArray[np.float64]]
"""Requests that will ask the pool to be served, by stretch: moments (int64[n], ns, ascending) -> float64[n - 1]."""


def nobody(moments_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """No request is known of."""
    return np.zeros(len(moments_ns) - 1)


class Setting(NamedTuple):
    """A pool as its owner knows it; what nobody said is NaN, UTC, one request at a time, and ready at once.

    start_epoch_ns, timezone: the scenario's start since 1970 (UTC), and its IANA time zone
    boot_s:      at most, from a replica's request on a new machine until it is ready: what an autoscaler of nodes takes
                 to ask for one, provisioning, and all parts of its start
    concurrency: most requests in service at a replica at once
    service_s:   mean service time of a request alone
    best_per_s:  best throughput of a replica over the batch sizes that it may form, requests per second
    slo_s:       shortest latency SLO of the workloads that the pool serves
    coming:      arrivals to come, which only an oracle may ask for: exogenous ones, at their expected number of visits
    """

    start_epoch_ns: int = 0
    timezone: str = "UTC"
    boot_s: float = 0.0
    concurrency: int = 1
    service_s: float = math.nan
    best_per_s: float = math.nan
    slo_s: float = math.nan
    coming: Coming = nobody


UNSAID = Setting()
"""Nobody said anything of the pool."""
