"""The two autoscalers of nodes: when they look, and what becomes of what they decide."""

from collections.abc import Iterator, Sequence

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.fleet import cluster_autoscaler, karpenter
from sim.fleet.chance import Key
from sim.fleet.machines import Machines, Tenants
from sim.fleet.nodes import ClusterAutoscaler, Karpenter
from sim.fleet.plant import Plant
from sim.fleet.shared import SharedMachines
from sim.fleet.stock import ORDER, Event, Node


class ClusterAutoscalerMachines(SharedMachines):
    """Nodes as the Kubernetes cluster autoscaler adds and removes them."""

    def __init__(
        self, clock: Clock, plant: Plant, name: str, tenants: Tenants, event: Event, key: Key, zones: Sequence[str],
        numbers: Iterator[int],
    ) -> None:  # fmt: skip
        """See `Machines`."""
        super().__init__(clock, plant, name, tenants, event, key, zones, numbers)
        assert isinstance(plant.nodes, ClusterAutoscaler)
        self._terms = plant.nodes
        self._scan_ns = to_ns(plant.nodes.scan_interval_s)
        self._unneeded_since: dict[int, int] = {}
        self._may_remove_ns = 0

    def _launches(self, pending: int) -> list[int]:
        return cluster_autoscaler.launches(pending, self._types)

    def _more_pending(self) -> None:
        self._changed()

    def _changed(self) -> None:
        self._look_at(self._next(self._scan_ns))

    def _look(self) -> None:
        now = self._clock.now
        if self._launch_for_pending():
            self._may_remove_ns = now + to_ns(self._terms.delay_after_add_s)
        going = cluster_autoscaler.unneeded(self._views(), self._terms.utilisation_threshold)
        self._unneeded_since = {number: self._unneeded_since.get(number, now) for number in going}
        ends = {n: since + to_ns(self._terms.unneeded_time_s) for n, since in self._unneeded_since.items()}
        due = [self._nodes[n] for n in going if now >= max(ends[n], self._may_remove_ns)]
        empty = [node for node in due if not node.tenants]
        for node in empty[: self._terms.max_empty_bulk_delete] or due[:1]:
            del ends[node.number]
            self._empty(node)
        if ends:
            self._look_at(self._next(self._scan_ns, max(min(ends.values()), self._may_remove_ns)))


class KarpenterMachines(SharedMachines):
    """Nodes as Karpenter provisions and consolidates them."""

    def __init__(
        self, clock: Clock, plant: Plant, name: str, tenants: Tenants, event: Event, key: Key, zones: Sequence[str],
        numbers: Iterator[int],
    ) -> None:  # fmt: skip
        """See `Machines`."""
        super().__init__(clock, plant, name, tenants, event, key, zones, numbers)
        assert isinstance(plant.nodes, Karpenter)
        self._terms = plant.nodes
        self._poll_ns = to_ns(plant.nodes.poll_s)
        self._window: tuple[int, int] | None = None  # first and last replica of the batch that is being collected, ns
        self._replaces: dict[int, tuple[Node, ...]] = {}  # by number of the node that is launched: those that then go

    def _launches(self, pending: int) -> list[int]:
        return karpenter.launches(pending, self._types)

    def _more_pending(self) -> None:
        now = self._clock.now
        self._window = (self._window[0] if self._window else now, now)
        self._clock.call_at(self._batch_ends_ns(), Rank.CONTROL, self._provision, ORDER + 1)

    def _batch_ends_ns(self) -> int:
        assert self._window is not None
        first_ns, last_ns = self._window
        return min(last_ns + to_ns(self._terms.batch_idle_s), first_ns + to_ns(self._terms.batch_max_s))

    def _provision(self) -> None:
        if self._window is not None and self._clock.now >= self._batch_ends_ns():
            self._window = None
            self._launch_for_pending()

    def _uncovered(self, zone: int) -> int:
        """A node that replaces others is for what stands there."""
        kept = 0
        for number, replaced in self._replaces.items():
            launched = self._nodes[number]
            if launched.zone == zone:
                standing = sum(len(node.tenants) for node in replaced if node.zone == zone)
                kept += min(standing, launched.type.replicas)
        return super()._uncovered(zone) + kept

    def _changed(self) -> None:
        if self._terms.consolidation != "never":
            self._look_at(self._next(self._poll_ns))

    def _look(self) -> None:
        now, after_ns = self._clock.now, to_ns(self._terms.consolidate_after_s)
        views = self._views()
        quiet = [v if v.quiet_since_ns + after_ns <= now else v._replace(quiet_since_ns=-1) for v in views]
        under_way = sum(node.cordoned for node in self._nodes.values())
        may = karpenter.allowed(len(views) + under_way, self._terms.budget) - under_way
        merger = None
        if self._terms.consolidation == "when_empty_or_underutilised":
            merger = karpenter.merge(quiet, self._types, may)
        if merger is not None and self._replace(merger.numbers, merger.replacement, merger.zone):
            may = 0
        for number, replacement in karpenter.consolidate(
            quiet, self._types, may, self._terms.consolidation == "when_empty"
        ):  # fmt: skip
            self._replace((number,), replacement, self._nodes[number].zone)
        waits = [v.quiet_since_ns + after_ns for v in views if v.quiet_since_ns + after_ns > now]
        if waits:
            self._look_at(self._next(self._poll_ns, min(waits)))

    def _replace(self, numbers: Sequence[int], kind: int | None, zone: int) -> bool:
        """Nodes go: now, or once one of another type has booted in a zone; False where that one cannot be had, and all
        stay, as upstream gives up then.
        """
        if kind is not None and not self._stock.has(zone):
            return False
        nodes = tuple(self._nodes[number] for number in numbers)
        for node in nodes:
            node.cordoned = True
        if kind is not None:
            self._replaces[self._launch(self._types[kind], zone).number] = nodes
            return True
        for node in nodes:
            self._empty(node)
        return True

    def _booted(self, node: Node) -> None:
        super()._booted(node)
        for other in self._replaces.pop(node.number, ()):
            if not other.gone:
                self._empty(other)

    def _cancel(self, node: Node) -> None:
        super()._cancel(node)
        self._keep(node)

    def _release(self, node: Node) -> int:
        billed_ns = super()._release(node)
        self._keep(node)
        if self._window is None and any(self._uncovered(zone) > 0 for zone in range(len(self._zones))):
            self._more_pending()  # who waits asks anew: upstream every 10 s until there is a node (PodController)
        return billed_ns

    def _keep(self, node: Node) -> None:
        """A node is gone: those that were to go once it had booted stay, and take in who waits."""
        staying = [other for other in self._replaces.pop(node.number, ()) if not other.closing]
        for other in staying:
            other.cordoned = False
        if staying:
            self._bind_pending()
            self._changed()


def machines_of(
    clock: Clock, plant: Plant, name: str, tenants: Tenants, event: Event, key: Key, zones: Sequence[str],
    numbers: Iterator[int],
) -> Machines:  # fmt: skip
    """The machines of a fleet as its plant has them; see `Machines`."""
    kinds = {"own": Machines, "cluster_autoscaler": ClusterAutoscalerMachines, "karpenter": KarpenterMachines}
    return kinds[plant.nodes.kind](clock, plant, name, tenants, event, key, zones, numbers)
