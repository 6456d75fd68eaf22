"""The phases of a life: each is decided, takes effect once its replicas are ready, and leaves what served before."""

from collections.abc import Callable, Generator, Mapping
from typing import Any

import simpy

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.fleet.fleet import Fleet
from sim.fleet.scaling import ScalingLoop, Terms
from sim.record.events import EventLog
from sim.scenario import Scenario
from sim.serving.plane import Plane
from sim.world.layout import Layout
from sim.world.promotions import Promotions

Process = Generator[simpy.Event, Any, None]
_OVERLAP_END = 1  # after reviews and promotions of the same instant


class Lifecycle:
    """Takes the product from phase to phase.

    phase: the one in effect, since `since_ns`; spans: (name, start_s, end_s) of those that are over. on_begin: called
    with each phase at the moment it takes effect; before_change: called just before that, to close the books.
    """

    def __init__(
        self, clock: Clock, plane: Plane, layout: Layout, fleets: Mapping[int, Fleet], loops: Mapping[int, ScalingLoop],
        effective: Mapping[str, Scenario], promotions: Promotions, events: EventLog,
        terms: Callable[[str, int], Terms],
    ) -> None:  # fmt: skip
        """terms: how the pool of a row is scaled from a phase's decision on."""
        self._terms = terms
        self._clock, self._plane, self._layout, self._fleets, self._loops = clock, plane, layout, fleets, loops
        self._effective, self._promotions, self._events = effective, promotions, events
        self.phase = next(iter(effective))
        self._coming = self.phase  # the phase decided last, in effect or not yet
        self.since_ns = 0
        self.spans: list[tuple[str, float, float]] = []
        self.before_change: Callable[[], None] = lambda: None
        self.on_begin: Callable[[str], None] = lambda phase: None

    @property
    def scenario(self) -> Scenario:
        """The scenario of the phase in effect."""
        return self._effective[self.phase]

    def begin(self) -> None:
        """The first phase is in effect, its replicas are ready, and the process that waits for the others runs."""
        for row in self._rows_of(self.phase):
            self._fleets[row].begin(self._layout.pool_of(row, self._effective[self.phase]).autoscaler.initial_replicas)
        self.on_begin(self.phase)
        for row in self._rows_of(self.phase):
            self._loops[row].hand_over(self._terms(self.phase, row))
        self._clock.process(self._live())

    def end(self) -> None:
        """The horizon: the last phase is over."""
        self._promotions.close(self.phase, self.since_ns)
        self.spans.append((self.phase, self.since_ns / 1e9, self._clock.now / 1e9))

    def _live(self) -> Process:
        """A phase is decided, and effective once its pools have their least number of ready replicas."""
        for phase in list(self._effective)[1:]:
            decided = yield from self._promotions.wait(phase, self.phase, self.since_ns)
            if not decided:
                return
            self._coming = phase
            rows = self._rows_of(phase)
            for row in rows:
                self._plane.open(row)
                self._loops[row].hand_over(self._terms(phase, row))
            pools = {row: self._layout.pool_of(row, self._effective[phase]) for row in rows}
            while any(self._fleets[r].ready_count < pools[r].autoscaler.min_replicas for r in rows):
                yield self._any_change(rows)
                yield self._clock.at(self._clock.now, Rank.PHASE)
            self._take_over(phase)

    def _take_over(self, phase: str) -> None:
        self.before_change()
        self.end()
        before, self.phase, self.since_ns = self.phase, phase, self._clock.now
        self.on_begin(phase)
        self._events.add("phase_effective", phase, f"after {before}", 0.0, 1.0)
        left = sorted(set(self._rows_of(before)) - set(self._rows_of(phase)))
        overlap_ns = max((to_ns(self._overlap_s(before, phase, row)) for row in left), default=0)
        if overlap_ns:
            end_ns = self._clock.now + overlap_ns
            self._clock.call_at(end_ns, Rank.PHASE, lambda: self._retire(left, before), _OVERLAP_END)
        else:
            self._retire(left, before)

    def _overlap_s(self, before: str, phase: str, row: int) -> float:
        """How long what served before is kept beside the mode that the phase moves its pool to; 0 where none moves."""
        effective = self._effective[phase]
        mode = effective.phases[phase].serving
        if mode == effective.phases[before].serving:
            return 0.0
        return effective.pools[self._layout.pools[row].name].hosting.move_to(mode).overlap_s

    def _retire(self, rows: list[int], before: str) -> None:
        """What served an earlier phase drains and goes, but for what the present one or the one to come needs."""
        needed = {*self._rows_of(self.phase), *self._rows_of(self._coming)}
        for row in sorted(set(rows) - needed):
            self._loops[row].stop()
            self._plane.close(row)
            self._fleets[row].scale_to(0, f"PhaseOver:{before}", decided=False)

    def _rows_of(self, phase: str) -> list[int]:
        return sorted(self._layout.rows_of(phase, self._effective[phase]))

    def _any_change(self, rows: list[int]) -> simpy.Event:
        """An event at the next replica of these rows that becomes ready."""
        changed = self._clock.event()

        def tell() -> None:
            if not changed.triggered:
                changed.succeed()

        for row in rows:
            self._fleets[row].on_change = tell
        return changed
