"""The world of one run: clock, data plane, fleets, scaling loops, recorder, books, and the processes between them."""

from collections.abc import Callable, Generator
from itertools import count
from typing import Any

import simpy

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.config import InputError, Problem, RunError
from sim.fleet.fleet import Fleet
from sim.fleet.scaling import ScalingLoop
from sim.record.events import EventLog
from sim.record.progress import Progress
from sim.record.recorder import PoolUse, Recorder
from sim.scenario import Pool, Scenario, phase_scenarios
from sim.serving.exact import ExactPlane
from sim.serving.plane import Areas, Plane, Traffic
from sim.serving.reference import ReferencePlane
from sim.streams import Streams
from sim.workload.block import ArrivalSource
from sim.workload.source import arrival_source
from sim.world.books import Books
from sim.world.layout import lay_out

Process = Generator[simpy.Event, Any, None]
# order of closes at one instant: blocks of arrivals (by workload) are handed over first, the horizon comes last
_WINDOW, _DAY, _LAST = 1000, 1001, 1002
_LITTLE_TOLERANCE = 1e-6  # sums of up to 1e9 float latencies, each good to 1e-16 of the sum


class World:
    """Everything that lives during a run. `run()` plays it to the horizon."""

    def __init__(self, scenario: Scenario, streams: Streams, progress: Callable[[Progress], None] | None) -> None:
        self.scenario, self.calendar = scenario, scenario.calendar()
        self.effective = phase_scenarios(scenario)
        self.names = list(scenario.workloads)
        self.sources = _sources(scenario, streams)
        self.layout = lay_out(self.effective)
        self.clock = Clock()
        self.events = EventLog(self.clock)
        self.plane = self._plane(streams)
        self.fleets = self._fleets()
        self.loops = self._loops()
        self.recorder = Recorder(self.names, self.calendar, self.plane)
        self.phase = next(iter(self.effective))
        self.books = Books(self.names, self.plane.workloads, self.phase, self.effective[self.phase])
        self.phases_effective: list[tuple[str, float, float]] = []
        self._phase_since_ns = 0
        self._progress = progress
        self._areas = Areas()
        self._ages_s: float | None = None

    # --- building

    def _plane(self, streams: Streams) -> Plane:
        engine: type[ExactPlane] | type[ReferencePlane]
        engine = ExactPlane if self.scenario.engine == "exact" else ReferencePlane
        traffic = [Traffic(streams.key(f"exposure/{n}"), streams.key(f"service/{n}")) for n in self.names]
        plane: Plane = engine(self.clock, self.layout.rows, traffic, log=self.scenario.record.requests == "all")
        plane.on_drained = self._drained
        return plane

    def _fleets(self) -> dict[int, Fleet]:
        numbers = {entry.name: count(1) for entry in self.layout.pools.values()}
        return {
            row: Fleet(
                self.clock, self.plane, entry.name, entry.first_slot, self.layout.rows[row].slots, entry.pool.machine,
                entry.pool.model, self.events.add, numbers[entry.name],
            )
            for row, entry in self.layout.pools.items()
        }  # fmt: skip

    def _loops(self) -> dict[int, ScalingLoop]:
        return {
            row: ScalingLoop(self.clock, self.plane, row, self.fleets[row], self.layout.rows[row].slots)
            for row in self.layout.pools
        }

    def _drained(self, slot: int) -> None:
        for fleet in self.fleets.values():
            if fleet.holds(slot):
                fleet.drained(slot)
                return

    # --- playing

    def run(self) -> None:
        """Play to the horizon. Raises RunError when a law is broken."""
        clock, plane = self.clock, self.plane
        self._begin()
        horizon = clock.at(self.calendar.horizon_ns, Rank.CLOSE, sub=_LAST)
        clock.play(plane.advance, horizon)
        self._ages_s = plane.finish(self.calendar.horizon_ns)
        self._close()
        self.phases_effective.append((self.phase, self._phase_since_ns / 1e9, self.calendar.horizon_ns / 1e9))
        self._check_little()
        self.books.check(self.fleets.values(), self.calendar.horizon_ns)

    def _begin(self) -> None:
        for row in self._rows_of(self.phase):
            self.fleets[row].begin(self._pool(self.phase, row).autoscaler.initial_replicas)
        self._take_effect(self.phase)
        for row in self._rows_of(self.phase):
            self._hand_over(self.phase, row)
        for w, source in enumerate(self.sources):
            self.clock.process(self._arrivals(w, source))
        self.clock.process(self._lifecycle())
        self.clock.process(self._windows())
        self.clock.process(self._days())

    def _arrivals(self, w: int, source: ArrivalSource) -> Process:
        """An arrival process hands the data plane one block at a time."""
        while (block := source.next_block()) is not None:
            if len(block.arrival_ns):
                self.plane.offer(w, block.first_id, block.arrival_ns, block.prompt_tokens, block.output_tokens)
            if block.until_ns >= self.calendar.horizon_ns:
                return
            yield self.clock.at(block.until_ns, Rank.CLOSE, sub=1 + w)

    def _windows(self) -> Process:
        """The last window is closed by the horizon, after those whom it times out have been counted."""
        interval_ns = to_ns(self.scenario.record.interval_s)
        for t_ns in range(interval_ns, self.calendar.horizon_ns, interval_ns):
            yield self.clock.at(t_ns, Rank.CLOSE, sub=_WINDOW)
            self._close_window()

    def _days(self) -> Process:
        """Every civil midnight closes a window and accrues a day's lines; the first of a month starts tiers again."""
        months = set(self.calendar.month_starts())
        for t_ns in self.calendar.day_starts():
            yield self.clock.at(t_ns, Rank.CLOSE, sub=_DAY)
            self._close()
            if t_ns in months:
                self.books.new_month()

    def _close(self) -> None:
        self._close_window()
        now = self.clock.now
        self.books.accrue(now, [(row, fleet, self._busy_ns(row)) for row, fleet in self.fleets.items()])

    def _close_window(self) -> None:
        now, effective = self.clock.now, self.effective[self.phase]
        for row, fleet in self.fleets.items():
            if fleet.empty and self.plane.rows[row]["closing"]:
                self.plane.expire(row)
        areas = [(self._in_system_ns(w), self._queued_ns(w)) for w in range(len(self.names))]
        served = [self._served_by(effective, name) for name in self.names]
        self.recorder.close(now, self.phase, areas, served, self._pool_use())
        if self._progress is not None:
            requests = int(self.plane.workloads["offered"].sum())
            self._progress(Progress(now, self.calendar.horizon_ns, self.calendar.civil(now), requests))

    def _in_system_ns(self, w: int) -> int:
        c = self.plane.workloads[w]
        return self._areas.upto(("in_system", w), c["in_system"], c["system_flow"], self.clock.now)

    def _queued_ns(self, w: int) -> int:
        c = self.plane.workloads[w]
        return self._areas.upto(("queued", w), c["queued"], c["queue_flow"], self.clock.now)

    def _busy_ns(self, row: int) -> int:
        p = self.plane.rows[row]
        return self._areas.upto(("busy", row), p["busy"], p["busy_flow"], self.clock.now)

    def _served_by(self, effective: Scenario, workload: str) -> tuple[str, float]:
        """Its pool, and the best throughput of a replica there; NaN while an API serves."""
        row = self.layout.row_of(self.phase, effective, workload)
        best = self.layout.pools[row].best_per_s if row in self.layout.pools else float("nan")
        return effective.workloads[workload].pool, best

    def _pool_use(self) -> dict[str, PoolUse]:
        """Of every pool, over all of its fleets."""
        now, use = self.clock.now, dict.fromkeys(self.scenario.pools, PoolUse(0, 0, 0))
        for row, fleet in self.fleets.items():
            before = use[fleet.name]
            use[fleet.name] = PoolUse(
                before.ready_ns + fleet.ready_ns(now), before.billed_ns + fleet.billed_ns(now),
                before.busy_ns + self._busy_ns(row),
            )  # fmt: skip
        return use

    # --- phases

    def _rows_of(self, phase: str) -> list[int]:
        rows = {self.layout.row_of(phase, self.effective[phase], name) for name in self.names}
        return sorted(rows & set(self.layout.pools))

    def _pool(self, phase: str, row: int) -> Pool:
        return self.effective[phase].pools[self.layout.pools[row].name]

    def _hand_over(self, phase: str, row: int) -> None:
        pool = self._pool(phase, row)
        self.loops[row].hand_over(pool.autoscaler, pool.scrape)

    def _lifecycle(self) -> Process:
        """A phase is decided at its date, and effective once its pools have their least number of ready replicas."""
        for phase, parameters in list(self.scenario.phases.items())[1:]:
            assert parameters.start is not None
            date_ns = max(self.calendar.ns(parameters.start), self.clock.now)
            yield self.clock.at(date_ns, Rank.PHASE)
            self.events.add("phase_decided", phase, "date", 0.0, 1.0)
            rows = self._rows_of(phase)
            for row in rows:
                self.plane.open(row)
                self._hand_over(phase, row)
            while any(self.fleets[r].ready_count < self._pool(phase, r).autoscaler.min_replicas for r in rows):
                yield self._any_change(rows)
                yield self.clock.at(self.clock.now, Rank.PHASE)
            self._close()
            self.phases_effective.append((self.phase, self._phase_since_ns / 1e9, self.clock.now / 1e9))
            self._phase_since_ns = self.clock.now
            before, self.phase = self.phase, phase
            self._take_effect(phase)
            self._retire(before, phase)
            self.books.begin_phase(phase, self.effective[phase])
            self.events.add("phase_effective", phase, f"after {before}", 0.0, 1.0)

    def _any_change(self, rows: list[int]) -> simpy.Event:
        """An event at the next replica of these rows that becomes ready."""
        changed = self.clock.event()

        def tell() -> None:
            if not changed.triggered:
                changed.succeed()

        for row in rows:
            self.fleets[row].on_change = tell
        return changed

    def _take_effect(self, phase: str) -> None:
        effective = self.effective[phase]
        exposure = effective.phases[phase].exposure
        for w, name in enumerate(self.names):
            workload = effective.workloads[name]
            row = self.layout.row_of(phase, effective, name)
            self.plane.steer(w, row, exposure, to_ns(workload.timeout_s), to_ns(workload.slo.latency_s))

    def _retire(self, before: str, phase: str) -> None:
        """What served the last phase and serves no more drains and goes."""
        for row in sorted(set(self._rows_of(before)) - set(self._rows_of(phase))):
            self.loops[row].stop()
            self.plane.close(row)
            self.fleets[row].scale_to(0, f"PhaseOver:{before}")

    # --- laws

    def _check_little(self) -> None:
        """Little's law: time spent in the system by all requests is the integral of their number, to rounding."""
        area_s = sum(self._in_system_ns(w) for w in range(len(self.names))) / 1e9
        spent_s = float(self.plane.workloads["latency_sum_s"].sum() + self.plane.workloads["lost_sum_s"].sum())
        spent_s += self._ages_s or 0.0
        if abs(area_s - spent_s) > _LITTLE_TOLERANCE * max(area_s, 1e-3):
            raise RunError(
                f"Little's law broken: requests spent {spent_s} s in the system, and their number integrates to "
                f"{area_s} s. This is a bug in poc2scale: please report it."
            )


def _sources(scenario: Scenario, streams: Streams) -> list[ArrivalSource]:
    """Arrivals of every workload, their files read and judged whole; problems of all of them at once."""
    sources: list[ArrivalSource] = []
    problems: list[Problem] = []
    for name, workload in scenario.workloads.items():
        try:
            sources.append(arrival_source(workload, name, scenario.calendar(), streams))
        except InputError as e:
            problems += e.problems
    if problems:
        raise InputError(*problems)
    return sources
