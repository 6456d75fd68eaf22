"""Sets of small numbers of which the least is asked for: the idle replicas of a shared queue.

A tree of words of which 32 bits are used, root first: the children of word k are words 32 * k + 1 and on, and a bit
says that there is something in that child, or in that leaf. Any change and any look-up touches one word for each factor
of 32 in the size.
"""

import numpy as np
from numpy.typing import NDArray

from sim.compiled import inlined

Words = NDArray[np.int64]


@inlined
def _first_leaf(size: int) -> int:
    """Number of words in the tree of a set of numbers below `size` if all of its levels were full."""
    leaves, first = 32, 1
    while leaves < size:
        leaves *= 32
        first = 32 * first + 1
    return first


@inlined
def put_in(words: Words, offset: int, size: int, number: int) -> None:
    """Put a number from 0 to size - 1 into the set, whose words begin at `offset` (2 * size of them are enough)."""
    place = _first_leaf(size) + number
    while place > 0:
        bit, place = 1 << ((place - 1) & 31), (place - 1) >> 5
        before = words[offset + place]
        words[offset + place] = before | bit
        if before != 0:
            return


@inlined
def take_out(words: Words, offset: int, size: int, number: int) -> None:
    """Take a number out of the set, in which it need not be."""
    place = _first_leaf(size) + number
    while place > 0:
        bit, place = 1 << ((place - 1) & 31), (place - 1) >> 5
        after = words[offset + place] & ~bit
        words[offset + place] = after
        if after != 0:
            return


@inlined
def least(words: Words, offset: int, size: int) -> int:
    """The least number in the set, or -1 where it is empty."""
    place, leaves = 0, _first_leaf(size)
    while place < leaves:
        word = words[offset + place]
        if word == 0:
            return -1
        # the exponent of a power of two is its logarithm
        place = 32 * place + 1 + int(np.float64(word & -word).view(np.int64) >> 52) - 1023
    return place - leaves
