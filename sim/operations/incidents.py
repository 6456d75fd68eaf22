"""Incidents and the work of finding their root causes: a queue in front of the engineers who do it (M/G/c)."""

import math
from collections import deque
from collections.abc import Callable, Generator
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import simpy
from pydantic import Field

from sim.clock.calendar import HOUR_S, MONTH_S, NS_PER_S
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.config import Count, Parameters, Positive, Spread, UsdPerHour
from sim.operations.staff import Books

_HOUR_NS = HOUR_S * NS_PER_S
_ORDER = 1 << 40  # among the reviews of one instant, after those of any model
_FAR_NS = 2**62  # beyond any horizon; later times would leave 64 bits


class NoIncidents(Parameters):
    """Nothing ever breaks."""

    kind: Literal["none"] = "none"


class PoissonIncidents(Parameters):
    """Incidents come independently of each other, and each takes an engineer's time.

    per_month: mean number in 365.25 / 12 days; hours: mean work on one, lognormal with coefficient of variation cv (0:
    always the same); engineers: how many can work at the same time, each on one incident, around the clock;
    rate_usd_per_h: of an engineer.
    """

    kind: Literal["poisson"] = "poisson"
    per_month: Annotated[Positive, Field(le=10_000)]  # assumption: one every few minutes is no incident any more
    hours: Annotated[Positive, Field(le=10_000)]  # assumption: more than a year of work is a project
    cv: Spread
    engineers: Annotated[Count, Field(ge=1, le=10_000)]
    rate_usd_per_h: UsdPerHour


Incidents = Annotated[NoIncidents | PoissonIncidents, Field(discriminator="kind")]

Event = Callable[[str, str, str, float, float], None]
"""Remember an event: kind, subject, detail, before, after."""


class _Incident(NamedTuple):
    """number: from 1 on; arrived_ns: when; hours: the work that it takes."""

    number: int
    arrived_ns: int
    hours: float


class _Work(NamedTuple):
    """Engineers at work at one rate: how many now, and the sum of signed times of their changes (ns)."""

    working: int
    flow_ns: int


class IncidentDesk:
    """Takes incidents in, and has engineers work on them in the order in which they came.

    Every incident draws twice as it comes (a standard normal for its work, the unit exponential gap to the next one),
    so that neither the number of engineers nor a phase moves a draw: a phase with more incidents has them sooner.
    """

    def __init__(
        self, clock: Clock, parameters: NoIncidents | PoissonIncidents, generator: np.random.Generator, event: Event
    ) -> None:
        """generator: of a stream of its own; event: remembers what happens."""
        self.open, self.resolved = 0, 0  # incidents that wait or are worked on; that are over
        self.rate_usd_per_h = 0.0  # what an engineer costs, last we heard: old incidents go on where no new ones come
        self._engineers = 1
        self._clock, self._generator, self._event = clock, generator, event
        self._number, self._waiting, self._working = 0, deque[_Incident](), 0
        self._worked: dict[float, _Work] = {}  # by the rate at which it is paid
        self._waited_ns = 0
        self._gap = 0.0  # what is left of the unit-mean gap before the next incident, at the last change
        self._since_ns = 0
        self._turn = 0  # of the arrival process: an older one ends when it wakes up
        self._take(parameters)

    def begin(self) -> None:
        """Incidents may happen from now on."""
        self._gap = float(self._generator.exponential())
        self._since_ns = self._clock.now
        self._clock.process(self._arrivals(self._turn))

    def change(self, parameters: NoIncidents | PoissonIncidents) -> None:
        """Another phase's parameters from now on: for gaps and engineers at once, for the work of incidents to come."""
        self._gap = max(self._gap - (self._clock.now - self._since_ns) * self._per_ns, 0.0)
        self._since_ns = self._clock.now
        self._take(parameters)
        self._turn += 1
        self._clock.process(self._arrivals(self._turn))
        self._assign()

    def worked_ns(self, now_ns: int) -> int:
        """Engineer-nanoseconds worked by now."""
        return sum(self.worked_at(now_ns).values())

    def worked_at(self, now_ns: int) -> dict[float, int]:
        """Engineer-nanoseconds worked by now by their rate (USD/h); books bill the differences as `rca`.

        Work is paid to its end at the rate of the phase in which it began.
        """
        return {rate: work.working * now_ns - work.flow_ns for rate, work in self._worked.items()}

    def waited_ns(self) -> int:
        """Time that incidents waited for an engineer, summed over all that have been taken up."""
        return self._waited_ns

    @property
    def _per_ns(self) -> float:
        """Incidents per nanosecond."""
        incidents = self._parameters
        return incidents.per_month / (MONTH_S * NS_PER_S) if isinstance(incidents, PoissonIncidents) else 0.0

    def _arrivals(self, turn: int) -> Generator[simpy.Event, Any, None]:
        while self._per_ns > 0:
            gap_ns = self._gap / self._per_ns
            if self._clock.now + gap_ns > _FAR_NS:
                return
            yield self._clock.at(self._clock.now + round(gap_ns), Rank.REVIEW, _ORDER)
            if turn != self._turn or not isinstance(self._parameters, PoissonIncidents):
                return
            self._arrive(self._parameters)

    def _arrive(self, parameters: PoissonIncidents) -> None:
        self._number += 1
        hours = _hours(parameters, float(self._generator.standard_normal()))
        incident = _Incident(self._number, self._clock.now, hours)
        self._gap, self._since_ns = float(self._generator.exponential()), self._clock.now
        self.open += 1
        self._event("incident", f"incident/{incident.number}", "", float(self.open - 1), float(self.open))
        self._waiting.append(incident)
        self._assign()

    def _assign(self) -> None:
        """Free engineers take up incidents, oldest first; those in work finish even where fewer engineers are left."""
        while self._waiting and self._working < self._engineers:
            self._clock.process(self._work(self._waiting.popleft()))
            self._working += 1

    def _work(self, incident: _Incident) -> Generator[simpy.Event, Any, None]:
        begun_ns, rate_usd_per_h = self._clock.now, self.rate_usd_per_h
        self._count(rate_usd_per_h, 1)
        waited_ns = begun_ns - incident.arrived_ns
        self._waited_ns += waited_ns
        end_ns = min(begun_ns + round(incident.hours * _HOUR_NS), _FAR_NS)
        yield self._clock.at(end_ns, Rank.REVIEW, _ORDER + incident.number)
        self._working -= 1
        self._count(rate_usd_per_h, -1)
        self.open -= 1
        self.resolved += 1
        waited = f"waited {waited_ns / _HOUR_NS:.1f} h"
        self._event("incident_resolved", f"incident/{incident.number}", waited, 0.0, incident.hours)
        self._assign()

    def _count(self, rate_usd_per_h: float, change: int) -> None:
        """One more (1) or one fewer (-1) works at this rate from now on."""
        work = self._worked.get(rate_usd_per_h, _Work(0, 0))
        self._worked[rate_usd_per_h] = _Work(work.working + change, work.flow_ns + change * self._clock.now)

    def _take(self, parameters: NoIncidents | PoissonIncidents) -> None:
        self._parameters = parameters
        if isinstance(parameters, PoissonIncidents):
            self._engineers, self.rate_usd_per_h = parameters.engineers, parameters.rate_usd_per_h


def _hours(parameters: PoissonIncidents, normal: float) -> float:
    """Work on an incident: lognormal of the parameters' mean and coefficient of variation."""
    variance = math.log1p(parameters.cv**2)
    return parameters.hours * math.exp(math.sqrt(variance) * normal - variance / 2)


def incident_line(ledger: Books, at_s: float, worked_s: float, rate_usd_per_h: float, phase: str) -> None:
    """Post root-cause work (engineer-seconds since the last accrual): account rca, fixed, as the source books it.

    Raises ValueError for negative time.
    """
    if not worked_s >= 0:
        raise ValueError(f"root-cause work cannot be paid for {worked_s} s, by {at_s} s ({phase})")
    if worked_s > 0 and rate_usd_per_h > 0:
        ledger.post(at_s, "rca", "fixed", worked_s / 3600, "h", rate_usd_per_h, phase)
