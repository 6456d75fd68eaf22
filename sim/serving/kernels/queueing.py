"""Queues in the compiled path: one linked list each, in the order of service.

Where workloads differ in priority, the list is sorted by it, highest first, and `State.lanes` holds the last node of
each level: who comes joins behind the last of his own level or, where nobody of it waits, of the next higher one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiled import apart, inlined
from sim.serving.discipline.queueing import LEVELS, gives_up_ns
from sim.serving.kernels.state import State
from sim.streams import Purpose

Lanes = NDArray[np.int64]
_PATIENCE = int(Purpose.PATIENCE)


@inlined
def enqueue(st: State, queue, place: int, ranked: int, node: int, t: int) -> None:  # type: ignore[no-untyped-def]
    """A request joins a queue at `t`.

    queue: record of a slot or of a row (fields head, tail, queued); place: its line in `State.lanes`; ranked: whether
    anybody's priority counts; node: new, with nobody behind it.
    """
    n = st.nodes[node]
    wl = st.workloads[n.workload]
    if wl.patience_mean_ns > 0.0:
        n.gives_up_ns = gives_up_ns(
            n.deadline_ns, t, wl.patience_mean_ns, wl.patience_distribution, wl.patience_sigma, wl.service_key,
            n.request, _PATIENCE,
        )  # fmt: skip
    if ranked != 0:
        before = _behind(st.lanes, place, wl.priority, node)
        n.next = queue.head if before < 0 else st.nodes[before].next
    else:
        before = queue.tail
    if before < 0:
        queue.head = node
    else:
        st.nodes[before].next = node
    if before == queue.tail:
        queue.tail = node
    queue.queued += 1
    wl.queued += 1
    wl.queue_flow += t


@apart
def _behind(lanes: Lanes, place: int, level: int, node: int) -> int:
    """The node that a new one of this level joins behind, -1 for the head; it becomes the last of its level."""
    before = -1
    for higher in range(level, LEVELS):
        if lanes[place, higher] >= 0:
            before = lanes[place, higher]
            break
    lanes[place, level] = node
    return before


@inlined
def dequeue(st: State, queue, place: int, ranked: int, t: int) -> int:  # type: ignore[no-untyped-def]
    """Take the first node out of a queue at `t`; see `enqueue`. The queue is not empty."""
    node = queue.head
    n = st.nodes[node]
    queue.head = n.next
    if n.next < 0:
        queue.tail = -1
    queue.queued -= 1
    w = n.workload
    st.workloads[w].queued -= 1
    st.workloads[w].queue_flow -= t
    if ranked != 0:
        _leave_lane(st.lanes, place, node)
    return node


@apart
def _leave_lane(lanes: Lanes, place: int, node: int) -> None:
    """A node that was the last of its level is so no longer."""
    for level in range(LEVELS):
        if lanes[place, level] == node:
            lanes[place, level] = -1


@inlined
def oldest_ns(st: State, queue, place: int, ranked: int) -> int:  # type: ignore[no-untyped-def]
    """Arrival of the request that has waited longest, of any level; see `enqueue`. The queue is not empty."""
    if ranked != 0:
        return _oldest_of_all(st.lanes, st.nodes, place, queue.head)
    return st.nodes[queue.head].arrival_ns


@apart
def _oldest_of_all(lanes: Lanes, nodes: NDArray[Any], place: int, first: int) -> int:
    """The earliest arrival among the first ones of all levels. first: the node at the head."""
    oldest = nodes[first].arrival_ns
    for below in range(LEVELS):
        last = lanes[place, LEVELS - 1 - below]
        if last >= 0:
            oldest = min(oldest, nodes[first].arrival_ns)
            first = nodes[last].next
    return int(oldest)
