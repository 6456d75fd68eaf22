"""SimPy's environment with integer nanoseconds, and ranks as its priorities."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

import simpy

from sim.clock.ranks import Rank

_SUB_BITS = 48


class Clock(simpy.Environment):
    """A SimPy environment whose time is int nanoseconds since the scenario's start.

    Every event of the world goes through `at`, so that events of one instant happen in the order of `Rank`, then of the
    replica or request they belong to, and never in the order in which somebody happened to schedule them.
    """

    def __init__(self) -> None:
        super().__init__(initial_time=0)
        self._advance: Callable[[int, int], bool] = lambda t_ns, rank: False

    @property
    def now(self) -> int:
        """Nanoseconds since the scenario's start."""
        return int(self._now)

    def at(self, t_ns: int, rank: Rank, sub: int = 0) -> simpy.Event:
        """An event that fires at `t_ns` (>= now), after all events of that instant with a lower (rank, sub).

        sub: replica or request id (0 <= sub < 2**48). Raises ValueError for a time in the past.
        """
        if t_ns < self._now:
            raise ValueError(f"{Rank(rank).name} at {t_ns} ns lies before now, {self._now} ns")
        event = simpy.Event(self)
        event._ok = True
        event._value = None
        priority: Any = (rank << _SUB_BITS) | sub
        heappush(self._queue, (t_ns, priority, next(self._eid), event))
        return event

    def call_at(self, t_ns: int, rank: Rank, action: Callable[[], None], sub: int = 0) -> simpy.Event:
        """Run `action` at that instant and rank; cheaper than a process where there is nothing to wait for."""
        event = self.at(t_ns, rank, sub)
        assert event.callbacks is not None
        event.callbacks.append(lambda _: action())
        return event

    def reach(self, t_ns: int, rank: Rank, sub: int = 0) -> bool:
        """Be at (t_ns, rank, sub) at once, if an event scheduled there would be the very next to happen.

        For a process that has nothing else to do meanwhile: `if not clock.reach(t, rank): yield clock.at(t, rank)` is
        `yield clock.at(t, rank)`, without a journey through the queue. Only within `play`.
        """
        head_ns, priority, _, _ = self._queue[0]
        if head_ns < t_ns or (head_ns == t_ns and priority <= (rank << _SUB_BITS) | sub):
            return False
        if not self._advance(t_ns, rank - 1):
            return False
        self._now = t_ns
        return True

    def free_until(self) -> int:
        """Time (ns) of the next event: a process that knows what happens before may `jump` to there."""
        return int(self._queue[0][0])

    def jump(self, t_ns: int) -> None:
        """Be at `t_ns` (>= now, before the next event), having accounted for all that happened since."""
        self._now = t_ns

    def play(self, advance: Callable[[int, int], bool], last: simpy.Event) -> None:
        """Process events until `last` has been processed; before each one, `advance` the request path up to it.

        advance(t_ns, rank): plays what comes before or at (t_ns, rank); False when it has put a control event before
        that, which then comes first. This is SimPy's own step, without a Python call for each of its parts.
        """
        queue, self._advance = self._queue, advance
        while last.callbacks is not None:
            t_ns, priority, _, event = queue[0]
            rank = priority >> _SUB_BITS
            if rank and not advance(int(t_ns), rank - 1):
                continue
            heappop(queue)
            self._now = t_ns
            callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
            for callback in callbacks or ():
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):
                raise event._value
