"""When each phase is decided: at its date, or when its gate fires at a review."""

from bisect import bisect_left, bisect_right
from collections.abc import Generator, Mapping
from typing import Any

import simpy

from sim.clock.calendar import NS_PER_DAY, Calendar
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.lifecycle.gates import WINDOW_S, Gate, Verdict, gate_rows, judge, threshold_rows
from sim.lifecycle.measures import Measures
from sim.record.events import EventLog
from sim.scenario import Scenario
from sim.world.gauges import Gauges


class Promotions:
    """Reviews the gates at civil midnights, and keeps what each review found.

    rows: the checks that promoted, and thresholds: those on every phase that is over, as the summary shows them. Both
    look back on whole civil days, on the same ones where a gate promotes: so a threshold says of a phase what the gate
    to the next one says that asks for it by name.
    """

    def __init__(
        self, clock: Clock, scenario: Scenario, effective: Mapping[str, Scenario], gauges: Gauges, events: EventLog,
        decided_ns: Mapping[str, int | None],
    ) -> None:  # fmt: skip
        """decided_ns: phases that are decided at these times (None: never), whatever their gates and dates say."""
        self._clock, self._scenario, self._effective = clock, scenario, effective
        self._gauges, self._events, self._decided_ns = gauges, events, decided_ns
        self._calendar: Calendar = scenario.calendar()
        self._midnights = self._calendar.day_starts()
        edges = (0, *self._midnights, self._calendar.horizon_ns)
        self._edges = [t_ns for t_ns in edges if self._begins_a_day(t_ns)]
        gates = [parameters.gate for parameters in scenario.phases.values() if parameters.gate is not None]
        asked = (*scenario.gates.values(), *(c for gate in gates for c in gate.conditions(scenario.gates)))
        self._compares = any(condition.compares for condition in asked)
        self._baselines: dict[tuple[int, int], float | None] = {}
        self._last: dict[str, Verdict] = {}
        self._seen: dict[str, Measures] = {}
        self.rows: list[dict[str, Any]] = []
        self.thresholds: list[dict[str, Any]] = []

    def wait(self, phase: str, before: str, since_ns: int) -> Generator[simpy.Event, Any, bool]:
        """Until `phase` is decided; False when it never is. before: the phase in effect since `since_ns`."""
        clock, parameters = self._clock, self._scenario.phases[phase]
        start_ns = self._calendar.ns(parameters.start) if parameters.start else clock.now
        if phase in self._decided_ns or parameters.gate is None:
            date_ns = self._decided_ns.get(phase, start_ns)
            if date_ns is None:
                return False
            yield clock.at(max(date_ns, clock.now), Rank.PHASE)
            self._seen[before] = self._look(before, since_ns)
            self._events.add("phase_decided", phase, "date", 0.0, 1.0)
            return True
        for t_ns in self._reviews(max(start_ns, clock.now), parameters.gate):
            yield clock.at(t_ns, Rank.PHASE)
            measures = self._look(before, since_ns)
            verdict = judge(parameters.gate, self._scenario.gates, measures)
            self._last[phase] = verdict
            if verdict.fired:
                self._seen[before] = measures
                self.rows += gate_rows(phase, verdict)
                self._events.add("phase_decided", phase, verdict.said, 0.0, 1.0)
                return True
        return False

    def close(self, phase: str, since_ns: int) -> None:
        """A phase ends now: hold the scenario's thresholds against its last window before the next phase's decision."""
        measures = self._seen[phase] if phase in self._seen else self._look(phase, since_ns)
        self.thresholds += threshold_rows(phase, self._scenario.gates, measures, self._window_s(phase))

    def refused(self, phase: str) -> str:
        """What the last review of this phase's gate found; empty where there was none."""
        return self._last[phase].said if phase in self._last else ""

    def _reviews(self, from_ns: int, gate: Gate) -> list[int]:
        """Civil midnights of the reviews, every so many days from the first one on."""
        every = round(gate.every_s * 1e9 / NS_PER_DAY)
        return self._midnights[bisect_left(self._midnights, from_ns) :][::every]

    def _window_s(self, phase: str) -> float:
        """What is looked back on in a phase: the window of the gate that leads out of it, a week where none does."""
        names = list(self._scenario.phases)
        following = names[names.index(phase) + 1 :][:1]
        gate = self._scenario.phases[following[0]].gate if following else None
        return gate.window_s if gate is not None else WINDOW_S

    def _look(self, phase: str, since_ns: int) -> Measures:
        """The last whole days of a phase that began at `since_ns`, as many as its window has or as there are."""
        days, effective = round(self._window_s(phase) * 1e9 / NS_PER_DAY), self._effective[phase]
        here = bisect_right(self._edges, self._clock.now) - 1
        to_ns = max(self._edges[here] if here >= 0 else 0, since_ns)
        from_ns = max(self._edges[here - days] if here >= days else 0, since_ns)
        return self._gauges.measures(from_ns, to_ns, effective, self._baseline(days, effective, since_ns, to_ns))

    def _baseline(self, days: int, effective: Scenario, since_ns: int, now_ns: int) -> float | None:
        """Total cost per request of the phase's first whole window of so many days; None until it is over, or where no
        condition compares with it.
        """
        first = bisect_left(self._edges, since_ns)
        if not self._compares or first + days >= len(self._edges) or self._edges[first + days] > now_ns:
            return None
        if (since_ns, days) not in self._baselines:
            window = self._gauges.measures(self._edges[first], self._edges[first + days], effective)
            self._baselines[since_ns, days] = window.unit_cost_usd
        return self._baselines[since_ns, days]

    def _begins_a_day(self, t_ns: int) -> bool:
        return self._calendar.ns(self._calendar.civil(t_ns).date()) == t_ns
