"""What a controller sees of a pool, taken from scrapes, and what it answers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Observation(NamedTuple):
    """A pool as its newest usable scrapes show it.

    Arrays have one entry per replica that exists and is not draining, in replica order.

    target_replicas: count last asked for (the specification, not what runs)
    ready:           whether the replica takes requests
    age_s:           seconds since it was requested
    ready_for_s:     seconds since it became ready; NaN when it never was
    utilisation:     share of time busy between the last two scrapes; NaN where there are fewer than two samples
    in_flight:       requests queued at or in service on the replica at the newest scrape; NaN where there is none
    mean_in_flight:  requests queued at or in service on the replica, on average between the last two scrapes; NaN
    completed_per_s: requests that the replica has served per second between them; NaN likewise
    queued_shared:   requests in the pool's shared queue at the newest scrape
    arrived_per_s:   requests that asked the pool to be served, per second between the last two scrapes, taken or not;
                     NaN where there are fewer than two
    sample_age_s:    age of the newest sample used, seconds
    window_s:        seconds between the two scrapes
    latency_s:       the quantile that the controller asked for (`latency_quantile`) of the latencies of answers to the
                     pool's workloads between the two scrapes; NaN where there was none, or none was asked for
    queued:          requests queued at the replica at the newest scrape; NaN where there is none
    """

    target_replicas: int
    ready: NDArray[np.bool_]
    age_s: NDArray[np.float64]
    ready_for_s: NDArray[np.float64]
    utilisation: NDArray[np.float64]
    in_flight: NDArray[np.float64]
    mean_in_flight: NDArray[np.float64]
    completed_per_s: NDArray[np.float64]
    queued_shared: int
    arrived_per_s: float
    sample_age_s: float
    window_s: float
    latency_s: float
    queued: NDArray[np.float64]


class Decision(NamedTuple):
    """The count to ask for from now on, and why, in one machine-readable word such as "ScaleUpLimit"."""

    replicas: int
    reason: str
