"""Closed forms of caching: the known answers beside which the simulated cache stands."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def che_hit_ratio(popularity: "NDArray[np.float64]", capacity: int) -> float:
    """Share of requests that a least-recently-used cache answers (0 to 1), by Che's approximation.

    popularity: [keys] shares of requests or weights, each drawn independently of the last; capacity: entries, >= 1.
    An entry stays for a characteristic time T, the same for all keys, after which `capacity` others have been asked
    for: sum over keys of 1 - exp(-p T) = capacity; the hit ratio is the sum of p (1 - exp(-p T)). Che, Tung and Wang,
    Hierarchical Web caching systems, IEEE JSAC 20 (2002); why it is so good: Fricker, Robert and Roberts, A versatile
    and accurate approximation for LRU cache performance, ITC (2012). Raises ValueError for weights below zero, or none.
    """
    import numpy as np

    weights = np.asarray(popularity, np.float64)
    if capacity < 1 or not weights.size or weights.min() < 0 or not 0 < weights.sum() < np.inf:
        raise ValueError(f"che_hit_ratio needs weights of at least 0, some above, and capacity >= 1, not {capacity}")
    p = weights[weights > 0] / weights.sum()
    if capacity >= len(p):
        return 1.0

    def held(time: float) -> float:
        return float(-np.expm1(-p * time).sum())

    low, high = 0.0, float(capacity)
    while held(high) < capacity:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if held(middle) < capacity else (low, middle)
    return float(-(p * np.expm1(-p * high)).sum())


def zipf(keys: int, exponent: float) -> "NDArray[np.float64]":
    """Zipf's popularity of `keys` keys: shares proportional to rank ** -exponent, which add to 1."""
    import numpy as np

    weights = np.arange(1, keys + 1, dtype=np.float64) ** -exponent
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares
