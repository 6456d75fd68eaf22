"""The record window that is open: what plane, fleets and models' lives have done in it, read when it closes."""

from collections.abc import Mapping

from sim.clock.environment import Clock
from sim.fleet.fleet import Fleet
from sim.model.life import ModelLife
from sim.record.recorder import Outlook, PoolUse
from sim.scenario import Scenario
from sim.scenario.model import visits
from sim.serving.plane import Areas, Plane
from sim.world.layout import Layout


class Window:
    """Measures since the last `begin`, and time integrals since the start of the run. fleets: by row; lives: of the
    workloads that have a model.
    """

    def __init__(
        self, scenario: Scenario, clock: Clock, plane: Plane, layout: Layout, fleets: Mapping[int, Fleet],
        lives: Mapping[str, ModelLife],
    ) -> None:  # fmt: skip
        self._names, self._pools = list(scenario.workloads), list(scenario.pools)
        self._clock, self._plane, self._layout, self._fleets, self._lives = clock, plane, layout, fleets, lives
        self._areas = Areas()
        self._begun_ns = 0
        self._ready_ns = dict.fromkeys(fleets, 0)

    def begin(self) -> None:
        """The last one has closed: the next one begins now."""
        now = self._clock.now
        self._begun_ns, self._ready_ns = now, {row: fleet.ready_ns(now) for row, fleet in self._fleets.items()}

    def outlooks(self, phase: str, effective: Scenario) -> list[Outlook]:
        """What of each workload only the world knows. effective: the phase's scenario."""
        return [self._outlook(w, name, phase, effective) for w, name in enumerate(self._names)]

    def _outlook(self, w: int, name: str, phase: str, effective: Scenario) -> Outlook:
        life = self._lives.get(name)
        pool = effective.workloads[name].pool
        quality = life.quality_mean(self._begun_ns, self._clock.now) if life else float("nan")
        seen = life.seen if life else float("nan")
        capacity_per_s = self._capacity_per_s(name, phase, effective)
        return Outlook(self.in_system_ns(w), self._queued_ns(w), pool, capacity_per_s, quality, seen)

    def _capacity_per_s(self, workload: str, phase: str, effective: Scenario) -> float:
        """Best throughput of the replicas that could serve it in this window: not of what is left of an older fleet.

        Of several pools on its way, that of the narrowest.
        """
        now, span_ns = self._clock.now, self._clock.now - self._begun_ns
        rows = self._layout.pool_rows(phase, effective, workload)
        if span_ns == 0 or any(row not in self._fleets for row in rows.values()):
            return float("nan")
        times = visits(effective.workloads[workload])
        ready = {row: (self._fleets[row].ready_ns(now) - self._ready_ns[row]) / span_ns for row in rows.values()}
        return min(ready[row] * self._layout.pools[row].best_per_s / times[pool] for pool, row in rows.items())

    def pool_use(self) -> dict[str, PoolUse]:
        """Of every pool, over all of its fleets."""
        now, use = self._clock.now, dict.fromkeys(self._pools, PoolUse(0, 0, 0))
        for row, fleet in self._fleets.items():
            before = use[fleet.name]
            use[fleet.name] = PoolUse(
                before.ready_ns + fleet.ready_ns(now), before.billed_ns + fleet.bill.places_ns(now),
                before.busy_ns + self.busy_ns(row),
            )  # fmt: skip
        return use

    def in_system_ns(self, w: int) -> int:
        """Time that requests of workload w have spent in the system."""
        c = self._plane.workloads[w]
        return self._areas.upto(("in_system", w), c["in_system"], c["system_flow"], self._clock.now)

    def _queued_ns(self, w: int) -> int:
        c = self._plane.workloads[w]
        return self._areas.upto(("queued", w), c["queued"], c["queue_flow"], self._clock.now)

    def busy_ns(self, row: int) -> int:
        """Time that replicas of a row have been busy."""
        p = self._plane.rows[row]
        return self._areas.upto(("busy", row), p["busy"], p["busy_flow"], self._clock.now)
