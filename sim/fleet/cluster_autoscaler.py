"""What the Kubernetes cluster autoscaler decides, as pure functions of how many replicas stand where.

Source: kubernetes/autoscaler, cluster-autoscaler 1.30 (FAQ; core/scaleup, core/scaledown/eligibility, expander/waste).
Quirks kept: nodes are for replicas that are pending beyond the room of nodes on their way; the type that leaves the
smallest share of its places empty is chosen (expander least-waste), the cheaper of two, the first of those; a node is
unneeded while less than the threshold of it is in use (exactly the threshold is too much) and all that is on it finds
room elsewhere, where two unneeded nodes may not count on the same room nor on each other; after the unneeded time empty
nodes go together, others one a scan. Left out: node groups' own limits, --max-node-provision-time, drain failures,
pod disruption budgets and the simulator's other predicates, scale-down-delay-after-delete and after-failure.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sim.fleet.nodes import NodeType


class NodeView(NamedTuple):
    """A node that is ready and not on its way out. zone: its place among the pool's; used, places: replicas on it, and
    how many it has room for; price_usd_per_h: as it is billed; quiet_since_ns: when anything last changed on it; kind:
    name of its type.
    """

    number: int
    zone: int
    used: int
    places: int
    price_usd_per_h: float = 0.0
    quiet_since_ns: int = 0
    spot: bool = False
    kind: str = ""

    @property
    def room(self) -> int:
        """Places that are free."""
        return self.places - self.used


def launches(pending: int, types: Sequence[NodeType]) -> list[int]:
    """Places in `types` of the nodes to launch for `pending` replicas of one zone: all of one type."""
    if pending <= 0:
        return []

    def waste(i: int) -> tuple[float, float, int]:
        nodes = -(-pending // types[i].replicas)
        return (1.0 - pending / (nodes * types[i].replicas), nodes * types[i].price_usd_per_h, i)

    best = min(range(len(types)), key=waste)
    return [best] * -(-pending // types[best].replicas)


def unneeded(nodes: Sequence[NodeView], threshold: float) -> list[int]:
    """Numbers of the nodes that could go: little used, and what is on them fits on the others. In order of number,
    empty ones first, as candidates are tried.
    """
    room = {node.number: node.room for node in nodes}
    taken_in: set[int] = set()
    going: list[int] = []
    for node in sorted(nodes, key=lambda n: (n.used > 0, n.number)):
        if node.used and (node.used >= threshold * node.places or node.number in taken_in):
            continue
        hosts = [n for n in nodes if n.zone == node.zone and n.number not in (node.number, *going)]
        if node.used > sum(room[n.number] for n in hosts):
            continue
        left = node.used
        for host in hosts:
            moved = min(left, room[host.number])
            room[host.number] -= moved
            left -= moved
            if moved:
                taken_in.add(host.number)
        going.append(node.number)
    return going
