"""The end of a replica in the compiled path: it dies, and all that is queued or in service there is lost."""

from sim.compiled import inlined, kernel
from sim.serving.discipline.batching import is_dead
from sim.serving.kernels.advance import list_ready
from sim.serving.kernels.calls import shard_failed
from sim.serving.kernels.queueing import dequeue
from sim.serving.kernels.requests import leave, log, note_load, prefer, set_calendar
from sim.serving.kernels.state import FAILED, NEVER, OFF, SHARED_QUEUE, TIMED_OUT, Calls, State


@inlined
def _end_failed(st: State, node: int, start_ns: int, t: int, slot: int, batch: int, calls: Calls) -> None:
    """A request is lost at `t`, failed, or timed out where nobody waited for it any more.

    start_ns, slot, batch: of its service, -1, -1 and 0 for one that was queued.
    """
    n = st.nodes[node]
    if calls is not None and n.call >= 0:
        shard_failed(st, node, t)
        return
    wl = st.workloads[n.workload]
    leaves_ns = n.deadline_ns if start_ns >= 0 else n.gives_up_ns
    wl.lost_sum_s += (t - n.arrival_ns) * 1e-9
    if is_dead(leaves_ns, t, True):
        wl.timed_out += 1
        log(st, node, TIMED_OUT, start_ns, leaves_ns, slot, batch)
    else:
        wl.failed += 1
        log(st, node, FAILED, start_ns, t, slot, batch)
    leave(st, node, t)


@kernel
def fail(st: State, slot: int, t: int, calls: Calls) -> None:
    """A slot's replica dies at a control event of time `t`. The batch in service is lost first, then the queue, each
    in its order; it was busy until now. calls: see `kernels.state.Calls`.
    """
    s = st.slots[slot]
    row, batch, node = s.row, s.serving, s.batch
    p = st.rows[row]
    if batch > 0:
        while node >= 0:
            following = st.nodes[node].next
            _end_failed(st, node, s.started_ns, t, slot, batch, calls)
            node = following
        s.serving = 0
        s.batch = -1
        s.busy_flow -= t
        p.busy_flow -= t
        p.busy -= 1
    while s.head >= 0:
        _end_failed(st, dequeue(st, s, slot, p.ranked, t), -1, t, -1, 0, calls)
    s.mode = OFF
    list_ready(st, p)
    p.stale = 1
    set_calendar(st, slot, NEVER)
    if p.kind == SHARED_QUEUE:
        prefer(st, row, slot)
    else:
        note_load(st, row, slot)
