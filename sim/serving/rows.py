"""The rows of a data plane: each kind of service that it has, a pool as one phase configures it or a hosted API."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.serving.batching import AdaptiveBatching, BatchFormation, Batching
from sim.serving.discipline.service import DISTRIBUTIONS, LOGNORMAL
from sim.serving.kernels.state import (
    AFFINITY,
    API,
    BY_CONTENT,
    BY_TENANT,
    LEAST_OUTSTANDING,
    POWER_OF_TWO,
    RANDOM,
    ROUND_ROBIN,
    SHARED_QUEUE,
    leaves_for,
)
from sim.serving.own import OwnDiscipline
from sim.serving.parameters import Api
from sim.serving.routing import Affinity
from sim.serving.services import Service, variation
from sim.serving.waiting import Queue
from sim.serving.zones import Zones

ROUTINGS = {
    "least_outstanding": LEAST_OUTSTANDING, "round_robin": ROUND_ROBIN, "shared_queue": SHARED_QUEUE, "random": RANDOM,
    "power_of_two": POWER_OF_TWO, "affinity": AFFINITY,
}  # fmt: skip
OWN = -1  # the kind of a row whose router is a user's own, which the reference engine alone can ask


@dataclass(frozen=True)
class Row:
    """One kind of service: a pool as one phase configures it, or a hosted API.

    kind: API, OWN or one of ROUTINGS; slots: places for replicas; capacity: of each queue; mean_ns: [max_batch + 1]
    mean service time by batch size; sigma: of the logarithm of a lognormal factor; overflow: row that takes who
    finds no room here, -1 for none; preferred: batch sizes, rising; step, decrease, target_ns: of an adaptive batch
    (step 0: it is fixed); by, load_bound: of affinity, BY_CONTENT or BY_TENANT and how far above the mean load a
    replica may go; zones: over how many the slots are spread in turn; detour_ns: what an answer from another zone
    takes longer; at_home: whether the router (RANDOM or POWER_OF_TWO) looks into a request's own zone first;
    variation: see `sim.serving.discipline.service`, empty for none; router, order: names of a user's own functions,
    empty for none.
    """

    kind: int
    slots: int
    max_batch: int
    delay_ns: int
    capacity: int
    mean_ns: NDArray[np.float64]
    distribution: int
    sigma: float
    overflow: int = -1
    preferred: tuple[int, ...] = ()
    step: int = 0
    decrease: float = 1.0
    target_ns: int = 0
    by: int = BY_CONTENT
    load_bound: float = 1.0
    zones: int = 1
    detour_ns: int = 0
    at_home: bool = False
    variation: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    router: str = ""
    order: str = ""


def check_rows(rows: list[Row]) -> None:
    """Raise ValueError for a row that overflows to one that is not there, has no replicas or overflows itself."""
    for row in rows:
        if row.overflow >= 0 and (
            row.overflow >= len(rows) or rows[row.overflow].kind == API or rows[row.overflow].overflow >= 0
        ):
            raise ValueError(f"a row overflows to row {row.overflow}, which cannot take it")


def pool_row(
    service: Service, batching: BatchFormation, queue: Queue, routing: str | Affinity | OwnDiscipline, slots: int,
    overflow: int = -1, zones: Zones | None = None,
) -> Row:  # fmt: skip
    """The row of a self-run pool with room for `slots` replicas (rounded up to a power of two).

    overflow: row that the queue overflows to, -1 for none. Raises ValueError for batches beyond those that the service
    was measured for.
    """
    adaptive = batching if isinstance(batching, AdaptiveBatching) else None
    affinity = routing if isinstance(routing, Affinity) else Affinity()
    own = routing.name if isinstance(routing, OwnDiscipline) else ""
    mean_ns = np.array([0.0] + [service.mean_s(b) for b in range(1, batching.max_batch_size + 1)]) * 1e9
    return Row(
        kind=OWN if own else ROUTINGS[routing if isinstance(routing, str) else routing.kind],
        slots=leaves_for(slots),
        max_batch=batching.max_batch_size,
        delay_ns=round(batching.max_queue_delay_s * 1e9),
        capacity=queue.capacity,
        mean_ns=mean_ns,
        distribution=DISTRIBUTIONS[service.distribution],
        sigma=float(np.sqrt(np.log1p(service.cv**2))),
        overflow=overflow,
        preferred=batching.preferred_sizes if isinstance(batching, Batching) else (),
        step=adaptive.step if adaptive else 0,
        decrease=adaptive.decrease if adaptive else 1.0,
        target_ns=round(adaptive.target_s * 1e9) if adaptive else 0,
        by=BY_TENANT if affinity.by == "tenant" else BY_CONTENT,
        load_bound=affinity.load_bound,
        zones=1 if zones is None else len(zones.names),
        detour_ns=0 if zones is None else 2 * round(zones.latency_s * 1e9),
        at_home=zones is not None and zones.prefer_own,
        variation=variation(service),
        router=own,
        order="" if queue.order is None else queue.order.name,
    )


def api_row(api: Api) -> Row:
    """The row of a hosted API: every request is served at once, for a lognormal time."""
    sigma2 = float(np.log1p(api.latency.cv**2))
    mean_ns = api.latency.median_s * 1e9 * float(np.exp(sigma2 / 2))
    return Row(API, 0, 1, 0, 0, np.array([0.0, mean_ns]), LOGNORMAL, sigma2**0.5)
