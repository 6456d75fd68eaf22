"""Admission: a token bucket in whole nanoseconds."""

from sim.compiled import inlined


@inlined
def conforms(now_ns: int, due_ns: int, ahead_ns: int) -> bool:
    """Whether a token bucket lets a request in.

    due_ns: when the bucket will be full again (its theoretical arrival time); ahead_ns: how far before that a request
    may come, (burst - 1) tokens' time. The generic cell rate algorithm, virtual scheduling (ITU-T I.371, annex A).
    """
    return now_ns + ahead_ns >= due_ns


@inlined
def next_due(now_ns: int, due_ns: int, token_ns: int) -> int:
    """When the bucket will be full again, once a request that conforms has taken its token."""
    return max(now_ns, due_ns) + token_ns
