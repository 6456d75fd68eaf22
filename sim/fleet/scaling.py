"""The scaling loop of a pool: scrapes at their interval, and a controller that decides at its own."""

from collections.abc import Generator
from typing import Any, Protocol

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.fleet.fleet import Fleet
from sim.fleet.metrics import Scrapes
from sim.fleet.parameters import Scrape
from sim.policy.observation import Decision, Observation

_MOST_AHEAD = 64  # ticks: beyond, nothing is gained that would be worth the memory
_WORTHWHILE = 3


class Controller(Protocol):
    """A pure policy; see `sim.policy.autoscaling`."""

    @property
    def sync_period_s(self) -> float | None:
        """Seconds between two decisions; None: it decides once."""

    @property
    def initial_replicas(self) -> int:
        """Count to begin with."""

    @property
    def min_replicas(self) -> int:
        """Smallest count it asks for."""

    @property
    def max_replicas(self) -> int:
        """Largest count it asks for."""

    def begin(self, now_ns: int) -> Any:
        """State at the start."""

    def decide(self, observation: Observation, state: Any, now_ns: int) -> tuple[Decision, Any]:
        """The count to ask for, and the state for the next time."""


class Scraped(Protocol):
    """What is scraped: a data plane."""

    def scrape(self, row: int, sample: NDArray[np.int64]) -> None:
        """Fill [slots + 1, FIELDS]."""

    def look_ahead(self, row: int, first_ns: int, interval_ns: int, samples: NDArray[np.int64]) -> bool:
        """Play on to len(samples) scrapes; False where that cannot be done."""

    def go_back(self, t_ns: int) -> None:
        """Be at `t_ns` instead of where the last look ahead led."""


class ScalingLoop:
    """A SimPy process around one fleet. A new controller takes over where the old one stopped."""

    def __init__(self, clock: Clock, plane: Scraped, row: int, fleet: Fleet, slots: int) -> None:
        self._clock, self._plane, self._row, self._fleet, self._slots = clock, plane, row, fleet, slots
        self._scrape: Scrape | None = None
        self._controller: Controller | None = None
        self._state: Any = None
        self._handed_over = 0
        # ticks to look ahead next time: twice what stood last time, as minds change in bursts
        self._reach = _MOST_AHEAD

    def hand_over(self, controller: Controller, scrape: Scrape) -> None:
        """From now on this controller decides, from such scrapes; its limits hold at once. The same as before go on."""
        if controller == self._controller and scrape == self._scrape:
            return
        if scrape != self._scrape:
            self._scrape, self._interval_ns = scrape, to_ns(scrape.interval_s)
            self._scrapes = Scrapes(self._slots, self._interval_ns, to_ns(scrape.lag_s))
        self._controller = controller
        self._handed_over += 1
        self._state = controller.begin(self._clock.now)
        low, high = controller.min_replicas, controller.max_replicas
        wanted = min(max(self._fleet.target or controller.initial_replicas, low), high)
        self._fleet.scale_to(wanted, "NewLimits")
        if controller.sync_period_s is not None:
            self._clock.process(self._loop(controller, to_ns(controller.sync_period_s)))

    def stop(self) -> None:
        """No more decisions: the fleet is being retired."""
        self._controller = None
        self._handed_over += 1

    def _loop(self, controller: Controller, period_ns: int) -> Generator[simpy.Event, Any, None]:
        """Scrape at every interval, decide at every period, each at its rank, until another controller takes over."""
        clock, row, interval_ns, scrapes = self._clock, self._row, self._interval_ns, self._scrapes
        turn, scrape_ns, control_ns = self._handed_over, clock.now + interval_ns, clock.now + period_ns
        while True:
            ticks = self._ticks_ahead(scrape_ns, control_ns, period_ns)
            if ticks > _WORTHWHILE and self._run_ahead(controller, scrape_ns, ticks):
                scrape_ns = control_ns = clock.now + interval_ns
                continue
            next_ns = scrape_ns if scrape_ns < control_ns else control_ns
            if not clock.reach(next_ns, Rank.SCRAPE, row):
                yield clock.at(next_ns, Rank.SCRAPE, row)
            if self._handed_over != turn:
                return
            if scrape_ns <= control_ns:
                self._plane.scrape(row, scrapes.place(scrape_ns))
                scrape_ns += interval_ns
            if control_ns > next_ns:
                continue
            if not clock.reach(control_ns, Rank.CONTROL, row):
                yield clock.at(control_ns, Rank.CONTROL, row)
                if self._handed_over != turn:
                    return
            self._decide(controller, control_ns)
            control_ns += period_ns

    def _ticks_ahead(self, scrape_ns: int, control_ns: int, period_ns: int) -> int:
        """How many ticks, scrape and decision together, come before anything else can happen."""
        if scrape_ns != control_ns or period_ns != self._interval_ns or not self._scrapes.immediate:
            return 0
        return min(self._reach, (self._clock.free_until() - 1 - scrape_ns) // period_ns + 1)

    def _run_ahead(self, controller: Controller, first_ns: int, ticks: int) -> bool:
        """Let requests flow through many ticks at once, then ask the controller for each; go back to the first one at
        which it changes its mind. Nothing but speed tells this from one tick at a time. False: it cannot be done here.
        """
        clock, fleet, scrapes, interval_ns = self._clock, self._fleet, self._scrapes, self._interval_ns
        samples = scrapes.ahead(ticks)
        if not self._plane.look_ahead(self._row, first_ns, interval_ns, samples):
            return False
        roster, target = fleet.roster(), fleet.target
        places = (roster.slots, roster.requested_ns, roster.ready_ns)
        values, queued, arrived_per_s, span_s = scrapes.read_ahead(first_ns, interval_ns, samples, *places)
        t_ns, state = first_ns, self._state
        for k in range(ticks):
            age, ready_for, utilisation, in_flight, load, served = values[k]
            seen = Observation(
                target, roster.ready, age, ready_for, utilisation, in_flight, load, served, queued[k],
                arrived_per_s[k], 0.0, span_s,
            )  # fmt: skip
            decision, state = controller.decide(seen, state, t_ns)
            if decision.replicas != target:
                break
            span_s = interval_ns * 1e-9
            t_ns += interval_ns
        else:
            k, t_ns = ticks - 1, t_ns - interval_ns
        self._state = state
        scrapes.accept(first_ns, interval_ns, samples[: k + 1])
        if k < ticks - 1:
            self._plane.go_back(t_ns)
        self._reach = min(max(2 * (k + 1), 2 * _WORTHWHILE), _MOST_AHEAD)
        clock.jump(t_ns)
        if decision.replicas != target:
            fleet.scale_to(decision.replicas, decision.reason)
        return True

    def _decide(self, controller: Controller, now_ns: int) -> None:
        decision, self._state = controller.decide(self._observe(now_ns), self._state, now_ns)
        if decision.replicas != self._fleet.target:
            self._fleet.scale_to(decision.replicas, decision.reason)

    def _observe(self, now_ns: int) -> Observation:
        roster = self._fleet.roster()
        values, queued, arrived_per_s, age_s, span_s = self._scrapes.read(
            now_ns, roster.slots, roster.requested_ns, roster.ready_ns
        )
        age, ready_for, utilisation, in_flight, load, served = values
        return Observation(
            self._fleet.target, roster.ready, age, ready_for, utilisation, in_flight, load, served, queued,
            arrived_per_s, age_s, span_s,
        )  # fmt: skip
