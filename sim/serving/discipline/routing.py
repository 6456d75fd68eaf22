"""Routing: which replica gets an arrival."""

from sim.compiled import inlined


@inlined
def least_outstanding_key(outstanding: int, slot: int) -> int:
    """Order of replicas for least-outstanding routing: fewest requests queued or in service, then the lowest slot."""
    return outstanding * 1048576 + slot


@inlined
def round_robin_turn(turn: int, ready: int) -> int:
    """Index among the ready replicas (in slot order) of the `turn`-th arrival."""
    return turn % ready
