"""When a controller is asked, and when it loses its memory."""

from collections.abc import Callable

import numpy as np

from sim.clock.calendar import to_ns
from sim.fleet.parameters import Control

NEVER = 2**62

Draws = Callable[[str], np.random.Generator]
"""The generator of a stream, by a word behind the pool's own name ("" for the stream itself)."""


class Pace:
    """The ticks of one control loop from `begun_ns` on, one after the other.

    next_ns: of the tick to come; restart_ns: of the restart to come, NEVER where there is none.
    """

    def __init__(self, control: Control, period_ns: int, begun_ns: int, draws: Draws) -> None:
        self._period_ns, self._jitter = period_ns, control.jitter
        self._every_ns = control.restart_every_s * 1e9 if control.restart_every_s is not None else 0.0
        self._given = sorted((to_ns(at_s) for at_s in control.restart_at_s), reverse=True)
        drawn = self._jitter > 0.0 or control.offset_s > 0.0
        self._ticks = draws("") if drawn else None
        self._restarts = draws("/restarts") if self._every_ns else None
        offset_s = control.offset_s * self._ticks.random() if self._ticks is not None else 0.0
        self._due_ns = begun_ns + to_ns(offset_s)
        self._random_ns = self._after(begun_ns)
        self.next_ns = self.restart_ns = 0
        self.ticked(self._due_ns)
        self.restarted(begun_ns)

    @property
    def regular(self) -> bool:
        """Whether ticks follow each other at the period, with nothing drawn."""
        return self._jitter == 0.0

    def ticked(self, now_ns: int) -> None:
        """The tick of `now_ns`, due then or drawn late, is over: from here to the next."""
        self._due_ns = (now_ns if self._jitter == 0.0 else self._due_ns) + self._period_ns
        self.next_ns = self._due_ns
        if self._jitter > 0.0 and self._ticks is not None:
            self.next_ns += int(self._jitter * self._ticks.random() * self._period_ns)

    def restarted(self, now_ns: int) -> None:
        """All restarts up to `now_ns` are over."""
        while self._random_ns <= now_ns:
            self._random_ns = self._after(self._random_ns)
        while self._given and self._given[-1] <= now_ns:
            self._given.pop()
        self.restart_ns = min(self._random_ns, self._given[-1] if self._given else NEVER)

    def _after(self, t_ns: int) -> int:
        """The first restart at random after `t_ns`: intervals are exponential, as nothing wears out."""
        if self._restarts is None:
            return NEVER
        return t_ns + max(1, round(self._restarts.exponential(self._every_ns)))
