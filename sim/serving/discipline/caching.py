"""Response caching: whether an answer may still be given, how large it is, and which one leaves when room is needed."""

import math

import numpy as np

from sim.compiled import inlined, kernel
from sim.streams import normal_quantile, uniform

LRU, LFU, S3FIFO = 0, 1, 2
EVICTIONS = {"lru": LRU, "lfu": LFU, "s3fifo": S3FIFO}
SHARED, PER_REPLICA, SEMANTIC = 1, 2, 3  # where a workload's requests look for an answer; 0: nowhere
MISS, RIGHT, WRONG = 0, 1, 2
_LARGEST = 2.0**59  # bytes: no memory holds more, and sums of two stay within 62 bits
_MOST_USES = 3  # two bits


@inlined
def is_fresh(inserted_ns: int, now_ns: int, ttl_ns: int) -> bool:
    """Whether an answer of that age may be given: its time to live counts from its insertion, not from its last use."""
    return now_ns - inserted_ns < ttl_ns


@inlined
def answer_bytes(mean: float, sigma: float, key: np.uint64, content: int, purpose: int) -> int:
    """Size of the answer to a content key (>= 1 byte): the same whenever it is asked for.

    mean: bytes; sigma: of the logarithm of a lognormal factor of mean one; key: of the workload's service stream.
    """
    factor = 1.0
    if sigma > 0.0:
        factor = math.exp(sigma * normal_quantile(uniform(key, content, 0, purpose)) - 0.5 * sigma * sigma)
    return max(1, int(min(mean * factor, _LARGEST) + 0.5))


@inlined
def recognised(hit: float, wrong: float, key: np.uint64, request: int, purpose: int) -> int:
    """What a semantic cache makes of a request: MISS, RIGHT (it knows one that means the same) or WRONG.

    hit: probability that it answers; wrong: that it answers and the answer is another question's. One draw decides: its
    class, whether it hits and whether that is wrong are independent from request to request, and only sums are seen.
    """
    u = uniform(key, request, 0, purpose)
    if u < wrong:
        return WRONG
    return RIGHT if u < hit else MISS


# S3-FIFO: a small queue for the new, a main one for the proven, and a ghost that remembers keys without their answers.
# Yang, Zhang, Qiu, Yue and Vinayak, FIFO queues are all you need for cache eviction, SOSP (2023); which queue gives way
# as in the authors' simulator, libCacheSim. Sizes are in entries or bytes, as the cache's limit is.


@inlined
def main_limit(limit: int) -> int:
    """Room of the main queue, and of the ghost: 90 % of the cache."""
    return limit - limit // 10


@inlined
def main_gives_way(small: int, main: int, limit: int) -> bool:
    """Whether the main queue has to give an answer up, and not the small one."""
    return small == 0 or main > main_limit(limit)


@inlined
def one_more_use(uses: int) -> int:
    """Uses of an answer that has just been given again, counted to three."""
    return min(uses + 1, _MOST_USES)


@inlined
def is_proven(uses: int) -> bool:
    """Whether an answer at the end of the small queue moves to the main one: used more than once while it was there."""
    return uses > 1


draw_answer_bytes = kernel(answer_bytes)
draw_recognised = kernel(recognised)
