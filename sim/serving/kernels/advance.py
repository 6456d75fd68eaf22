"""The compiled data plane: `advance` and the few ways in which the control plane touches it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.clock.ranks import Rank
from sim.compiled import inlined, kernel
from sim.record.scrape import ARRIVED, BUSY_NS, COMPLETIONS, IN_FLIGHT_NS, QUEUED, SERVING, SHARED_QUEUED
from sim.serving.discipline.batching import is_dead
from sim.serving.kernels.arrival import arrive
from sim.serving.kernels.batching import start_own, start_shared
from sim.serving.kernels.cache import clear_slot
from sim.serving.kernels.calls import ring
from sim.serving.kernels.completion import answer, complete
from sim.serving.kernels.memory import lacks_room
from sim.serving.kernels.queueing import dequeue
from sim.serving.kernels.requests import (
    end_queued,
    free_shard,
    leave,
    note_load,
    prefer,
    settle_calendar,
    waited_for,
)
from sim.serving.kernels.state import (
    CALLS_FULL,
    DONE,
    DRAINED,
    DRAINED_SLOT,
    FREE_CALL,
    FREE_NODES,
    HEAP,
    JOURNAL_FULL,
    JOURNAL_ON,
    LOG_FULL,
    LOG_LENGTH,
    LOG_ON,
    NEEDED,
    NEVER,
    NODES_FULL,
    NOW,
    OFF,
    READY,
    ROUSED_ROWS,
    SHARED_QUEUE,
    SLOTS,
    TIMER_NS,
    TIMERS,
    WOKEN,
    Calls,
    State,
    store_of,
    timers_of,
)
from sim.serving.kernels.timers import MOST_TIMERS, timer_rank

_COMPLETION, _EXPIRY, _ARRIVAL = int(Rank.COMPLETION), int(Rank.BATCH_EXPIRY), int(Rank.ARRIVAL)


@inlined
def _next_arrival(st: State):  # type: ignore[no-untyped-def]
    """(time, workload) of the next arrival in hand; ties go to the lower workload."""
    best, who = NEVER, -1
    for w in range(len(st.workloads)):
        i = st.workloads[w].position
        if i < st.workloads[w].length and st.arrival_ns[w, i] < best:
            best, who = st.arrival_ns[w, i], w
    return best, who


@inlined
def _calls_full(st: State) -> bool:
    """Whether an event may need more calls or timers than there are."""
    return st.scalars[FREE_CALL] < 0 or len(st.timers) - st.scalars[TIMERS] < MOST_TIMERS + st.scalars[NEEDED]


@inlined
def _in_system(st: State) -> int:
    """Requests in the system: no single event can end more than these."""
    n = 0
    for w in range(len(st.workloads)):
        n += st.workloads[w].in_system
    return n


@inlined
def _copy(slots: NDArray[Any], rows: NDArray[Any], row: int, t: int, sample: NDArray[np.int64]) -> None:
    """Copy what a scrape sees of a row's slots.

    sample: [slots + 1, FIELDS], see `sim.record.scrape`.
    """
    p = rows[row]
    sample[p.slots, SHARED_QUEUED] = p.queued
    sample[p.slots, ARRIVED] = p.arrived
    for i in range(p.slots):
        s = slots[p.first + i]
        if s.mode != OFF:
            busy = t if s.serving > 0 else 0
            sample[i, BUSY_NS] = busy - s.busy_flow
            sample[i, IN_FLIGHT_NS] = t * (s.queued + s.serving) - s.load_flow
            sample[i, COMPLETIONS] = s.completions
            sample[i, QUEUED] = s.queued
            sample[i, SERVING] = s.serving


@kernel
def advance(
    st: State, until_ns: int, through_rank: int, row: int, interval_ns: int, samples: NDArray[np.int64], calls: Calls
) -> int:  # fmt: skip
    """Play all request events with (time, rank) <= (until_ns, through_rank); why it stopped (DONE, DRAINED, ...).

    samples: [k, slots + 1, FIELDS]; with k > 0 it goes on, scraping `row` into them at until_ns and each interval_ns
    later, to the last of these scrapes.
    """
    taken = 0
    arrival_ns, w = _next_arrival(st)
    api_leaf = st.scalars[SLOTS] + len(st.rows)
    log_on, journal_on = st.scalars[LOG_ON] != 0, st.scalars[JOURNAL_ON] != 0
    while True:
        if st.scalars[ROUSED_ROWS] > 0:
            return WOKEN
        settle_calendar(st)
        leaf = int(np.int64(st.calendar_win[1]))  # as all other slots: what takes one is then compiled once
        key = st.calendar_key[leaf]
        event_ns = key >> 1
        if event_ns <= arrival_ns:
            t, rank = event_ns, _EXPIRY if key & 1 else _COMPLETION
        else:
            t, rank = arrival_ns, _ARRIVAL
        timer = False
        if calls is not None and st.scalars[TIMER_NS] <= t:
            timer = st.scalars[TIMER_NS] < t or timer_rank(timers_of(st)) < rank
            if timer:
                t, rank = st.scalars[TIMER_NS], timer_rank(timers_of(st))
        if t > until_ns or (t == until_ns and rank > through_rank):
            st.scalars[NOW] = until_ns
            if taken < len(samples):
                _copy(st.slots, st.rows, row, until_ns, samples[taken])
                taken += 1
            if taken >= len(samples):
                return DONE
            until_ns += interval_ns
            continue
        if st.scalars[FREE_NODES] < st.scalars[NEEDED] or st.scalars[HEAP] + st.scalars[NEEDED] > len(st.heap_ns):
            return NODES_FULL
        if calls is not None and _calls_full(st):
            return CALLS_FULL
        if log_on and len(st.log) - st.scalars[LOG_LENGTH] < 2 + _in_system(st):
            return LOG_FULL
        if journal_on and lacks_room(store_of(st)):
            return JOURNAL_FULL
        st.scalars[NOW] = t
        if calls is not None and timer:
            ring(st, t)
        elif rank == _ARRIVAL:
            i = st.workloads[w].position
            st.workloads[w].position = i + 1
            arrive(st, w, st.workloads[w].first_id + i, i, t, calls)
            arrival_ns, w = _next_arrival(st)
        elif leaf == api_leaf:
            answer(st, t, calls)
        elif leaf >= st.scalars[SLOTS]:
            start_shared(st, leaf - st.scalars[SLOTS], t, True)
        elif rank == _EXPIRY:
            own = st.slots[leaf].row
            start_own(st, own, leaf, t, True)
            note_load(st, own, leaf)
        elif complete(st, leaf, t, calls):
            st.slots[leaf].mode = OFF
            prefer(st, st.slots[leaf].row, leaf)
            st.scalars[DRAINED_SLOT] = leaf
            return DRAINED


@inlined
def list_ready(st: State, p) -> None:  # type: ignore[no-untyped-def]
    """List a row's ready slots, zone by zone where its router looks at home first. p: the record of the row."""
    n, lists = 0, p.zones if p.at_home != 0 else 1
    for zone in range(lists):
        if p.at_home != 0:
            st.zone_ready[p.zone_at + zone] = n
        for slot in range(p.first + zone, p.first + p.slots, lists):
            if st.slots[slot].mode == READY:
                st.ready[p.first + n] = slot
                n += 1
    if p.at_home != 0:
        st.zone_ready[p.zone_at + lists] = n
    p.ready = n


@kernel
def set_mode(st: State, slot: int, mode: int, t: int) -> bool:
    """Make a slot's replica READY or DRAINING at a control event of time `t`; True when it is empty and now OFF."""
    s = st.slots[slot]
    row = s.row
    p = st.rows[row]
    if mode == READY:
        s.head = s.tail = s.batch = -1
        s.serving = s.queued = 0
        s.busy_flow = s.load_flow = s.completions = 0
        s.batch_limit = 1.0
        clear_slot(store_of(st), slot)
    s.mode = mode
    list_ready(st, p)
    p.stale = 1
    if p.kind == SHARED_QUEUE:
        prefer(st, row, slot)
        start_shared(st, row, t, True)
    else:
        if s.serving == 0:
            start_own(st, row, slot, t, True)
        note_load(st, row, slot)
    if mode != READY and s.serving == 0 and s.queued == 0:
        s.mode = OFF
        if p.kind == SHARED_QUEUE:
            prefer(st, row, slot)
        return True
    return False


@inlined
def _is_over(st: State, node: int, t: int) -> bool:
    """Whether nobody waits for a queued node any more at `t`."""
    if st.nodes[node].call >= 0:
        return not waited_for(st, node)
    return is_dead(st.nodes[node].gives_up_ns, t, False)


@kernel
def expire(st: State, row: int, t: int) -> None:
    """Drop those from the head of a row's shared queue who have given up before `t`: nobody is left to serve them."""
    p = st.rows[row]
    while p.head >= 0 and _is_over(st, p.head, t):
        node = dequeue(st, p, st.scalars[SLOTS] + row, p.ranked, t)
        if st.nodes[node].call >= 0:
            free_shard(st, node)
        else:
            end_queued(st, node, t)
            leave(st, node, t)


@kernel
def close_row(st: State, row: int, t: int) -> None:
    """No arrival will come to this row any more: what waits in a shared queue is served without delay."""
    p = st.rows[row]
    p.closing = 1
    if p.kind == SHARED_QUEUE:
        start_shared(st, row, t, True)


@kernel
def scrape(slots: NDArray[Any], rows: NDArray[Any], row: int, t: int, sample: NDArray[np.int64]) -> None:
    """Copy what a scrape of time `t` sees of a row's slots into `sample`; see `_copy`."""
    _copy(slots, rows, row, t, sample)
