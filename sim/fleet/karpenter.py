"""What Karpenter decides, as pure functions of how many replicas stand where.

Source: kubernetes-sigs/karpenter 1.x (pkg/controllers/provisioning, pkg/controllers/disruption, pkg/apis/v1 NodePool).
Quirks kept: pending replicas fill as few nodes as the largest type allows, and each node is then the cheapest type that
holds what is on it; a budget in per cent is rounded up, so that it never blocks a pool with one node; empty nodes go
first, then the node that disturbs the fewest replicas goes, when they fit elsewhere, or elsewhere together with one
cheaper node, which is launched and waited for before the old one drains; spot nodes are only deleted, never replaced
(SpotToSpotConsolidation is off by default). Left out: consolidation of several nodes into one, drift, expiry, the 15 s
of validation before a disruption, pod disruption budgets, budgets with schedules and reasons.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from sim.fleet.cluster_autoscaler import NodeView
from sim.fleet.nodes import NodeType


class Consolidation(NamedTuple):
    """A node that goes, and the place in `types` of the one that is launched for it first (None: none)."""

    number: int
    replacement: int | None


def cheapest(used: int, types: Sequence[NodeType]) -> int | None:
    """Place of the cheapest type with room for so many replicas, the first of those; None when none has."""
    fitting = [i for i, node in enumerate(types) if node.replicas >= used]
    return min(fitting, key=lambda i: (types[i].price_usd_per_h, i)) if fitting else None


def launches(pending: int, types: Sequence[NodeType]) -> list[int]:
    """Places in `types` of the nodes to launch for `pending` replicas of one zone."""
    largest, chosen = max(node.replicas for node in types), list[int]()
    while pending > 0:
        used = min(pending, largest)
        best = cheapest(used, types)
        assert best is not None
        chosen.append(best)
        pending -= used
    return chosen


def allowed(nodes: int, budget: float) -> int:
    """How many of so many nodes may be disrupted at once."""
    return math.ceil(nodes * budget - 1e-9)


def consolidate(
    nodes: Sequence[NodeView], types: Sequence[NodeType], may_disrupt: int, only_empty: bool
) -> list[Consolidation]:
    """Nodes that go now. nodes: ready; those whose quiet time is not over have quiet_since_ns < 0 and only take others
    in; may_disrupt: how many, at most.
    """
    candidates = [node for node in nodes if node.quiet_since_ns >= 0]
    empty = [Consolidation(node.number, None) for node in candidates if not node.used]
    if empty or only_empty or may_disrupt <= 0:
        return empty[: max(may_disrupt, 0)]
    for node in sorted(candidates, key=lambda n: (n.used, n.number)):
        room = sum(n.room for n in nodes if n.zone == node.zone and n.number != node.number)
        if node.used <= room:
            return [Consolidation(node.number, None)]
        best = cheapest(node.used - room, types)
        if best is not None and types[best].price_usd_per_h < node.price_usd_per_h and not node.spot:
            return [Consolidation(node.number, best)]
    return []
