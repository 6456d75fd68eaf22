"""Parameters of where replicas run: each on a machine of its own, or several on a node that somebody provisions."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.config import Count, Parameters, PositiveSeconds, Seconds, Share, UsdPerHour
from sim.fleet.parameters import Machine
from sim.policy.bounds import Period

MOST_PLACES = 1000  # assumption: above what a node holds (kubelet --max-pods: 110 by default, 250 in large clusters)
MOST_TYPES = 50  # assumption: as many as anybody lists by hand
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")  # no space: "a spot" is the spot machine of a
Places = Annotated[Count, Field(ge=1, le=MOST_PLACES)]


class NodeType(Parameters):
    """A machine type that holds several replicas: its name (the sku of its ledger lines), how many, its price on demand
    and the time from request to a booted node.
    """

    name: str
    replicas: Places
    price_usd_per_h: UsdPerHour
    provisioning_s: Seconds


class OwnNodes(Parameters):
    """A machine for each replica, asked for and given back with it."""

    kind: Literal["own"] = "own"


class SharedNodes(Parameters):
    """Nodes with room for several replicas, billed whether their room is used or not.

    replicas: places on a `pool.machine`; types: to choose among instead of that machine (none: that alone).
    """

    replicas: Places = 1  # assumption: an accelerator is not shared
    types: Annotated[tuple[NodeType, ...], Field(max_length=MOST_TYPES)] = ()

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        names = [node.name for node in self.types]
        nameless = next((name for name in names if not _NAME.match(name)), None)
        if nameless is not None:
            raise ValueError(
                f"a node type is called {nameless!r}, which is not a name for the lines of its cost. Type letters, "
                "digits, dots, hyphens and underscores, such as g6.12xlarge."
            )
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two node types are called {twice}. Type a name of its own for each.")
        if self.types and "replicas" in self.model_fields_set and self.replicas != 1:
            raise ValueError("replicas belongs to pool.machine, which types replace. Type replicas inside each type.")
        return self

    def choice(self, machine: Machine) -> tuple[NodeType, ...]:
        """The types that there are to choose among."""
        own = NodeType(
            name=machine.name, replicas=self.replicas, price_usd_per_h=machine.price_usd_per_h,
            provisioning_s=machine.provisioning_s,
        )  # fmt: skip
        return self.types or (own,)


class ClusterAutoscaler(SharedNodes):
    """Nodes as the Kubernetes cluster autoscaler provisions them; see `sim.fleet.cluster_autoscaler`.

    scan_interval_s: between looks at the cluster; unneeded_time_s: how long a node must be unneeded to go;
    utilisation_threshold: below which share of its places in use a node may be unneeded; delay_after_add_s: no node
    goes for so long after one was added; max_empty_bulk_delete: empty nodes that go in one scan.
    """

    kind: Literal["cluster_autoscaler"] = "cluster_autoscaler"
    # Defaults of kubernetes/autoscaler 1.30, FAQ, "What are the parameters to CA?": --scan-interval 10s,
    # --scale-down-unneeded-time 10m, --scale-down-utilization-threshold 0.5, --scale-down-delay-after-add 10m,
    # --max-empty-bulk-delete 10
    scan_interval_s: Period = 10.0
    unneeded_time_s: Seconds = 600.0
    utilisation_threshold: Share = 0.5
    delay_after_add_s: Seconds = 600.0
    max_empty_bulk_delete: Annotated[Count, Field(ge=1, le=10_000)] = 10


class Karpenter(SharedNodes):
    """Nodes as Karpenter provisions and consolidates them; see `sim.fleet.karpenter`.

    batch_idle_s, batch_max_s: pending replicas are collected until none came for so long, and for so long at most;
    consolidation: when a node may be disrupted; consolidate_after_s: once nothing has changed on it for so long;
    budget: share of the nodes that may be disrupted at once, rounded up; poll_s: between looks for such nodes.
    """

    kind: Literal["karpenter"] = "karpenter"
    # kubernetes-sigs/karpenter, pkg/operator/options: BATCH_IDLE_DURATION 1s, BATCH_MAX_DURATION 10s
    batch_idle_s: PositiveSeconds = 1.0
    batch_max_s: PositiveSeconds = 10.0
    # NodePool v1: consolidationPolicy WhenEmptyOrUnderutilized, consolidateAfter 0s, budgets [{nodes: 10%}]
    consolidation: Literal["when_empty_or_underutilised", "when_empty", "never"] = "when_empty_or_underutilised"
    consolidate_after_s: Seconds = 0.0
    budget: Share = 0.1
    poll_s: Period = 10.0  # pkg/controllers/disruption: pollingPeriod 10 s

    @model_validator(mode="after")
    def _a_window(self) -> Self:
        if self.batch_max_s < self.batch_idle_s:
            raise ValueError(
                f"batch_max {self.batch_max_s:g} s is shorter than batch_idle {self.batch_idle_s:g} s. Type a longer "
                "batch_max, or a shorter batch_idle."
            )
        return self


Nodes = Annotated[OwnNodes | ClusterAutoscaler | Karpenter, Field(discriminator="kind")]
