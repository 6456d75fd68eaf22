"""The scaling loop of a pool: scrapes at their interval, and a controller that decides at its own."""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.fleet.answers import Answered, Answers
from sim.fleet.fleet import Fleet
from sim.fleet.pace import Draws, Pace
from sim.fleet.parameters import Control, Scrape
from sim.fleet.startup_work import scrapes_of
from sim.policy.autoscaling.controller import Controller
from sim.policy.observation import Observation
from sim.policy.setting import UNSAID, Setting

_MOST_AHEAD = 64  # ticks: beyond, nothing is gained that would be worth the memory
_WORTHWHILE = 3
_ON_TIME = Control()


class Scraped(Protocol):
    """What is scraped: a data plane."""

    def scrape(self, row: int, sample: NDArray[np.int64]) -> None:
        """Fill [slots + 1, FIELDS]."""

    def look_ahead(self, row: int, first_ns: int, interval_ns: int, samples: NDArray[np.int64]) -> bool:
        """Play on to len(samples) scrapes; False where that cannot be done."""

    def go_back(self, t_ns: int) -> None:
        """Be at `t_ns` instead of where the last look ahead led."""

    def arm(self, row: int, on: bool) -> None:
        """From now on the first request that asks this row to be served is told of, once, by `ScalingLoop.woken`; or
        no longer.
        """


@dataclass(frozen=True)
class Terms:
    """How a pool is scaled for some time: who decides, from what, how regularly, and what is known of the pool.

    answered: counts of latencies, for a controller that wants to see a quantile of them.
    """

    controller: Controller
    scrape: Scrape
    control: Control = _ON_TIME
    setting: Setting = UNSAID
    answered: Answered | None = None

    def same_as(self, other: "Terms | None") -> bool:
        """Whether a controller may go on under these terms as if nothing had happened."""
        return (
            other is not None
            and (self.controller, self.scrape, self.control) == (other.controller, other.scrape, other.control)
            and (not self.controller.informed or self.setting == other.setting)
            and (self.controller.latency_quantile is None or self.answered == other.answered)
        )


class ScalingLoop:
    """A SimPy process around one fleet. A new controller takes over where the old one stopped."""

    def __init__(self, clock: Clock, plane: Scraped, row: int, fleet: Fleet, slots: int, draws: Draws) -> None:
        self._clock, self._plane, self._row, self._fleet, self._slots = clock, plane, row, fleet, slots
        self._draws = draws
        self._terms: Terms | None = None
        self._scrape: Scrape | None = None
        self._state: Any = None
        self._answers: Answers | None = None
        self._armed = False
        self._handed_over = 0
        # ticks to look ahead next time: twice what stood last time, as minds change in bursts
        self._reach = _MOST_AHEAD

    def hand_over(self, terms: Terms) -> None:
        """From now on this controller decides; its limits hold at once. Under the same terms as before all goes on."""
        if terms.same_as(self._terms):
            return
        controller, scrape, now = terms.controller, terms.scrape, self._clock.now
        begins = self._terms is None
        if scrape != self._scrape:
            self._scrape, self._interval_ns = scrape, to_ns(scrape.interval_s)
            lag_ns, startup = to_ns(scrape.lag_s), self._fleet.plant.startup
            self._scrapes = scrapes_of(self._slots, self._interval_ns, lag_ns, startup)
        self._terms = terms
        self._handed_over += 1
        self._state = controller.begin(now, terms.setting)
        self._answers = None
        if controller.latency_quantile is not None and terms.answered is not None:
            lag_ns = to_ns(scrape.lag_s)
            self._answers = Answers(terms.answered, controller.latency_quantile, self._interval_ns, lag_ns)
        low, high = controller.min_replicas, controller.max_replicas
        standing = self._fleet.target or (controller.initial_replicas if begins else 0)  # a pool that sleeps sleeps on
        wanted = min(max(standing, low), high)
        self._fleet.scale_to(wanted, "NewLimits", decided=False)
        self._arm()
        period_ns = self._interval_ns if controller.sync_period_s is None else to_ns(controller.sync_period_s)
        self._pace = Pace(terms.control, period_ns, now, self._draws)
        if controller.sync_period_s is not None:
            self._clock.process(self._loop(controller, period_ns))

    def stop(self) -> None:
        """No more decisions: the fleet is being retired."""
        self._terms = None
        self._handed_over += 1
        self._arm()

    def woken(self) -> None:
        """A request has asked for what has no replica: the controller is asked at once, from what there is to see now.

        What it sees is no scrape: nobody else gets to see it, and the scrapes to come are what they would have been.
        """
        self._armed = False
        if self._terms is None or not self._terms.controller.wakes:
            return
        now = self._clock.now
        sample = self._scrapes.blank()
        self._plane.scrape(self._row, sample)
        roster = self._fleet.roster()
        seen = self._scrapes.glance(now, sample, roster.slots, roster.requested_ns, roster.ready_ns)
        self._decide(self._terms.controller, now, _observation(self._fleet.target, roster.ready, *seen, math.nan))

    def _arm(self) -> None:
        """Be told of the first request where nothing is asked for."""
        wanted = self._terms is not None and self._terms.controller.wakes and self._fleet.target == 0
        if wanted != self._armed:
            self._plane.arm(self._row, wanted)
            self._armed = wanted

    def _loop(self, controller: Controller, period_ns: int) -> Generator[simpy.Event, Any, None]:
        """Scrape at every interval, decide at every tick, each at its rank, until another controller takes over."""
        clock, row, interval_ns, scrapes, pace = self._clock, self._row, self._interval_ns, self._scrapes, self._pace
        turn, scrape_ns = self._handed_over, clock.now + interval_ns
        while True:
            ticks = self._ticks_ahead(scrape_ns, pace, period_ns)
            if ticks > _WORTHWHILE and self._run_ahead(controller, scrape_ns, ticks):
                pace.ticked(clock.now)
                scrape_ns = clock.now + interval_ns
                continue
            control_ns = pace.next_ns
            next_ns = scrape_ns if scrape_ns < control_ns else control_ns
            if not clock.reach(next_ns, Rank.SCRAPE, row):
                yield clock.at(next_ns, Rank.SCRAPE, row)
            if self._handed_over != turn:
                return
            if scrape_ns <= control_ns:
                self._plane.scrape(row, scrapes.place(scrape_ns))
                if self._answers is not None:
                    self._answers.take(scrape_ns)
                scrape_ns += interval_ns
            if control_ns > next_ns:
                continue
            if not clock.reach(control_ns, Rank.CONTROL, row):
                yield clock.at(control_ns, Rank.CONTROL, row)
                if self._handed_over != turn:
                    return
            self._decide(controller, control_ns, self._observe(control_ns))
            pace.ticked(control_ns)

    def _ticks_ahead(self, scrape_ns: int, pace: Pace, period_ns: int) -> int:
        """How many ticks, scrape and decision together, come before anything else can happen."""
        if scrape_ns != pace.next_ns or period_ns != self._interval_ns or not self._scrapes.immediate:
            return 0
        if self._answers is not None or self._armed or not pace.regular:
            return 0
        end_ns = min(self._clock.free_until(), pace.restart_ns)
        return min(self._reach, (end_ns - 1 - scrape_ns) // period_ns + 1)

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
            seen = _observation(target, roster.ready, values[k], queued[k], arrived_per_s[k], 0.0, span_s, math.nan)
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
            self._arm()
        return True

    def _decide(self, controller: Controller, now_ns: int, seen: Observation) -> None:
        if now_ns >= self._pace.restart_ns and self._terms is not None:
            self._state = controller.begin(now_ns, self._terms.setting)
            self._pace.restarted(now_ns)
        decision, self._state = controller.decide(seen, self._state, now_ns)
        if decision.replicas != self._fleet.target:
            self._fleet.scale_to(decision.replicas, decision.reason)
        self._arm()

    def _observe(self, now_ns: int) -> Observation:
        roster = self._fleet.roster()
        seen = self._scrapes.read(now_ns, roster.slots, roster.requested_ns, roster.ready_ns)
        latency_s = math.nan if self._answers is None else self._answers.latency_s(now_ns)
        return _observation(self._fleet.target, roster.ready, *seen, latency_s)


def _observation(
    target: int, ready: NDArray[np.bool_], values: NDArray[np.float64], queued: int, arrived_per_s: float,
    age_s: float, span_s: float, latency_s: float,
) -> Observation:  # fmt: skip
    """What scrapes say of a pool. values: by row as `sim.fleet.metrics` reads them, by replica."""
    age, ready_for, utilisation, in_flight, load, served, waiting = values
    return Observation(
        target, ready, age, ready_for, utilisation, in_flight, load, served, queued, arrived_per_s, age_s, span_s,
        latency_s, waiting,
    )  # fmt: skip
