"""One replica: one model in one place of the data plane."""

from dataclasses import dataclass


@dataclass(eq=False)
class Replica:
    """One machine, or a part of one, with one model.

    requested_ns: when it was asked for; ready_ns: -1 until it is; zone: place of its zone among the pool's.
    """

    number: int
    slot: int
    requested_ns: int
    zone: int = 0
    ready_ns: int = -1
    draining: bool = False
    released: bool = False
