"""Checks of routing against what requests carry, and against zones: affinity needs something that comes back."""

from collections.abc import Iterator

from sim.scenario.errors import Refusal
from sim.scenario.model import Scenario, pools_of
from sim.serving.routing import Affinity
from sim.workload.attributes import UniqueKeys


def routing(scenario: Scenario, phase: str) -> Iterator[Refusal]:
    """Pools that hold requests by what none of them shares, or all of them do; routers that cannot look at home first.

    scenario: effective in this phase.
    """
    if scenario.phases[phase].serving == "api":
        return
    ways = {name: pools_of(workload) for name, workload in scenario.workloads.items()}
    for name in sorted({pool for way in ways.values() for pool in way} & scenario.pools.keys()):
        chosen, zones = scenario.pools[name].routing, scenario.pools[name].zones
        if zones is not None and zones.prefer_own and chosen not in ("random", "power_of_two"):
            kind = chosen if isinstance(chosen, str) else chosen.kind
            yield Refusal(
                ("pools", name, "zones", "prefer_own"), True,
                f"routing {kind} chooses among all replicas. Type routing: power_of_two or random, or "
                "prefer_own: false.",
            )  # fmt: skip
        if not isinstance(chosen, Affinity):
            continue
        users = [workload for other, workload in scenario.workloads.items() if name in ways[other]]
        where = ("pools", name, "routing", "by")
        if chosen.by == "content" and all(isinstance(workload.keys, UniqueKeys) for workload in users):
            yield Refusal(
                where, chosen.by,
                "every request asks for something else (keys: unique), so that none belongs to a replica. Type "
                "workload.keys={kind: zipf}, or routing: power_of_two.",
            )  # fmt: skip
        if chosen.by == "tenant" and all(workload.tenant_count == 1 for workload in users):
            yield Refusal(
                where, chosen.by,
                "one tenant asks for everything, so that every request belongs to the same replica. Type "
                "workload.tenants.count=20 or more, or routing: power_of_two.",
            )  # fmt: skip
