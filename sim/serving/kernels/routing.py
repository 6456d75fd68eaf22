"""Routing in the compiled path: an admitted request goes to the API, or to a replica's queue if there is room."""

import numpy as np

from sim.compiled import inlined
from sim.serving.discipline.batching import has_room
from sim.serving.discipline.caching import PER_REPLICA
from sim.serving.discipline.routing import (
    drawn_index,
    drawn_pair,
    key_place,
    least_outstanding_key,
    load_limit,
    round_robin_turn,
)
from sim.serving.discipline.zones import zone_of_request
from sim.serving.kernels.api import call_api
from sim.serving.kernels.batching import batch_limit, start_own, start_shared
from sim.serving.kernels.cache import answered
from sim.serving.kernels.queueing import enqueue
from sim.serving.kernels.requests import admit, end_at_once, end_hit, note_load, preferred
from sim.serving.kernels.ring import pick_ready, walk
from sim.serving.kernels.state import (
    AFFINITY,
    API,
    ARMED,
    BY_TENANT,
    LEAST_OUTSTANDING,
    NO_KEY,
    RANDOM,
    REJECTED,
    ROUND_ROBIN,
    ROUSED,
    ROUSED_ROWS,
    SHARED_QUEUE,
    SLOTS,
    State,
    store_of,
)
from sim.streams import Word

SHARED, NO_ROOM, KNOWN = -1, -2, -3


@inlined
def route(st: State, w: int, request: int, position: int, tenant: int, t: int) -> None:
    """Send a request to its row: to the API, or into a queue if there is room; served at once if it may be."""
    row = st.workloads[w].row
    key = st.keys[w, position]
    if st.rows[row].kind == API:
        prompt, output = tokens(st, w, position)
        call_api(st, admit(st, w, row, request, key, 0.0, t), prompt, output, 0, t)
        return
    row, slot = find_room(st, row, w, request, key, tenant, 0, t)
    if slot == KNOWN:
        end_hit(st, w, request, t)
        return
    if slot == NO_ROOM:
        st.workloads[w].rejected += 1
        end_at_once(st, w, request, REJECTED, t, -1, t)
        return
    queue_up(st, row, slot, admit(st, w, row, request, key, st.uniforms[w, position], t), t)


@inlined
def tokens(st: State, w: int, position: int) -> tuple[int, int]:
    """Prompt and output tokens of a request in its workload's block, 0 where it has none."""
    if st.workloads[w].has_tokens:
        return int(np.int64(st.prompt_tokens[w, position])), int(np.int64(st.output_tokens[w, position]))
    return 0, 0


@inlined
def find_room(
    st: State, row: int, w: int, request: int, key: int, tenant: int, draw: int, look_ns: int
) -> tuple[int, int]:  # fmt: skip
    """(row, slot): where one more request is taken, the row's own queues or those of the one that it overflows to.

    draw: which of the request's visits it is, see `sim.serving.discipline.calls.visit`; look_ns: when the chosen
    replica's own cache is asked, -1 for not at all; slot: the replica whose queue takes it, SHARED where it is the
    row's own queue, KNOWN where that cache answers, or NO_ROOM.
    """
    slot = NO_ROOM
    for _ in range(2):
        slot = _room(st, row, w, request, key, tenant, draw, look_ns)
        if slot != NO_ROOM or st.rows[row].overflow < 0:
            break
        row = st.rows[row].overflow
    return row, slot


@inlined
def _room(st: State, row: int, w: int, request: int, key: int, tenant: int, draw: int, look_ns: int) -> int:
    """The replica of the row whose queue takes one more request, SHARED or NO_ROOM; see `find_room`."""
    p = st.rows[row]
    p.arrived += 1
    if p.armed == ARMED:
        p.armed = ROUSED
        st.scalars[ROUSED_ROWS] += 1
    if p.kind == SHARED_QUEUE:
        slot = preferred(st, row)
        limit = batch_limit(p, st.slots[slot]) if slot >= 0 else p.max_batch
        return SHARED if has_room(p.queued, p.capacity, slot >= 0, limit, p.delay_ns) else NO_ROOM
    slot = _chosen(st, row, w, request, key, tenant, draw)
    if slot < 0:
        return NO_ROOM
    asked = look_ns >= 0 and st.workloads[w].cache_kind == PER_REPLICA and key != NO_KEY
    if asked and answered(store_of(st), w, st.workloads[w].cache + 1 + slot, key, look_ns):
        return KNOWN
    s = st.slots[slot]
    return slot if has_room(s.queued, p.capacity, s.serving == 0, batch_limit(p, s), p.delay_ns) else NO_ROOM


@inlined
def queue_up(st: State, row: int, slot: int, node: int, t: int) -> None:
    """Put a node into the queue that `find_room` has found; it is served at once if it may be."""
    p = st.rows[row]
    if slot == SHARED:
        enqueue(st, p, st.scalars[SLOTS] + row, p.ranked, node, t)
        start_shared(st, row, t, True)
        return
    s = st.slots[slot]
    enqueue(st, s, slot, p.ranked, node, t)
    s.load_flow += t
    if s.serving == 0:
        start_own(st, row, slot, t, True)
    note_load(st, row, slot)


@inlined
def _chosen(st: State, row: int, w: int, request: int, key: int, tenant: int, draw: int) -> int:
    """The replica that the row's router chooses, or -1 where none is ready."""
    wl = st.workloads[w]
    p = st.rows[row]
    if p.kind == LEAST_OUTSTANDING:
        return preferred(st, row)
    if p.ready == 0:
        return -1
    if p.kind == ROUND_ROBIN:
        p.turn += 1
        return st.ready[p.first + round_robin_turn(p.turn - 1, p.ready)]
    first, ready = p.first, p.ready
    if p.at_home != 0:
        zone = p.zone_at + zone_of_request(wl.service_key, request, p.zones)
        if st.zone_ready[zone + 1] > st.zone_ready[zone]:
            first, ready = p.first + st.zone_ready[zone], st.zone_ready[zone + 1] - st.zone_ready[zone]
    if p.kind == RANDOM:
        return st.ready[first + drawn_index(wl.service_key, request, draw, ready)]
    if p.kind == AFFINITY:
        content = tenant if p.by == BY_TENANT else key
        if content != NO_KEY:
            if p.stale != 0:
                pick_ready(st, p)
            limit = load_limit(p.load_bound, p.outstanding, p.ready)
            slot = walk(st, p, key_place(wl.service_key, content), limit)
            return slot if slot >= 0 else preferred(st, row)
    return _better_of_two(st, wl.service_key, request, draw, first, ready)


@inlined
def _better_of_two(st: State, key: Word, request: int, draw: int, first: int, ready: int) -> int:
    """Out of two replicas, drawn for the request from the `ready` ones listed from `first` on, the less busy one."""
    i, j = drawn_pair(key, request, draw, ready)
    a, b = st.ready[first + i], st.ready[first + j]
    sa, sb = st.slots[a], st.slots[b]
    if least_outstanding_key(sa.queued + sa.serving, a) <= least_outstanding_key(sb.queued + sb.serving, b):
        return a
    return b
