"""Tournament trees: the least of n keys at the root, an update in log2(n) steps, ties to the lower leaf."""

import numpy as np
from numpy.typing import NDArray

from sim.compiled import inlined

Winners = NDArray[np.int32]
Keys = NDArray[np.int64]


@inlined
def replay(winners: Winners, offset: int, leaves: int, keys: Keys, first: int, leaf: int) -> None:
    """Restore the tree after keys[first + leaf] has changed.

    winners[offset + 1 : offset + leaves] holds the inner nodes, root first; each is the winning leaf.
    """
    node = (leaves + leaf) >> 1
    left = leaf & ~1
    a, b = left, left + 1
    while True:
        winner = a if keys[first + a] <= keys[first + b] else b
        winners[offset + node] = winner
        if node == 1:
            return
        other = winners[offset + (node ^ 1)]
        if node & 1:
            a, b = other, winner
        else:
            a, b = winner, other
        node >>= 1


def plant(winners: Winners, offset: int, leaves: int, keys: Keys, first: int) -> None:
    """Build the whole tree from its keys."""
    for leaf in range(0, leaves, 2):
        replay(winners, offset, leaves, keys, first, leaf)
