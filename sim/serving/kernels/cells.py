"""Cells of a cache in the compiled path: a chained hash table over them, and rings that hold them in order.

A cell is eight integers, 64 bytes: one line of the processor's cache. It holds an answer, the ghost of one, or a mark
at which a ring begins and ends. Cells are numbered from 0, and 0 means none in a hash chain; the first four are marks.
"""

import numpy as np

from sim.compiled import inlined
from sim.serving.kernels.memory import put
from sim.serving.kernels.state import Store
from sim.streams import mixed

# of an answer: its key, when it was inserted, its neighbours in its ring, the next of its hash chain (or free cell),
# its bytes, how often it was used, and the mark of its ring
KEY, INSERTED, NEWER, OLDER, CHAIN, SIZE, USES, RING = range(8)
# of a mark of least frequently used: the mark of the next more, and of the next less used; USES is that of its ring
HIGHER, LOWER = INSERTED, SIZE
RECENT, SMALL, MAIN, GHOST = range(4)  # marks: of the one ring (or of the ring of marks), of the three of S3-FIFO
MARKS = 4
FIELDS = 8


def heads_for(cells: int) -> int:
    """Heads of a hash table for so many cells: a power of two, and whole lines."""
    return max(FIELDS, 1 << max(0, cells - 1).bit_length())


@inlined
def at(c, cell: int) -> int:  # type: ignore[no-untyped-def]
    """Place of a cell's fields. c: the record of its cache."""
    return c.cells_at + (cell << 3)


@inlined
def head_of(c, key: int) -> int:  # type: ignore[no-untyped-def]
    """Place of the head of the key's hash chain: of its mixed bits as many as there are heads."""
    return c.heads_at + (np.int64(mixed(key)) & c.hash_mask)


@inlined
def find(st: Store, c, key: int) -> int:  # type: ignore[no-untyped-def]
    """The cell that holds the key, or 0."""
    cell = st.memory[head_of(c, key)]
    while cell != 0 and st.memory[at(c, cell) + KEY] != key:
        cell = st.memory[at(c, cell) + CHAIN]
    return cell


@inlined
def chain_in(st: Store, c, cell: int, key: int) -> None:  # type: ignore[no-untyped-def]
    """Give a cell a key, under which it is found from now on."""
    head = head_of(c, key)
    put(st, at(c, cell) + KEY, key)
    put(st, at(c, cell) + CHAIN, st.memory[head])
    put(st, head, cell)


@inlined
def chain_out(st: Store, c, cell: int) -> None:  # type: ignore[no-untyped-def]
    """Take a cell out of its hash chain."""
    link = head_of(c, st.memory[at(c, cell) + KEY])
    while st.memory[link] != cell:
        link = at(c, st.memory[link]) + CHAIN
    put(st, link, st.memory[at(c, cell) + CHAIN])


@inlined
def take_cell(st: Store, c) -> int:  # type: ignore[no-untyped-def]
    """A cell that nobody uses."""
    cell = c.free
    if cell != 0:
        c.free = st.memory[at(c, cell) + CHAIN]
    else:
        c.used += 1
        cell = c.used
    return cell


@inlined
def give_cell(st: Store, c, cell: int) -> None:  # type: ignore[no-untyped-def]
    """A cell is free again."""
    put(st, at(c, cell) + CHAIN, c.free)
    c.free = cell


@inlined
def oldest(st: Store, c, mark: int) -> int:  # type: ignore[no-untyped-def]
    """The cell that has been longest in the ring of a mark; the mark itself where the ring is empty."""
    return st.memory[at(c, mark) + NEWER]


@inlined
def unlink(st: Store, c, cell: int) -> None:  # type: ignore[no-untyped-def]
    """Take a cell out of its ring."""
    newer, older = st.memory[at(c, cell) + NEWER], st.memory[at(c, cell) + OLDER]
    put(st, at(c, newer) + OLDER, older)
    put(st, at(c, older) + NEWER, newer)


@inlined
def link(st: Store, c, mark: int, cell: int) -> None:  # type: ignore[no-untyped-def]
    """Put a cell into the ring of a mark, as the newest."""
    newest = st.memory[at(c, mark) + OLDER]
    put(st, at(c, cell) + NEWER, mark)
    put(st, at(c, cell) + OLDER, newest)
    put(st, at(c, newest) + NEWER, cell)
    put(st, at(c, mark) + OLDER, cell)
