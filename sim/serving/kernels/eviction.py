"""Eviction in the compiled path: where an answer stands in its cache, how a use moves it, and which one leaves.

Least recently used: one ring, the newest in front. Least frequently used, in constant time: a ring of marks by the
number of uses, the fewest first, each with a ring of its answers (Shah, Mitra and Matani, An O(1) algorithm for
implementing the LFU cache eviction scheme, 2010); among equals the least recently used leaves. S3-FIFO: see
`discipline.caching`.
"""

from sim.compiled import inlined
from sim.serving.discipline.caching import LFU, LRU, S3FIFO, is_proven, main_gives_way, main_limit, one_more_use
from sim.serving.kernels.cells import (
    GHOST,
    HIGHER,
    LOWER,
    MAIN,
    NEWER,
    OLDER,
    RECENT,
    RING,
    SIZE,
    SMALL,
    USES,
    at,
    chain_out,
    give_cell,
    link,
    oldest,
    take_cell,
    unlink,
)
from sim.serving.kernels.memory import lacks_room, put
from sim.serving.kernels.state import Store


@inlined
def weight_of(st: Store, wl, c, cell: int) -> int:  # type: ignore[no-untyped-def]
    """What an answer counts against its cache's limit: its bytes, or one. wl: the record of its workload."""
    return st.memory[at(c, cell) + SIZE] if wl.cache_bytes > 0 else 1


@inlined
def limit_of(wl) -> int:  # type: ignore[no-untyped-def]
    """The most that a cache holds, in bytes or in answers."""
    return wl.cache_bytes if wl.cache_bytes > 0 else wl.cache_entries


@inlined
def use(st: Store, wl, c, cell: int) -> None:  # type: ignore[no-untyped-def]
    """An answer is used once more."""
    if wl.eviction == LRU:
        if st.memory[at(c, RECENT) + OLDER] != cell:
            unlink(st, c, cell)
            link(st, c, RECENT, cell)
    elif wl.eviction == LFU:
        _use_more(st, c, cell)
    else:
        uses = st.memory[at(c, cell) + USES]
        if one_more_use(uses) != uses:
            put(st, at(c, cell) + USES, one_more_use(uses))


@inlined
def _use_more(st: Store, c, cell: int) -> None:  # type: ignore[no-untyped-def]
    """Move an answer from its ring to that of one more use."""
    mark = st.memory[at(c, cell) + RING]
    uses = st.memory[at(c, mark) + USES] + 1
    higher = st.memory[at(c, mark) + HIGHER]
    alone = st.memory[at(c, cell) + NEWER] == mark and st.memory[at(c, cell) + OLDER] == mark
    found = higher != RECENT and st.memory[at(c, higher) + USES] == uses
    if alone and not found:
        put(st, at(c, mark) + USES, uses)
        return
    unlink(st, c, cell)
    if not found:
        higher = _new_mark(st, c, mark, uses)
    link(st, c, higher, cell)
    put(st, at(c, cell) + RING, higher)
    if alone:
        _drop_mark(st, c, mark)


@inlined
def _new_mark(st: Store, c, lower: int, uses: int) -> int:  # type: ignore[no-untyped-def]
    """A mark with an empty ring, next above `lower` (RECENT: the lowest of all)."""
    mark, higher = take_cell(st, c), st.memory[at(c, lower) + HIGHER]
    put(st, at(c, mark) + NEWER, mark)
    put(st, at(c, mark) + OLDER, mark)
    put(st, at(c, mark) + USES, uses)
    put(st, at(c, mark) + LOWER, lower)
    put(st, at(c, mark) + HIGHER, higher)
    put(st, at(c, lower) + HIGHER, mark)
    put(st, at(c, higher) + LOWER, mark)
    return mark


@inlined
def _drop_mark(st: Store, c, mark: int) -> None:  # type: ignore[no-untyped-def]
    """Throw away a mark whose ring is empty."""
    lower, higher = st.memory[at(c, mark) + LOWER], st.memory[at(c, mark) + HIGHER]
    put(st, at(c, lower) + HIGHER, higher)
    put(st, at(c, higher) + LOWER, lower)
    give_cell(st, c, mark)


@inlined
def place(st: Store, wl, c, cell: int, weight: int, known: bool) -> None:  # type: ignore[no-untyped-def]
    """Give a new answer its place. known: a ghost told of it (S3-FIFO)."""
    mark = RECENT
    if wl.eviction == LFU:
        mark = st.memory[at(c, RECENT) + HIGHER]
        if mark == RECENT or st.memory[at(c, mark) + USES] != 1:
            mark = _new_mark(st, c, RECENT, 1)
        put(st, at(c, cell) + RING, mark)
    elif wl.eviction == S3FIFO:
        mark = MAIN if known else SMALL
        put(st, at(c, cell) + RING, mark)
        put(st, at(c, cell) + USES, 0)
        if known:
            c.main += weight
        else:
            c.small += weight
    link(st, c, mark, cell)
    c.weight += weight
    c.live += 1
    wl.cache_live += 1


@inlined
def unplace(st: Store, wl, c, cell: int) -> None:  # type: ignore[no-untyped-def]
    """An answer leaves its place, and counts no longer."""
    weight = weight_of(st, wl, c, cell)
    unlink(st, c, cell)
    if wl.eviction == LFU:
        mark = st.memory[at(c, cell) + RING]
        if oldest(st, c, mark) == mark:
            _drop_mark(st, c, mark)
    elif wl.eviction == S3FIFO:
        if st.memory[at(c, cell) + RING] == MAIN:
            c.main -= weight
        else:
            c.small -= weight
    c.weight -= weight
    c.live -= 1
    wl.cache_live -= 1


@inlined
def remove(st: Store, wl, c, cell: int) -> None:  # type: ignore[no-untyped-def]
    """Throw an answer away."""
    unplace(st, wl, c, cell)
    chain_out(st, c, cell)
    give_cell(st, c, cell)


@inlined
def forget(st: Store, wl, c, ghost: int) -> None:  # type: ignore[no-untyped-def]
    """Take a ghost out of its queue; whoever calls this takes its key as well."""
    unlink(st, c, ghost)
    c.ghost -= weight_of(st, wl, c, ghost)
    c.ghosts -= 1


@inlined
def first_to_leave(st: Store, wl, c) -> int:  # type: ignore[no-untyped-def]
    """The answer that leaves first; a mark where there is none. Of S3-FIFO the oldest, with no regard to its uses."""
    if wl.eviction == LRU:
        return oldest(st, c, RECENT)
    if wl.eviction == LFU:
        return oldest(st, c, st.memory[at(c, RECENT) + HIGHER])
    cell = oldest(st, c, SMALL)
    return cell if cell != SMALL else oldest(st, c, MAIN)


@inlined
def make_room(st: Store, wl, c, weight: int, more: int) -> None:  # type: ignore[no-untyped-def]
    """Throw answers away until `more` of them, of that weight, fit in; not all that needs to go where the journal lacks
    room for more.
    """
    limit = limit_of(wl)
    in_small = False  # the small queue has begun to give an answer up, and has only promoted so far
    while in_small or c.weight + weight > limit or c.live + more > wl.cache_entries:
        if lacks_room(st):
            return
        if wl.eviction == S3FIFO:
            in_small = _give_way(st, wl, c, limit, in_small)
        else:
            remove(st, wl, c, first_to_leave(st, wl, c))


@inlined
def _give_way(st: Store, wl, c, limit: int, in_small: bool) -> bool:  # type: ignore[no-untyped-def]
    """One step of S3-FIFO's eviction; whether the small queue has yet to give an answer up."""
    if in_small and c.small == 0:
        return False
    if not in_small and main_gives_way(c.small, c.main, limit):
        cell = oldest(st, c, MAIN)
        uses = st.memory[at(c, cell) + USES]
        if uses > 0:
            unlink(st, c, cell)
            link(st, c, MAIN, cell)
            put(st, at(c, cell) + USES, uses - 1)
        else:
            remove(st, wl, c, cell)
        return False
    cell = oldest(st, c, SMALL)
    weight = weight_of(st, wl, c, cell)
    if is_proven(st.memory[at(c, cell) + USES]):
        unplace(st, wl, c, cell)
        place(st, wl, c, cell, weight, True)
        return True
    if weight > main_limit(limit):
        remove(st, wl, c, cell)
    elif c.ghosts > 0 and (c.ghost + weight > main_limit(limit) or c.ghosts >= wl.cache_entries):
        exorcise(st, wl, c)
        return True
    else:
        unplace(st, wl, c, cell)
        link(st, c, GHOST, cell)
        put(st, at(c, cell) + RING, GHOST)
        c.ghost += weight
        c.ghosts += 1
    return False


@inlined
def exorcise(st: Store, wl, c) -> None:  # type: ignore[no-untyped-def]
    """Throw the oldest ghost away."""
    ghost = oldest(st, c, GHOST)
    forget(st, wl, c, ghost)
    chain_out(st, c, ghost)
    give_cell(st, c, ghost)


@inlined
def trim_ghosts(st: Store, wl, c) -> None:  # type: ignore[no-untyped-def]
    """Throw ghosts away until there are no more than a cache of this size has."""
    while c.ghosts > 0 and (c.ghost > main_limit(limit_of(wl)) or c.ghosts > wl.cache_entries):
        exorcise(st, wl, c)
