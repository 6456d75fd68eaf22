"""From phases to rows: which kinds of service a scenario's life passes through, and which one serves whom when."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

from sim.clock.calendar import NS_PER_S, to_ns
from sim.record.pools import Served
from sim.scenario import Scenario
from sim.scenario.model import Pool, StaffedPhase, Workload, pools_of
from sim.serving.admission import AnswerCache, LruCache, SemanticCache, TokenBucket
from sim.serving.batching import AdaptiveBatching
from sim.serving.clients import ExponentialRetry
from sim.serving.discipline.caching import EVICTIONS
from sim.serving.discipline.calls import FULL_JITTER, NO_JITTER, ONE
from sim.serving.discipline.service import DISTRIBUTIONS
from sim.serving.kernels.state import FAILED, NEVER, REJECTED, THROTTLED, TIMED_OUT
from sim.serving.parameters import Api
from sim.serving.rows import Row, api_row, pool_row
from sim.serving.steering import Retry, Steering, Step, Traffic, Users
from sim.serving.waiting import REJECT, EndlessPatience, LognormalPatience
from sim.streams import Streams
from sim.workload.parameters import ClosedLoopWorkload

_FAILURES = {"throttled": THROTTLED, "rejected": REJECTED, "timed_out": TIMED_OUT, "failed": FAILED}
HEADROOM = 2  # places for replicas: twice the most ever asked for, so that as many may drain as serve


@dataclass
class PoolRow:
    """A pool as one or more phases configure it, whatever its autoscaler. managed: rented as a managed endpoint."""

    name: str
    pool: Pool
    slots: int
    managed: bool
    first_slot: int = 0

    @cached_property
    def best_per_s(self) -> float:
        """Best throughput of a replica over the batch sizes that it may form, requests/s."""
        batching, service = self.pool.batching, self.pool.service
        largest_s = batching.target_s if isinstance(batching, AdaptiveBatching) else math.inf
        sizes = range(1, batching.max_batch_size + 1)
        return max(b / service.mean_s(b) for b in sizes if b == 1 or service.mean_s(b) <= largest_s)


@dataclass
class Layout:
    """Rows of the data plane, in order of first use, and the row of each (phase, pool) or phase's API."""

    pools: dict[int, PoolRow]
    rows: list[Row]
    of_pool: dict[tuple[str, str], int]
    of_api: dict[str, int]

    def pool_rows(self, phase: str, effective: Scenario, workload: str) -> dict[str, int]:
        """Rows that a workload's requests pass while the phase lasts, by pool; an API stands for the workload's own."""
        if effective.phases[phase].serving == "api":
            return {effective.workloads[workload].pool: self.of_api[phase]}
        return {pool: self.of_pool[phase, pool] for pool in pools_of(effective.workloads[workload])}

    def rows_of(self, phase: str, effective: Scenario) -> set[int]:
        """Rows of replicas that serve while the phase lasts, for themselves or for a queue that overflows."""
        if effective.phases[phase].serving == "api":
            return set()
        return {self.of_pool[phase, pool] for pool in effective.feeders()}

    def pool_of(self, row: int, effective: Scenario) -> Pool:
        """The pool of a row as a phase configures it, its autoscaler with it."""
        return effective.pools[self.pools[row].name]

    def served(self, effective: dict[str, Scenario]) -> list[Served]:
        """Who serves in each row. effective: each phase's scenario."""
        found = {row: Served(effective[phase].api.name, "api") for phase, row in self.of_api.items()}
        found |= {row: Served(p.name, "managed" if p.managed else "own") for row, p in self.pools.items()}
        return [found[row] for row in range(len(self.rows))]

    def model_of(self, phase: str, effective: Scenario, workload: str) -> str:
        """Name of the model that answers a workload while the phase lasts."""
        if effective.phases[phase].serving == "api":
            return effective.api.name
        return effective.pools[effective.workloads[workload].pool].model.name


def lay_out(effective: dict[str, Scenario]) -> Layout:
    """Rows for a life. effective: each phase's scenario, in order."""
    layout = Layout({}, [], {}, {})
    known: list[tuple[object, int]] = []
    for phase, scenario in effective.items():
        if scenario.phases[phase].serving == "api":
            layout.of_api[phase] = _api(layout, known, scenario.api)
            continue
        managed = scenario.phases[phase].serving == "managed"
        pools = {name: scenario.pools[name] for name in scenario.feeders()}
        # those first that others overflow to
        for name in sorted(pools, key=lambda name: pools[name].queue.overflow != REJECT):
            overflow = layout.of_pool.get((phase, pools[name].queue.overflow), -1)
            layout.of_pool[phase, name] = _pool(layout, known, name, pools[name], managed, overflow)
    first = 0
    for index, entry in layout.pools.items():
        pool = entry.pool
        layout.rows[index] = _row(pool, entry.slots, layout.rows[index].overflow)
        entry.first_slot = first
        first += layout.rows[index].slots
    return layout


def _api(layout: Layout, known: list[tuple[object, int]], api: Api) -> int:
    for key, index in known:
        if key == api:
            return index
    layout.rows.append(api_row(api))
    known.append((api, len(layout.rows) - 1))
    return len(layout.rows) - 1


def _pool(
    layout: Layout, known: list[tuple[object, int]], name: str, pool: Pool, managed: bool, overflow: int
) -> int:  # fmt: skip
    """Index of the row; two phases share one where nothing but the autoscaler, its scrapes and its terms differ.

    A managed endpoint's machines are its provider's, so that own replicas are always others. overflow: row that its
    queue overflows to, -1 for none.
    """
    request_path = (
        name, managed, pool.machine, pool.model, pool.service, pool.batching, pool.queue, pool.routing, pool.zones,
        overflow, pool.startup, pool.nodes, pool.grace_s, pool.supply, pool.spot, pool.failures,
    )  # fmt: skip
    slots = HEADROOM * max(1, pool.autoscaler.max_replicas)
    for key, index in known:
        if key == request_path:
            layout.pools[index].slots = max(layout.pools[index].slots, slots)
            return index
    index = len(layout.rows)
    layout.rows.append(_row(pool, slots, overflow))
    layout.pools[index] = PoolRow(name, pool, slots, managed)
    known.append((request_path, index))
    return index


def _row(pool: Pool, slots: int, overflow: int) -> Row:
    return pool_row(pool.service, pool.batching, pool.queue, pool.routing, slots, overflow, pool.zones)


def traffic(effective: dict[str, Scenario], workload: str, streams: Streams) -> Traffic:
    """A workload as the data plane knows it from the start: its keys, and the room for the most of any phase."""
    tenants = next(iter(effective.values())).workloads[workload].tenant_count
    return Traffic(
        streams.key(f"exposure/{workload}"), streams.key(f"service/{workload}"), tenants,
        *_cache_room(effective, workload), steps=_most_steps(effective, workload),
        users=_most_users(effective, workload), priority=_highest_priority(effective, workload),
    )  # fmt: skip


def _most_steps(effective: dict[str, Scenario], workload: str) -> int:
    """The most stages that a workload's requests pass in any phase."""
    return max(max(1, len(scenario.workloads[workload].stages)) for scenario in effective.values())


def _most_users(effective: dict[str, Scenario], workload: str) -> int:
    """The most users that a workload has in any phase, 0 where it is no closed loop."""
    loops = (_users(s.workloads[workload], s.phases[phase].exposure) for phase, s in effective.items())
    return max((loop.count for loop in loops if loop is not None), default=0)


def _users(workload: Workload, exposure: float) -> Users | None:
    if not isinstance(workload, ClosedLoopWorkload):
        return None
    think = workload.think
    return Users(round(exposure * workload.users), to_ns(think.mean_s), think.distribution == "exponential")


def _path(workload: Workload, rows: dict[str, int]) -> tuple[Step, ...]:
    places = {name: place for place, name in enumerate(workload.stages)}
    return tuple(
        Step(
            rows[stage.pool or workload.pool], stage.fan_out, 0 if stage.hedge is None else to_ns(stage.hedge.after_s),
            tuple((places[name], share) for name, share in stage.shares.items()),
        )
        for stage in workload.stages.values()
    )  # fmt: skip


def _retry(retry: ExponentialRetry) -> Retry:
    return Retry(
        attempts=retry.max_attempts, on=tuple(_FAILURES[outcome] for outcome in retry.after),
        base_ns=to_ns(retry.base_delay_s), factor=retry.multiplier, most_ns=to_ns(retry.max_delay_s),
        jitter=FULL_JITTER if retry.jitter == "full" else NO_JITTER, budget=round(retry.budget * ONE),
        saved=retry.saved * ONE,
    )  # fmt: skip


def _cache_room(effective: dict[str, Scenario], workload: str) -> tuple[int, int, bool]:
    """The most that a workload's response cache holds in any phase, that each replica's own does, and whether any of
    them evicts otherwise than LRU.
    """
    nodes = [scenario.workloads[workload].cache for scenario in effective.values()]
    caches = [cache for cache in nodes if isinstance(cache, AnswerCache)]
    shared, replica = (
        max((cache.most_entries for cache in caches if cache.scope == scope), default=0)
        for scope in ("shared", "replica")
    )
    return shared, replica, any(not isinstance(cache, LruCache) for cache in caches)


def _highest_priority(effective: dict[str, Scenario], workload: str) -> int:
    """The highest priority that a workload's requests have in any phase."""
    return max(scenario.workloads[workload].priority for scenario in effective.values())


def steering(phase: StaffedPhase, workload: Workload, rows: dict[str, int]) -> Steering:
    """How a workload's requests fare while a phase lasts. rows: by pool, who serves there then; the workload's own pool
    is the API where one serves.
    """
    timeout_ns, slo_ns = to_ns(workload.timeout_s), to_ns(workload.slo.latency_s)
    steered = Steering(
        rows[workload.pool], phase.exposure, timeout_ns, slo_ns, priority=workload.priority,
        users=_users(workload, phase.exposure),
    )  # fmt: skip
    if phase.serving != "api" and workload.stages:
        steered = replace(steered, path=_path(workload, rows))
    if isinstance(workload.retry, ExponentialRetry):
        steered = replace(steered, retry=_retry(workload.retry))
    bucket, cache, patience = workload.admission, workload.cache, workload.patience
    if not isinstance(patience, EndlessPatience):
        spread = patience.cv if isinstance(patience, LognormalPatience) else 0.0
        steered = replace(
            steered, patience_mean_ns=patience.mean_s * NS_PER_S, patience_sigma=math.sqrt(math.log1p(spread**2)),
            patience_distribution=DISTRIBUTIONS[patience.kind],
        )  # fmt: skip
    if isinstance(bucket, TokenBucket):
        steered = replace(steered, token_ns=max(1, round(NS_PER_S / bucket.rate_per_s)), burst=bucket.burst)
    if isinstance(cache, AnswerCache):
        steered = replace(
            steered, cache_entries=cache.most_entries, ttl_ns=NEVER if cache.ttl_s is None else to_ns(cache.ttl_s),
            hit_ns=to_ns(cache.hit_latency_s), eviction=EVICTIONS[cache.kind], per_replica=cache.scope == "replica",
            cache_bytes=int(cache.memory_bytes or 0), entry_bytes=cache.entry_bytes,
            entry_sigma=math.sqrt(math.log1p(cache.entry_cv**2)),
        )  # fmt: skip
    elif isinstance(cache, SemanticCache):
        steered = replace(
            steered, hit_ns=to_ns(cache.hit_latency_s), semantic_hit=cache.hit, semantic_wrong=cache.wrong
        )
    return steered
