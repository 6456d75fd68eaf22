"""The end of service in the compiled path: of a batch at a replica, or of a call to the API."""

from sim.compiled import inlined
from sim.serving.discipline.batching import next_limit
from sim.serving.discipline.zones import zone_of_replica, zone_of_request
from sim.serving.kernels.api import pop_api
from sim.serving.kernels.batching import start_own, start_shared
from sim.serving.kernels.cache import remember
from sim.serving.kernels.calls import shard_served
from sim.serving.kernels.requests import felt, leave, log, note_load, prefer, set_calendar
from sim.serving.kernels.state import (
    COMPLETED,
    NEVER,
    NO_KEY,
    READY,
    SHARED_QUEUE,
    TIMED_OUT,
    Calls,
    State,
    store_of,
)
from sim.serving.kernels.visits import end_service, end_visit


@inlined
def _end_served(st: State, node: int, start_ns: int, t: int, slot: int, batch: int, calls: Calls) -> None:
    """A request is served at `t`, and its answer comes then or a detour later: it ends, completed, or timed out at its
    deadline if that came first. Its answer is kept.
    """
    n = st.nodes[node]
    if calls is not None and n.call >= 0:
        shard_served(st, node, start_ns, t, slot, batch)
        return
    w = n.workload
    ends = t + _detour_ns(st, n, slot)
    if ends > n.deadline_ns:
        st.workloads[w].timed_out += 1
        st.workloads[w].lost_sum_s += (ends - n.arrival_ns) * 1e-9
        log(st, node, TIMED_OUT, start_ns, n.deadline_ns, slot, batch)
    else:
        latency = ends - n.arrival_ns
        st.workloads[w].completed += 1
        st.workloads[w].latency_sum_s += latency * 1e-9
        felt(st, w, latency)
        log(st, node, COMPLETED, start_ns, ends, slot, batch)
    if st.workloads[w].cache_entries > 0 and n.key != NO_KEY:
        remember(store_of(st), w, slot, n.key, t)
    leave(st, node, ends)


@inlined
def _detour_ns(st: State, n, slot: int) -> int:  # type: ignore[no-untyped-def]
    """How much longer the answer of a slot's replica takes to a request (its record `n`) that comes from elsewhere."""
    p = st.rows[n.row]
    wl = st.workloads[n.workload]
    if p.zones <= 1:
        return 0
    if zone_of_request(wl.service_key, n.request, p.zones) == zone_of_replica(slot - p.first, p.zones):
        return 0
    wl.crossed += 1
    return p.detour_ns


@inlined
def answer(st: State, t: int, calls: Calls) -> None:
    """The API's earliest answer arrives. calls: see `kernels.state.Calls`."""
    node = pop_api(st)
    came_ns, row = st.nodes[node].arrival_ns, st.nodes[node].row
    end_visit(st, row, came_ns, t)
    end_service(st, row, came_ns, t, 1)
    _end_served(st, node, came_ns, t, -1, 1, calls)


@inlined
def complete(st: State, slot: int, t: int, calls: Calls) -> bool:
    """A batch completes: its requests end, the replica goes on or falls idle. True when a draining one ran empty.

    calls: see `kernels.state.Calls`.
    """
    s = st.slots[slot]
    row = s.row
    p = st.rows[row]
    batch = s.serving
    node = s.batch
    while node >= 0:
        following = st.nodes[node].next
        end_visit(st, row, st.nodes[node].arrival_ns, t)
        _end_served(st, node, s.started_ns, t, slot, batch, calls)
        node = following
    end_service(st, row, s.started_ns, t, batch)
    if p.step > 0:
        took_ns = t - s.started_ns
        s.batch_limit = next_limit(s.batch_limit, batch, took_ns, p.target_ns, p.step, p.decrease, p.max_batch)
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
        note_load(st, row, slot)
    return s.mode != READY and s.serving == 0 and s.queued == 0
