"""When each phase is decided: at its date, or when its gate fires at a review."""

from collections.abc import Generator, Mapping
from typing import Any

import simpy

from sim.clock.calendar import NS_PER_DAY, Calendar
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.lifecycle.gates import Gate, Verdict, gate_rows, judge, threshold_rows
from sim.record.events import EventLog
from sim.scenario import Scenario
from sim.world.gauges import Gauges

_WEEK_DAYS = 7  # what thresholds compare the cost of a phase with: its first week, as gates do unless told otherwise


class Promotions:
    """Reviews the gates at civil midnights, and keeps what each review found.

    rows: the checks that promoted, and thresholds: those on every phase that is over, as the summary shows them.
    """

    def __init__(
        self, clock: Clock, scenario: Scenario, effective: Mapping[str, Scenario], gauges: Gauges, events: EventLog,
        decided_ns: Mapping[str, int],
    ) -> None:  # fmt: skip
        """decided_ns: phases that are decided at these times, whatever their gates and dates say."""
        self._clock, self._scenario, self._effective = clock, scenario, effective
        self._gauges, self._events, self._decided_ns = gauges, events, decided_ns
        self._calendar: Calendar = scenario.calendar()
        self._midnights = [0, *self._calendar.day_starts()]
        self._last: dict[str, Verdict] = {}
        self.rows: list[dict[str, Any]] = []
        self.thresholds: list[dict[str, Any]] = []

    def wait(self, phase: str, before: str, since_ns: int) -> Generator[simpy.Event, Any, bool]:
        """Until `phase` is decided; False when it never is. before: the phase in effect since `since_ns`."""
        clock, parameters = self._clock, self._scenario.phases[phase]
        start_ns = self._calendar.ns(parameters.start) if parameters.start else clock.now
        if phase in self._decided_ns or parameters.gate is None:
            yield clock.at(max(self._decided_ns.get(phase, start_ns), clock.now), Rank.PHASE)
            self._events.add("phase_decided", phase, "date", 0.0, 1.0)
            return True
        for t_ns in self._reviews(max(start_ns, clock.now), parameters.gate):
            yield clock.at(t_ns, Rank.PHASE)
            verdict = self._review(parameters.gate, before, since_ns)
            self._last[phase] = verdict
            if verdict.fired:
                self.rows += gate_rows(phase, verdict)
                self._events.add("phase_decided", phase, verdict.said, 0.0, 1.0)
                return True
        return False

    def close(self, phase: str, since_ns: int) -> None:
        """A phase ends now: hold the scenario's thresholds against all of it."""
        now, effective = self._clock.now, self._effective[phase]
        baseline = self._baseline(_WEEK_DAYS, effective, since_ns, now)
        measures = self._gauges.measures(since_ns, now, effective, baseline)
        self.thresholds += threshold_rows(phase, self._scenario.gates, measures)

    def refused(self, phase: str) -> str:
        """What the last review of this phase's gate found; empty where there was none."""
        return self._last[phase].said if phase in self._last else ""

    def _reviews(self, from_ns: int, gate: Gate) -> list[int]:
        """Civil midnights of the reviews, every so many days from the first one on."""
        every = round(gate.every_s * 1e9 / NS_PER_DAY)
        return [t_ns for t_ns in self._midnights if t_ns >= from_ns and t_ns > 0][::every]

    def _review(self, gate: Gate, before: str, since_ns: int) -> Verdict:
        now, effective = self._clock.now, self._effective[before]
        days = round(gate.window_s * 1e9 / NS_PER_DAY)
        here = self._midnights.index(now)
        from_ns = max(self._midnights[max(0, here - days)], since_ns)
        baseline = self._baseline(days, effective, since_ns, now)
        return judge(gate, self._scenario.gates, self._gauges.measures(from_ns, now, effective, baseline))

    def _baseline(self, days: int, effective: Scenario, since_ns: int, now_ns: int) -> float | None:
        """Total cost per request of the phase's first whole window of so many days; None until it is over."""
        first = next((i for i, t_ns in enumerate(self._midnights) if t_ns >= since_ns), len(self._midnights))
        if first + days >= len(self._midnights) or self._midnights[first + days] > now_ns:
            return None
        return self._gauges.measures(self._midnights[first], self._midnights[first + days], effective).unit_cost_usd
