"""How long a replica takes at most from its request to being ready where a new machine must come for it."""

from collections.abc import Iterable

from sim.fleet import cluster_autoscaler, karpenter
from sim.fleet.nodes import ClusterAutoscaler, Karpenter, NodeType
from sim.fleet.plant import Plant


def boot_s(plant: Plant, asked_every_s: float, most: int) -> float:
    """Seconds from a request until ready on a new machine: until somebody launches it, its provisioning, and all parts
    of a start, with the image to be pulled. Quotas, stock-outs and lost zones come on top.

    asked_every_s: between two decisions that may ask; most: replicas there may be. Of shared nodes the longest that may
    come about: a scan just missed, the slowest of the types that would be chosen for 1 ... most pending replicas.
    """
    start_s = sum(plant.startup.spans(plant.model.load_s, plant.model.memory_bytes, pulled=False))
    nodes, machine_s = plant.nodes, plant.machine.provisioning_s
    if isinstance(nodes, Karpenter):
        # a batch goes on while others come within its idle time, as they may where decisions are that close
        window_s = nodes.batch_idle_s if asked_every_s > nodes.batch_idle_s else nodes.batch_max_s
        types = nodes.choice(plant.machine)
        # beyond the largest type, what is left over is as if there were nothing else
        largest = max(node.replicas for node in types)
        return window_s + _slowest_s(types, _chosen(types, min(most, largest))) + start_s
    if isinstance(nodes, ClusterAutoscaler):
        types = nodes.choice(plant.machine)
        chosen = {i for n in range(1, most + 1) for i in cluster_autoscaler.launches(n, types)[:1]}
        return nodes.scan_interval_s + _slowest_s(types, chosen) + start_s
    return machine_s + start_s


def _chosen(types: tuple[NodeType, ...], most: int) -> set[int]:
    return {i for n in range(1, most + 1) for i in karpenter.launches(n, types)}


def _slowest_s(types: tuple[NodeType, ...], chosen: Iterable[int]) -> float:
    return max((types[i].provisioning_s for i in chosen), default=types[0].provisioning_s)
