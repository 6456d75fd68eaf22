"""Service in the compiled path: a batch is formed from a queue, and a replica begins to serve it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiled import apart, inlined
from sim.serving.discipline.batching import batch_size, is_dead
from sim.serving.discipline.calls import visit_key
from sim.serving.discipline.service import (
    BASE_NS,
    CONSTANT,
    PADDING,
    PER_ITEM_NS,
    SIZE_SIGMA,
    add_size,
    item_size,
    served_ns,
    sized_ns,
    varied_ns,
)
from sim.serving.kernels.queueing import dequeue, oldest_ns
from sim.serving.kernels.requests import (
    end_queued,
    free_shard,
    leave,
    prefer,
    preferred,
    set_calendar,
    waited_for,
)
from sim.serving.kernels.state import NEVER, READY, SLOTS, State
from sim.streams import Purpose, uniform

_SERVICE, _SIZE = int(Purpose.SERVICE), int(Purpose.SIZE)


@inlined
def take_batch(st: State, queue, place: int, row: int, slot: int, size: int, t: int, after_timeouts: bool) -> int:  # type: ignore[no-untyped-def]
    """Move the first living requests, at most `size`, from a queue into the slot's batch; how many.

    queue: record of a slot or of a row (fields head, tail, queued); place: its line in `State.lanes`.
    """
    ranked = st.rows[row].ranked
    taken = 0
    last = -1
    while taken < size and queue.head >= 0:
        node = dequeue(st, queue, place, ranked, t)
        n = st.nodes[node]
        if n.call >= 0:
            if not waited_for(st, node):
                st.slots[slot].load_flow -= t
                free_shard(st, node)
                continue
        elif is_dead(n.gives_up_ns, t, after_timeouts):
            end_queued(st, node, t)
            st.slots[slot].load_flow -= t
            leave(st, node, t)
            continue
        n.next = -1
        if taken == 0:
            st.slots[slot].batch = node
        else:
            st.nodes[last].next = node
        last = node
        taken += 1
        wait = t - n.arrival_ns
        if wait > 0:
            st.workloads[n.workload].waited += 1
            st.workloads[n.workload].wait_sum_s += wait * 1e-9
    return taken


@apart
def _batch_ns(
    nodes: NDArray[Any], workloads: NDArray[Any], p: Any, variation: NDArray[np.float64], mean_ns: float, head: int,
    batch: int, served: int, key: np.uint64,
) -> int:  # fmt: skip
    """Service time of a batch whose row `p` has a variation: the requests from node `head` on, `batch` of them.

    served: requests that the replica has served since it was ready; key: of the first one's draws in this visit.
    """
    first, at = nodes[head], p.variation
    sigma = variation[at + SIZE_SIGMA]
    if sigma > 0.0:
        padded = variation[at + PADDING] > 0.0
        work = 0.0
        node = head
        while node >= 0:
            n = nodes[node]
            work = add_size(work, item_size(workloads[n.workload].service_key, n.request, sigma, _SIZE), padded)
            node = n.next
        mean_ns = sized_ns(variation[at + BASE_NS], variation[at + PER_ITEM_NS], work, batch, padded)
    return varied_ns(mean_ns, served, p.distribution, p.sigma, variation, at, key, first.request, _SERVICE)


@inlined
def batch_limit(p, s) -> int:  # type: ignore[no-untyped-def]
    """Most requests in a replica's next batch. p, s: records of its row and its slot."""
    return int(s.batch_limit) if p.step > 0 else p.max_batch


@inlined
def _due(st: State, p, s, queue, oldest: int, t: int, flush: bool) -> int:  # type: ignore[no-untyped-def]
    """How many of a queue's requests an idle replica takes now, 0 for none yet. p, s: its row and slot."""
    limit, preferred = p.max_batch, 0
    if p.varied != 0:
        limit = batch_limit(p, s)
        preferred = st.best_size[p.means + min(queue.queued, limit)]
    return batch_size(queue.queued, limit, preferred, oldest, p.delay_ns, t, flush)


@inlined
def serve(st: State, row: int, slot: int, batch: int, t: int) -> None:
    """Begin serving the slot's batch at `t`; its completion goes into the calendar."""
    p = st.rows[row]
    s = st.slots[slot]
    first = st.nodes[s.batch]
    u = first.uniform
    key = st.workloads[first.workload].service_key
    if first.call >= 0:
        key = visit_key(key, st.shards[s.batch].draw)
    if p.variation >= 0:
        mean_ns = st.mean_ns[p.means + batch]
        duration = _batch_ns(st.nodes, st.workloads, p, st.variation, mean_ns, s.batch, batch, s.completions, key)
    else:
        if u == 0.0 and p.distribution != CONSTANT:
            u = uniform(key, first.request, 0, _SERVICE)
        duration = served_ns(st.mean_ns[p.means + batch], p.distribution, p.sigma, u)
    s.serving = batch
    s.started_ns = t
    s.busy_flow += t
    p.busy_flow += t
    p.busy += 1
    set_calendar(st, slot, (t + duration) << 1)


@inlined
def start_own(st: State, row: int, slot: int, t: int, after_timeouts: bool) -> None:
    """An idle replica with a queue of its own starts a batch if one is due, or notes when one will be."""
    p = st.rows[row]
    s = st.slots[slot]
    flush = s.mode != READY
    while s.queued > 0:
        oldest = oldest_ns(st, s, slot, p.ranked)
        size = _due(st, p, s, s, oldest, t, flush)
        if size == 0:
            set_calendar(st, slot, ((oldest + p.delay_ns) << 1) | 1)
            return
        batch = take_batch(st, s, slot, row, slot, size, t, after_timeouts)
        if batch > 0:
            serve(st, row, slot, batch, t)
            return
    set_calendar(st, slot, NEVER)


@inlined
def start_shared(st: State, row: int, t: int, after_timeouts: bool) -> None:
    """Idle replicas of a shared queue start batches, lowest slot first, as long as one is due."""
    p = st.rows[row]
    leaf = st.scalars[SLOTS] + row
    while p.queued > 0:
        slot = preferred(st, row)
        if slot < 0:
            break
        s = st.slots[slot]
        oldest = oldest_ns(st, p, leaf, p.ranked)
        size = _due(st, p, s, p, oldest, t, p.closing != 0)
        if size == 0:
            set_calendar(st, leaf, ((oldest + p.delay_ns) << 1) | 1)
            return
        before = p.queued
        batch = take_batch(st, p, leaf, row, slot, size, t, after_timeouts)
        s.load_flow += t * (before - p.queued)
        if batch > 0:
            serve(st, row, slot, batch, t)
            prefer(st, row, slot)
    set_calendar(st, leaf, NEVER)
