"""What a data plane is: the layout it is built from, and what the control plane may ask of it.

Two engines keep this meaning: `sim.serving.exact` (compiled) and `sim.serving.reference` (one SimPy process a request).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.serving.batching import AdaptiveBatching, BatchFormation, Batching
from sim.serving.discipline.caching import LRU, PER_REPLICA, SEMANTIC, SHARED
from sim.serving.discipline.queueing import LEVELS
from sim.serving.discipline.service import CONSTANT, DISTRIBUTIONS, LOGNORMAL
from sim.serving.kernels.state import (
    AFFINITY,
    API,
    BY_CONTENT,
    BY_TENANT,
    LEAST_OUTSTANDING,
    NEVER,
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

_WORD = (1 << 64) - 1
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


@dataclass(frozen=True)
class Traffic:
    """One workload as the data plane knows it: the keys of its draws, and the room that its state takes.

    tenants: each has a token bucket; cache_entries, replica_entries: the most that its cache will ever hold, and that
    of each replica (0: it never has one); cache_ghosts: whether any of them evicts otherwise than LRU; steps: stages on
    its path; users: the most that it will ever have; priority: the highest that its requests will ever have.
    """

    exposure_key: np.uint64
    service_key: np.uint64
    tenants: int = 1
    cache_entries: int = 0
    replica_entries: int = 0
    cache_ghosts: bool = False
    steps: int = 1
    users: int = 0
    priority: int = 0


@dataclass(frozen=True)
class Step:
    """A stage on a request's way: which row serves it, in how many shards, and where it goes from there.

    fan_out: shards, each served by itself, the slowest of which decides; hedge_ns: after which a shard is sent a second
    time, and the first answer counts (0: never); then: (place in the path, share of the requests that go there) of the
    stages that may follow, all behind this one; the others have been answered.
    """

    row: int
    fan_out: int = 1
    hedge_ns: int = 0
    then: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Retry:
    """What a client does about an attempt that failed.

    attempts: at most, the first included; on: outcomes after which it tries again; base_ns, factor, most_ns, jitter: of
    its back-off, see `sim.serving.discipline.calls.backoff_ns`; budget: retries allowed for each request on
    average, in millionths; saved: of these, the most that can be saved up.
    """

    attempts: int
    on: tuple[int, ...]
    base_ns: int
    factor: float
    most_ns: int
    jitter: int
    budget: int
    saved: int


@dataclass(frozen=True)
class Users:
    """A closed loop: so many users, each of whom asks again after having thought. exponential: or always as long."""

    count: int
    think_ns: int
    exponential: bool


@dataclass(frozen=True)
class Steering:
    """Where a workload's requests go, who is let in, what answers them and how they are judged, from now on.

    row: of service; exposure: share let in; timeout_ns, slo_ns: latency at which a request gives up, and is good;
    token_ns, burst: of each tenant's token bucket (nanoseconds a token, 0: no bucket; tokens that it holds when full);
    cache_entries, ttl_ns, hit_ns: capacity (0: no cache), time to live and latency of the response cache; path: the
    stages that requests pass, the first one first, where there is more than `row` to it; retry: what clients do about
    a failure; users: who asks, in a closed loop; priority: rank in queues, the highest first; patience_mean_ns: in a
    queue (0: to the deadline), with its distribution (see `sim.serving.discipline.service`) and the sigma of its
    logarithm (a call has no patience but its timeout); eviction, per_replica: LRU, LFU or S3FIFO, and whether each
    replica has a cache of its own; cache_bytes, entry_bytes, entry_sigma: capacity in bytes besides (0: in answers
    alone), mean size of an answer, and spread of its logarithm; semantic_hit, semantic_wrong: of a semantic cache
    instead, probabilities that it answers, and that it answers wrongly.
    Raises ValueError for what no plane can do.
    """

    row: int
    exposure: float
    timeout_ns: int
    slo_ns: int
    token_ns: int = 0
    burst: int = 0
    cache_entries: int = 0
    ttl_ns: int = NEVER
    hit_ns: int = 0
    path: tuple[Step, ...] = ()
    retry: Retry | None = None
    users: Users | None = None
    priority: int = 0
    patience_mean_ns: float = 0.0
    patience_distribution: int = CONSTANT
    patience_sigma: float = 0.0
    eviction: int = LRU
    per_replica: bool = False
    cache_bytes: int = 0
    entry_bytes: float = 1.0
    entry_sigma: float = 0.0
    semantic_hit: float = 0.0
    semantic_wrong: float = 0.0

    def __post_init__(self) -> None:
        whole = (self.token_ns, self.burst, self.cache_entries, self.hit_ns, self.cache_bytes)
        if min(whole) < 0 or self.ttl_ns <= 0 or self.entry_bytes <= 0 or self.entry_sigma < 0:
            raise ValueError(f"limits below zero: {self}")
        if not 0 <= self.semantic_wrong <= self.semantic_hit <= 1:
            raise ValueError(f"{self.semantic_hit} of requests answered, and {self.semantic_wrong} wrongly")
        if self.semantic_hit and self.cache_entries:
            raise ValueError("a cache is semantic or holds answers, not both")
        if self.token_ns > 0 and self.burst == 0:
            raise ValueError("a token bucket that holds no token lets nobody in")
        if not 0 <= self.priority < LEVELS or self.patience_mean_ns < 0.0:
            raise ValueError(f"no such priority or patience: {self}")

    @property
    def calls(self) -> bool:
        """Whether requests are calls: their clients react, or their way is longer than one visit to a row."""
        return bool(self.path) or self.retry is not None or self.users is not None

    @property
    def ahead_ns(self) -> int:
        """How far a burst may run ahead of the bucket's rate, ns; cut where 64-bit times would overflow (73 years)."""
        return min(max(0, self.burst - 1) * self.token_ns, NEVER // 4)

    @property
    def cache_kind(self) -> int:
        """Where requests look for an answer, see `sim.serving.discipline.caching`."""
        if self.semantic_hit:
            return SEMANTIC
        return (PER_REPLICA if self.per_replica else SHARED) if self.cache_entries else 0


STEERED = (
    "row", "exposure", "timeout_ns", "slo_ns", "token_ns", "ahead_ns", "cache_entries", "ttl_ns", "hit_ns", "calls",
    "priority", "patience_mean_ns", "patience_distribution", "patience_sigma",
    "cache_kind", "eviction", "cache_bytes", "entry_bytes", "entry_sigma", "semantic_hit", "semantic_wrong",
)  # fmt: skip
"""What a workload's counters hold of its `Steering`."""


def steer_calls(wl: Any, steering: Steering) -> None:
    """Set what a workload's counters hold of its clients' behaviour."""
    retry, users = steering.retry, steering.users
    wl["most_attempts"], wl["retry_on"] = 1, 0
    if retry is not None:
        wl["most_attempts"], wl["retry_on"] = retry.attempts, sum(1 << outcome for outcome in retry.on)
        wl["backoff_ns"], wl["backoff_most_ns"] = retry.base_ns, retry.most_ns
        wl["backoff_factor"], wl["jitter"] = retry.factor, retry.jitter
        if wl["budget_most"] != retry.saved:
            wl["budget"] = retry.saved
        wl["budget_each"], wl["budget_most"] = retry.budget, retry.saved
    if users is not None:
        wl["think_ns"], wl["think_exponential"] = users.think_ns, int(users.exponential)


def check_entries(steering: Steering, traffic: Traffic) -> None:
    """Raise ValueError for a cache larger than the plane has room for."""
    room = traffic.replica_entries if steering.per_replica else traffic.cache_entries
    if steering.cache_entries > room:
        raise ValueError(f"{steering.cache_entries} cache entries where there is room for {room}")
    if steering.cache_entries and steering.eviction != LRU and not traffic.cache_ghosts:
        raise ValueError("an eviction that is not LRU where there is no room for ghosts")


def forgets(wl: Any, steering: Steering) -> bool:
    """Whether a workload's caches lose all that they hold under new terms: nobody looks there any more, another answer
    leaves first, or what is counted is another thing (answers or bytes). wl: its counters, under the old terms.
    """
    old = (int(wl["cache_kind"]), int(wl["eviction"]), bool(wl["cache_bytes"]))
    return old != (steering.cache_kind, steering.eviction, bool(steering.cache_bytes))


def check_rows(rows: list[Row]) -> None:
    """Raise ValueError for a row that overflows to one that is not there, has no replicas or overflows itself."""
    for row in rows:
        if row.overflow >= 0 and (
            row.overflow >= len(rows) or rows[row.overflow].kind == API or rows[row.overflow].overflow >= 0
        ):
            raise ValueError(f"a row overflows to row {row.overflow}, which cannot take it")


def check_priority(steering: Steering, traffic: Traffic) -> None:
    """Raise ValueError for a higher priority than the plane was told of."""
    if steering.priority > traffic.priority:
        raise ValueError(f"priority {steering.priority} where {traffic.priority} was to be the highest")


def check_tenants(tenant: NDArray[np.int32], traffic: Traffic) -> None:
    """Raise ValueError for a tenant that has no bucket."""
    if len(tenant) and not 0 <= int(tenant.min()) <= int(tenant.max()) < traffic.tenants:
        raise ValueError(f"tenants {int(tenant.min())} to {int(tenant.max())} where there are {traffic.tenants}")


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


class Areas:
    """Time integrals (count x ns) of what is going on, from the wrapped sums of `sim.serving.kernels.state`.

    Each is read often enough that it grows by less than 2**64 in between (once a day at the least: with fewer than
    200,000 requests or replicas going on all day), and so may outgrow 64 bits itself.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], tuple[int, int]] = {}

    def upto(self, what: tuple[str, int], n: int, flow: int, t_ns: int) -> int:
        """The integral up to `t_ns` of something of which `n` are going on and whose flow is `flow`."""
        wrapped = (int(n) * t_ns - int(flow)) & _WORD
        last, total = self._seen.get(what, (0, 0))
        total += (wrapped - last) & _WORD
        self._seen[what] = (wrapped, total)
        return total


class Plane(Protocol):
    """The request path between two control events.

    workloads, rows: structured arrays of counters (`sim.serving.kernels.state`), read by the recorder.
    on_drained: called with a slot at the instant its draining replica has run empty; on_woken: called with a row that
    is armed, after all arrivals of the instant at which the first request asked it to be served.
    """

    on_drained: Callable[[int], None]
    on_woken: Callable[[int], None]

    @property
    def workloads(self) -> NDArray[Any]:
        """Counters by workload."""

    @property
    def rows(self) -> NDArray[Any]:
        """Counters by row."""

    def offer(
        self, w: int, first_id: int, arrival_ns: NDArray[np.int64], prompt: NDArray[np.int32] | None,
        output: NDArray[np.int32] | None, key: NDArray[np.int64] | None = None,
        tenant: NDArray[np.int32] | None = None,
    ) -> None:  # fmt: skip
        """Hand over the workload's next arrivals (sorted, not before any handed over earlier).

        key: of each request's content, None where no two are alike; tenant: None where there is but one, 0. Raises
        ValueError for a tenant beyond `Traffic.tenants`.
        """

    def advance(self, until_ns: int, through_rank: int) -> bool:
        """Play all request events up to (until_ns, through_rank); False when a control event came up before that."""

    def ready(self, slot: int) -> None:
        """The slot's new replica takes requests from now on."""

    def drain(self, slot: int) -> bool:
        """The slot's replica takes no more requests; True when it is empty already."""

    def fail(self, slot: int) -> None:
        """The slot's replica, ready or draining, dies: its slot is free, and `on_drained` will not tell of it.

        Those queued at it or in service there fail now, but for those whose deadline (or patience, in the queue) has
        passed, who have timed out. A call's attempt fails with any of its shards of which no other copy is left. Who
        waits in a shared queue goes on waiting. Nothing happens where the slot is free already.
        """

    def open(self, row: int) -> None:
        """Arrivals may come to this row, again perhaps."""

    def close(self, row: int) -> None:
        """No more arrivals will come to this row."""

    def arm(self, row: int, on: bool) -> None:
        """Whether the next request that asks a row to be served is told of, once, by `on_woken`; not those of an API.

        Nothing else happens to the request: it waits in a shared queue, or is refused where no replica is ready. A
        wake-up that is due at this very instant still comes.
        """

    def expire(self, row: int) -> None:
        """Drop from a row's shared queue those who have timed out; for a row that no replica serves any more."""

    def steer(self, w: int, steering: Steering) -> None:
        """Set what happens to a workload's requests from now on.

        Token buckets keep what they hold; a cache keeps as many entries as there is room for, those that it would evict
        go first, but none where `forgets` says so. Raises ValueError for more entries than `Traffic.cache_entries`.
        """

    def empty_cache(self, w: int) -> None:
        """Throw away all answers of a workload's cache: a new model gives others."""

    def scrape(self, row: int, sample: NDArray[np.int64]) -> None:
        """Fill [slots + 1, FIELDS], see `sim.record.scrape`."""

    def look_ahead(self, row: int, first_ns: int, interval_ns: int, samples: NDArray[np.int64]) -> bool:
        """Play on to len(samples) scrapes of a row, the first at `first_ns`, with no control event in between.

        False, and nothing has happened, where that cannot be done. What was played stands unless `go_back` follows.
        """

    def go_back(self, t_ns: int) -> None:
        """Be at `t_ns`, just before the scrapes of that instant, instead of where the last `look_ahead` led."""

    def take_histogram(self, w: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Non-empty latency buckets and their counts since the last call."""

    def take_row_histogram(self, row: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Non-empty buckets of the times of visits to a row, and their counts, since the last call."""

    def take_log(self) -> NDArray[Any]:
        """Log entries since the last call (dtype LOG), of the share of requests that the log keeps."""

    def finish(self, end_ns: int) -> float:
        """The horizon: whoever is still in the system has timed out by now or stays in the system.

        Returns the seconds that those who stay have spent there, all together.
        """
