"""Routing: which replica gets an arrival."""

import math

import numpy as np

from sim.compiled import inlined
from sim.streams import Purpose, uniform, uniform_pair

POINTS = 16  # assumption: places of a replica on the circle; the bound on loads evens out what the places leave uneven
MOST_STEPS = (
    64  # assumption: points that a request of affinity looks at; one key may be as busy as all replicas together
)
_ROUTING, _AFFINITY = int(Purpose.ROUTING), int(Purpose.AFFINITY)
_CIRCLE = np.uint64(0)  # key of the replicas' places, which are the same in every run; a workload's keys are digests


@inlined
def least_outstanding_key(outstanding: int, slot: int) -> int:
    """Order of replicas for least-outstanding routing: fewest requests queued or in service, then the lowest slot."""
    return (outstanding << 20) + slot


@inlined
def outstanding_in(key: int) -> int:
    """The requests queued or in service in a `least_outstanding_key`."""
    return key >> 20


@inlined
def round_robin_turn(turn: int, ready: int) -> int:
    """Index among the ready replicas (in slot order) of the `turn`-th arrival."""
    return turn % ready


@inlined
def drawn_index(key: np.uint64, request: int, draw: int, ready: int) -> int:
    """Index among `ready` replicas, each as likely, drawn for a request. key: of its workload's service stream; draw:
    which of its visits this is, see `sim.serving.discipline.calls.visit`.
    """
    return int(uniform(key, request, draw, _ROUTING) * ready)


@inlined
def drawn_pair(key: np.uint64, request: int, draw: int, ready: int) -> tuple[int, int]:
    """Indices of two different replicas of `ready`, each pair as likely, drawn for a request; of a single one twice."""
    if ready == 1:
        return 0, 0
    u, v = uniform_pair(key, request, draw, _ROUTING)
    i, j = int(u * ready), int(v * (ready - 1))
    if j >= i:
        j += 1
    return i, j


@inlined
def load_limit(load_bound: float, outstanding: int, ready: int) -> int:
    """Requests that a replica must stay below to be given one more, under affinity.

    outstanding: of all `ready` replicas together; load_bound: at least 1, so that one of them always is below.
    """
    return math.ceil(load_bound * (outstanding + 1) / ready)


@inlined
def replica_place(replica: int, point: int) -> float:
    """Place in (0, 1) on the circle of a replica's `point`-th point. replica: its slot, from its row's first on."""
    return uniform(_CIRCLE, replica, point, _AFFINITY)


@inlined
def key_place(key: np.uint64, content: int) -> float:
    """Place in (0, 1) on the circle of what a request is held by. key: of its workload's service stream."""
    return uniform(key, content, 0, _AFFINITY)
