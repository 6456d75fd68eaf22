"""A hosted API in the compiled path: calls in progress in a heap, the earliest answer in the calendar."""

from sim.compiled import inlined
from sim.serving.discipline.calls import visit_key
from sim.serving.discipline.service import LOGNORMAL, service_ns
from sim.serving.kernels.requests import set_calendar
from sim.serving.kernels.state import HEAP, NEVER, SLOTS, State
from sim.streams import Purpose

_API = int(Purpose.API_LATENCY)


@inlined
def _before(st: State, i: int, j: int) -> bool:
    """Whether heap entry i ends before entry j: earlier, or at the same time with the lower workload and request."""
    if st.heap_ns[i] != st.heap_ns[j]:
        return st.heap_ns[i] < st.heap_ns[j]
    a, b = st.nodes[st.heap_node[i]], st.nodes[st.heap_node[j]]
    if a.workload != b.workload:
        return a.workload < b.workload
    return a.request < b.request


@inlined
def _swap(st: State, i: int, j: int) -> None:
    st.heap_ns[i], st.heap_ns[j] = st.heap_ns[j], st.heap_ns[i]
    st.heap_node[i], st.heap_node[j] = st.heap_node[j], st.heap_node[i]


@inlined
def push_api(st: State, node: int, end_ns: int) -> None:
    """A request is at the API until `end_ns`."""
    i = st.scalars[HEAP]
    st.scalars[HEAP] += 1
    st.heap_ns[i] = end_ns
    st.heap_node[i] = node
    while i > 0:
        parent = (i - 1) >> 1
        if not _before(st, i, parent):
            break
        _swap(st, i, parent)
        i = parent
    set_calendar(st, st.scalars[SLOTS] + len(st.rows), st.heap_ns[0] << 1)


@inlined
def pop_api(st: State) -> int:
    """The node of the call that the API answers first, which is done with."""
    node = st.heap_node[0]
    last = st.scalars[HEAP] - 1
    st.scalars[HEAP] = last
    st.heap_ns[0], st.heap_node[0] = st.heap_ns[last], st.heap_node[last]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= last:
            break
        if child + 1 < last and _before(st, child + 1, child):
            child += 1
        if not _before(st, child, i):
            break
        _swap(st, i, child)
        i = child
    set_calendar(st, st.scalars[SLOTS] + len(st.rows), st.heap_ns[0] << 1 if last > 0 else NEVER)
    return node


@inlined
def call_api(st: State, node: int, prompt: int, output: int, draw: int, t: int) -> None:
    """A node goes to the API of its row; it is billed whether or not its client still waits.

    prompt, output: tokens; draw: see `sim.serving.discipline.calls.visit`.
    """
    n = st.nodes[node]
    wl = st.workloads[n.workload]
    p = st.rows[n.row]
    wl.api_calls += 1
    wl.api_prompt_tokens += prompt
    wl.api_output_tokens += output
    key = visit_key(wl.service_key, draw)
    duration = service_ns(st.mean_ns[p.means + 1], LOGNORMAL, p.sigma, key, n.request, _API)
    push_api(st, node, t + duration)
