"""Service in the compiled path: a batch is formed from a queue, and a replica begins to serve it."""

from sim.compiled import inlined
from sim.serving.discipline.batching import batch_due, is_dead
from sim.serving.discipline.service import CONSTANT, served_ns
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

_SERVICE = int(Purpose.SERVICE)


@inlined
def take_batch(st: State, queue, slot: int, max_batch: int, t: int, after_timeouts: bool) -> int:  # type: ignore[no-untyped-def]
    """Move the oldest living requests, at most `max_batch`, from a queue into the slot's batch; how many.

    queue: record of a slot or of a row (fields head, tail, queued).
    """
    taken = 0
    last = -1
    while taken < max_batch and queue.head >= 0:
        node = queue.head
        n = st.nodes[node]
        queue.head = n.next
        queue.queued -= 1
        w = n.workload
        st.workloads[w].queued -= 1
        st.workloads[w].queue_flow -= t
        if n.call >= 0:
            if not waited_for(st, node):
                st.slots[slot].load_flow -= t
                free_shard(st, node)
                continue
        elif is_dead(n.deadline_ns, t, after_timeouts):
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
            st.workloads[w].waited += 1
            st.workloads[w].wait_sum_s += wait * 1e-9
    if queue.head < 0:
        queue.tail = -1
    return taken


@inlined
def serve(st: State, row: int, slot: int, batch: int, t: int) -> None:
    """Begin serving the slot's batch at `t`; its completion goes into the calendar."""
    p = st.rows[row]
    s = st.slots[slot]
    first = st.nodes[s.batch]
    u = first.uniform
    if u == 0.0 and p.distribution != CONSTANT:
        draw = 0 if first.call < 0 else st.shards[s.batch].draw
        u = uniform(st.workloads[first.workload].service_key, first.request, draw, _SERVICE)
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
        oldest = st.nodes[s.head].arrival_ns
        if not batch_due(s.queued, p.max_batch, oldest, p.delay_ns, t, flush):
            set_calendar(st, slot, ((oldest + p.delay_ns) << 1) | 1)
            return
        batch = take_batch(st, s, slot, p.max_batch, t, after_timeouts)
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
        oldest = st.nodes[p.head].arrival_ns
        if not batch_due(p.queued, p.max_batch, oldest, p.delay_ns, t, p.closing != 0):
            set_calendar(st, leaf, ((oldest + p.delay_ns) << 1) | 1)
            return
        before = p.queued
        batch = take_batch(st, p, slot, p.max_batch, t, after_timeouts)
        s = st.slots[slot]
        s.load_flow += t * (before - p.queued)
        if batch > 0:
            serve(st, row, slot, batch, t)
            prefer(st, row, slot)
    set_calendar(st, leaf, NEVER)
