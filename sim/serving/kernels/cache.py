"""Response caches in the compiled path: a look-up, an answer that comes to be kept, and what the control plane asks.

A workload has one cache for all, the first of its stretch of `State.caches`, and where each replica has its own, one
for every slot behind it. Each operation takes constant time; where bytes are counted, as many answers leave as must.
"""

from sim.compiled import apart, inlined, kernel
from sim.serving.discipline.caching import PER_REPLICA, S3FIFO, answer_bytes, is_fresh
from sim.serving.kernels.cells import (
    GHOST,
    INSERTED,
    KEY,
    MARKS,
    NEWER,
    OLDER,
    RING,
    SIZE,
    at,
    chain_in,
    find,
    head_of,
    take_cell,
)
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
from sim.serving.kernels.prefetch import prefetch
from sim.serving.kernels.state import State, Store, store_of
from sim.streams import Purpose

_ENTRY_BYTES = int(Purpose.ENTRY_BYTES)
_FAR, _NEAR, _NEXT = 12, 8, 4  # arrivals ahead, by trial: 6, 4 and 2 took 6 to 26 ns a request more


def cells_for(entries: int, *, ghosts: bool) -> int:
    """Cells of a cache of up to `entries` answers. ghosts: it may need as many ghosts, or marks by number of uses."""
    return MARKS + (2 * entries + 2 if ghosts else entries)


@inlined
def look_out(st: State, w: int, position: int) -> None:
    """Ask for what arrivals to come will need of the shared cache of workload w, so that they need not wait for memory:
    the head of a chain first, then the cell it leads to, then that cell's neighbours. Nothing changes by it.

    position: of the present arrival in its block.
    """
    wl = st.workloads[w]
    if position + _FAR >= wl.length:
        return
    c = st.caches[wl.cache]
    prefetch(st.memory, head_of(c, st.keys[w, position + _FAR]))
    prefetch(st.memory, at(c, st.memory[head_of(c, st.keys[w, position + _NEAR])]))
    cell = at(c, st.memory[head_of(c, st.keys[w, position + _NEXT])])
    prefetch(st.memory, at(c, st.memory[cell + NEWER]))
    prefetch(st.memory, at(c, st.memory[cell + OLDER]))


@inlined
def _look_out_first(st: Store, wl, c) -> None:  # type: ignore[no-untyped-def]
    """Ask for what it will take to throw away the answer that leaves next."""
    cell = at(c, first_to_leave(st, wl, c))
    prefetch(st.memory, head_of(c, st.memory[cell + KEY]))
    prefetch(st.memory, at(c, st.memory[cell + NEWER]))


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
    _look_out_first(st, wl, c)


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
