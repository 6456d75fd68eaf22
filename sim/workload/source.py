"""From a workload's parameters to its arrivals."""

from sim.clock.calendar import Calendar
from sim.streams import Streams
from sim.workload.block import BLOCK_SIZE, ArrivalSource
from sim.workload.counts import CountsArrivals
from sim.workload.parameters import CountsWorkload, PoissonWorkload, ReplayWorkload
from sim.workload.poisson import PoissonArrivals
from sim.workload.replay import ReplayArrivals


def arrival_source(
    workload: PoissonWorkload | CountsWorkload | ReplayWorkload,
    name: str,
    calendar: Calendar,
    streams: Streams,
    block_size: int = BLOCK_SIZE,
) -> ArrivalSource:
    """The arrivals of one workload from the scenario's start to its horizon.

    name: the workload's name, which its stream of random numbers is called after; block_size: at most 65,536, and no
    arrival depends on it. Reads and checks a file's every row; raises InputError with all that is wrong.
    """
    where = key_path(name)
    if isinstance(workload, ReplayWorkload):
        return ReplayArrivals(workload, where, calendar, block_size)
    key = streams.key(f"arrivals/{name}")
    if isinstance(workload, CountsWorkload):
        return CountsArrivals(workload, where, calendar, key, block_size)
    return PoissonArrivals(workload, where, calendar, key, block_size)


def key_path(name: str) -> str:
    """Where a user sets this workload: `workload` for the only one, `workloads.NAME` otherwise."""
    return "workload" if name == "main" else f"workloads.{name}"
