"""Response caches in the compiled path: least recently used goes first, each operation in constant time.

A workload's cache is a chained hash table and a doubly linked list over the same entries. Entries are numbered from 1;
0 means none, so that memory fresh from the system, all zeros, is an empty cache of any size.
"""

import numpy as np

from sim.compiled import inlined, kernel
from sim.serving.discipline.caching import is_fresh
from sim.serving.kernels.memory import put
from sim.serving.kernels.state import State

# an entry: its key, when it was inserted, its neighbours in order of use, and the next of its hash chain (or free one)
_KEY, _INSERTED, _NEWER, _OLDER, _CHAIN = range(5)
_FIELDS = 5
_33 = np.uint64(33)
_A, _B = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)


def cells_for(entries: int) -> tuple[int, int]:
    """(heads of the hash table, a power of two; places for entries) of a cache of up to `entries`."""
    return 1 << max(0, entries - 1).bit_length(), (entries + 1) * _FIELDS


@inlined
def _at(wl, entry: int) -> int:  # type: ignore[no-untyped-def]
    """Place of an entry's fields. wl: the record of its workload."""
    return wl.entries_at + entry * _FIELDS


@inlined
def _head(wl, key: int) -> int:  # type: ignore[no-untyped-def]
    """Place of the head of the key's hash chain: of 64 bits mixed so that neighbours fall far apart (the finaliser of
    MurmurHash3, Appleby 2011), as many as there are heads.
    """
    x = np.uint64(key)
    x = (x ^ (x >> _33)) * _A
    x = (x ^ (x >> _33)) * _B
    return wl.heads_at + (np.int64(x ^ (x >> _33)) & wl.hash_mask)


@inlined
def _find(st: State, wl, key: int) -> int:  # type: ignore[no-untyped-def]
    """The entry that holds the key, or 0."""
    entry = st.memory[_head(wl, key)]
    while entry != 0 and st.memory[_at(wl, entry) + _KEY] != key:
        entry = st.memory[_at(wl, entry) + _CHAIN]
    return entry


@inlined
def _unlink(st: State, wl, entry: int) -> None:  # type: ignore[no-untyped-def]
    """Take an entry out of the order of use."""
    newer, older = st.memory[_at(wl, entry) + _NEWER], st.memory[_at(wl, entry) + _OLDER]
    if newer != 0:
        put(st, _at(wl, newer) + _OLDER, older)
    else:
        wl.cache_newest = older
    if older != 0:
        put(st, _at(wl, older) + _NEWER, newer)
    else:
        wl.cache_oldest = newer


@inlined
def _link(st: State, wl, entry: int) -> None:  # type: ignore[no-untyped-def]
    """Put an entry first in the order of use."""
    newest = wl.cache_newest
    put(st, _at(wl, entry) + _NEWER, 0)
    put(st, _at(wl, entry) + _OLDER, newest)
    if newest != 0:
        put(st, _at(wl, newest) + _NEWER, entry)
    else:
        wl.cache_oldest = entry
    wl.cache_newest = entry


@inlined
def _use(st: State, wl, entry: int) -> None:  # type: ignore[no-untyped-def]
    """Make an entry the most recently used."""
    if wl.cache_newest != entry:
        _unlink(st, wl, entry)
        _link(st, wl, entry)


@inlined
def _take_out(st: State, wl, entry: int) -> None:  # type: ignore[no-untyped-def]
    """Take an entry out of its hash chain and the order of use."""
    link = _head(wl, st.memory[_at(wl, entry) + _KEY])
    while st.memory[link] != entry:
        link = _at(wl, st.memory[link]) + _CHAIN
    put(st, link, st.memory[_at(wl, entry) + _CHAIN])
    _unlink(st, wl, entry)


@inlined
def _remove(st: State, wl, entry: int) -> None:  # type: ignore[no-untyped-def]
    """Throw an entry away: it is free again."""
    _take_out(st, wl, entry)
    put(st, _at(wl, entry) + _CHAIN, wl.cache_free)
    wl.cache_free = entry
    wl.cache_live -= 1


@inlined
def answered(st: State, w: int, key: int, t: int) -> bool:
    """Whether the cache of workload w answers the key at `t`: it holds an answer that is fresh, which is now the most
    recently used. An answer that has outlived its time is thrown away.
    """
    wl = st.workloads[w]
    entry = _find(st, wl, key)
    if entry == 0:
        return False
    if not is_fresh(st.memory[_at(wl, entry) + _INSERTED], t, wl.ttl_ns):
        _remove(st, wl, entry)
        return False
    _use(st, wl, entry)
    return True


@inlined
def remember(st: State, w: int, key: int, t: int) -> None:
    """Keep an answer that came at `t` in the cache of workload w (of at least one entry), as the most recently used."""
    wl = st.workloads[w]
    entry = _find(st, wl, key)
    if entry != 0:
        _use(st, wl, entry)
    else:
        if wl.cache_live == wl.cache_entries:
            entry = wl.cache_oldest
            _take_out(st, wl, entry)
        else:
            wl.cache_live += 1
            entry = wl.cache_free
            if entry != 0:
                wl.cache_free = st.memory[_at(wl, entry) + _CHAIN]
            else:
                wl.cache_used += 1
                entry = wl.cache_used
        put(st, _at(wl, entry) + _KEY, key)
        head = _head(wl, key)
        put(st, _at(wl, entry) + _CHAIN, st.memory[head])
        put(st, head, entry)
        _link(st, wl, entry)
    put(st, _at(wl, entry) + _INSERTED, t)


@kernel
def shrink(st: State, w: int, entries: int) -> None:
    """Throw away the least recently used of workload w until at most `entries` are left."""
    wl = st.workloads[w]
    while wl.cache_live > entries:
        _remove(st, wl, wl.cache_oldest)
