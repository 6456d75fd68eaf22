"""Waiting: how long a request is willing to, and the levels of priority that a queue is served by."""

import numpy as np

from sim.compiled import inlined, kernel
from sim.serving.discipline.service import service_ns

LEVELS = 8  # of priority, 0 to 7, the highest served first


@inlined
def gives_up_ns(
    deadline_ns: int, now_ns: int, mean_ns: float, distribution: int, sigma: float, key: np.uint64, request: int,
    purpose: int,
) -> int:  # fmt: skip
    """When a request that joins a queue now leaves it unserved: when its patience ends, at its deadline at the latest.

    mean_ns: mean patience, 0 for one that lasts to the deadline; distribution, sigma, key: as of a service time.
    """
    if mean_ns <= 0.0:
        return deadline_ns
    return min(deadline_ns, now_ns + service_ns(mean_ns, distribution, sigma, key, request, purpose))


draw_gives_up_ns = kernel(gives_up_ns)
