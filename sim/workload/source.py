"""From a workload's parameters to its arrivals."""

import numpy as np

from sim.clock.calendar import Calendar
from sim.config import InputError, Problem
from sim.streams import Streams
from sim.workload.attributes import ZipfKeys
from sim.workload.block import BLOCK_SIZE, ArrivalSource, NoArrivals
from sim.workload.counts import CountsArrivals
from sim.workload.draws import AttributedArrivals
from sim.workload.gaps import law_of, poisson_law
from sim.workload.mix import MixArrivals
from sim.workload.parameters import (
    ClientMixWorkload,
    ClosedLoopWorkload,
    CountsWorkload,
    RatedWorkload,
    RenewalWorkload,
    ReplayWorkload,
    Requests,
)
from sim.workload.problems import demand_problems
from sim.workload.rate import DemandCurve
from sim.workload.replay import ReplayArrivals
from sim.workload.stream import ArrivalStream, RatedArrivals

_FASTEST_PER_S = 1e9  # one arrival in each nanosecond of the clock


def arrival_source(
    workload: Requests, name: str, calendar: Calendar, streams: Streams, block_size: int = BLOCK_SIZE
) -> ArrivalSource:
    """The arrivals of one workload from the scenario's start to its horizon.

    name: the workload's name, which its streams of random numbers are called after; block_size: at most 65,536, and no
    arrival depends on it. Reads and checks a file's every row; raises InputError with all that is wrong.
    """
    where = key_path(name)
    source = _times(workload, name, where, calendar, streams, block_size)
    if isinstance(workload.keys, ZipfKeys) or workload.tenants.count > 1:
        return AttributedArrivals(source, workload, name, streams)
    return source


def key_path(name: str) -> str:
    """Where a user sets this workload: `workload` for the only one, `workloads.NAME` otherwise."""
    return "workload" if name == "main" else f"workloads.{name}"


def _times(
    workload: Requests, name: str, where: str, calendar: Calendar, streams: Streams, block_size: int
) -> ArrivalSource:
    """When requests arrive, and what a file knows of them."""
    if isinstance(workload, ReplayWorkload):
        return ReplayArrivals(workload, where, calendar, block_size)
    if isinstance(workload, ClosedLoopWorkload):
        return NoArrivals()
    key = streams.key(f"arrivals/{name}")
    if isinstance(workload, CountsWorkload):
        return CountsArrivals(workload, where, calendar, key, block_size)
    assert isinstance(workload, RatedWorkload)
    curve = _curve(workload, where, calendar, streams.key(f"spikes/{name}"))
    if isinstance(workload, ClientMixWorkload):
        clients = [
            ArrivalStream(
                curve, calendar.horizon_ns, streams.key(f"arrivals/{name}/{i}"),
                law_of(client.interarrival, client.cv), client.share,
            )
            for i, client in enumerate(workload.clients)
        ]  # fmt: skip
        return MixArrivals(clients, calendar, block_size)
    law = poisson_law()
    if isinstance(workload, RenewalWorkload):
        law = law_of(workload.interarrival.kind, workload.interarrival.cv)
    return RatedArrivals(curve, calendar, key, law, block_size)


def _curve(workload: RatedWorkload, where: str, calendar: Calendar, spikes: np.uint64) -> DemandCurve:
    """The demand curve. Raises InputError where it leaves the scenario or what the clock can hold."""
    problems = demand_problems(workload, where, calendar)
    if problems:
        raise InputError(*problems)
    curve = DemandCurve(workload, calendar, spikes)
    peak = curve.peak()
    if peak > _FASTEST_PER_S:
        raise InputError(
            Problem(
                f"{where}.rate",
                f"{peak:.3g} req/s at its peak",
                "more than the clock can hold. Growth, seasons, launches and spikes may carry the rate to at most 1e9 "
                f"req/s; lower {where}.rate or {where}.growth.",
            )
        )
    return curve
