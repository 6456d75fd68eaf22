"""When what befalls a pool comes, where that is said by the scenario's length or by the pool's demand."""

from collections.abc import Mapping

import numpy as np

from sim.clock.calendar import NS_PER_S
from sim.fleet.plant import Plant
from sim.scenario import Scenario
from sim.scenario.model import visits
from sim.streams import Streams
from sim.workload.block import Float64
from sim.workload.expected import expected
from sim.world.layout import PoolRow

_HOUR_NS = 3600 * NS_PER_S
_SHORT = 10  # assumption: a scenario shorter than ten hours is looked at in so many parts instead
_ALIKE = 1e-6  # hours that differ by less are equally busy: sums of rates over them are good to 1e-10


class PlantTimes:
    """Pools' plants with all their times known, which no policy moves.

    The demand of a pool is what its workloads are expected to ask of it, with every phase as early as its date allows.
    """

    def __init__(self, effective: Mapping[str, Scenario], streams: Streams) -> None:
        self._effective, self._streams = effective, streams
        self._calendar = next(iter(effective.values())).calendar()
        horizon_ns = self._calendar.horizon_ns
        self._step_ns = max(1, min(_HOUR_NS, horizon_ns // _SHORT))
        self._hours = horizon_ns // self._step_ns
        self._loads: dict[str, Float64] = {}

    def of(self, entry: PoolRow) -> Plant:
        """The plant of a row's machines: a managed endpoint's are its provider's."""
        plant = entry.pool.as_managed() if entry.managed else entry.pool
        changed: dict[str, object] = {}
        if plant.failures is not None and plant.failures.zone_losses is not None:
            losses = plant.failures.zone_losses.in_scenario(
                self._calendar.horizon_ns, lambda: self._busiest_ns(entry.name)
            )
            changed["failures"] = plant.failures.model_copy(update={"zone_losses": losses})
        if plant.spot is not None and plant.spot.waves is not None:
            waves = plant.spot.waves.in_scenario(self._calendar.horizon_ns, lambda: self._busiest_ns(entry.name))
            changed["spot"] = plant.spot.model_copy(update={"waves": waves})
        return plant.model_copy(update=changed) if changed else plant

    def _busiest_ns(self, pool: str) -> int:
        """When the busiest of the scenario's whole hours begins; of equally busy ones the one nearest half-way."""
        load = np.zeros(self._hours)
        for (phase, scenario), first, end in zip(self._effective.items(), *self._spans(), strict=True):
            served = scenario.feeders().get(pool, []) if scenario.phases[phase].serving != "api" else []
            for name in served:
                # a pool that only takes what overflows from another is as busy as that one
                share = scenario.phases[phase].exposure * visits(scenario.workloads[name]).get(pool, 1.0)
                load[first:end] += share * self._load(name)[first:end]
        most = np.flatnonzero(load >= load.max() * (1.0 - _ALIKE))
        return int(most[np.argmin(np.abs(2 * most + 1 - self._hours))]) * self._step_ns

    def _spans(self) -> tuple[list[int], list[int]]:
        """First hour of every phase, and of the one behind it; a gate without a date may open at once."""
        begins = [0]
        for phase in list(next(iter(self._effective.values())).phases.values())[1:]:
            begin_ns = 0 if phase.start is None else self._calendar.ns(phase.start)
            begins.append(min(max(begins[-1], -(-begin_ns // self._step_ns)), self._hours))
        return begins, [*begins[1:], self._hours]

    def _load(self, name: str) -> Float64:
        """Potential requests of a workload by hour."""
        if name not in self._loads:
            edges_ns = np.arange(self._hours + 1, dtype=np.int64) * self._step_ns
            workload = next(iter(self._effective.values())).workloads[name]
            self._loads[name] = expected(workload, name, self._calendar, self._streams, edges_ns)
        return self._loads[name]
