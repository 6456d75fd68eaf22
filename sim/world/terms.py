"""What a pool's scaling loop gets in each phase: its controller, scrapes and pace, and what is known of the pool."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sim.fleet.boot import boot_s
from sim.fleet.scaling import Terms
from sim.policy.setting import Setting
from sim.record.recorder import Counted
from sim.scenario import Pool, Scenario
from sim.scenario.model import visits
from sim.streams import Streams
from sim.world.arrivals_ahead import ArrivalsAhead, Visitors
from sim.world.disturbances import demand
from sim.world.latencies import Latencies
from sim.world.layout import Layout


@dataclass(frozen=True)
class _Answered:
    """Counts of answers to some workloads so far; equal for the same ones, so that a loop sees that nothing changed."""

    latencies: Latencies
    workloads: tuple[int, ...]

    def __call__(self) -> NDArray[np.int64]:
        """By bucket of latency."""
        return self.latencies.answered(self.workloads)


class ControlTerms:
    """Makes the `Terms` of every phase and row. counted: where the recorder reads, the plane where nobody else does."""

    def __init__(self, effective: Mapping[str, Scenario], layout: Layout, plane: Counted, streams: Streams) -> None:
        self._effective, self._layout = effective, layout
        scenario = next(iter(effective.values()))
        self._calendar = scenario.calendar()
        self._names = list(scenario.workloads)
        self._ahead = {name: ArrivalsAhead(partial(demand, scenario, name, streams)) for name in scenario.workloads}
        seen = any(
            layout.pool_of(row, lived_in).autoscaler.latency_quantile is not None
            for phase, lived_in in effective.items()
            for row in layout.rows_of(phase, lived_in)
        )
        self._latencies = Latencies(plane) if seen else None
        self.counted: Counted = plane if self._latencies is None else self._latencies

    def of(self, phase: str, row: int) -> Terms:
        """How the pool of a row is scaled from the phase's decision on."""
        pool = self._layout.pool_of(row, self._effective[phase])
        answered = None
        if self._latencies is not None:
            names = self._effective[phase].feeders()[self._layout.pools[row].name]
            answered = _Answered(self._latencies, tuple(self._names.index(name) for name in names))
        return Terms(pool.autoscaler, pool.scrape, pool.control, self._setting(phase, row, pool), answered)

    def _setting(self, phase: str, row: int, pool: Pool) -> Setting:
        effective, name = self._effective[phase], self._layout.pools[row].name
        feeding = {w: effective.workloads[w] for w in effective.feeders()[name]}
        exposure = effective.phases[phase].exposure
        shares = {w: exposure * visits(workload).get(name, 0.0) for w, workload in feeding.items()}
        coming = {w: share for w, share in shares.items() if share > 0.0}
        plant = pool.as_managed() if self._layout.pools[row].managed else pool
        return Setting(
            start_epoch_ns=self._calendar.start_epoch_ns,
            timezone=effective.timezone,
            boot_s=boot_s(plant, pool.autoscaler.sync_period_s or math.inf, pool.autoscaler.max_replicas),
            concurrency=pool.batching.max_batch_size,
            service_s=pool.service.mean_s(1),
            best_per_s=self._layout.pools[row].best_per_s,
            slo_s=min(workload.slo.latency_s for workload in feeding.values()),
            coming=Visitors(tuple(self._ahead[w] for w in coming), tuple(coming.values())),
        )
