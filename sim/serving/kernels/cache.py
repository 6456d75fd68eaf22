"""Response caches in the compiled path: a look-up, an answer that comes to be kept, and what the control plane asks.

A workload has one cache for all, the first of its stretch of `State.caches`, and where each replica has its own, one
for every slot behind it. Each operation takes constant time; where bytes are counted, as many answers leave as must.
"""

from sim.compiled import apart, inlined, kernel
from sim.serving.discipline.caching import PER_REPLICA, S3FIFO, answer_bytes, is_fresh
from sim.serving.kernels.cells import GHOST, INSERTED, MARKS, RING, SIZE, at, chain_in, find, take_cell
from sim.serving.kernels.eviction import (
    exorcise,
    first_to_leave,
    forget,
    make_room,
    place,
    remove,
    trim_ghosts,
    use,
)
from sim.serving.kernels.memory import lacks_room, put
from sim.serving.kernels.state import State, Store, store_of
from sim.streams import Purpose

_ENTRY_BYTES = int(Purpose.ENTRY_BYTES)


def cells_for(entries: int, *, ghosts: bool) -> int:
    """Cells of a cache of up to `entries` answers. ghosts: it may need as many ghosts, or marks by number of uses."""
    return MARKS + (2 * entries + 2 if ghosts else entries)


@apart
def answered(st: Store, w: int, cache: int, key: int, t: int) -> bool:
    """Whether a cache of workload w answers the key at `t`: it holds an answer that is fresh, which is now used once
    more. An answer that has outlived its time is thrown away.
    """
    wl, c = st.workloads[w], st.caches[cache]
    cell = find(st, c, key)
    if cell == 0 or lacks_room(st) or (wl.eviction == S3FIFO and st.memory[at(c, cell) + RING] == GHOST):
        return False
    if not is_fresh(st.memory[at(c, cell) + INSERTED], t, wl.ttl_ns):
        remove(st, wl, c, cell)
        return False
    use(st, wl, c, cell)
    return True


@apart
def remember(st: Store, w: int, slot: int, key: int, t: int) -> None:
    """Keep an answer that came at `t`, from a slot or an API (-1), in the workload's cache or in the slot's own."""
    wl = st.workloads[w]
    cache = wl.cache
    if wl.cache_kind == PER_REPLICA:
        if slot < 0:
            return
        cache += 1 + slot
    c = st.caches[cache]
    cell = find(st, c, key)
    if lacks_room(st):
        return
    if cell != 0 and not (wl.eviction == S3FIFO and st.memory[at(c, cell) + RING] == GHOST):
        use(st, wl, c, cell)
        put(st, at(c, cell) + INSERTED, t)
        return
    weight = 1
    if wl.cache_bytes > 0:
        weight = answer_bytes(wl.entry_bytes, wl.entry_sigma, wl.service_key, key, _ENTRY_BYTES)
        if weight > wl.cache_bytes:
            return
    make_room(st, wl, c, weight, 1)
    if lacks_room(st):
        return
    known = False
    if wl.eviction == S3FIFO:
        cell = find(st, c, key)  # its ghost, if that did not have to go just now
        known = cell != 0
    if known:
        forget(st, wl, c, cell)
    else:
        cell = take_cell(st, c)
        chain_in(st, c, cell, key)
    if wl.cache_bytes > 0:
        put(st, at(c, cell) + SIZE, weight)
    put(st, at(c, cell) + INSERTED, t)
    place(st, wl, c, cell, weight, known)


@inlined
def _clear(st: Store, w: int, cache: int) -> None:
    """Throw away all answers of a cache, and what it remembers of others."""
    wl, c = st.workloads[w], st.caches[cache]
    while c.live > 0:
        remove(st, wl, c, first_to_leave(st, wl, c))
    while c.ghosts > 0:
        exorcise(st, wl, c)


@kernel
def clear(st: State, w: int) -> None:
    """Throw away all answers of a workload's caches."""
    for cache in range(st.workloads[w].cache, st.workloads[w].cache + st.workloads[w].caches):
        _clear(store_of(st), w, cache)


@apart
def clear_slot(st: Store, slot: int) -> None:
    """A new replica starts in a slot: its caches are cold."""
    for w in range(len(st.workloads)):
        if st.workloads[w].cache_kind == PER_REPLICA:
            _clear(st, w, st.workloads[w].cache + 1 + slot)


@kernel
def fit(st: State, w: int) -> None:
    """Throw answers away until each of a workload's caches holds no more than it may."""
    wl, store = st.workloads[w], store_of(st)
    for cache in range(wl.cache, wl.cache + wl.caches):
        c = st.caches[cache]
        make_room(store, wl, c, 0, 0)
        trim_ghosts(store, wl, c)
