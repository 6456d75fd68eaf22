"""An arrival in the compiled path, stage by stage: let in, admitted, answered by the cache, or routed and queued."""

from sim.compiled import inlined
from sim.record.histogram import bucket_of
from sim.serving.discipline.admission import conforms, next_due
from sim.serving.discipline.batching import has_room
from sim.serving.discipline.routing import round_robin_turn
from sim.serving.discipline.service import is_exposed
from sim.serving.kernels.api import call_api
from sim.serving.kernels.cache import answered
from sim.serving.kernels.memory import put
from sim.serving.kernels.requests import admit, end_at_once, prefer, preferred, start_own, start_shared
from sim.serving.kernels.state import (
    API,
    HIT,
    LEAST_OUTSTANDING,
    NO_KEY,
    REJECTED,
    ROUND_ROBIN,
    SHARED_QUEUE,
    THROTTLED,
    State,
)
from sim.streams import Purpose

_EXPOSURE = int(Purpose.EXPOSURE)


@inlined
def arrive(st: State, w: int, request: int, position: int, t: int) -> None:
    """A potential request arrives: let in or not, throttled, answered by the cache, or sent on to its row."""
    wl = st.workloads[w]
    wl.potential += 1
    if not is_exposed(wl.exposure, wl.exposure_key, request, _EXPOSURE):
        return
    wl.offered += 1
    if wl.token_ns > 0 and not _admitted(st, wl, st.tenants[w, position], t):
        wl.throttled += 1
        end_at_once(st, w, request, THROTTLED, t, -1, t)
    elif wl.cache_entries > 0 and st.keys[w, position] != NO_KEY and answered(st, w, st.keys[w, position], t):
        wl.hit += 1
        if wl.hit_ns <= wl.slo_ns:
            wl.good += 1
        st.histogram[w, bucket_of(wl.hit_ns)] += 1
        end_at_once(st, w, request, HIT, t, t, t + wl.hit_ns)
    else:
        _route(st, w, request, position, t)


@inlined
def _admitted(st: State, wl, tenant: int, t: int) -> bool:  # type: ignore[no-untyped-def]
    """Whether the tenant's bucket has a token, which is then taken."""
    place = wl.buckets_at + tenant
    due = st.memory[place]
    if not conforms(t, due, wl.ahead_ns):
        return False
    put(st, place, next_due(t, due, wl.token_ns))
    return True


@inlined
def _route(st: State, w: int, request: int, position: int, t: int) -> None:
    """Send a request to its row: to the API, or into a queue if there is room; served at once if it may be."""
    row = st.workloads[w].row
    p = st.rows[row]
    if p.kind == API:
        call_api(st, w, request, position, t)
        return
    if p.kind == SHARED_QUEUE:
        if not has_room(p.queued, p.capacity, preferred(st, row) >= 0, p.max_batch, p.delay_ns):
            _reject(st, w, request, t)
            return
        _enqueue(st, p, admit(st, w, request, position, t), t)
        start_shared(st, row, t, True)
        return
    slot = -1
    if p.kind == ROUND_ROBIN:
        if p.ready > 0:
            slot = st.ready[p.first + round_robin_turn(p.turn, p.ready)]
            p.turn += 1
    else:
        slot = preferred(st, row)
    if slot < 0:
        _reject(st, w, request, t)
        return
    s = st.slots[slot]
    if not has_room(s.queued, p.capacity, s.serving == 0, p.max_batch, p.delay_ns):
        _reject(st, w, request, t)
        return
    _enqueue(st, s, admit(st, w, request, position, t), t)
    s.load_flow += t
    if s.serving == 0:
        start_own(st, row, slot, t, True)
    if p.kind == LEAST_OUTSTANDING:
        prefer(st, row, slot)


@inlined
def _reject(st: State, w: int, request: int, t: int) -> None:
    """A request that found no room."""
    st.workloads[w].rejected += 1
    end_at_once(st, w, request, REJECTED, t, -1, t)


@inlined
def _enqueue(st: State, queue, node: int, t: int) -> None:  # type: ignore[no-untyped-def]
    """Append a request to a queue (record of a slot or of a row)."""
    if queue.tail < 0:
        queue.head = node
    else:
        st.nodes[queue.tail].next = node
    queue.tail = node
    queue.queued += 1
    w = st.nodes[node].workload
    st.workloads[w].queued += 1
    st.workloads[w].queue_flow += t
