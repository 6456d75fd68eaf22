"""The circle of affinity routing in the compiled path: points of the ready replicas in order, found by bisection.

A row's circle of all its slots is sorted once, when the state is laid out; the points of those that are ready are
picked out of it at the first arrival after a replica became ready or stopped. What `advance` writes here follows from
the slots' modes alone, so that it needs no copy when a look ahead is taken back.
"""

import numpy as np
from numpy.typing import NDArray

from sim.compiled import inlined, kernel
from sim.serving.discipline.routing import MOST_STEPS, POINTS, replica_place
from sim.serving.kernels.state import READY, State


def circle(slots: int, first: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """(places in order, the slot of each) of a row of `slots` slots, the first of them `first`; ties: lower slot."""
    places = np.empty(slots * POINTS)
    _place_points(places)
    order = np.argsort(places, kind="stable")
    return places[order], (first + order // POINTS).astype(np.int32)


@kernel
def _place_points(places: NDArray[np.float64]) -> None:
    """Fill in the places of all points, replica by replica."""
    for i in range(len(places)):
        places[i] = replica_place(i // POINTS, i % POINTS)


@inlined
def pick_ready(st: State, p) -> None:  # type: ignore[no-untyped-def]
    """Make the ring of a row (its record `p`) that of the replicas which are ready now."""
    n = 0
    for i in range(p.ring, p.ring + p.slots * POINTS):
        slot = st.circle_slot[i]
        if st.slots[slot].mode == READY:
            st.ring_place[p.ring + n] = st.circle_place[i]
            st.ring_slot[p.ring + n] = slot
            n += 1
    p.stale = 0


@inlined
def walk(st: State, p, place: float, limit: int) -> int:  # type: ignore[no-untyped-def]
    """The slot of the first point at or after `place` whose replica has fewer than `limit` outstanding requests; -1
    where none of the next MOST_STEPS points has.
    """
    points = p.ready * POINTS
    low, high = 0, points
    while low < high:
        middle = (low + high) >> 1
        if st.ring_place[p.ring + middle] < place:
            low = middle + 1
        else:
            high = middle
    for step in range(min(points, MOST_STEPS)):
        i = low + step
        slot = st.ring_slot[p.ring + (i if i < points else i - points)]
        s = st.slots[slot]
        if s.queued + s.serving < limit:
            return slot
    return -1
