"""Routing in the compiled path: an admitted request goes to the API, or to a replica's queue if there is room."""

from sim.compiled import inlined
from sim.serving.discipline.batching import has_room
from sim.serving.discipline.routing import round_robin_turn
from sim.serving.kernels.api import call_api
from sim.serving.kernels.batching import start_own, start_shared
from sim.serving.kernels.requests import admit, end_at_once, prefer, preferred
from sim.serving.kernels.state import API, LEAST_OUTSTANDING, REJECTED, ROUND_ROBIN, SHARED_QUEUE, State

SHARED, NO_ROOM = -1, -2


@inlined
def route(st: State, w: int, request: int, position: int, t: int) -> None:
    """Send a request to its row: to the API, or into a queue if there is room; served at once if it may be."""
    row = st.workloads[w].row
    key = st.keys[w, position]
    if st.rows[row].kind == API:
        prompt, output = tokens(st, w, position)
        call_api(st, admit(st, w, row, request, key, 0.0, t), prompt, output, 0, t)
        return
    slot = room(st, row)
    if slot == NO_ROOM:
        st.workloads[w].rejected += 1
        end_at_once(st, w, request, REJECTED, t, -1, t)
        return
    queue_up(st, row, slot, admit(st, w, row, request, key, st.uniforms[w, position], t), t)


@inlined
def tokens(st: State, w: int, position: int) -> tuple[int, int]:
    """Prompt and output tokens of a request in its workload's block, 0 where it has none."""
    if st.workloads[w].has_tokens:
        return st.prompt_tokens[w, position], st.output_tokens[w, position]
    return 0, 0


@inlined
def room(st: State, row: int) -> int:
    """The replica whose queue takes one more request, SHARED where it is the row's own queue, or NO_ROOM."""
    p = st.rows[row]
    if p.kind == SHARED_QUEUE:
        takes = has_room(p.queued, p.capacity, preferred(st, row) >= 0, p.max_batch, p.delay_ns)
        return SHARED if takes else NO_ROOM
    slot = _chosen(st, row)
    if slot < 0:
        return NO_ROOM
    s = st.slots[slot]
    return slot if has_room(s.queued, p.capacity, s.serving == 0, p.max_batch, p.delay_ns) else NO_ROOM


@inlined
def queue_up(st: State, row: int, slot: int, node: int, t: int) -> None:
    """Put a node into the queue that `room` has found; it is served at once if it may be."""
    p = st.rows[row]
    if slot == SHARED:
        _enqueue(st, p, node, t)
        start_shared(st, row, t, True)
        return
    s = st.slots[slot]
    _enqueue(st, s, node, t)
    s.load_flow += t
    if s.serving == 0:
        start_own(st, row, slot, t, True)
    if p.kind == LEAST_OUTSTANDING:
        prefer(st, row, slot)


@inlined
def _chosen(st: State, row: int) -> int:
    """The replica that the row's router chooses, or -1 where none is ready."""
    p = st.rows[row]
    if p.kind == ROUND_ROBIN:
        if p.ready == 0:
            return -1
        p.turn += 1
        return st.ready[p.first + round_robin_turn(p.turn - 1, p.ready)]
    return preferred(st, row)


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
