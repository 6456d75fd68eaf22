"""Response caching: whether an answer may still be given."""

from sim.compiled import inlined


@inlined
def is_fresh(inserted_ns: int, now_ns: int, ttl_ns: int) -> bool:
    """Whether an answer of that age may be given: its time to live counts from its insertion, not from its last use."""
    return now_ns - inserted_ns < ttl_ns
