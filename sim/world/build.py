"""The world of one run: clock, data plane, fleets, scaling loops, models' lives, recorder, books, and the processes
between them.
"""

from collections.abc import Callable, Generator, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import simpy

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.config import InputError, Problem, RunError
from sim.fleet.fleet import Fleet, Site
from sim.fleet.scaling import ScalingLoop
from sim.model.life import ModelLife
from sim.operations.incidents import IncidentDesk
from sim.policy.autoscaling import Plugin
from sim.record.events import EventLog
from sim.record.progress import Progress
from sim.scenario import Scenario, phase_scenarios
from sim.serving.admission import AnswerCache
from sim.serving.exact import ExactPlane
from sim.serving.own import Discipline
from sim.serving.plane import Plane
from sim.serving.reference import ReferencePlane
from sim.serving.reference_own import Disciplines
from sim.streams import Streams
from sim.workload.block import ArrivalSource
from sim.world.books import Books, FleetUse
from sim.world.coverage import Coverage
from sim.world.disturbances import demand, tell
from sim.world.gauges import Gauges
from sim.world.layout import PoolRow, lay_out, steering, traffic
from sim.world.lifecycle import Lifecycle
from sim.world.own import disciplines_of
from sim.world.plant_times import PlantTimes
from sim.world.policies import with_policies
from sim.world.promotions import Promotions
from sim.world.records import Records
from sim.world.terms import ControlTerms
from sim.world.window import Window

Process = Generator[simpy.Event, Any, None]
# order of closes at one instant: blocks of arrivals (by workload) are handed over first, the horizon comes last
_WINDOW, _DAY, _LAST = 1000, 1001, 1002
_LITTLE_TOLERANCE = 1e-6  # sums of up to 1e9 float latencies, each good to 1e-16 of the sum


class World:
    """Everything that lives during a run. `run()` plays it to the horizon."""

    def __init__(
        self, scenario: Scenario, streams: Streams, progress: Callable[[Progress], None] | None,
        decided_ns: Mapping[str, int | None], spool: Path | None, policies: Mapping[str, Plugin],
        disciplines: Mapping[str, Discipline] | None = None,
    ) -> None:  # fmt: skip
        """decided_ns: phases that are decided at these times (ns; None: never), whatever their dates and gates say;
        spool: folder in which the request log grows (None: one of the system's); policies: controllers by pool that
        were passed in Python, instead of the scenario's; disciplines: a user's own, by name.
        """
        self.scenario, self.calendar = scenario, scenario.calendar()
        self.policies = policies
        self.effective = with_policies(phase_scenarios(scenario), policies)
        self.names = list(scenario.workloads)
        asked = Disciplines(disciplines_of(self.effective, disciplines), self.names)
        self.sources = _sources(scenario, streams)
        self.layout = lay_out(self.effective)
        self.clock = Clock()
        self.events = EventLog(self.clock)
        self.plane = self._plane(streams, asked)
        self.fleets = self._fleets(streams)
        self.lives = self._lives(streams)
        self.window = Window(scenario, self.clock, self.plane, self.layout, self.fleets, self.lives)
        first = next(iter(self.effective.values()))
        self.desk = IncidentDesk(self.clock, first.incidents, streams.generator("incidents"), self.events.add)
        terms = ControlTerms(self.effective, self.layout, self.plane, streams)
        self.records = Records(scenario, self.effective, self.layout, self.calendar, self.plane, terms.counted, spool)
        self.books = Books(self.plane.workloads, next(iter(self.effective)), first, self.lives, self.desk)
        own = {row: fleet for row, fleet in self.fleets.items() if not self.layout.pools[row].managed}
        self.coverage = Coverage(self.clock, own, self.books.commitments)
        gauges = Gauges(self.records.windows, self.books, self.calendar, self.lives)
        self.promotions = Promotions(self.clock, scenario, self.effective, gauges, self.events, decided_ns)
        self.lifecycle = Lifecycle(
            self.clock, self.plane, self.layout, self.fleets, self._loops(streams), self.effective, self.promotions,
            self.events, terms.of,
        )  # fmt: skip
        self.lifecycle.before_change, self.lifecycle.on_begin = self._settle, self._take_effect
        self._progress = progress
        self._ages_s: float | None = None
        self._models: dict[str, str] = {}

    # --- building

    def _plane(self, streams: Streams, own: Disciplines) -> Plane:
        engine = ExactPlane if self.scenario.engine == "exact" else partial(ReferencePlane, own=own)
        workloads = [traffic(self.effective, name, streams) for name in self.names]
        plane: Plane = engine(self.clock, self.layout.rows, workloads, log=self.scenario.record.requests)
        plane.on_drained = self._drained
        return plane

    def _fleets(self, streams: Streams) -> dict[int, Fleet]:
        names = {entry.name for entry in self.layout.pools.values()}
        numbers, nodes = {name: count(1) for name in names}, {name: count(1) for name in names}

        times = PlantTimes(self.effective, streams)

        def site(entry: PoolRow) -> Site:
            zones = ("",) if entry.pool.zones is None else entry.pool.zones.names
            return Site(
                times.of(entry), zones, lambda what: streams.key(f"fleet/{entry.name}/{what}"), nodes[entry.name]
            )

        return {
            row: Fleet(
                self.clock, self.plane, entry.name, entry.first_slot, self.layout.rows[row].slots, entry.pool.machine,
                entry.pool.model, self.events.add, numbers[entry.name], site(entry),
            )
            for row, entry in self.layout.pools.items()
        }  # fmt: skip

    def _loops(self, streams: Streams) -> dict[int, ScalingLoop]:
        loops = {
            row: ScalingLoop(
                self.clock, self.plane, row, self.fleets[row], self.layout.rows[row].slots,
                partial(_draws, streams, entry.name),
            )
            for row, entry in self.layout.pools.items()
        }  # fmt: skip
        self.plane.on_woken = lambda row: loops[row].woken()
        return loops

    def _lives(self, streams: Streams) -> dict[str, ModelLife]:
        """Of every workload that has a model in any phase."""
        first = next(iter(self.effective.values()))
        return {
            name: ModelLife(
                self.clock, name, first.workloads[name].learning, partial(self._answered, w), streams, self.events.add,
                partial(self._deployed, w), self.calendar.horizon_ns, sub=w,
            )
            for w, name in enumerate(self.names)
            if any(scenario.workloads[name].learning.kind != "none" for scenario in self.effective.values())
        }  # fmt: skip

    def _answered(self, w: int) -> int:
        counters = self.plane.workloads[w]
        return int(counters["hit"]) + int(counters["completed"])

    def _deployed(self, w: int) -> None:
        """A new model serves a workload: what its cache holds are another model's answers."""
        cache = self.lifecycle.scenario.workloads[self.names[w]].cache
        if isinstance(cache, AnswerCache) and cache.on_deploy == "empty":
            self.plane.empty_cache(w)

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
        self._settle()
        self.records.end()
        self.lifecycle.end()
        self._check_little()
        self.books.check(self.fleets.values(), self.calendar.horizon_ns)

    def _begin(self) -> None:
        self.lifecycle.begin()
        for life in self.lives.values():
            life.begin()
        self.desk.begin()
        for w, source in enumerate(self.sources):
            self.clock.process(self._arrivals(w, source))
        self.clock.process(self._windows())
        self.clock.process(self._days())
        tell(self.clock, self.calendar, self.scenario.disturbances, self.events)

    def _take_effect(self, phase: str) -> None:
        """From now on a phase's scenario holds."""
        effective, now = self.effective[phase], self.clock.now
        for w, name in enumerate(self.names):
            rows = self.layout.pool_rows(phase, effective, name)
            self.plane.steer(w, steering(effective.phases[phase], effective.workloads[name], rows))
        self.books.begin_phase(phase, effective, now)
        self.coverage.begin_phase(self.layout.rows_of(phase, effective))
        if now:
            for name, life in self.lives.items():
                life.change(effective.workloads[name].learning)
            self.desk.change(effective.incidents)
        self._change_models(phase)

    def _change_models(self, phase: str) -> None:
        """Where another model answers a workload from now on, it is as fresh as can be, and its cache is empty."""
        models = {name: self.layout.model_of(phase, self.effective[phase], name) for name in self.names}
        for w, name in enumerate(self.names):
            if self._models.get(name, models[name]) == models[name]:
                continue
            if name in self.lives and self.effective[phase].workloads[name].learning.kind != "none":
                self.lives[name].replace()
            else:
                self._deployed(w)
        self._models = models

    def _arrivals(self, w: int, source: ArrivalSource) -> Process:
        """An arrival process hands the data plane one block at a time."""
        while (block := source.next_block()) is not None:
            if len(block.arrival_ns):
                self.plane.offer(
                    w, block.first_id, block.arrival_ns, block.prompt_tokens, block.output_tokens, block.key,
                    block.tenant,
                )  # fmt: skip
            if block.until_ns >= self.calendar.horizon_ns:
                return
            yield self.clock.at(block.until_ns, Rank.CLOSE, sub=1 + w)
            self.records.keep_log()

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

    def _settle(self) -> None:
        """Close the books on a phase, with the labels of its last answers in them."""
        for life in self.lives.values():
            life.settle()
        self._close()

    def _close(self) -> None:
        self._close_window()
        uses = [
            FleetUse(row, fleet, self.window.busy_ns(row), self.layout.pools[row].managed)
            for row, fleet in self.fleets.items()
        ]
        self.books.accrue(self.clock.now, uses)

    def _close_window(self) -> None:
        now = self.clock.now
        for row, fleet in self.fleets.items():
            if fleet.empty and self.plane.rows[row]["closing"]:
                self.plane.expire(row)
        phase = self.lifecycle.phase
        outlooks = self.window.outlooks(phase, self.lifecycle.scenario)
        self.records.close(now, phase, outlooks, self.window.pool_use())
        self.window.begin()
        if self._progress is not None:
            requests = int(self.plane.workloads["offered"].sum())
            self._progress(Progress(now, self.calendar.horizon_ns, self.calendar.civil(now), requests))

    # --- laws

    def _check_little(self) -> None:
        """Little's law: time spent in the system by all requests is the integral of their number, to rounding."""
        area_s = sum(self.window.in_system_ns(w) for w in range(len(self.names))) / 1e9
        spent_s = float(self.plane.workloads["latency_sum_s"].sum() + self.plane.workloads["lost_sum_s"].sum())
        spent_s += self._ages_s or 0.0
        if abs(area_s - spent_s) > _LITTLE_TOLERANCE * max(area_s, 1e-3):
            raise RunError(
                f"Little's law broken: requests spent {spent_s} s in the system, and their number integrates to "
                f"{area_s} s. This is a bug in poc2scale: please report it."
            )


def _draws(streams: Streams, pool: str, word: str) -> np.random.Generator:
    """What a pool's control loop draws its offset, jitter and restarts from."""
    return streams.generator(f"autoscaler/{pool}{word}")


def _sources(scenario: Scenario, streams: Streams) -> list[ArrivalSource]:
    """Arrivals of every workload, their files read and judged whole; problems of all of them at once."""
    sources: list[ArrivalSource] = []
    problems: list[Problem] = []
    for name in scenario.workloads:
        try:
            sources.append(demand(scenario, name, streams))
        except InputError as e:
            problems += e.problems
    if problems:
        raise InputError(*problems)
    return sources
