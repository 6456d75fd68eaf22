"""Nodes with room for several replicas: pending replicas wait for room, and an autoscaler of nodes makes it."""

from collections.abc import Iterator, Sequence

from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.fleet.chance import Key
from sim.fleet.cluster_autoscaler import NodeView
from sim.fleet.machines import Machines, Tenants
from sim.fleet.nodes import NodeType, SharedNodes
from sim.fleet.plant import Plant
from sim.fleet.replica import Replica
from sim.fleet.stock import ORDER, Event, Node


class SharedMachines(Machines):
    """Replicas are bound to the node of their zone with the largest share of its places free, as kube-scheduler's
    default (LeastAllocated) does, the older of two.
    """

    def __init__(
        self, clock: Clock, plant: Plant, name: str, tenants: Tenants, event: Event, key: Key, zones: Sequence[str],
        numbers: Iterator[int],
    ) -> None:  # fmt: skip
        """See `Machines`."""
        super().__init__(clock, plant, name, tenants, event, key, zones, numbers)
        assert isinstance(plant.nodes, SharedNodes)
        self._types = plant.nodes.choice(plant.machine)
        self._pending: list[Replica] = []
        self._look_ns: int | None = None

    # --- what a fleet asks

    def begin(self, replica: Replica, more: int) -> bool:
        """See `Machines.begin`."""
        self._open()
        if self._host(replica.zone) is None:
            if not self._stock.has(replica.zone):
                return False
            kind = self._types[self._launches(1 + more // len(self._zones))[0]]
            self._ready_now(self._node(kind, replica.zone, None))
        self._bind(replica)
        self._changed()
        return True

    def place(self, replica: Replica) -> None:
        """See `Machines.place`."""
        self._open()
        if not self._try(replica):
            self._pending.append(replica)
            self._more_pending()

    def leave(self, replica: Replica) -> int:
        """See `Machines.leave`: a node is billed whoever is on it, and nothing for a replica."""
        node = self._home.pop(replica, None)
        if node is None:
            self._pending.remove(replica)
            self._give_up_waiting(replica.zone)
            return 0
        node.tenants.remove(replica)
        node.quiet_since_ns = self._clock.now
        if node.closing and not node.tenants:
            self._release(node)
        self._bind_pending()
        self._changed()
        return 0

    # --- room for replicas

    def _host(self, zone: int) -> Node | None:
        hosts = [n for n in self._nodes.values() if self._takes(n) and n.zone == zone]
        return min(hosts, key=lambda n: (len(n.tenants) / n.type.replicas, n.number), default=None)

    def _takes(self, node: Node) -> bool:
        return node.ready_ns >= 0 and not node.cordoned and len(node.tenants) < node.type.replicas

    def _bind(self, replica: Replica) -> Node:
        node = self._host(replica.zone)
        assert node is not None
        node.tenants.append(replica)
        node.quiet_since_ns = self._clock.now
        self._home[replica] = node
        return node

    def _try(self, replica: Replica) -> bool:
        """Bind a replica where there is room."""
        if self._host(replica.zone) is None:
            return False
        node = self._bind(replica)
        pulled, node.pulled = node.pulled, True
        self._tenants.placed(replica, pulled)
        self._changed()
        return True

    def _bind_pending(self) -> None:
        for replica in list(self._pending):
            if replica in self._pending and self._host(replica.zone) is not None:
                self._pending.remove(replica)
                self._try(replica)

    def _give_up_waiting(self, zone: int) -> None:
        """Nodes that wait for stock or quota and that nobody needs any more are not asked for any more."""
        for node in [n for n in reversed(self._nodes.values()) if n.zone == zone and n.granted_ns < 0]:
            if self._uncovered(zone) + node.type.replicas <= 0:
                self._cancel(node)

    def _uncovered(self, zone: int) -> int:
        """Pending replicas of a zone less the room of nodes on their way to it."""
        coming = sum(n.type.replicas for n in self._nodes.values() if n.zone == zone and n.ready_ns < 0)
        return sum(replica.zone == zone for replica in self._pending) - coming

    def _look_elsewhere(self, zone: int) -> None:
        for replica in [replica for replica in self._pending if replica.zone == zone]:
            self._tenants.lose(replica, "zone")

    # --- nodes

    def _launches(self, pending: int) -> list[int]:
        """Places in the types of the nodes that so many replicas of a zone need."""
        raise NotImplementedError

    def _more_pending(self) -> None:
        """A replica has become pending."""
        raise NotImplementedError

    def _changed(self) -> None:
        """Something about nodes or what is on them has changed."""
        raise NotImplementedError

    def _launch_for_pending(self) -> int:
        """Ask for the nodes that pending replicas need beyond those on their way; how many."""
        asked = 0
        for zone in range(len(self._zones)):
            uncovered = self._uncovered(zone)
            for kind in self._launches(uncovered) if uncovered > 0 else ():
                self._launch(self._types[kind], zone)
                asked += 1
        return asked

    def _launch(self, kind: NodeType, zone: int) -> Node:
        node = self._node(kind, zone, None)
        self._event("node_requested", node.label, node.tariff.sku, 0.0, float(kind.replicas))
        self._stock.ask(node)
        return node

    def _booted(self, node: Node) -> None:
        self._event("node_ready", node.label, "", 0.0, 1.0)
        self._bind_pending()
        self._changed()

    def _release(self, node: Node) -> int:
        billed_ns = super()._release(node)
        lived_ns = self._clock.now - node.granted_ns
        self._event("node_released", node.label, "", lived_ns * 1e-9, billed_ns * 1e-9)
        self._changed()
        return billed_ns

    def _views(self) -> list[NodeView]:
        """Nodes that are ready and stay, in order of number."""
        return [
            NodeView(
                n.number, n.zone, len(n.tenants), n.type.replicas, n.tariff.price_usd_per_h, n.quiet_since_ns,
                n.tariff.spot, n.type.name,
            )
            for _, n in sorted(self._nodes.items()) if n.ready_ns >= 0 and not n.cordoned
        ]  # fmt: skip

    def _look_at(self, at_ns: int) -> None:
        """Look at the cluster then, unless a look before it is due already: nothing is seen by looking when nothing has
        changed and no time is up, so that those looks are left out.
        """
        if self._look_ns is None or at_ns < self._look_ns:
            self._look_ns = at_ns
            self._clock.call_at(at_ns, Rank.CONTROL, lambda: self._look_if(at_ns), ORDER)

    def _look_if(self, at_ns: int) -> None:
        if self._look_ns == at_ns:
            self._look_ns = None
            self._look()

    def _look(self) -> None:
        raise NotImplementedError

    def _next(self, period_ns: int, not_before_ns: int = 0) -> int:
        """The next look after now, and not before that: looks are whole periods after the start."""
        return -(-max(self._clock.now + 1, not_before_ns) // period_ns) * period_ns
