"""What clients do about a request that is not answered, and the way that it takes through the stages of a product.

A *call* is a request as its client sees it; it is made in *attempts*, each passes through *stages*, each of which it
asks in *shards*, and of a shard there may be a second *copy*, the hedge.
"""

import math

import numpy as np

from sim.compiled import inlined, kernel
from sim.streams import mixed, uniform

MOST_ATTEMPTS, MOST_STAGES, MOST_SHARDS = 1 << 8, 1 << 4, 1 << 12
NO_JITTER, FULL_JITTER = 0, 1
ONE = 1_000_000  # a retry's worth of budget, in millionths


@inlined
def visit(attempt: int, stage: int, shard: int, copy: int) -> int:
    """Number of a visit to a replica among all that a request pays; 0 is the only one of a plain request."""
    return ((attempt * MOST_STAGES + stage) * MOST_SHARDS + shard) * 2 + copy


@inlined
def visit_key(key: np.uint64, visit: int) -> np.uint64:
    """Key of the draws of a visit: the service stream's own for a plain request's only one, 0, and another for each."""
    return key ^ mixed(visit)


@inlined
def timer_order(w: int, number: int) -> int:
    """Place among the timers of one instant and rank. number: of a request of workload w, or of its user."""
    return (w << 40) | number


@inlined
def backoff_ns(
    base_ns: int, factor: float, most_ns: int, jitter: int, attempt: int, key: np.uint64, request: int, purpose: int
) -> int:  # fmt: skip
    """How long a client waits (ns, >= 1) before it tries again after its attempt number `attempt` (from 0) has failed.

    Exponential back-off, base * factor**attempt up to `most_ns`; with full jitter a uniform share of it (M. Brooker,
    "Exponential backoff and jitter", AWS Architecture Blog, 2015).
    """
    wait = min(base_ns * factor**attempt, float(most_ns))
    if jitter == FULL_JITTER:
        wait *= uniform(key, request, attempt, purpose)
    return max(1, int(wait))


@inlined
def think_ns(mean_ns: int, exponential: bool, key: np.uint64, number: int, draw: int, purpose: int) -> int:
    """How long a user thinks before the next request (ns, >= 1)."""
    if not exponential or mean_ns == 0:
        return max(1, mean_ns)
    return max(1, int(-math.log(uniform(key, number, draw, purpose)) * mean_ns))


draw_backoff_ns = kernel(backoff_ns)
draw_think_ns = kernel(think_ns)
_key_of_visit = kernel(visit_key)


def key_of_visit(key: np.uint64, visit: int) -> np.uint64:
    """`visit_key`, outside kernels: they hand back a plain int, which the next one would take for a signed number."""
    return np.uint64(_key_of_visit(key, visit))
