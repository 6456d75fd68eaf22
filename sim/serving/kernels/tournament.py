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
    # places are unsigned: a signed one might count from the end, and to find out costs two instructions at each of them
    node, winner, key = leaves + leaf, leaf, keys[first + leaf]
    other = leaf ^ 1
    while True:
        # all ones where the other one wins: its key is less, or no greater and it is on the left. Arithmetic, since a
        # branch would be mispredicted half of the time; no difference of keys (from 0 to 2**63 - 1) overflows
        other_key = keys[np.uint64(first + other)]
        wins = (other_key - (node & 1) - key) >> 63
        winner ^= (winner ^ other) & wins
        key ^= (key ^ other_key) & wins
        node >>= 1
        winners[np.uint64(offset + node)] = winner
        if node == 1:
            return
        other = winners[np.uint64(offset + (node ^ 1))]


def plant(winners: Winners, offset: int, leaves: int, keys: Keys, first: int) -> None:
    """Build the whole tree from its keys."""
    for leaf in range(0, leaves, 2):
        replay(winners, offset, leaves, keys, first, leaf)
