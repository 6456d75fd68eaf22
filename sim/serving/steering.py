"""A workload as the data plane knows it: what is fixed from the start, and what is steered from phase to phase."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.serving.discipline.caching import LRU, PER_REPLICA, SEMANTIC, SHARED
from sim.serving.discipline.queueing import LEVELS
from sim.serving.discipline.service import CONSTANT
from sim.serving.kernels.state import NEVER


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


def check_priority(steering: Steering, traffic: Traffic) -> None:
    """Raise ValueError for a higher priority than the plane was told of."""
    if steering.priority > traffic.priority:
        raise ValueError(f"priority {steering.priority} where {traffic.priority} was to be the highest")


def check_tenants(tenant: NDArray[np.int32], traffic: Traffic) -> None:
    """Raise ValueError for a tenant that has no bucket."""
    if len(tenant) and not 0 <= int(tenant.min()) <= int(tenant.max()) < traffic.tenants:
        raise ValueError(f"tenants {int(tenant.min())} to {int(tenant.max())} where there are {traffic.tenants}")
