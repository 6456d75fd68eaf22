"""What a simulation gives back."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sim.clock.calendar import Calendar
from sim.fleet.fleet import Scaling
from sim.record.pools import PoolTimes
from sim.record.request_log import RequestLog
from sim.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Run:
    """One replication of one scenario, as frames.

    timeseries: a row per record window, phase and workload; latency_histogram: its sparse log-bucketed histograms;
    pool_times: how long requests were with each pool and API, which `pools` and `pool_histogram` read; ledger: every
    amount of money; value: what answers earned, and what was lost by those not given or not fresh (never summed with
    cost); events: promotions, scaling, lives of replicas; scalings: changes of counts that controllers decided, oldest
    first, and none by a phase's limits; request_log: of the requests that the scenario
    records, which `requests` reads; totals: the conservation line over the whole run, with retries and hedges where
    requests are calls; phases_effective: (name, start_s, end_s) of each phase as it was in effect; notes: what a user
    must be told about the input; manifest: what made it;
    gates_checked: the checks of every promotion; thresholds: the scenario's gates held against every phase;
    scale_check: what the life would cost at other traffic (`sim.study.scale`), where that was asked for.
    """

    scenario: Scenario
    seed: int
    calendar: Calendar
    timeseries: "pd.DataFrame"
    latency_histogram: "pd.DataFrame"
    pool_times: PoolTimes
    ledger: "pd.DataFrame"
    value: "pd.DataFrame"
    events: "pd.DataFrame"
    scalings: list[Scaling]
    request_log: RequestLog | None
    totals: dict[str, int]
    phases_effective: list[tuple[str, float, float]]
    notes: list[str]
    manifest: dict[str, Any]
    gates_checked: list[dict[str, Any]]
    thresholds: list[dict[str, Any]]
    scale_check: dict[str, Any] | None = None

    def frames(self) -> "Iterator[tuple[str, pd.DataFrame]]":
        """The frames, one after the other, with the name of the file that each becomes; the log of requests is a file
        already. A large one comes in parts under the same name.
        """
        for name in ("timeseries", "latency_histogram", "pools", "ledger", "value", "events"):
            yield name, getattr(self, name)
        for part in self.pool_times.histogram_in_parts():
            yield "pool_histogram", part

    @cached_property
    def pools(self) -> "pd.DataFrame":
        """A row per record window and pool or API that served in it: how long requests waited and were served there."""
        return self.pool_times.pools()

    @property
    def pool_histogram(self) -> "pd.DataFrame":
        """Sparse rows of the log-bucketed histograms of time at each pool and API; large, so made anew."""
        return self.pool_times.histogram()

    @cached_property
    def requests(self) -> "pd.DataFrame | None":
        """A row a request of those recorded, by workload and request, read when first asked for; None without a log."""
        return None if self.request_log is None else self.request_log.frame()

    def summary(self) -> dict[str, Any]:
        """The answer by phase; see `sim.analysis.summary.summarise`."""
        return self._summary

    @cached_property
    def _summary(self) -> dict[str, Any]:
        from sim.analysis.summary import summarise

        return summarise(self)
