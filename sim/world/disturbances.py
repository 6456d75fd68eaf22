"""Storms over a running world: whom they concern, what they make of demand, and when they are told in the log."""

from collections.abc import Generator, Mapping
from typing import Any

import simpy

from sim.clock.calendar import Calendar, to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.record.events import EventLog
from sim.scenario.model import Disturbance, Scenario
from sim.streams import Streams
from sim.workload.block import ArrivalSource
from sim.workload.disturbances import Batch, Surge, concerns
from sim.workload.disturbed import disturbed
from sim.workload.source import arrival_source

_ORDER = 1 << 46  # among the failures of one instant, after those of any replica


def demand_storms(scenario: Scenario, workload: str) -> list[Surge | Batch]:
    """The storms over a workload's demand, in their order; none over a closed loop's, whose users wait for answers."""
    if scenario.workloads[workload].kind == "closed_loop":
        return []
    return [storm for storm in scenario.disturbances.values() if concerns(storm, workload)]


def demand(scenario: Scenario, workload: str, streams: Streams) -> ArrivalSource:
    """Potential arrivals of a workload, with the storms over them. Raises InputError for a file that is wrong."""
    calendar = scenario.calendar()
    source = arrival_source(scenario.workloads[workload], workload, calendar, streams)
    return disturbed(source, demand_storms(scenario, workload), workload, calendar, streams)


def tell(clock: Clock, calendar: Calendar, storms: Mapping[str, Disturbance], events: EventLog) -> None:
    """Have every begin and end of a storm inside the scenario remembered, with its factor or number of requests."""
    for place, (name, storm) in enumerate(storms.items()):
        clock.process(_told(clock, calendar, name, storm, events, _ORDER + place))


def _told(
    clock: Clock, calendar: Calendar, name: str, storm: Disturbance, events: EventLog, order: int
) -> Generator[simpy.Event, Any, None]:
    usual, then = (1.0, storm.factor) if isinstance(storm, Surge) else (0.0, float(storm.requests))
    for begin_ns in storm.begins_ns(calendar).tolist():
        yield clock.at(begin_ns, Rank.FAILURE, order)
        events.add("disturbance_begins", name, storm.kind, usual, then)
        end_ns = begin_ns + to_ns(storm.length_s)
        if end_ns >= calendar.horizon_ns:
            return
        yield clock.at(end_ns, Rank.FAILURE, order)
        events.add("disturbance_ends", name, storm.kind, then, usual)
