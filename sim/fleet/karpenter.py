"""What Karpenter decides, as pure functions of how many replicas stand where.

Source: kubernetes-sigs/karpenter 1.x (pkg/controllers/provisioning, pkg/controllers/disruption, pkg/apis/v1 NodePool).
Quirks kept: pending replicas fill as few nodes as the largest type allows, and each node is then the cheapest type that
holds what is on it; a budget in per cent is rounded up, so that it never blocks a pool with one node; empty nodes go
first, then as many nodes at once as binary search finds, of those that disturb the fewest replicas, then one of them,
when their replicas fit elsewhere, or elsewhere together with one cheaper node, which is launched and waited for before
the old ones drain; several are never replaced by one of a type among them that is not cheaper, as that one could stay;
the search misses a number of nodes that would pay where a smaller one does not; spot nodes are only deleted, never
replaced (SpotToSpotConsolidation is off by default). Left out: drift, expiry, the 15 s of validation before a
disruption, pod disruption budgets, budgets with schedules and reasons.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from sim.fleet.cluster_autoscaler import NodeView
from sim.fleet.nodes import NodeType

_AT_ONCE = 100  # nodes, at most: multinodeconsolidation.go, "a maximum batch of 100 NodeClaims"


class Merger(NamedTuple):
    """Several nodes that go, and the place in `types` of the one that is launched for them in `zone` first (None: none,
    as what is on them fits on others).
    """

    numbers: tuple[int, ...]
    replacement: int | None
    zone: int


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


def merge(nodes: Sequence[NodeView], types: Sequence[NodeType], may_disrupt: int) -> Merger | None:
    """At least two nodes that go at once, for at most one other; None where there are none, or where empty ones go
    first. See `consolidate`.
    """
    candidates = sorted((n for n in nodes if n.quiet_since_ns >= 0), key=lambda n: (n.used, n.number))
    if candidates and not candidates[0].used:
        return None
    candidates = candidates[: min(max(may_disrupt, 0), _AT_ONCE)]
    found, low, high = None, 2, len(candidates)
    while low <= high:
        middle = (low + high) // 2
        merger = _merger(candidates[:middle], nodes, types)
        if merger is None:
            high = middle - 1
        else:
            found, low = merger, middle + 1
    return found


def _merger(going: Sequence[NodeView], nodes: Sequence[NodeView], types: Sequence[NodeType]) -> Merger | None:
    """How all of these could go at once, if they can."""
    numbers = tuple(node.number for node in going)
    homeless = []
    for zone in dict.fromkeys(node.zone for node in going):
        room = sum(node.room for node in nodes if node.zone == zone and node.number not in numbers)
        left = sum(node.used for node in going if node.zone == zone) - room
        if left > 0:
            homeless.append((left, zone))
    if not homeless:
        return Merger(numbers, None, going[0].zone)
    if len(homeless) > 1 or all(node.spot for node in going):
        return None
    left, zone = homeless[0]
    total = sum(node.price_usd_per_h for node in going)
    options = [i for i, kind in enumerate(types) if kind.replicas >= left and kind.price_usd_per_h < total]
    kinds = {types[i].name for i in options}
    limit = min((node.price_usd_per_h for node in going if node.kind in kinds), default=math.inf)
    cheaper = [i for i in options if types[i].price_usd_per_h < limit]
    best = min(cheaper, key=lambda i: (types[i].price_usd_per_h, i), default=None)
    return None if best is None else Merger(numbers, best, zone)
