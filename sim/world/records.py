"""What a run remembers of its request path: windows, time with each pool, and the log of requests."""

from pathlib import Path

from sim.clock.calendar import Calendar
from sim.record.pools import PoolTimes
from sim.record.recorder import Counted, Outlook, PoolUse, Recorder
from sim.record.request_log import RequestLog
from sim.scenario import Scenario
from sim.serving.admission import SemanticCache
from sim.serving.kernels.state import LOG, OUTCOMES
from sim.serving.plane import Plane
from sim.world.layout import Layout


class Records:
    """The recorders of one run, which are told together when a window closes. log: None where no request is logged."""

    def __init__(
        self, scenario: Scenario, effective: dict[str, Scenario], layout: Layout, calendar: Calendar, plane: Plane,
        counted: Counted, spool: Path | None,
    ) -> None:  # fmt: skip
        """effective: each phase's scenario; counted: where the windows are read, the plane or who stands before it;
        spool: folder in which the log grows (None: one of the system's).
        """
        names = list(scenario.workloads)
        self._plane, self._closed_ns = plane, 0
        self.windows = Recorder(names, calendar, counted, _more_counts(effective))
        self.pools = PoolTimes(layout.served(effective), calendar)
        self.log = RequestLog(LOG, names, OUTCOMES, spool) if scenario.record.requests else None

    def close(self, now_ns: int, phase: str, outlooks: list[Outlook], pools: dict[str, PoolUse]) -> None:
        """Close the window that began at the last close; see `Recorder.close`."""
        self.windows.close(now_ns, phase, outlooks, pools)
        self.pools.close(self._plane, self._closed_ns, now_ns, phase)
        self._closed_ns = now_ns
        self.keep_log()

    def keep_log(self) -> None:
        """What the data plane has logged goes into the log, at the end of each block of arrivals and each window."""
        if self.log is not None:
            self.log.add(self._plane.take_log())

    def end(self) -> None:
        """The run is over."""
        if self.log is not None:
            self.log.close()

    def discard(self) -> None:
        """The run has failed: leave nothing behind."""
        if self.log is not None:
            self.log.discard()


def _more_counts(effective: dict[str, Scenario]) -> tuple[str, ...]:
    """Counters of workloads that are recorded where something may count there: wrong hits, of a semantic cache in any
    phase.
    """
    caches = [workload.cache for scenario in effective.values() for workload in scenario.workloads.values()]
    return ("wrong_hit",) if any(isinstance(cache, SemanticCache) for cache in caches) else ()
