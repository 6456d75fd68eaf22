"""Checks of the response caches that replicas have of their own: there are replicas, and all fit in memory."""

from collections.abc import Iterator, Mapping

from sim.scenario.errors import Refusal
from sim.scenario.model import Scenario
from sim.serving.admission import MAX_ENTRIES, AnswerCache

_PLACES = 2  # for each replica: as many may drain as serve


def replicas(scenario: Scenario, phase: str) -> Iterator[Refusal]:
    """A cache in each replica of an API, or behind a queue that all replicas share. scenario: of one phase."""
    for name, workload in scenario.workloads.items():
        cache, pool = workload.cache, scenario.pools.get(workload.pool)
        if not isinstance(cache, AnswerCache) or cache.scope == "shared" or pool is None:
            continue
        path = ("workloads", name, "cache", "scope")
        if scenario.phases[phase].serving == "api":
            yield Refusal(
                path, cache.scope,
                f"{scenario.api.name} serves phase {phase}, which has no replicas here. Type shared, or "
                f"phases.{phase}.override.cache.scope=shared, or phases.{phase}.serving=pool.",
            )  # fmt: skip
        elif pool.routing == "shared_queue":
            yield Refusal(
                path, cache.scope,
                f"pool {workload.pool} has one queue for all replicas, and a request meets its replica behind it. Type "
                "shared, or pool.routing=least_outstanding.",
            )  # fmt: skip


def room(phases: Mapping[str, Scenario]) -> Iterator[Refusal]:
    """The caches of all replicas fit into the memory of a run. phases: effective scenarios, in order."""
    served = [scenario for name, scenario in phases.items() if scenario.phases[name].serving != "api"]
    most = sum(pool.autoscaler.max_replicas for scenario in served for pool in scenario.pools.values())
    for name in dict.fromkeys(name for scenario in served for name in scenario.workloads):
        caches = [scenario.workloads[name].cache for scenario in served]
        own = [cache for cache in caches if isinstance(cache, AnswerCache) and cache.scope == "replica"]
        entries = max((cache.most_entries for cache in own), default=0)
        if entries * most * _PLACES > MAX_ENTRIES:
            key = "capacity" if own[0].capacity is not None else "memory"
            yield Refusal(
                ("workloads", name, "cache", key), own[0].capacity or own[0].memory_bytes,
                f"up to {entries:,} answers in each of up to {most:,} replicas over all pools and phases, and a run "
                f"has room for {MAX_ENTRIES // _PLACES:,} in all. Type a smaller {key}, or fewer max_replicas.",
            )  # fmt: skip
