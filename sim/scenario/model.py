"""The frozen union of the rooms' parameter classes: one Scenario is all that a run needs to know."""

import math
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from sim.clock.calendar import NS_PER_S, Calendar
from sim.config import Parameters, PositiveLongSeconds
from sim.cost.hosting import Hosting
from sim.cost.prices import Price
from sim.fleet.parameters import Control, Scrape
from sim.fleet.plant import Plant
from sim.lifecycle.conditions import Condition
from sim.lifecycle.parameters import Phase
from sim.model.parameters import Learning, NoLearning
from sim.model.value import NoValue, Value
from sim.operations.costs import PhaseCosts
from sim.operations.incidents import Incidents, NoIncidents
from sim.operations.staff import StaffRole
from sim.policy.autoscaling import Autoscaler
from sim.record.parameters import Record
from sim.serving.admission import Admission, Cache, NoAdmission, NoCache
from sim.serving.batching import BatchFormation
from sim.serving.clients import NoRetry, Retrying, Stage, in_order, way_problem
from sim.serving.parameters import Api
from sim.serving.routing import Routing
from sim.serving.services import Service
from sim.serving.waiting import REJECT, EndlessPatience, Patience, Priority, Queue
from sim.serving.zones import Zones
from sim.workload.disturbances import Batch, Surge
from sim.workload.parameters import (
    ClientMixWorkload,
    ClosedLoopWorkload,
    CountsWorkload,
    PoissonWorkload,
    RenewalWorkload,
    ReplayWorkload,
)

MAX_SEED = 2**63 - 1
MAX_ENTRIES = 100  # assumption: workloads, pools or phases; names are stored as signed bytes

# Names become folders, column values and keys of overrides, so they hold no dots, spaces or slashes.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class Product(Parameters):
    """What stands around a workload's requests: who of them is let in, who goes first and how long they wait in queues,
    what is answered from memory, how good answers are and what they are worth, whether clients try again, and the
    stages on a request's way (none: its pool alone).
    """

    priority: Priority = 0  # assumption: nobody goes first
    patience: Patience = EndlessPatience()  # assumption: everybody waits to the timeout
    admission: Admission = NoAdmission()
    cache: Cache = NoCache()
    learning: Learning = NoLearning()
    value: Value = NoValue()
    retry: Retrying = NoRetry()
    stages: dict[Name, Stage] = Field(default_factory=dict)

    @field_validator("stages")
    @classmethod
    def _a_way(cls, value: dict[str, Stage]) -> dict[str, Stage]:
        problem = way_problem(value)
        if problem is not None:
            where, message = problem
            raise PydanticCustomError("inside", "{message}", {"where": where, "message": message})
        return value


class PoissonProduct(Product, PoissonWorkload):
    """Poisson arrivals."""


class RenewalProduct(Product, RenewalWorkload):
    """Renewal arrivals."""


class ClientMixProduct(Product, ClientMixWorkload):
    """Arrivals from a mix of clients."""


class CountsProduct(Product, CountsWorkload):
    """Recorded counts."""


class ReplayProduct(Product, ReplayWorkload):
    """A recorded trace."""


class ClosedLoopProduct(Product, ClosedLoopWorkload):
    """Users who wait for an answer, think, and ask again."""


Workload = Annotated[
    PoissonProduct | RenewalProduct | ClientMixProduct | CountsProduct | ReplayProduct | ClosedLoopProduct,
    Field(discriminator="kind"),
]


def is_call(workload: Workload) -> bool:
    """Whether its requests are calls: clients try again or think and ask, or the way is more than one visit."""
    return bool(workload.stages) or workload.retry.kind != "none" or workload.kind == "closed_loop"


def pools_of(workload: Workload) -> list[str]:
    """Names of the pools that a workload's requests pass, each once, in order."""
    return list(dict.fromkeys(stage.pool or workload.pool for stage in workload.stages.values())) or [workload.pool]


class Pool(Plant):
    """Replicas of one kind behind one router.

    machine, model, and what else `Plant` has: what a replica is and what happens to it; service: how long a batch
    takes; batching, queue, routing: the request path in front of it; zones: where its replicas stand (None: where does
    not matter); scrape: what the autoscaler gets to see; control: how regularly it is asked, and when it forgets;
    autoscaler: who decides how many there are; hosting: terms of the ways in which a phase may have it served.
    """

    service: Service
    batching: BatchFormation
    queue: Queue
    routing: Routing
    zones: Zones | None = None
    scrape: Scrape = Scrape()
    control: Control = Control()
    autoscaler: Autoscaler
    hosting: Hosting

    @field_validator("batching")
    @classmethod
    def _batches_can_grow(cls, value: BatchFormation, info: ValidationInfo) -> BatchFormation:
        service = info.data.get("service")
        if service and value.kind == "adaptive" and value.target_s < service.fastest_s():
            raise ValueError(
                f"a target of {value.target_s:g} s is below the fastest service of a request alone, "
                f"{service.fastest_s():.4g} s, so that batches never grow. Type a longer target, or {{kind: none}}."
            )
        return value

    @field_validator("queue")
    @classmethod
    def _batches_can_wait(cls, value: Queue, info: ValidationInfo) -> Queue:
        batching = info.data.get("batching")
        if batching and batching.max_queue_delay_s > 0 and value.capacity < batching.max_batch_size:
            raise ValueError(
                f"capacity {value.capacity} has no room for a batch of {batching.max_batch_size} to form in. Type "
                f"capacity: {batching.max_batch_size} or more, or batching.max_queue_delay: 0 s."
            )
        return value


class StaffedPhase(Phase):
    """A phase with the people who are paid in it, by role, and its other fixed costs."""

    staff: dict[Name, StaffRole]
    costs: PhaseCosts = PhaseCosts()


Disturbance = Annotated[Surge | Batch, Field(discriminator="kind")]


class Scenario(Parameters):
    """One world: what is asked of it, what serves, what it costs, and the phases it goes through.

    name: becomes the folder of its runs; seed: 0 to 2**63 - 1; engine: exact (compiled) or reference (one SimPy process
    a request); start: civil date-time in `timezone` (an IANA name); horizon_s: length in seconds; workloads, pools: by
    name; disturbances: storms over the whole of it, by name; gates: named conditions, which phases' gates may ask for
    and every phase is held against; phases: by name, in the order in which they follow each other. A phase's `override`
    patches `workloads`, `pools`, `api`, `price` and `incidents` while it lasts: `sim.scenario.phase_scenarios` gives
    the scenario that each phase lives in.
    """

    name: Name
    description: str = ""
    seed: Annotated[int, Field(strict=True, ge=0, le=MAX_SEED)]
    engine: Literal["exact", "reference"]
    start: datetime
    timezone: str
    horizon_s: PositiveLongSeconds
    workloads: Annotated[dict[Name, Workload], Field(min_length=1, max_length=MAX_ENTRIES)]
    pools: Annotated[dict[Name, Pool], Field(min_length=1, max_length=MAX_ENTRIES)]
    api: Api
    price: Price
    incidents: Incidents = NoIncidents()
    disturbances: Annotated[dict[Name, Disturbance], Field(max_length=MAX_ENTRIES)] = Field(default_factory=dict)
    gates: Annotated[dict[Name, Condition], Field(max_length=MAX_ENTRIES)] = Field(default_factory=dict)
    phases: Annotated[dict[Name, StaffedPhase], Field(min_length=1, max_length=MAX_ENTRIES)]
    record: Record

    def feeders(self) -> dict[str, list[str]]:
        """Every pool in use, and the workloads that it serves: pools on their way, or what those overflow to."""
        fed: dict[str, list[str]] = {}
        for name, workload in self.workloads.items():
            passed = pools_of(workload)
            overflows = [self.pools[pool].queue.overflow for pool in passed]
            for pool in dict.fromkeys([*passed, *(other for other in overflows if other != REJECT)]):
                fed.setdefault(pool, []).append(name)
        return dict(sorted(fed.items()))

    @property
    def horizon_ns(self) -> int:
        """Length of the scenario in nanoseconds."""
        return round(self.horizon_s * NS_PER_S)

    def calendar(self) -> Calendar:
        """Civil time of this scenario."""
        return Calendar(self.start, self.timezone, self.horizon_ns)


def fastest_s(scenario: Scenario, workload: str) -> float:
    """Shortest time in seconds that can pass between a request and its answer by the pools on its way."""
    return _shortest_s(scenario, workload, lambda pool: pool.service.fastest_s())


def typical_s(scenario: Scenario, workload: str) -> float:
    """Mean time in seconds of a request that is alone in every pool on the shortest way through its stages."""
    return _shortest_s(scenario, workload, lambda pool: pool.service.mean_s(1))


def _shortest_s(scenario: Scenario, workload: str, time_s: Callable[[Pool], float]) -> float:
    asked = scenario.workloads[workload]

    @cache
    def onward_s(name: str) -> float:
        stage = asked.stages[name]
        ways = [onward_s(other) for other in stage.next]
        if math.fsum(stage.shares.values()) < 1.0:
            ways.append(0.0)
        return time_s(scenario.pools[stage.pool or asked.pool]) + min(ways, default=0.0)

    return onward_s(next(iter(asked.stages))) if asked.stages else time_s(scenario.pools[asked.pool])


def visits(workload: Workload) -> dict[str, float]:
    """How often a request visits each pool on its way, on average and without retries and hedges, by pool."""
    if not workload.stages:
        return {workload.pool: 1.0}
    reach = dict.fromkeys(workload.stages, 0.0) | {next(iter(workload.stages)): 1.0}
    seen: dict[str, float] = {}
    for name in in_order(workload.stages):
        stage = workload.stages[name]
        pool = stage.pool or workload.pool
        seen[pool] = seen.get(pool, 0.0) + stage.fan_out * reach[name]
        for other, share in stage.shares.items():
            reach[other] += share * reach[name]
    return seen
