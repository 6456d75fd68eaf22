"""Timers of calls in the compiled path: a heap, the earliest first; ties by rank, then then as they were set."""

from sim.compiled import apart, inlined
from sim.serving.kernels.state import FREE_TIMER, NEVER, SEQUENCE, TIMER_NS, TIMERS, Timers

# kinds: an attempt times out, the next one begins, a copy is sent, a user asks
DEADLINE, AGAIN, HEDGE, THINK = range(4)
MOST_TIMERS = 4  # set by one event, beside one for each node: a deadline or a back-off, a user's thoughts, or a hedge


@inlined
def timer_rank(st: Timers) -> int:
    """Rank of the timer that is due first."""
    return st.timers[st.timer_heap[0]].rank


@inlined
def _before(st: Timers, i: int, j: int) -> bool:
    """Whether heap entry i is due before entry j."""
    a, b = st.timers[st.timer_heap[i]], st.timers[st.timer_heap[j]]
    if a.at_ns != b.at_ns:
        return a.at_ns < b.at_ns
    if a.rank != b.rank:
        return a.rank < b.rank
    if a.order != b.order:
        return a.order < b.order
    return a.sequence < b.sequence


@inlined
def _swap(st: Timers, i: int, j: int) -> None:
    st.timer_heap[i], st.timer_heap[j] = st.timer_heap[j], st.timer_heap[i]


@apart
def set_timer(st: Timers, at_ns: int, rank: int, order: int, kind: int, subject: int, serial: int) -> None:
    """Something happens at (at_ns, rank), unless its subject is not what it was, see `serial`.

    order: (workload << 40) | request or user; the caller has seen to it that there is room.
    """
    timer = st.scalars[FREE_TIMER]
    t = st.timers[timer]
    st.scalars[FREE_TIMER] = t.next
    st.scalars[SEQUENCE] += 1
    t.at_ns = at_ns
    t.rank = rank
    t.order = order
    t.sequence = st.scalars[SEQUENCE]
    t.kind = kind
    t.subject = subject
    t.serial = serial
    i = st.scalars[TIMERS]
    st.scalars[TIMERS] = i + 1
    st.timer_heap[i] = timer
    while i > 0 and _before(st, i, (i - 1) >> 1):
        _swap(st, i, (i - 1) >> 1)
        i = (i - 1) >> 1
    st.scalars[TIMER_NS] = st.timers[st.timer_heap[0]].at_ns


@apart
def take_timer(st: Timers) -> int:
    """The timer that is due first, which is free again: to be read before another one is set."""
    taken = st.timer_heap[0]
    last = st.scalars[TIMERS] - 1
    st.scalars[TIMERS] = last
    st.timer_heap[0] = st.timer_heap[last]
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
    st.scalars[TIMER_NS] = st.timers[st.timer_heap[0]].at_ns if last > 0 else NEVER
    st.timers[taken].next = st.scalars[FREE_TIMER]
    st.scalars[FREE_TIMER] = taken
    return taken
