"""Stages of the compiled path, one function each: a request enters, waits, is served, ends."""

from sim.compiled import inlined
from sim.record.histogram import bucket_of
from sim.serving.discipline.batching import batch_due, is_dead
from sim.serving.discipline.routing import least_outstanding_key
from sim.serving.discipline.service import service_ns
from sim.serving.kernels.cache import remember
from sim.serving.kernels.state import (
    COMPLETED,
    FREE,
    LEAST_OUTSTANDING,
    LEAVES,
    LOG_LENGTH,
    LOG_ON,
    NEVER,
    NO_KEY,
    OFF,
    READY,
    SHARED_QUEUE,
    SLOTS,
    TIMED_OUT,
    State,
)
from sim.serving.kernels.tournament import replay
from sim.streams import Purpose

_SERVICE = int(Purpose.SERVICE)


@inlined
def set_calendar(st: State, leaf: int, key: int) -> None:
    """Give a calendar leaf its next event."""
    if st.calendar_key[leaf] != key:
        st.calendar_key[leaf] = key
        replay(st.calendar_win, 0, st.scalars[LEAVES], st.calendar_key, 0, leaf)


@inlined
def prefer(st: State, row: int, slot: int) -> None:
    """Refresh the place of a slot in its row's order of preference."""
    p = st.rows[row]
    s = st.slots[slot]
    key = NEVER
    if p.kind == LEAST_OUTSTANDING:
        if s.mode == READY:
            key = least_outstanding_key(s.queued + s.serving, slot)
    elif s.serving == 0 and (s.mode == READY or (s.mode != OFF and p.closing)):
        key = slot
    if st.route_key[slot] != key:
        st.route_key[slot] = key
        replay(st.route_win, p.tree, p.slots, st.route_key, p.first, slot - p.first)


@inlined
def preferred(st: State, row: int) -> int:
    """Slot that the row's order puts first, or -1 when none is eligible."""
    p = st.rows[row]
    slot = p.first + st.route_win[p.tree + 1]
    return -1 if st.route_key[slot] == NEVER else slot


@inlined
def log(st: State, node: int, outcome: int, start_ns: int, end_ns: int, slot: int, batch: int) -> None:
    """Write a request's end into the log, if one is kept; the caller has seen to it that there is room."""
    if st.scalars[LOG_ON] == 0:
        return
    n = st.nodes[node]
    entry = st.log[st.scalars[LOG_LENGTH]]
    entry.request = n.request
    entry.workload = n.workload
    entry.outcome = outcome
    entry.arrival_ns = n.arrival_ns
    entry.start_ns = start_ns
    entry.end_ns = end_ns
    entry.slot = slot
    entry.batch = batch
    st.scalars[LOG_LENGTH] += 1


@inlined
def admit(st: State, w: int, request: int, position: int, t: int) -> int:
    """A new node for a request that enters the system at `t`. position: in its workload's block."""
    node = st.scalars[FREE]
    n = st.nodes[node]
    st.scalars[FREE] = n.next
    n.arrival_ns = t
    n.deadline_ns = t + st.workloads[w].timeout_ns
    n.request = request
    n.workload = w
    n.next = -1
    n.row = st.workloads[w].row
    n.key = st.keys[w, position]
    st.workloads[w].in_system += 1
    st.workloads[w].system_flow += t
    return node


@inlined
def leave(st: State, node: int, t: int) -> None:
    """The request gives up its place in the system at `t`."""
    n = st.nodes[node]
    w = n.workload
    st.workloads[w].in_system -= 1
    st.workloads[w].system_flow -= t
    n.next = st.scalars[FREE]
    st.scalars[FREE] = node


@inlined
def end_served(st: State, node: int, start_ns: int, t: int, slot: int, batch: int) -> None:
    """A served request ends at `t`: completed, or timed out at its deadline if that came first. Its answer is kept."""
    n = st.nodes[node]
    w = n.workload
    if t > n.deadline_ns:
        st.workloads[w].timed_out += 1
        st.workloads[w].lost_sum_s += (t - n.arrival_ns) * 1e-9
        log(st, node, TIMED_OUT, start_ns, n.deadline_ns, slot, batch)
    else:
        latency = t - n.arrival_ns
        st.workloads[w].completed += 1
        st.workloads[w].latency_sum_s += latency * 1e-9
        if latency <= st.workloads[w].slo_ns:
            st.workloads[w].good += 1
        st.histogram[w, bucket_of(latency)] += 1
        log(st, node, COMPLETED, start_ns, t, slot, batch)
    if st.workloads[w].cache_entries > 0 and n.key != NO_KEY:
        remember(st, w, n.key, t)
    leave(st, node, t)


@inlined
def end_queued(st: State, node: int, t: int) -> None:
    """A queued request is dropped at `t` because its deadline has passed."""
    n = st.nodes[node]
    st.workloads[n.workload].timed_out += 1
    st.workloads[n.workload].lost_sum_s += (t - n.arrival_ns) * 1e-9
    log(st, node, TIMED_OUT, -1, n.deadline_ns, -1, 0)


@inlined
def end_at_once(st: State, w: int, request: int, outcome: int, t: int, start_ns: int, end_ns: int) -> None:
    """Log a request that ends on its arrival at `t`, without a place in the system: REJECTED, THROTTLED or HIT."""
    if st.scalars[LOG_ON] != 0:
        entry = st.log[st.scalars[LOG_LENGTH]]
        entry.request = request
        entry.workload = w
        entry.outcome = outcome
        entry.arrival_ns = t
        entry.start_ns = start_ns
        entry.end_ns = end_ns
        entry.slot = -1
        entry.batch = 0
        st.scalars[LOG_LENGTH] += 1


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
        if is_dead(n.deadline_ns, t, after_timeouts):
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
    key = st.workloads[first.workload].service_key
    duration = service_ns(st.mean_ns[p.means + batch], p.distribution, p.sigma, key, first.request, _SERVICE)
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


@inlined
def complete(st: State, slot: int, t: int) -> bool:
    """A batch completes: its requests end, the replica goes on or falls idle. True when a draining one ran empty."""
    s = st.slots[slot]
    row = s.row
    p = st.rows[row]
    batch = s.serving
    node = s.batch
    while node >= 0:
        following = st.nodes[node].next
        end_served(st, node, s.started_ns, t, slot, batch)
        node = following
    s.serving = 0
    s.batch = -1
    s.busy_flow -= t
    p.busy_flow -= t
    p.busy -= 1
    s.load_flow -= t * batch
    s.completions += batch
    if p.kind == SHARED_QUEUE:
        set_calendar(st, slot, NEVER)
        prefer(st, row, slot)
        start_shared(st, row, t, False)
    else:
        start_own(st, row, slot, t, False)
        if p.kind == LEAST_OUTSTANDING:
            prefer(st, row, slot)
    return s.mode != READY and s.serving == 0 and s.queued == 0
