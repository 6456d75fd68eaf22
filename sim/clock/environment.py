"""SimPy's environment with integer nanoseconds, and ranks as its priorities."""

from collections.abc import Callable
from typing import Any

import simpy

from sim.clock.ranks import Rank

NS_PER_S = 1_000_000_000
_SUB_BITS = 48


def to_ns(seconds: float) -> int:
    """Seconds at the door -> nanoseconds inside, rounded to the nearest."""
    return round(seconds * NS_PER_S)


class Clock(simpy.Environment):
    """A SimPy environment whose time is int nanoseconds since the scenario's start.

    Every event of the world goes through `at`, so that events of one instant happen in the order of `Rank`, then of the
    replica or request they belong to, and never in the order in which somebody happened to schedule them.
    """

    def __init__(self) -> None:
        super().__init__(initial_time=0)

    def at(self, t_ns: int, rank: Rank, sub: int = 0, value: Any = None) -> simpy.Event:
        """An event that fires at `t_ns` (>= now), after all events of that instant with a lower (rank, sub).

        sub: replica or request id (0 <= sub < 2**48). Raises ValueError for a time in the past.
        """
        if t_ns < self.now:
            raise ValueError(f"{rank.name} at {t_ns} ns lies before now, {self.now} ns")
        event = simpy.Event(self)
        event._ok = True
        event._value = value
        self.schedule(event, priority=(int(rank) << _SUB_BITS) | sub, delay=t_ns - self.now)  # type: ignore[arg-type]
        return event

    def call_at(self, t_ns: int, rank: Rank, action: Callable[[], None], sub: int = 0) -> simpy.Event:
        """Run `action` at that instant and rank; cheaper than a process where there is nothing to wait for."""
        event = self.at(t_ns, rank, sub)
        assert event.callbacks is not None
        event.callbacks.append(lambda _: action())
        return event

    def head(self) -> tuple[int, int]:
        """Time (ns) and rank of the next event; rank 0 for SimPy's own bookkeeping (starts, interrupts)."""
        t_ns, priority, _, _ = self._queue[0]
        return int(t_ns), int(priority) >> _SUB_BITS

    def idle(self) -> bool:
        """Whether nothing is scheduled any more."""
        return not self._queue
