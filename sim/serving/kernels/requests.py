"""Steps of the compiled path that all pools share: a request enters the system, ends, is logged; events are set."""

from sim.compiled import inlined
from sim.record.histogram import bucket_of
from sim.serving.discipline.routing import least_outstanding_key, outstanding_in
from sim.serving.kernels.idle import least, put_in, take_out
from sim.serving.kernels.state import (
    AFFINITY,
    DUE,
    FREE,
    FREE_NODES,
    HIT,
    LEAST_OUTSTANDING,
    LEAVES,
    LOG_LENGTH,
    LOG_ON,
    NEVER,
    OFF,
    READY,
    SHARED_QUEUE,
    TIMED_OUT,
    State,
)
from sim.serving.kernels.tournament import replay
from sim.streams import Purpose

_SERVICE = int(Purpose.SERVICE)


@inlined
def set_calendar(st: State, leaf: int, key: int) -> None:
    """Give a calendar leaf its next event; the tree hears of it in `settle_calendar`."""
    if st.calendar_key[leaf] != key:
        st.calendar_key[leaf] = key
        if st.calendar_due[leaf] == 0:
            st.calendar_due[leaf] = st.scalars[DUE]
            st.scalars[DUE] = leaf + 1


@inlined
def settle_calendar(st: State) -> None:
    """Tell the tree of all leaves that have changed, each once: a replica that goes on changes its leaf twice."""
    due = st.scalars[DUE]
    while due > 0:
        leaf = due - 1
        due = st.calendar_due[leaf]
        st.calendar_due[leaf] = 0
        replay(st.calendar_win, 0, st.scalars[LEAVES], st.calendar_key, 0, leaf)
    st.scalars[DUE] = -1


@inlined
def prefer(st: State, row: int, slot: int) -> None:
    """Refresh the place of a slot in its row's order of preference."""
    p = st.rows[row]
    s = st.slots[slot]
    if p.kind != SHARED_QUEUE:
        key = least_outstanding_key(s.queued + s.serving, slot) if s.mode == READY else NEVER
        if st.route_key[slot] != key:
            st.route_key[slot] = key
            replay(st.route_win, p.tree, p.slots, st.route_key, p.first, slot - p.first)
    elif s.serving == 0 and (s.mode == READY or (s.mode != OFF and p.closing)):
        put_in(st.idle, p.tree, p.slots, slot - p.first)
    else:
        take_out(st.idle, p.tree, p.slots, slot - p.first)


@inlined
def note_load(st: State, row: int, slot: int) -> None:
    """A replica with a queue of its own has changed its load or its mode: tell the routers that go by it."""
    p = st.rows[row]
    if p.kind == LEAST_OUTSTANDING:
        prefer(st, row, slot)
    elif p.kind == AFFINITY:
        before = st.route_key[slot]
        prefer(st, row, slot)
        after = st.route_key[slot]
        p.outstanding += 0 if after == NEVER else outstanding_in(after)
        p.outstanding -= 0 if before == NEVER else outstanding_in(before)


@inlined
def preferred(st: State, row: int) -> int:
    """Slot that the row's order puts first, or -1 when none is eligible."""
    p = st.rows[row]
    if p.kind != SHARED_QUEUE:
        slot = p.first + st.route_win[p.tree + 1]
        return -1 if st.route_key[slot] == NEVER else slot
    number = least(st.idle, p.tree, p.slots)
    return -1 if number < 0 else p.first + number


@inlined
def _write(
    st: State, request: int, w: int, outcome: int, arrival_ns: int, start_ns: int, end_ns: int, slot: int, batch: int
) -> None:  # fmt: skip
    """One line of the log; the caller has seen to it that one is kept and has room."""
    entry = st.log[st.scalars[LOG_LENGTH]]
    entry.request = request
    entry.workload = w
    entry.outcome = outcome
    entry.arrival_ns = arrival_ns
    entry.start_ns = start_ns
    entry.end_ns = end_ns
    entry.slot = slot
    entry.batch = batch
    st.scalars[LOG_LENGTH] += 1


@inlined
def log(st: State, node: int, outcome: int, start_ns: int, end_ns: int, slot: int, batch: int) -> None:
    """Write a request's end into the log, if one is kept."""
    if st.scalars[LOG_ON] != 0:
        n = st.nodes[node]
        _write(st, n.request, n.workload, outcome, n.arrival_ns, start_ns, end_ns, slot, batch)


@inlined
def log_call(st: State, call: int, outcome: int, start_ns: int, end_ns: int, slot: int, batch: int) -> None:
    """Write a call's end into the log, if one is kept; start, slot and batch are those of its last visit, if any."""
    if st.scalars[LOG_ON] != 0:
        c = st.calls[call]
        _write(st, c.request, c.workload, outcome, c.arrival_ns, start_ns, end_ns, slot, batch)


@inlined
def end_at_once(st: State, w: int, request: int, outcome: int, t: int, start_ns: int, end_ns: int) -> None:
    """Log a request that ends on its arrival at `t`, without a place in the system: REJECTED, THROTTLED or HIT."""
    if st.scalars[LOG_ON] != 0:
        _write(st, request, w, outcome, t, start_ns, end_ns, -1, 0)


@inlined
def felt(st: State, w: int, latency_ns: int) -> None:
    """A request of workload w has been answered that long after it was made."""
    if latency_ns <= st.workloads[w].slo_ns:
        st.workloads[w].good += 1
    st.histogram[w, bucket_of(latency_ns)] += 1


@inlined
def admit(st: State, w: int, row: int, request: int, key: int, u: float, t: int) -> int:
    """A new node for a request that enters the system at `t`. key: of its content; u: uniform of its service, or 0."""
    node = take_node(st, w, row, request, key)
    n = st.nodes[node]
    n.arrival_ns = t
    n.deadline_ns = n.gives_up_ns = t + st.workloads[w].timeout_ns
    n.call = -1
    n.uniform = u
    st.workloads[w].in_system += 1
    st.workloads[w].system_flow += t
    return node


@inlined
def take_node(st: State, w: int, row: int, request: int, key: int) -> int:
    """A free node, for something that a row is to serve."""
    node = st.scalars[FREE]
    n = st.nodes[node]
    st.scalars[FREE] = n.next
    st.scalars[FREE_NODES] -= 1
    n.request = request
    n.workload = w
    n.next = -1
    n.row = row
    n.key = key
    return node


@inlined
def free_node(st: State, node: int) -> None:
    """The node may be used again."""
    st.nodes[node].next = st.scalars[FREE]
    st.scalars[FREE] = node
    st.scalars[FREE_NODES] += 1


@inlined
def leave(st: State, node: int, t: int) -> None:
    """The request gives up its place in the system at `t`."""
    w = st.nodes[node].workload
    st.workloads[w].in_system -= 1
    st.workloads[w].system_flow -= t
    free_node(st, node)


@inlined
def waited_for(st: State, node: int) -> bool:
    """Whether a call still waits for what this node of its stands for: its attempt goes on, and no twin was first."""
    shard = st.shards[node]
    return shard.lost == 0 and st.calls[st.nodes[node].call].epoch == shard.epoch


@inlined
def free_shard(st: State, node: int) -> None:
    """A call's node is done with; its twin, if there is one, is alone from now on."""
    shard = st.shards[node]
    if shard.twin >= 0:
        st.shards[shard.twin].twin = -1
    shard.serial = 0
    free_node(st, node)


@inlined
def end_queued(st: State, node: int, t: int) -> None:
    """A queued request is dropped at `t` because its deadline has passed, or its patience has ended."""
    n = st.nodes[node]
    st.workloads[n.workload].timed_out += 1
    st.workloads[n.workload].lost_sum_s += (t - n.arrival_ns) * 1e-9
    log(st, node, TIMED_OUT, -1, n.gives_up_ns, -1, 0)


@inlined
def end_hit(st: State, w: int, request: int, t: int) -> None:
    """A request that a cache answers on its arrival at `t`."""
    wl = st.workloads[w]
    wl.hit += 1
    felt(st, w, wl.hit_ns)
    end_at_once(st, w, request, HIT, t, t, t + wl.hit_ns)
