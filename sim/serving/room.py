"""More room for requests and calls in the state of the compiled plane, where it is full: twice as much.

What lies in a buffer keeps its place, so that nothing that refers to it changes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.serving.kernels.state import FREE, FREE_CALL, FREE_NODES, FREE_TIMER, State, link_free


def for_requests(st: State) -> State:
    """Twice the room for requests in the system."""
    n = len(st.nodes)
    nodes, st.scalars[FREE] = _twice(st.nodes, int(st.scalars[FREE]))
    st.scalars[FREE_NODES] += n
    shards = np.zeros(2 * n, st.shards.dtype)
    shards[:n] = st.shards
    heap_ns, heap_node = np.zeros(2 * n, np.int64), np.zeros(2 * n, np.int64)
    heap_ns[: len(st.heap_ns)], heap_node[: len(st.heap_ns)] = st.heap_ns, st.heap_node
    return st._replace(nodes=nodes, shards=shards, heap_ns=heap_ns, heap_node=heap_node)


def for_calls(st: State) -> State:
    """Twice the room for calls and their timers."""
    (calls, free_call), (timers, free_timer) = (
        _twice(old, int(st.scalars[free])) for old, free in ((st.calls, FREE_CALL), (st.timers, FREE_TIMER))
    )
    st.scalars[FREE_CALL], st.scalars[FREE_TIMER] = free_call, free_timer
    heap = np.zeros(len(timers), np.int64)
    heap[: len(st.timer_heap)] = st.timer_heap
    return st._replace(calls=calls, timers=timers, timer_heap=heap)


def _twice(old: NDArray[Any], free: int) -> tuple[NDArray[Any], int]:
    """Twice the room for the entries of a list that are chained when free, and its new head. free: its old one."""
    new = np.zeros(2 * len(old), old.dtype)
    new[: len(old)] = old
    head = link_free(new, len(old))
    new["next"][-1] = free
    return new, head
